"""One claim at a time, or one of the paper's tables: what is made, printed and left, beside a whole run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from helpers.runs import environment, snakemake
from helpers.tiny import BATCHES, run, stable, tiny

CLAIMS = ("C1", "C8", "C10", "C11", "C13")


def text(path: Path) -> pd.DataFrame:
    """A table as it is written, without Holm's adjustment."""
    return pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="p_holm")


def rules(said: str) -> set[str]:
    """The rules of which a job was run, or would be."""
    return set(re.findall(r"^ *(?:local)?rule (\w+):$", said, re.M))


def test_a_finished_study_trains_nothing_for_a_claim_and_stays_as_it_is(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "checkout", symlinks=True)
    results = folder / "results/small"
    targets = [*(f"claim_{id_}" for id_ in CLAIMS), "table1"]
    done = snakemake(folder, "--", *targets)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    own = {"gather_networks_of_part", "gather_history_of_part", "measure_efficiency_of_part", "check_bound_of_part"}
    own |= {"compare_part_on_equal_terms", "judge_claim", "judge_paper_table"}
    assert rules(said) <= own | {*targets}
    whole = text(results / "tables/claims.csv")
    for id_ in CLAIMS:
        rows = whole[whole["id"] == id_].reset_index(drop=True)
        pd.testing.assert_frame_equal(text(results / f"parts/claim_{id_}/tables/claims.csv"), rows)
        assert f"{id_}. {rows['title'].iloc[0]}: " in said
    table = text(results / "parts/table1/tables/table1.csv")
    pd.testing.assert_frame_equal(table, text(results / "tables/table1.csv"))
    assert "same seed" in said
    # Nothing of the study is due, and its audit passes: what was made for parts is a run of its own.
    assert "Nothing to be done" in (again := snakemake(folder, "--dry-run")).stdout + again.stderr
    audit = [sys.executable, "scripts/audit.py", "results/small"]
    done = subprocess.run(audit, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0 and "left by another" not in done.stdout, done.stdout + done.stderr


def test_the_page_of_verdicts_says_what_each_claim_costs_by_itself(finished):
    page = (finished / "results/small/verdicts.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (C\d+) +\| `snakemake --cores all claim_\1` +\| (\d+) +\| (\S+ \w+) +\|", page, re.M)
    assert len(found) == 17
    # Every job was timed, and the experiments of these two claims took a job each.
    assert {id_: int(jobs) for id_, jobs, _ in found} | {"C15": 1, "C13": 2} == {
        id_: int(jobs) for id_, jobs, _ in found
    }
    assert all(re.fullmatch(r"\d+ s|\d+ min", time) for *_, time in found)


def test_what_was_trained_for_a_claim_is_not_trained_again_for_the_study(finished_tiny, tmp_path):
    folder = tiny(tmp_path / "checkout")
    planned = run(folder, "claim_C2", "--dry-run")
    assert rules(planned.stdout) == {
        "fetch_dataset",
        "make_split",
        "train_batch_digits_clean_0",
        "gather_networks_of_part",
        "judge_claim",
        "claim_C2",
    }
    done = run(folder, "claim_C2")
    assert done.returncode == 0 and "C2. Bias-free, trained on X, fails on −X: open." in done.stdout + done.stderr, (
        done.stderr
    )
    identity, *others = BATCHES
    assert (folder / identity).is_dir() and not any((folder / batch).exists() for batch in others)
    before = {path: path.stat().st_mtime_ns for path in (folder / identity).iterdir()}
    assert run(folder).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / identity).iterdir()} == before
    # Beside the part's own, the files are those of a study without it.
    found = {path: content for path, content in stable(folder).items() if not path.startswith("parts/")}
    assert found == stable(finished_tiny)


def test_an_unknown_claim_or_table_ends_in_one_line(tmp_path):
    folder = tiny(tmp_path / "checkout")
    for name in ("claim_C99", "table3"):
        done = run(folder, name)
        assert done.returncode != 0
        (line,) = [line for line in done.stderr.splitlines() if name in line]
        assert line.startswith(f"{name}: is neither a claim nor a table of this study; there are claim_C1, claim_C2, ")
        assert "Traceback" not in done.stderr and not (folder / "results").exists()
