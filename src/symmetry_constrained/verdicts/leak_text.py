"""Whether the paper's leak matters, in words."""

import numpy as np
import pandas as pd

WORDS = {"equivalent": "equal within the margin", "changes": "beyond it", "inconclusive": "open"}


def sentences(table: pd.DataFrame) -> str:
    """The answer in words. table: `leak.csv`."""
    question = "**Does the leak matter?** "
    judged = table[table["verdict"] != "too few networks"]
    if judged.empty:
        return f"{question}No contrast has enough networks both with and without the leak, so this run can't say."
    counts = [f"{number} {text}" for name, text in WORDS.items() if (number := int((judged["verdict"] == name).sum()))]
    at = judged["change"].abs().idxmax()
    largest, n = judged.loc[at], " to ".join(dict.fromkeys(f"{int(n):,}" for n in np.sort(judged["n"])[[0, -1]]))
    datasets = " and ".join(dict.fromkeys(judged["dataset"]))
    text = (
        f"{question}Only {datasets} can tell, since other datasets have no shifted copies. The {len(judged)} published "
        f"contrasts that were judged there with and without the leak, at equal splits and seeds (N = {n}), are: "
        f"{', '.join(counts)}. Effects move by {judged['change'].abs().median():.3f} (median), at most by "
        f"{abs(largest['change']):.3f} ({largest['id']}, {largest['contrast']})."
    )
    changed = [
        f"{row['id']}, {row['contrast']}: {row['effect']:.3f} with the leak, {row['effect_without']:.3f} without"
        for _, row in judged[judged["verdict"] == "changes"].iterrows()
    ]
    return (f"{text} Changed: {'; '.join(changed)}." if changed else text).replace("-0.", "−0.")
