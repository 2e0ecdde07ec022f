"""Does the paper's leak matter? Its contrasts on digits with the leak and without it, at equal splits and seeds.

Under the published protocol, shifted copies of one image are in training and test alike. A dataset without shifted
copies has no such leak, so nothing is compared on it.
"""

import pandas as pd

from symmetry_constrained.verdicts import contrasts
from symmetry_constrained.verdicts.contrasts import Contrast
from symmetry_constrained.verdicts.judgement import groups, possible_differences
from symmetry_constrained.verdicts.rules import FEWEST_NETWORKS, Rule
from symmetry_constrained.verdicts.run_tables import Tables
from symmetry_constrained.verdicts.settings import Setting, without_leak

COLUMNS = ["id", "contrast", "setting", "without", "dataset", "margin", "effect", "effect_without", "change"]
COLUMNS += ["low", "high", "low90", "high90", "n", "verdict"]


def leak(rules: list[Rule], tables: Tables) -> pd.DataFrame:
    """`leak.csv`: a row per published contrast, pair of settings that differ in the leak alone, and value of `by`.

    effect, effect_without: means over the networks whose split and seed are in both settings, so that they share their
    initial weights. change: the mean of their paired differences, with its intervals. verdict: `equivalent` if the
    90 % interval lies within the margin, `changes` if the 95 % interval lies beyond it, else `inconclusive`.
    """
    rows = []
    for rule in rules:
        for pair in without_leak(tables.settings):
            if rule.kind == "published contrast" and all(setting.meets(rule.settings) for setting in pair):
                rows += _rows(rule, tables, *pair)
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(rule: Rule, tables: Tables, leaking: Setting, clean: Setting) -> list[dict[str, object]]:
    without = dict(groups(rule, tables.cells[clean.name]))
    least, most = possible_differences(rule)
    rows = []
    for at, differences in groups(rule, tables.cells[leaking.name]):
        both = differences.index.intersection(without[at].index).sort_values() if at in without else []
        if not len(both):
            continue
        own, other = differences.loc[both], without[at].loc[both]
        contrast = contrasts.of_pairs(own - other, (least - most, most - least))
        rows.append(
            {
                "id": rule.id,
                "contrast": rule.name + "".join(f"; {value}" for value in at),
                "setting": leaking.name,
                "without": clean.name,
                "dataset": leaking.dataset,
                "margin": rule.margin,
                "effect": own.mean(),
                "effect_without": other.mean(),
                "change": contrast.effect,
                **{name: getattr(contrast, name) for name in ("low", "high", "low90", "high90", "n")},
                "verdict": _verdict(contrast, rule.margin),
            }
        )
    return rows


def _verdict(contrast: Contrast, margin: float) -> str:
    if contrast.n < FEWEST_NETWORKS:
        return "too few networks"
    if max(abs(contrast.low90), abs(contrast.high90)) < margin:
        return "equivalent"
    return "changes" if contrast.low > margin or contrast.high < -margin else "inconclusive"
