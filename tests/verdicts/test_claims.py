"""The claims of `claims.yaml`, read and refused."""

from pathlib import Path

import pytest
import yaml

from symmetry_constrained.verdicts import claims

RESOURCE = Path(__file__).parents[2] / "workflow/resources/claims.yaml"


def test_the_claims_of_the_workflow_are_read_in_order_each_with_its_contrasts():
    stated, rules = claims.read(RESOURCE)
    document = yaml.safe_load(RESOURCE.read_text(encoding="utf-8"))
    assert [claim.id for claim in stated] == [claim["id"] for claim in document["claims"]]
    assert [(one.id, one.name) for one in rules] == [
        (claim["id"], contrast["name"]) for claim in document["claims"] for contrast in claim["contrasts"]
    ]
    assert {one.id for one in rules} == {claim.id for claim in stated}
    for claim in stated:
        assert claim.title and claim.section
        assert claim.statement.endswith(".") and "\n" not in claim.statement
    for one in rules:
        assert one.kind in claims.KINDS and one.direction in claims.DIRECTIONS
        usual = document["factor" if one.ratio else "margin"]
        # Another margin is of other units.
        assert one.margin == usual or one.direction in ("at most", "zero") or one.unit not in ("accuracy", "ratio")
        # A tolerance is small, a limit is none of the margins.
        assert one.margin < 0.1 or one.direction != "zero" or one.unit == "standard errors"
        assert one.unit == "ratio" or not one.ratio
    # The first contrast of each claim is a headline, and others may be.
    heads = {one.id: [other.name for other in rules if other.id == one.id and other.headline] for one in rules}
    assert all(names[0] == next(one.name for one in rules if one.id == id_) for id_, names in heads.items())
    assert (len(heads["C6"]), len(heads["C16"]), len(heads["C8"])) == (3, 2, 1)
    # What the paper measured, what it did not, and theorems.
    assert {one.kind for one in rules} == set(claims.KINDS)


def document(**changes):
    """A small `claims.yaml`, its only contrast changed; a value of None takes a key away."""
    contrast = {
        "name": "a contrast",
        "kind": "new test",
        "of": "networks",
        "left": {"value": "test_accuracy"},
        "right": {"value": "inverted_accuracy"},
        "direction": "above",
    } | changes
    contrast = {key: value for key, value in contrast.items() if value is not None}
    claim = {"id": "C0", "title": "a title", "section": 2.2, "statement": "Some\n  thing.", "contrasts": [contrast]}
    return {"margin": 0.02, "factor": 1.1, "claims": [claim]}


def read(folder, values):
    path = folder / "claims.yaml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return claims.read(path)


def test_margins_limits_tolerances_and_units(tmp_path):
    def one(**changes):
        stated, rules = read(tmp_path, document(**changes))
        assert (stated[0].statement, stated[0].section) == ("Some thing.", "2.2")
        (rule_,) = rules
        return rule_.margin, rule_.unit, rule_.ratio

    assert one() == (0.02, "accuracy", False)
    assert one(margin=0.05) == (0.05, "accuracy", False)
    assert one(of="images", margin=1.5, left=None, right=None) == (1.5, "ratio", True)
    assert one(direction="at least", unit="bits") == (0.02, "bits", False)
    assert one(direction="at most", limit=0.5) == (0.5, "accuracy", False)
    assert one(of="images", left=None, right=None) == (1.1, "ratio", True)
    assert one(of="images", direction="at most", limit=2, left=None, right=None) == (2.0, "ratio", True)
    cost = {"of": "cost", "currency": "flop", "left": {"features": "square"}, "right": {"features": "identity"}}
    assert one(**cost) == (1.1, "ratio", True)
    zero = {"kind": "mathematical", "direction": "zero", "right": None}
    assert one(**zero) == (1e-9, "largest violation", False)
    assert one(**zero, tolerance="1e-3", unit="loss") == (1e-3, "loss", False)
    assert one(left={"constant": 0.5}, by=["network"]) == (0.02, "accuracy", False)
    rule_ = read(tmp_path, document(by=["network", "terms"], where={"fraction": 1.0}))[1][0]
    assert (rule_.by, rule_.where) == (("network", "terms"), {"fraction": 1.0})


def test_a_claim_and_its_contrasts_say_to_which_settings_they_apply(tmp_path):
    def one(of_claim, of_contrast, **changes):
        values = document(**changes)
        values["claims"][0]["settings"] = of_claim
        values["claims"][0]["contrasts"][0] |= {"settings": of_contrast}
        return read(tmp_path, values)[1][0].settings

    assert one({}, {}) == {}
    assert one({"activation": "tanh"}, {"dataset": ["digits", "mnist"]}) == {
        "activation": ["tanh"],
        "dataset": ["digits", "mnist"],
    }
    # The contrast's own condition replaces its claim's.
    assert one({"hidden_layers": "10-5"}, {"hidden_layers": ["20-10"]}) == {"hidden_layers": ["20-10"]}
    # A table of an experiment on theory has no settings.
    assert one({"activation": "tanh"}, {}, of="theory/minima") == {}


