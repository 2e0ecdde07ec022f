"""The paper's numbers: the rerun of each from its own seeds (verdict A) and its rank among many draws (verdict B).

A published number is one network on one split, so it is compared with single draws, never with a mean's interval.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from symmetry_constrained import paper
from symmetry_constrained.analysis import statistics
from symmetry_constrained.analysis.columns import at_largest_fraction

PAPER_KEYS = ["dataset", "network", "features", "training_set"]  # what the paper says of a number's network
TABLES = {"1": "table1", "2": "table2", "talk": "talk"}  # in the paper, and in the author's later talk


def whole(networks: pd.DataFrame) -> pd.DataFrame:
    """Rows of `networks.csv` at each study's largest fraction. Networks whose training overflowed are left out."""
    networks = at_largest_fraction(networks)
    return networks[networks["status"] != "non_finite"] if "status" in networks else networks


def of_the_paper(networks: pd.DataFrame, study: str) -> pd.DataFrame:
    """Rows of `whole` that published numbers are compared with: those of the study and the paper's layers."""
    networks = whole(networks)
    return networks[(networks["study"] == study) & (networks["hidden_layers"] == paper.HYPHENATED)]


def read(path: Path) -> pd.DataFrame:
    """`published.csv`: a row per published number; numbers of one network share an `id`."""
    return pd.read_csv(path, dtype={"table": str})


def judge(
    numbers: pd.DataFrame,
    reruns: dict[str, pd.DataFrame],
    perturbed: dict[str, pd.DataFrame],
    draws: pd.DataFrame,
    needed: int,
) -> pd.DataFrame:
    """One row per published number: its reruns, its rank among the draws, both verdicts.

    reruns, perturbed: by the id of the network. draws: `networks.csv` rows to compare the numbers with. needed: with
    fewer perturbed networks, a number is never called "not reproduced".
    """
    rows = []
    for _, row in numbers.iterrows():
        again, chaos = reruns[row["id"]], perturbed[row["id"]]
        cell = draws[(draws[PAPER_KEYS] == row[PAPER_KEYS]).all(axis=1)]
        accuracy = cell[column(row["test_set"])].to_numpy()
        rank = statistics.place(row["published"], accuracy, row["decimals"])
        side = test_set(row["test_set"])
        values = again.set_index(["solver", "budget"])[side]
        rows.append(
            row[["id", "table", *PAPER_KEYS, "test_set", "published"]].to_dict()
            | {
                "rerun_scikit_learn": values.get(("scikit-learn", "evaluations"), np.nan),
                "rerun_ours": values.get(("ours", "evaluations"), np.nan),
                "rerun_scikit_learn_iterations": values.get(("scikit-learn", "iterations"), np.nan),
                "rerun_ours_iterations": values.get(("ours", "iterations"), np.nan),
                "perturbed_low": chaos[side].min() if len(chaos) else np.nan,
                "perturbed_high": chaos[side].max() if len(chaos) else np.nan,
                "perturbed_n": len(chaos),
            }
            | asdict(rank)
            | {
                "same_seed": same_seed(row, again, chaos, needed),
                "typicality": statistics.typicality(rank),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = statistics.holm(table["p"])
    return table


def test_set(name: str) -> str:
    """The test set that a number is read on: with invariant features, `both` test sets have one accuracy."""
    return "original" if name == "both" else name


def column(name: str) -> str:
    """The column of `networks.csv` that a number is read from."""
    return {"original": "test_accuracy", "inverted": "inverted_accuracy"}[test_set(name)]


def same_seed(row: pd.Series, reruns: pd.DataFrame, perturbed: pd.DataFrame | None, needed: int = 0) -> str:
    """Verdict A for one number, under the author's reading of the budget."""
    side, decimals, published = test_set(row["test_set"]), int(row["decimals"]), float(row["published"])
    again = reruns[reruns["budget"] == "evaluations"]
    half = 0.5 * 10**-decimals + 1e-12
    if (again.loc[again["solver"] == "scikit-learn", side] - published).abs().max() <= half:
        return "exact"
    values = again[side] if perturbed is None else np.concatenate([again[side], perturbed[side].astype(float)])
    if np.min(values) - half <= published <= np.max(values) + half:
        return "within numerical chaos"
    return "not reproduced" if perturbed is not None and len(perturbed) >= needed else "not judged"


def settled(numbers: pd.DataFrame, reruns: pd.DataFrame, perturbed: pd.DataFrame | None) -> bool:
    """Whether verdict A of every number is final: exact, or inside a range that more networks could only widen."""
    final = {"exact"} if perturbed is None else {"exact", "within numerical chaos"}
    return all(same_seed(row, reruns, perturbed) in final for _, row in numbers.iterrows())
