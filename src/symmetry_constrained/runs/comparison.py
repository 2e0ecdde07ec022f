"""Whether two runs agree: what must be equal is, no means differ by more than chance, and no verdict contradicts.

Networks of equal split and seed are compared in pairs, others by their means (Welch's test), splits being the units.
One 95 % interval in twenty misses by chance, so two runs differ only by means that are still significant after Holm's
correction over all that are compared, and further apart than what counts as equal. Images and splits are equal to the
byte wherever they are made; networks and verdicts are where machines of one kind run the same code and configuration.
"""

from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np
import pandas as pd

from symmetry_constrained.analysis import intervals, statistics
from symmetry_constrained.runs.compared import TESTS, Part, networks, numbers, verdicts
from symmetry_constrained.runs.finished import Run

LEVEL = 0.01  # the chance, at most, that two runs which differ by chance alone are said to differ
AGREE, DIFFER = 0, 1
EQUAL_ANYWHERE = ("data/*/images.npy", "data/*/labels.npy", "splits/*/rows.csv")
IDENTITY = {"processor", "instructions", "device", "compiler", "torch"}  # without these a machine's kind is unknown
NAMED = 5  # differences that are named


@dataclass(frozen=True)
class Comparison:
    """What was found: lines to read, what speaks against agreement, and the largest differences that were tested."""

    sentence: str
    lines: list[str]
    against: list[str]
    largest: pd.DataFrame  # rows of compared.TESTS

    @property
    def status(self) -> int:
        return DIFFER if self.against else AGREE


def compare(run: Run, reference: Run) -> Comparison:
    """ValueError in one line if the two have nothing in common that could be compared."""
    alike, line = machines(run, reference)
    parts = [Part(line)]
    for name, compared in PARTS.items():
        try:
            parts.append(compared(run, reference, alike))
        except ValueError as error:
            parts.append(Part(f"{name}: not compared, since {' '.join(str(error).split())}."))
    pair = f"{run.folder} and {reference.folder}"
    if not sum(part.count for part in parts):
        raise ValueError(f"{pair} have nothing in common. {' '.join(part.line for part in parts[2:])}")
    tests = pd.concat([part.tests for part in parts if len(part.tests)] or [parts[0].tests], ignore_index=True)
    tests = tests[tests["p"].notna()]  # of a single network, or an interval without an end, there is no test
    parts.append(judged(tests))
    against = [text for part in parts for text in part.against]
    sentence = f"{pair} differ: {'; '.join(against)}." if against else f"{pair} agree."
    moved = tests[tests["difference"] != 0]
    order = np.argsort(-(moved["difference"].abs() / moved["half"]).to_numpy(dtype=float), kind="stable")
    return Comparison(sentence, [part.line for part in parts], against, moved.iloc[order[:NAMED]][TESTS])


def machines(run: Run, reference: Run) -> tuple[bool, str]:
    """Whether the same code gives equal networks on the two machines, and a line that says why, or why not."""
    ours, theirs = run.machine, reference.machine
    differing = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if differing:
        # The instructions are a long list, and most often another processor is named beside them.
        named = [name for name in differing if name != "instructions"]
        words = "; ".join(f"{name} {ours[name]} against {theirs[name]}" for name in named) or "other instructions"
        return False, f"Machines: of different kinds, so that networks may differ by rounding: {words}."
    if not (ours.keys() & theirs.keys()) >= IDENTITY:
        return False, "Machines: not recorded well enough to say whether they are of one kind."
    return True, "Machines: of one kind, so that the same code and configuration must give equal networks."


def files(run: Run, reference: Run, alike: bool) -> Part:
    """Images, labels and which of them each split trains on. ValueError in one line if the runs share none."""
    ours, theirs = (one.manifest.get("artefacts", {}) for one in (run, reference))
    shared = [path for path in ours if path in theirs and any(fnmatch(path, name) for name in EQUAL_ANYWHERE)]
    if not shared:
        raise ValueError("the manifests have no images and splits in common")
    other = [path for path in shared if ours[path]["sha256"] != theirs[path]["sha256"]]
    equal = f"{len(shared) - len(other):,} are equal byte for byte"
    part = Part(f"Files: of {len(shared):,} with images, labels and splits, {equal}.")
    if other:
        part.against.append(f"{len(other):,} files of images and splits are not equal, first {other[0]}")
    return part


def judged(tests: pd.DataFrame) -> Part:
    """Of all tests, rows of `compared.TESTS`: how many intervals miss, how many by chance, and what is beyond it."""
    moved = tests[tests["difference"] != 0]
    if not len(moved):
        return Part(f"Means: all {len(tests):,} accuracies and effects that were tested are equal.")
    outside = (moved["difference"].abs() > moved["half"]).sum()
    significant = statistics.holm(tests["p"].to_numpy(dtype=float)) < LEVEL
    beyond = tests[significant & (tests["difference"].abs() > tests["floor"])]
    part = Part(
        f"Means: of {len(tests):,} accuracies and effects, {len(tests) - len(moved):,} are equal; of the others "
        f"{outside:,} are further apart than their 95 % intervals allow ({(1 - intervals.LEVEL) * len(moved):.0f} "
        f"expected by chance), and {len(beyond):,} further than chance explains among so many (Holm, {LEVEL:.0%})."
    )
    if len(beyond):
        worst = beyond.sort_values("p", kind="stable").iloc[0]
        part.against.append(
            f"{len(beyond):,} means differ by more than chance, first {worst['what']}, {worst['run']:.3f} against "
            f"{worst['reference']:.3f}"
        )
    return part


PARTS = {"Files": files, "Networks": networks, "Verdicts": verdicts, "Published numbers": numbers}
