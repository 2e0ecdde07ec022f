"""Equal bytes of every table and figure where circumstances are poor, all of them at once."""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from helpers.runs import checkout, environment, in_part, stable_bytes
from helpers.tiny import TABLES, stable, tiny
from helpers.together import together
from helpers.users import IS_ROOT, NOBODY, works

ODD = "два $HOME 'día' — 🙂"
NO_HOME = {"HOME": None, "USER": None, "LOGNAME": None, "XDG_CACHE_HOME": None}
# Circumstance -> what it changes in the environment of a run.
POOR = {
    "in a folder with spaces and other alphabets": {},
    "from another working directory": {},
    "without a home": NO_HOME,
    "as another user without a home": NO_HOME,
    "on one core": {},
}
AS_NOBODY = "as another user without a home"


def give_away(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)


@pytest.fixture
def poor_run(tmp_path):
    """Make a checkout and run it in these circumstances; returns its folder."""

    def attempt(make, names, *targets: str) -> Path:
        place = Path(tempfile.mkdtemp(dir=tmp_path))
        folder = make(place / (ODD if "in a folder with spaces and other alphabets" in names else "checkout"))
        temporary, elsewhere = place / "tmp", place / "elsewhere"
        temporary.mkdir()
        elsewhere.mkdir()
        command = [sys.executable, "-m", "snakemake", "--cores", "1" if "on one core" in names else "2"]
        command += [*targets, "--configfile", str(folder / "small.yaml")]
        working = folder
        if "from another working directory" in names:
            working = elsewhere
            command += ["--directory", str(folder), "--snakefile", str(folder / "Snakefile")]
        changes = {key: value for name in names for key, value in POOR[name].items()} | {"TMPDIR": str(temporary)}
        before = ()
        if AS_NOBODY in names:
            before = NOBODY
            for path in (folder, temporary, elsewhere):
                give_away(path)
        done = subprocess.run(
            [*before, *command], cwd=working, env=environment(**changes), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert os.listdir(elsewhere) == []
        if AS_NOBODY in names:
            assert {path.stat().st_uid for path in (folder / "results").rglob("*")} == {65534}
        return folder

    return attempt


def poor() -> list[str]:
    """The circumstances that can be had here."""
    return [name for name in POOR if name != AS_NOBODY or (IS_ROOT and works(*NOBODY))]


@pytest.mark.parametrize("make", [in_part, pytest.param(None, marks=pytest.mark.slow)], ids=["in part", "whole"])
def test_every_table_and_figure_in_poor_circumstances(make, finished, finished_tiny, poor_run):
    first = stable_bytes(finished)
    assert len(first) > 60

    def attempt(*names: str) -> None:
        folder = poor_run(partial(make, finished) if make else checkout, names)
        second = stable_bytes(folder)
        assert first.keys() == second.keys()
        assert [name for name in first if first[name] != second[name]] == []
        # Of what is judged by seconds, all else.
        for name, column in (("equal_terms", "terms"), ("claims", "contrast")):
            tables = [pd.read_csv(run / f"results/small/tables/{name}.csv") for run in (finished, folder)]
            pd.testing.assert_frame_equal(*(table[~table[column].str.contains("seconds")] for table in tables))

    def alone(name: str) -> None:
        assert stable(poor_run(tiny, [name], *TABLES)) == stable(finished_tiny)

    together(poor(), attempt, alone)
