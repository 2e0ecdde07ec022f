"""When a workflow run began and ended, and which run made all of a folder's results."""

import json
from datetime import datetime

import pytest

from symmetry_constrained.runs import workflow_runs

MANIFEST = {
    "results": "results",
    "artefacts": {
        "a.csv": {"kind": "output"},
        "b/c.csv": {"kind": "output"},
        "logs/a.log": {"kind": "log"},
    },
}
ALL = ["results/a.csv", "results/b/c.csv"]


def made(folder, *outputs, succeeded=True):
    path = workflow_runs.begin(["/a folder/bin/snakemake", "--cores", "2"], 2, outputs, folder)
    if succeeded:
        workflow_runs.end(path)
    return path


def test_a_record_says_what_was_called_and_how_long_it_took(tmp_path):
    before = datetime.now().astimezone()
    run = workflow_runs.read(made(tmp_path, *ALL))
    assert (run.command, run.cores, run.made) == ("snakemake --cores 2", 2, frozenset(ALL))
    assert before <= run.began <= run.ended <= datetime.now().astimezone()
    assert run.seconds == (run.ended - run.began).total_seconds() >= 0


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/x/.venv/bin/snakemake", "--cores", "all"], "snakemake --cores all"),
        (["/x/site-packages/snakemake/__main__.py", "-c1"], "snakemake -c1"),
        (["snakemake", "--config", "device=cpu", "results=a b"], "snakemake --config device=cpu 'results=a b'"),
        (["/x/a-driver", "-c1"], "/x/a-driver -c1"),
    ],
)
def test_the_program_is_named_without_its_folder(tmp_path, arguments, command):
    path = workflow_runs.begin(arguments, 1, [], tmp_path)
    assert json.loads(path.read_text())["command"] == command


def test_the_latest_run_that_made_everything_by_itself(tmp_path):
    assert workflow_runs.that_made(MANIFEST, tmp_path) is None
    made(tmp_path, ALL[0])
    made(tmp_path, ALL[1])
    assert workflow_runs.that_made(MANIFEST, tmp_path) is None
    made(tmp_path, *ALL)
    latest = made(tmp_path, *ALL, "results/more.csv")
    made(tmp_path, ALL[0])
    made(tmp_path, *ALL, succeeded=False)
    assert workflow_runs.that_made(MANIFEST, tmp_path) == workflow_runs.read(latest)


def test_a_run_that_did_not_succeed_is_no_run(tmp_path):
    assert workflow_runs.read(made(tmp_path, *ALL, succeeded=False)) is None


def test_words_that_the_locale_has_no_letters_for_are_as_they_were_typed(tmp_path):
    """As Python reads them where LC_ALL is C and UTF-8 is off, and bytes that are no text at all."""
    typed = "данные".encode().decode("ascii", "surrogateescape")
    path = workflow_runs.begin(["snakemake", f"data={typed}", "\udcff"], 1, [typed], tmp_path)
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["command"] == "snakemake 'data=данные' '\ufffd'"
    assert record["made"] == ["данные"]
    workflow_runs.end(path)
    assert workflow_runs.read(path).made == {"данные"}
