"""The rules of `claims.yaml`, read and refused; every verdict reached by a constructed contrast; their properties."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from symmetry_constrained.verdicts import claims
from symmetry_constrained.verdicts.contrasts import Contrast, of_pairs
from symmetry_constrained.verdicts.rules import Rule, boundary, needed, verdict
from symmetry_constrained.verdicts.table import CLAIM_COLUMNS, claim_row

RESOURCE = Path(__file__).parents[2] / "workflow/resources/claims.yaml"
DECIDED = {
    "published contrast": {"replicated", "replicated, smaller", "replicated, larger", "absent", "reversed"},
    "new test": {"supported", "not supported"},
    "mathematical": {"proved", "refuted"},
}
HOLDS = ("replicated", "replicated, smaller", "replicated, larger", "supported", "proved")
FAILS = ("absent", "reversed", "not supported", "refuted")


def rule(kind="new test", direction="above", of="networks", **changes):
    margin = 1.1 if of in ("images", "cost") else 0.02
    given = {"left": {"value": "test_accuracy"}, "right": {"value": "inverted_accuracy"}} | changes
    return Rule("C0", "a title", "2.2", "a contrast", kind, of, direction, given.pop("margin", margin), **given)


PUBLISHED, NEW = rule("published contrast"), rule()
AT_LEAST, NEW_AT_LEAST = rule("published contrast", "at least"), rule(direction="at least")
AT_MOST = rule(direction="at most", margin=0.1)
RATIO, RATIO_AT_LEAST = rule(of="cost"), rule(of="cost", direction="at least")
RATIO_AT_MOST = rule(of="images", direction="at most", margin=2.0)
ZERO = rule("mathematical", "zero", margin=1e-9)
RULES = [PUBLISHED, NEW, AT_LEAST, NEW_AT_LEAST, AT_MOST, RATIO, RATIO_AT_LEAST, RATIO_AT_MOST]


def found(low, high, low90=None, high90=None, effect=None, prediction=(-9, 9), n=20):
    """A contrast with this interval; its 90 % one is as wide unless given."""
    effect = (low + high) / 2 if effect is None else effect
    low90, high90 = low if low90 is None else low90, high if high90 is None else high90
    return Contrast(effect, low, high, low90, high90, *prediction, n=n)


# Verdicts.


JUDGED = [
    (PUBLISHED, found(0.1, 0.3), np.nan, "replicated"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.3, "replicated"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.0, "replicated"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.5, "replicated, smaller"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), -0.1, "replicated, larger"),
    # The near end beyond the margin, not on it.
    (PUBLISHED, found(0.02, 0.3), 0.1, "inconclusive"),
    (PUBLISHED, found(0.0201, 0.3), 0.1, "replicated"),
    (PUBLISHED, found(-0.03, 0.03, -0.019, 0.019), 0.1, "absent"),
    (PUBLISHED, found(-0.03, 0.03, -0.02, 0.019), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.03, 0.03, -0.019, 0.02), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.3, -0.021), 0.1, "reversed"),
    (PUBLISHED, found(-0.3, -0.02), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.3, 0.3), 0.1, "inconclusive"),
    (AT_LEAST, found(-0.019, 0.3), 0.1, "replicated"),
    (AT_LEAST, found(-0.019, 0.01, prediction=(-0.1, 0.1)), -0.2, "replicated, larger"),
    (AT_LEAST, found(-0.02, 0.3), 0.1, "inconclusive"),
    (AT_LEAST, found(-0.3, -0.021), 0.1, "reversed"),
    (AT_LEAST, found(-0.3, -0.019, -0.3, -0.019), 0.1, "inconclusive"),
    (NEW, found(0.021, 0.3), np.nan, "supported"),
    (NEW, found(0.01, 0.3), np.nan, "inconclusive"),
    (NEW, found(-0.3, 0.019), np.nan, "not supported"),
    (NEW_AT_LEAST, found(-0.019, 0.3), np.nan, "supported"),
    (NEW_AT_LEAST, found(-0.03, 0.3), np.nan, "inconclusive"),
    (NEW_AT_LEAST, found(-0.3, -0.021), np.nan, "not supported"),
    (AT_MOST, found(0.0, 0.1), np.nan, "supported"),
    (AT_MOST, found(0.0, 0.11), np.nan, "inconclusive"),
    (AT_MOST, found(0.11, 0.12), np.nan, "not supported"),
    (RATIO, found(1.11, 2.0), np.nan, "supported"),
    (RATIO, found(1.11, np.inf, effect=np.inf), np.nan, "supported"),
    (RATIO, found(1.0, 2.0), np.nan, "inconclusive"),
    (RATIO, found(0.0, 1.09), np.nan, "not supported"),
    (RATIO_AT_LEAST, found(0.91, 2.0), np.nan, "supported"),
    (RATIO_AT_LEAST, found(0.90, 2.0), np.nan, "inconclusive"),
    (RATIO_AT_LEAST, found(0.0, 0.9), np.nan, "not supported"),
    (RATIO_AT_MOST, found(1.0, 2.0), np.nan, "supported"),
    (RATIO_AT_MOST, found(1.0, np.inf, effect=np.inf), np.nan, "inconclusive"),
    (RATIO_AT_MOST, found(2.1, np.inf, effect=np.inf), np.nan, "not supported"),
    (ZERO, Contrast(0.0, n=7), np.nan, "proved"),
    (ZERO, Contrast(1e-9, n=7), np.nan, "proved"),
    (ZERO, Contrast(1.1e-9, n=7), np.nan, "refuted"),
    (ZERO, Contrast(np.nan, n=7), np.nan, "refuted"),
]


@pytest.mark.parametrize(("rule_", "contrast", "published", "expected"), JUDGED)
def test_the_verdict_of_constructed_contrasts(rule_, contrast, published, expected):
    assert verdict(rule_, contrast, published) == expected


def test_the_table_above_reaches_every_verdict():
    assert (
        {case[-1] for case in JUDGED} == {"inconclusive", *HOLDS, *FAILS} == {"inconclusive"}.union(*DECIDED.values())
    )
    for case in JUDGED:
        assert case[-1] in DECIDED[case[0].kind] | {"inconclusive"}


@pytest.mark.parametrize("rule_", [*RULES, ZERO])
def test_what_was_not_run_is_inconclusive(rule_):
    assert verdict(rule_, Contrast(np.nan)) == "inconclusive"
    assert verdict(rule_, of_pairs(pd.Series(dtype=float))) == "inconclusive"


@pytest.mark.parametrize("rule_", RULES)
def test_one_pair_decides_nothing(rule_):
    for effect in (-5.0, 0.5, 5.0, np.inf):
        assert verdict(rule_, Contrast(effect, n=1), 0.1) == "inconclusive"
        assert np.isnan(needed(rule_, Contrast(effect, n=1)))


def contrasts_(low=-0.2, high=0.2):
    """Effects with intervals around them, the 90 % one the narrower."""

    def build(effect, below, above, narrow, prediction):
        ends = (effect - below, effect + above, effect - narrow * below, effect + narrow * above)
        return Contrast(effect, *ends, effect - prediction, effect + prediction, n=12)

    half = st.floats(0, (high - low) / 4)
    return st.builds(build, st.floats(low, high), half, half, st.floats(0.5, 1), st.floats(0, 0.5))


def moved(contrast, by):
    names = ("effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high")
    return replace(contrast, **{name: getattr(contrast, name) + by for name in names})


@given(st.sampled_from([PUBLISHED, NEW, AT_LEAST, NEW_AT_LEAST, AT_MOST]), contrasts_(), st.floats(0, 0.3))
@settings(max_examples=300, deadline=None)
def test_a_larger_effect_never_makes_a_claim_fail_nor_a_smaller_one_hold(rule_, contrast, by):
    lower, upper = (contrast, moved(contrast, by))
    if rule_.direction == "at most":
        lower, upper = upper, lower
    if verdict(rule_, lower) in HOLDS:
        assert verdict(rule_, upper) in HOLDS
    if verdict(rule_, upper) in ("reversed", "not supported"):
        assert verdict(rule_, lower) in ("reversed", "not supported")


@given(st.sampled_from(RULES), contrasts_(-0.1, 0.1), st.floats(0, 1), st.floats(-0.3, 0.3))
@settings(max_examples=300, deadline=None)
def test_a_narrower_interval_keeps_a_decision(rule_, contrast, share, published):
    if rule_.ratio:
        contrast = moved(contrast, rule_.margin)
    ends = {
        name: contrast.effect + share * (getattr(contrast, name) - contrast.effect)
        for name in ("low", "high", "low90", "high90")
    }
    before, after = verdict(rule_, contrast, published), verdict(rule_, replace(contrast, **ends), published)
    assert after == before or before == "inconclusive"


@given(contrasts_(), st.floats(-0.5, 0.5))
@settings(max_examples=300, deadline=None)
def test_the_kinds_and_directions_agree_with_each_other(contrast, published):
    replicated = verdict(PUBLISHED, contrast, published)
    # The published effect decides which kind of replicated, never whether.
    assert (replicated in HOLDS) == (verdict(NEW, contrast) == "supported") == (verdict(PUBLISHED, contrast) in HOLDS)
    assert (verdict(AT_LEAST, contrast, published) in HOLDS) == (verdict(NEW_AT_LEAST, contrast) == "supported")
    if replicated in HOLDS:
        assert verdict(AT_LEAST, contrast, published) == replicated
    if replicated in FAILS:
        assert verdict(NEW, contrast) in FAILS or contrast.high >= 0.02
    assert (replicated == "reversed") == (verdict(AT_LEAST, contrast, published) == "reversed")
    assert (replicated == "reversed") == (verdict(NEW_AT_LEAST, contrast) == "not supported")


@given(contrasts_())
@settings(max_examples=200, deadline=None)
def test_above_and_reversed_are_mirror_images(contrast):
    mirrored = Contrast(
        -contrast.effect, -contrast.high, -contrast.low, -contrast.high90, -contrast.low90, -9, 9, n=contrast.n
    )
    turned = {"replicated": "reversed", "reversed": "replicated"}
    assume(contrast.low != 0.02)
    own = verdict(PUBLISHED, contrast)
    assert verdict(PUBLISHED, mirrored) == turned.get(own, own)


def test_boundaries():
    assert [boundary(each) for each in RULES] == pytest.approx([0.02, 0.02, -0.02, -0.02, 0.1, 1.1, 1 / 1.1, 2.0])


# How many more pairs.


@pytest.mark.parametrize(
    ("rule_", "contrast", "more"),
    [
        # From 0.05 it is 0.03 to the line and 0.06 to the end: four times as many.
        (NEW, found(-0.01, 0.11, n=10), 30),
        (PUBLISHED, found(-0.01, 0.11, n=10), 30),
        # An effect at 0 is absent when both ends of the 90 % interval are inside ±0.02; they are 0.04 off.
        (PUBLISHED, found(-0.06, 0.06, -0.04, 0.04, n=10), 30),
        (PUBLISHED, found(-0.06, 0.06, -0.02, 0.04, n=10), 30),
        # At 0.01 the farther end decides: 0.04 to come into 0.01, not 0.04 into 0.03.
        (PUBLISHED, found(-0.05, 0.07, -0.03, 0.05, n=10), 150),
        (PUBLISHED, found(-0.17, 0.07, effect=-0.05, n=10), 150),
        (AT_LEAST, found(-0.05, 0.07, effect=0.01, n=10), 30),
        (AT_LEAST, found(-0.12, 0.02, effect=-0.05, n=10), 45),
        (NEW, found(-0.11, 0.11, n=10), 293),
        (AT_MOST, found(0.03, 0.13, n=10), 53),
        # On a logarithmic scale: the end is √2, the line √1.1 or so away.
        (RATIO, found(1.1 / 2, 1.1 * 8, effect=1.1 * 2, n=10), 30),
        (RATIO_AT_MOST, found(0.1, 4.0, effect=1.0, n=10), 30),
        # A little is enough, but not none.
        (NEW, found(0.0199, 0.5, n=10), 1),
    ],
)
def test_pairs_needed_by_hand(rule_, contrast, more):
    assert verdict(rule_, contrast, 0.1) == "inconclusive"
    assert needed(rule_, contrast) == pytest.approx(more, abs=1)


def test_pairs_needed_are_unknown_without_an_end_and_infinite_on_a_line():
    assert needed(NEW, found(-0.1, 0.14, effect=0.02)) == np.inf
    assert needed(PUBLISHED, found(-0.14, 0.1, effect=-0.02)) == np.inf
    assert needed(RATIO, found(1.0, 1.21, effect=1.1)) == np.inf
    assert np.isnan(needed(RATIO, found(0.5, np.inf, effect=np.inf)))
    assert np.isnan(needed(RATIO, found(0.0, 3.0, effect=1.5)))
    assert np.isnan(needed(RATIO, found(0.5, np.inf, effect=1.05)))
    # The end that does not matter may be open.
    assert needed(RATIO, found(1.1 / 2, np.inf, effect=1.1 * 2, n=10)) == pytest.approx(30, abs=1)
    assert np.isnan(needed(NEW, Contrast(np.nan, n=9)))


def spread(n, mean, deviation):
    """n differences of one split with exactly this mean and standard deviation, as normal as n allow."""
    values = stats.norm.ppf((np.arange(n) + 0.5) / n)
    values *= deviation / values.std()
    return pd.Series(mean + values, pd.MultiIndex.from_product([[0], range(n)], names=["split", "seed"]))


CASES = [
    (PUBLISHED, 0.05, 0.2, "replicated"),
    (PUBLISHED, 0.009, 0.05, "absent"),
    (PUBLISHED, -0.004, 0.1, "absent"),
    (PUBLISHED, -0.05, 0.2, "reversed"),
    (AT_LEAST, 0.0, 0.15, "replicated"),
    (AT_LEAST, -0.05, 0.2, "reversed"),
    (NEW, 0.05, 0.2, "supported"),
    (NEW, -0.02, 0.25, "not supported"),
    (AT_MOST, 0.05, 0.4, "supported"),
    (AT_MOST, 0.13, 0.3, "not supported"),
]


@pytest.mark.parametrize(("rule_", "mean", "deviation", "expected"), CASES)
def test_with_so_many_more_pairs_and_the_same_spread_the_verdict_is_decided(rule_, mean, deviation, expected):
    n = 30
    now = of_pairs(spread(n, mean, deviation))
    assert verdict(rule_, now, mean) == "inconclusive"
    more = needed(rule_, now)
    assert 10 < more < 1000
    # The ends come from 2,000 draws of a bootstrap, which leave 3 % of the half-width open, 6 % of the pairs.
    enough, few = n + int(1.15 * more), n + int(0.6 * more)
    assert verdict(rule_, of_pairs(spread(enough, mean, deviation)), mean) == expected
    assert verdict(rule_, of_pairs(spread(few, mean, deviation)), mean) == "inconclusive"


@given(st.sampled_from(RULES), contrasts_(-0.15, 0.15))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_ends_drawn_in_by_the_root_of_so_many_pairs_decide_and_by_that_of_fewer_do_not(rule_, contrast):
    names = ("effect", "low", "high", "low90", "high90")
    values = np.array([getattr(contrast, name) for name in names])  # logarithms of a ratio
    back = np.exp if rule_.ratio else np.asarray

    def with_more(pairs):
        drawn = values[0] + np.sqrt(12 / (12 + pairs)) * (values - values[0])
        return Contrast(**dict(zip(names, back(drawn).tolist(), strict=True)), n=12)

    assume(verdict(rule_, with_more(0)) == "inconclusive")
    more = needed(rule_, with_more(0))
    assert more >= 1 and (np.isinf(more) or more == int(more))
    assume(more < 1e9)
    assert verdict(rule_, with_more(1.0001 * more)) != "inconclusive"
    assert verdict(rule_, with_more(0.9999 * (more - 1))) == "inconclusive"


# Rows.


def test_a_row_has_the_columns_of_the_table_and_names_the_values_of_by():
    rule_ = rule("published contrast", by=("network", "terms"))
    contrast = found(-0.01, 0.11, prediction=(-0.1, 0.2), n=10)
    row = claim_row(rule_, contrast, "where to look", "clean", "digits", 0.07, ("biased", "FLOP"))
    assert list(row) == CLAIM_COLUMNS
    assert row["contrast"] == "a contrast; biased; FLOP"
    assert (row["id"], row["title"], row["section"], row["kind"]) == ("C0", "a title", "2.2", "published contrast")
    assert (row["effect"], row["low"], row["high"], row["n"]) == (contrast.effect, -0.01, 0.11, 10)
    assert (row["prediction_low"], row["prediction_high"], row["published"]) == (-0.1, 0.2, 0.07)
    assert (row["protocol"], row["dataset"], row["evidence"]) == ("clean", "digits", "where to look")
    assert (row["verdict"], row["needed"]) == ("inconclusive", needed(rule_, contrast))
    decided = claim_row(rule_, found(0.1, 0.3), "", "clean", "digits")
    assert decided["verdict"] == "replicated" and np.isnan(decided["needed"])


# claims.yaml.


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
        assert one.margin == usual or one.direction in ("at most", "zero")
        # A tolerance is small, a limit is none of the margins.
        assert one.margin < 0.1 or one.direction != "zero"
        assert one.unit == "ratio" or not one.ratio
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
        (COST, "C0, a contrast: a cost has a left, a right and a currency: evaluations, flop, seconds"),
        (COST | {"currency": "euros"}, "C0, a contrast: a cost has a left"),
        (COST | {"currency": "flop", "right": None}, "C0, a contrast: a cost has a left"),
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
