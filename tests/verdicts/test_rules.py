"""Every verdict reached by a constructed contrast, and properties of the rules."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.contrasts import found, rule
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from symmetry_constrained.verdicts.contrasts import Contrast, of_pairs
from symmetry_constrained.verdicts.rules import OUTCOMES, boundary, needed, verdict

DECIDED = {
    "published contrast": {
        *(
            "replicated",
            "replicated, smaller",
            "replicated, larger",
            "equivalent",
            "reversed",
            "reversed, as published",
        ),
        *(f"not in the paper, {ours}" for ours in ("supported", "not supported", "inconclusive")),
    },
    "new test": {"supported", "not supported"},
    "mathematical": {"theorem, no violation found", "refuted"},
}
HOLDS = ("replicated", "replicated, smaller", "replicated, larger", "supported", "theorem, no violation found")
HOLDS += ("not in the paper, supported",)
FAILS = ("equivalent", "reversed", "reversed, as published", "not supported", "refuted")
FAILS += ("not in the paper, not supported",)
UNDECIDED = ("inconclusive", "not in the paper, inconclusive", "too few networks", "too few units")
UNDECIDED += ("not within the budget",)


PUBLISHED, NEW = rule("published contrast"), rule()
AT_LEAST, NEW_AT_LEAST = rule("published contrast", "at least"), rule(direction="at least")
AT_MOST = rule(direction="at most", margin=0.1)
RATIO, RATIO_AT_LEAST = rule(of="cost"), rule(of="cost", direction="at least")
RATIO_AT_MOST = rule(of="images", direction="at most", margin=2.0)
THEORY = rule(of="theory/orbits")
ZERO = rule("mathematical", "zero", margin=1e-9)
DEFINED = rule(by_construction=True)
RULES = [PUBLISHED, NEW, AT_LEAST, NEW_AT_LEAST, AT_MOST, RATIO, RATIO_AT_LEAST, RATIO_AT_MOST]


JUDGED = [
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.3, "replicated"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.4, "replicated"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0, 0.4)), 0.5, "replicated, smaller"),
    (PUBLISHED, found(0.1, 0.3, prediction=(0.05, 0.4)), 0.04, "replicated, larger"),
    # The near end beyond the margin, not on it.
    (PUBLISHED, found(0.02, 0.3), 0.1, "inconclusive"),
    (PUBLISHED, found(0.0201, 0.3), 0.1, "replicated"),
    (PUBLISHED, found(-0.03, 0.03, -0.019, 0.019), 0.1, "equivalent"),
    (PUBLISHED, found(-0.03, 0.03, -0.02, 0.019), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.03, 0.03, -0.019, 0.02), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.3, -0.021), 0.1, "reversed"),
    (PUBLISHED, found(-0.3, -0.02), 0.1, "inconclusive"),
    (PUBLISHED, found(-0.3, 0.3), 0.1, "inconclusive"),
    # The paper's own effect does not show the claim. C5 on MNIST, "replicated" before; and C6 of square, "reversed".
    (PUBLISHED, found(0.18, 0.39, effect=0.285, prediction=(-0.1, 0.6)), -0.087, "not in the paper, supported"),
    (AT_LEAST, found(-0.205, -0.184, effect=-0.194), -0.193, "reversed, as published"),
    (PUBLISHED, found(0.1, 0.3), 0.02, "not in the paper, supported"),
    (PUBLISHED, found(0.01, 0.3), 0.0, "not in the paper, inconclusive"),
    (PUBLISHED, found(-0.3, 0.019), 0.0, "not in the paper, not supported"),
    (PUBLISHED, found(-0.3, -0.021), 0.0, "not in the paper, not supported"),
    (PUBLISHED, found(-0.3, -0.021), -0.1, "reversed, as published"),
    (AT_LEAST, found(-0.019, 0.3), -0.025, "not in the paper, supported"),
    (AT_LEAST, found(-0.019, 0.3), 0.1, "replicated"),
    (AT_LEAST, found(-0.019, 0.01, prediction=(0, 0.1)), -0.01, "replicated, larger"),
    (AT_LEAST, found(-0.02, 0.3), 0.1, "inconclusive"),
    (AT_LEAST, found(-0.3, -0.021), 0.1, "reversed"),
    (AT_LEAST, found(-0.3, -0.019, -0.3, -0.019), 0.1, "inconclusive"),
    # Without a number of the paper's it is a new test.
    (PUBLISHED, found(0.1, 0.3), np.nan, "supported"),
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
    (RATIO, found(1.11, np.inf, effect=2.0), np.nan, "supported"),
    # A budget that ended is no evidence, "supported" before.
    (RATIO, found(1.11, np.inf, effect=np.inf), np.nan, "not within the budget"),
    (RATIO, found(0.0, 0.9, effect=0.0), np.nan, "not within the budget"),
    (RATIO, found(np.nan, np.nan, effect=np.nan), np.nan, "not within the budget"),
    (rule(of="images"), found(np.nan, np.nan, effect=np.nan), np.nan, "inconclusive"),
    (RATIO, found(1.0, 2.0), np.nan, "inconclusive"),
    (RATIO, found(0.0, 1.09), np.nan, "not supported"),
    (RATIO_AT_LEAST, found(0.91, 2.0), np.nan, "supported"),
    (RATIO_AT_LEAST, found(0.90, 2.0), np.nan, "inconclusive"),
    (RATIO_AT_LEAST, found(0.0, 0.9), np.nan, "not supported"),
    (RATIO_AT_MOST, found(1.0, 2.0), np.nan, "supported"),
    (RATIO_AT_MOST, found(1.0, np.inf, effect=3.0), np.nan, "inconclusive"),
    (RATIO_AT_MOST, found(2.1, np.inf, effect=3.0), np.nan, "not supported"),
    (RATIO_AT_MOST, found(2.1, np.inf, effect=np.inf), np.nan, "not within the budget"),
    # Nothing is decided by few networks, however narrow or wide their interval.
    (PUBLISHED, found(0.1, 0.3, n=19), 0.2, "too few networks"),
    (PUBLISHED, found(0.1, 0.3, n=19), -0.2, "too few networks"),
    (RATIO, found(1.2, 2.0, n=19), np.nan, "too few networks"),
    (rule(of="equal_terms"), found(0.1, 0.3, n=19), np.nan, "too few networks"),
    (THEORY, found(0.1, 0.3, n=10), np.nan, "supported"),
    (THEORY, found(0.1, 0.3, n=9), np.nan, "too few units"),
    (ZERO, Contrast(0.0, n=7), np.nan, "theorem, no violation found"),
    (ZERO, Contrast(1e-9, n=7), np.nan, "theorem, no violation found"),
    (ZERO, Contrast(1.1e-9, n=7), np.nan, "refuted"),
    (ZERO, Contrast(np.nan, n=7), np.nan, "refuted"),
    (DEFINED, found(0.1, 0.3), np.nan, "by construction"),
    (DEFINED, found(-0.3, -0.1), np.nan, "by construction"),
]


@pytest.mark.parametrize(("rule_", "contrast", "published", "expected"), JUDGED)
def test_the_verdict_of_constructed_contrasts(rule_, contrast, published, expected):
    assert verdict(rule_, contrast, published) == expected


def test_the_table_above_reaches_every_verdict():
    reached = {case[-1] for case in JUDGED}
    assert reached == {*UNDECIDED, *HOLDS, *FAILS, "by construction"} == set(OUTCOMES)
    for rule_, _, published, expected in JUDGED:
        kind = "new test" if np.isnan(published) and rule_.kind == "published contrast" else rule_.kind
        assert expected in DECIDED[kind] | {*UNDECIDED, "by construction"}
    for name, outcome in OUTCOMES.items():
        if name != "by construction":
            among = HOLDS if outcome == "holds" else UNDECIDED if outcome == "open" else FAILS
            assert name in among


@pytest.mark.parametrize("rule_", [*RULES, ZERO])
def test_what_was_not_run_is_inconclusive(rule_):
    assert verdict(rule_, Contrast(np.nan)) == "inconclusive"
    assert verdict(rule_, of_pairs(pd.Series(dtype=float))) == "inconclusive"


@pytest.mark.parametrize("rule_", RULES)
def test_one_pair_decides_nothing(rule_):
    for effect in (-5.0, 0.5, 5.0, np.inf):
        assert verdict(rule_, Contrast(effect, n=1), 0.1) == "too few networks"
        assert np.isnan(needed(rule_, Contrast(effect, n=1)))


def contrasts_(low=-0.2, high=0.2):
    """Effects with intervals around them, the 90 % one the narrower."""

    def build(effect, below, above, narrow, prediction):
        ends = (effect - below, effect + above, effect - narrow * below, effect + narrow * above)
        return Contrast(effect, *ends, effect - prediction, effect + prediction, n=20)

    half = st.floats(0, (high - low) / 4)
    return st.builds(build, st.floats(low, high), half, half, st.floats(0.5, 1), st.floats(0, 0.5))


def moved(contrast, by):
    names = ("effect", "low", "high", "low90", "high90", "prediction_low", "prediction_high")
    return replace(contrast, **{name: getattr(contrast, name) + by for name in names})


REVERSED = ("reversed", "reversed, as published", "not supported", "not in the paper, not supported")


@given(
    st.sampled_from([PUBLISHED, NEW, AT_LEAST, NEW_AT_LEAST, AT_MOST]),
    contrasts_(),
    st.floats(0, 0.3),
    st.floats(-0.3, 0.3),
)
def test_a_larger_effect_never_makes_a_claim_fail_nor_a_smaller_one_hold(rule_, contrast, by, published):
    lower, upper = (contrast, moved(contrast, by))
    if rule_.direction == "at most":
        lower, upper = upper, lower
    if verdict(rule_, lower, published) in HOLDS:
        assert verdict(rule_, upper, published) in HOLDS
    if verdict(rule_, upper, published) in REVERSED:
        assert verdict(rule_, lower, published) in REVERSED


@given(st.sampled_from(RULES), contrasts_(-0.1, 0.1), st.floats(0, 1), st.floats(-0.3, 0.3))
def test_a_narrower_interval_keeps_a_decision(rule_, contrast, share, published):
    if rule_.ratio:
        contrast = moved(contrast, rule_.margin)
    ends = {
        name: contrast.effect + share * (getattr(contrast, name) - contrast.effect)
        for name in ("low", "high", "low90", "high90")
    }
    before, after = verdict(rule_, contrast, published), verdict(rule_, replace(contrast, **ends), published)
    assume(before not in UNDECIDED)
    # A narrower interval may also show that what is not supported goes against the claim.
    assert after == before or {before, after} == {"not in the paper, not supported", "reversed, as published"}


@given(contrasts_(), st.floats(-0.5, 0.5))
def test_the_kinds_and_directions_agree_with_each_other(contrast, published):
    replicated = verdict(PUBLISHED, contrast, published)
    # The published effect decides which kind of replicated, or whether the paper shows it; never whether it holds.
    assert (replicated in HOLDS) == (verdict(NEW, contrast) == "supported") == (verdict(PUBLISHED, contrast) in HOLDS)
    assert (verdict(AT_LEAST, contrast, published) in HOLDS) == (verdict(NEW_AT_LEAST, contrast) == "supported")
    assert replicated.startswith("replicated") == (replicated in HOLDS and published > 0.02)
    if replicated.startswith("replicated"):
        assert verdict(AT_LEAST, contrast, published) == replicated
    if replicated in FAILS:
        assert verdict(NEW, contrast) in FAILS or contrast.high >= 0.02
    reversed_ = contrast.high < -0.02
    assert reversed_ == (verdict(NEW_AT_LEAST, contrast) == "not supported")
    assert (replicated == "reversed, as published") == (reversed_ and published < -0.02)
    assert (replicated == "reversed") == (reversed_ and published > 0.02)


@given(contrasts_())
def test_above_and_reversed_are_mirror_images(contrast):
    mirrored = Contrast(
        -contrast.effect, -contrast.high, -contrast.low, -contrast.high90, -contrast.low90, -9, 9, n=contrast.n
    )
    wide = replace(contrast, prediction_low=-9, prediction_high=9)
    turned = {"replicated": "reversed", "reversed": "replicated"}
    assume(contrast.low != 0.02)
    own = verdict(PUBLISHED, wide, 0.1)
    assert verdict(PUBLISHED, mirrored, 0.1) == turned.get(own, own)


def test_boundaries():
    assert [boundary(each) for each in RULES] == pytest.approx([0.02, 0.02, -0.02, -0.02, 0.1, 1.1, 1 / 1.1, 2.0])


# How many more pairs.


@pytest.mark.parametrize(
    ("rule_", "contrast", "more"),
    [
        # From 0.05 it is 0.03 to the line and 0.06 to the end: four times as many.
        (NEW, found(-0.01, 0.11, n=20), 60),
        (PUBLISHED, found(-0.01, 0.11, n=20), 60),
        # An effect at 0 is equivalent when both ends of the 90 % interval are inside ±0.02; they are 0.04 off.
        (PUBLISHED, found(-0.06, 0.06, -0.04, 0.04, n=20), 60),
        (PUBLISHED, found(-0.06, 0.06, -0.02, 0.04, n=20), 60),
        # At 0.01 the farther end decides: 0.04 to come into 0.01, not 0.04 into 0.03.
        (PUBLISHED, found(-0.05, 0.07, -0.03, 0.05, n=20), 300),
        (PUBLISHED, found(-0.17, 0.07, effect=-0.05, n=20), 300),
        (AT_LEAST, found(-0.05, 0.07, effect=0.01, n=20), 60),
        (AT_LEAST, found(-0.12, 0.02, effect=-0.05, n=20), 90),
        (NEW, found(-0.11, 0.11, n=20), 585),
        (AT_MOST, found(0.03, 0.13, n=20), 106),
        # On a logarithmic scale: the end is √2, the line √1.1 or so away.
        (RATIO, found(1.1 / 2, 1.1 * 8, effect=1.1 * 2, n=20), 60),
        (RATIO_AT_MOST, found(0.1, 4.0, effect=1.0, n=20), 60),
        # A little is enough, but not none.
        (NEW, found(0.0199, 0.5, n=20), 2),
    ],
)
def test_pairs_needed_by_hand(rule_, contrast, more):
    assert verdict(rule_, contrast, 0.1) == "inconclusive"
    assert needed(rule_, contrast, 0.1) == pytest.approx(more, abs=1)


def test_pairs_needed_of_what_the_paper_does_not_show_are_those_of_a_new_test():
    contrast = found(-0.06, 0.06, n=20)
    assert verdict(PUBLISHED, contrast, 0.0) == "not in the paper, inconclusive"
    assert needed(PUBLISHED, contrast, 0.0) == needed(NEW, contrast) == 160


def test_pairs_needed_are_unknown_without_an_end_and_infinite_on_a_line():
    assert needed(NEW, found(-0.1, 0.14, effect=0.02)) == np.inf
    assert needed(PUBLISHED, found(-0.14, 0.1, effect=-0.02), 0.1) == np.inf
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
    (PUBLISHED, 0.009, 0.05, "equivalent"),
    (PUBLISHED, -0.004, 0.1, "equivalent"),
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
    published = 0.05  # within what one more pair can be
    assert verdict(rule_, now, published) == "inconclusive"
    more = needed(rule_, now, published)
    assert 10 < more < 1000
    # With more pairs Student's t falls a little too.
    enough, few = n + int(1.15 * more), n + int(0.6 * more)
    assert verdict(rule_, of_pairs(spread(enough, mean, deviation)), published) == expected
    assert verdict(rule_, of_pairs(spread(few, mean, deviation)), published) == "inconclusive"


@given(st.sampled_from(RULES), contrasts_(-0.15, 0.15))
def test_ends_drawn_in_by_the_root_of_so_many_pairs_decide_and_by_that_of_fewer_do_not(rule_, contrast):
    names = ("effect", "low", "high", "low90", "high90")
    values = np.array([getattr(contrast, name) for name in names])  # logarithms of a ratio
    back = np.exp if rule_.ratio else np.asarray

    def with_more(pairs):
        drawn = values[0] + np.sqrt(20 / (20 + pairs)) * (values - values[0])
        return Contrast(**dict(zip(names, back(drawn).tolist(), strict=True)), n=20)

    assume(verdict(rule_, with_more(0), 0.1) == "inconclusive")
    more = needed(rule_, with_more(0), 0.1)
    assert more >= 1 and (np.isinf(more) or more == int(more))
    assume(more < 1e9)
    assert verdict(rule_, with_more(1.0001 * more), 0.1) != "inconclusive"
    assert verdict(rule_, with_more(0.9999 * (more - 1)), 0.1) == "inconclusive"