COST = {"of": "cost", "left": {"features": "square"}, "right": {"features": "identity"}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "hunch"}, "C0, a contrast: kind is 'hunch'; it must be one of published contrast, new test, math"),
        ({"direction": "below"}, "C0, a contrast: direction is 'below'; it must be one of above, at least, at most"),
        ({"direction": None}, "C0, a contrast: direction is None"),
        ({"of": "netwroks"}, "C0, a contrast: of is 'netwroks'; it must be one of networks,"),
        ({"of": None}, "C0, a contrast: of is None"),
        ({"sides": 3}, "C0, a contrast: sides is unknown"),
        ({"by": "network"}, "C0, a contrast: by must be a list of columns"),
        ({"by_construction": "yes"}, "C0, a contrast: by_construction must be true or false"),
        ({"headline": "first"}, "C0, a contrast: headline must be true or false"),
        ({"by_construction": True}, "C0: a headline holds by construction; the first contrast is one"),
        ({"distinct": "terms, {terms}"}, "C0, a contrast: distinct names 'terms', which is not in by"),
        ({"direction": "at most"}, "C0, a contrast: None is not a number; at most needs a limit"),
        ({"direction": "at most", "limit": "two"}, "C0, a contrast: 'two' is not a number"),
        ({"direction": "at most", "limit": 1, "margin": 0.1}, "C0, a contrast: at most has a limit and no margin"),
        ({"margin": 0}, "C0, a contrast: a margin is above 0"),
        ({"of": "images", "left": None, "right": None, "margin": 0.5}, "that of a ratio, a factor, above 1"),
        ({"direction": "zero", "right": None}, "C0, a contrast: a mathematical contrast, and no other, has the direc"),
        ({"kind": "mathematical"}, "C0, a contrast: a mathematical contrast"),
        ({"kind": "mathematical", "direction": "zero", "left": None, "right": None}, "left and right each have"),
        ({"kind": "published contrast", "direction": "at most", "limit": 1}, "a published contrast is of networks"),
        ({"kind": "published contrast", "of": "images"}, "C0, a contrast: a published contrast is of networks"),
        (COST, "C0, a contrast: cost has a left, a right and a currency: evaluations, flop, seconds"),
        (COST | {"currency": "euros"}, "C0, a contrast: cost has a left"),
        (COST | {"currency": "flop", "right": None}, "C0, a contrast: cost has a left"),
        (
            COST | {"of": "convergence", "currency": "flop"},
            "convergence has a left, a right and a currency: iterations, ev",
        ),
        ({"settings": {"colour": "red"}}, "C0, a contrast: settings: colour is unknown; there are dataset, protocol, "),
        ({"right": None}, "C0, a contrast: left and right each have a value"),
        ({"left": {"features": "square"}}, "C0, a contrast: left and right each have a value"),
        ({"left": {"constant": 1}, "right": {"constant": 0}}, "C0, a contrast: left and right each have a value"),
        ({"name": None}, "C0: .*name.*: every claim has an id"),
    ],
)
def test_a_contrast_that_says_too_little_or_too_much_is_refused(tmp_path, changes, says):
    with pytest.raises(ValueError, match=says) as caught:
        read(tmp_path, document(**changes))
    assert "\n" not in str(caught.value)


def broken():
    """(a whole document, what is said of it)"""
    for key in ("title", "section", "statement", "contrasts"):
        values = document()
        del values["claims"][0][key]
        yield pytest.param(values, f"C0: '{key}': every claim has an id", id=f"no {key}")
    values = document()
    del values["claims"][0]["id"]
    yield pytest.param(values, "'id': every claim has an id", id="no id")
    yield pytest.param(document() | {"claims": None}, "every claim has an id", id="no claims")
    values = document()
    del values["margin"]
    yield pytest.param(values, "'margin': every claim", id="no margin")
    values = document()
    values["claims"][0]["statement"] = 3
    yield pytest.param(values, "C0: .*every claim", id="a number for a statement")
    values = document()
    values["claims"][0]["contrasts"] = ["above"]
    yield pytest.param(values, "C0: .*every claim", id="a word for a contrast")
    values = document()
    values["claims"][0]["contrasts"] = []
    yield pytest.param(values, "C0: there is no contrast to judge it by", id="no contrast")
    values = document()
    values["claims"] *= 2
    yield pytest.param(values, "the claim C0 is there twice", id="a claim twice")
    values = document()
    values["claims"][0]["contrasts"] *= 2
    yield pytest.param(values, "the contrast .*'a contrast'.* is there twice", id="a contrast twice")
    yield pytest.param("", "every claim has an id", id="an empty file")
    yield pytest.param("claims: [", "every claim has an id", id="no YAML")
    yield pytest.param("claims", "every claim has an id", id="a word")


@pytest.mark.parametrize(("values", "says"), list(broken()))
def test_a_broken_file_is_refused_in_one_line(tmp_path, values, says):
    with pytest.raises(ValueError, match=says) as caught:
        read(tmp_path, values)
    assert "\n" not in str(caught.value)
