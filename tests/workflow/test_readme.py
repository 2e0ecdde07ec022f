"""Every command that the README gives is run: cheap ones as they stand, long ones as a dry run or on a tiny study.

The three worked examples are followed in a copy whose default study is tiny, and then asked for one table at once.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.made_up_dataset import made_up_files
from helpers.scripts import call
from helpers.tiny import environment, tiny

from symmetry_constrained.runs import reference_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "REPLICATION.md", "CONTRIBUTING.md", "config/README.md", "docs/extending.md")
PROGRAMS = ("make", "snakemake", "python", "conda", "git", "pytest", "source")


def examples(text: str) -> list[str]:
    """The blocks that a shell is to run."""
    return re.findall(r"```bash\n(.*?)```", text, re.S)


def inline(text: str) -> list[str]:
    """Commands within the text: what stands in backquotes and begins with a program's name."""
    plain = re.sub(r"```.*?```", "", text, flags=re.S)
    found = (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", plain))
    # A program's name alone is a word, but for make.
    return list(
        dict.fromkeys(code for code in found if code == "make" or (code.split()[0] in PROGRAMS and " " in code))
    )


EXAMPLES = examples(README)
NAMES = ("denser", "below", "fashion")  # their configurations
# Each command once, with the first page that gives it.
COMMANDS = {command: page for page in PAGES[::-1] for command in inline((ROOT / page).read_text(encoding="utf-8"))}


def shell(command: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    done = subprocess.run(["bash", "-ec", command], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def test_the_readme_gives_the_commands_it_promises():
    commands = inline(README)
    promised = {
        "make",
        "make quick",
        "make test",
        "make beyond",
        "make figures",
        "make audit",
        "source .venv/bin/activate",
    }
    assert promised | {"snakemake --dry-run", "python scripts/audit.py results/quick"} <= set(commands)
    assert len(EXAMPLES) == 3


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy whose default study is tiny, with what the examples ask for."""
    folder = tiny(tmp_path_factory.mktemp("readme") / "checkout")
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    # What is set up is this environment.
    (folder / ".venv").mkdir()
    (folder / ".venv/.ready").touch()
    (folder / "results/quick").mkdir(parents=True)
    return folder


# Of those that take long, what they would do.
@pytest.mark.parametrize("command", COMMANDS, ids=[f"{page}: {command}" for command, page in COMMANDS.items()])
def test_each_command_in_the_text_is_one(command, copy, capsys):
    program, *arguments = shlex.split(command)
    if program == "make":
        assert re.search("snakemake|python|ruff", shell(f"{command} --dry-run", copy).stdout)
    elif program == "snakemake":
        # A file of the reader's own changes nothing here.
        for name in re.findall(r"config/(?:yours|denser)\.yaml", command):
            (copy / name).write_text("data: data\n")
        said = shell(f"{command.replace('results/tables', 'results/tiny/tables')} --dry-run --quiet rules", copy)
        assert re.search("Job stats|Nothing to be done", said.stdout + said.stderr)
    elif program in ("python", "pytest"):
        if "pytest" in command:
            assert all((ROOT / word).is_file() for word in arguments if word.endswith(".py"))
            assert re.search(r"-m slow|-q$", command)
        else:
            assert (ROOT / arguments[0]).is_file()
            assert call(Path(arguments[0]).stem, "--help") == (0, "")
            assert capsys.readouterr().out.startswith(f"usage: {Path(arguments[0]).name}")
    elif program == "source":
        assert shell(f"{shlex.quote(sys.executable)} -m venv --without-pip .venv; {command}; command -v python", copy)
        assert Path(copy, *arguments).is_file()
    elif program == "conda":
        # Not here: that its file is one, and says what the lock says, is tested in test_environment.py.
        file = re.search(r"-f (\S+)", command)[1]
        assert yaml.safe_load((ROOT / file).read_text())["dependencies"]
    else:
        assert program == "git" and command in EXAMPLES[1], f"{command}: is run by no test"


@pytest.fixture(scope="module")
def worked(copy) -> Path:
    """What the examples write, written one after the other; then the means, for all three in one go."""
    made_up_files(copy, "fashion-mnist")
    for example in EXAMPLES:
        shell(example[: example.index("\nsnakemake ") + 1], copy)
    files = " ".join(f"config/{name}.yaml" for name in NAMES)
    shell(f"snakemake results/tiny/tables/summary.csv --cores all --configfile {files}", copy)
    return copy


@pytest.fixture(scope="module")
def networks(worked) -> pd.DataFrame:
    return pd.read_csv(worked / "results/tiny/tables/networks.csv")


def test_a_fraction_is_added(worked, networks):
    asked = yaml.safe_load((worked / "config/denser.yaml").read_text())["studies"]["digits-clean"]["fractions"]
    digits = networks[networks["dataset"] == "digits"]
    assert sorted(digits["fraction"].unique()) == asked


def test_a_feature_map_is_added(worked, networks):
    below = networks[networks["features"] == "below"]
    assert len(below) == 8 * 2 * 2 and (below["test_accuracy"] == below["inverted_accuracy"]).all()
    # The map is what the README says it is, in the library and in the audit's own version.
    program = (
        "import numpy as np; from symmetry_constrained.audit import inputs;"
        "from symmetry_constrained.features import inversion;"
        "x = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32); g = x.reshape(5, 3, 4);"
        "due = np.stack([g[:, i] * g[:, (i + 1) % 3] for i in range(3)], axis=1).reshape(5, 12);"
        "assert np.array_equal(inversion.compute('below', x, (3, 4)), due);"
        "assert np.array_equal(inputs.features('below', x, (3, 4)), due);"
        "assert inversion.invariance_error('below', x, (3, 4)) == 0"
    )
    paths = environment(PYTHONPATH=str(worked / "src"))
    done = subprocess.run([sys.executable, "-c", program], cwd=worked, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dataset_is_added(networks):
    fashion = networks[networks["dataset"] == "fashion-mnist"]
    assert set(fashion["features"]) == {"identity", "canonical"} and len(fashion) == 3 * 3 * 2
    assert sorted(fashion["n_train"].unique()) == [300, 600, 3000, 6000]


@pytest.mark.parametrize(("name", "example"), list(zip(NAMES, EXAMPLES, strict=True)), ids=NAMES)
def test_the_examples_commands_as_they_stand_on_the_default_study(name, example, worked, tmp_path):
    """Of the real default, not of the tiny: so they are only planned."""
    for part in ("Snakefile", "config", "profiles", "workflow", "scripts", "src", "notebooks", "environment.yml"):
        source = (worked if part in ("src", "workflow") else ROOT) / part
        copier = shutil.copytree if source.is_dir() else shutil.copy
        copier(source, tmp_path / part)
    shutil.copy(worked / f"config/{name}.yaml", tmp_path / "config")
    *_, command = example.strip().splitlines()
    said = shell(f"{command} --dry-run --quiet rules", tmp_path)
    jobs = dict(re.findall(r"^(train_batch_\w+) +(\d+)$", said.stdout + said.stderr, re.M))
    # Other fractions are no more jobs; a feature map is one, and a dataset with two of them on ±X and X three.
    assert sum(map(int, jobs.values())) == {"denser": 62, "below": 63, "fashion": 65}[name]


# What the pages point to.


@pytest.mark.parametrize("page", [*PAGES, "docs/clusters.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        target = os.path.normpath(Path(page).parent / link)
        if target.startswith("results/reference") and not (ROOT / "results/reference/run.json").exists():
            continue  # made by `make reference`
        assert (ROOT / target).exists(), f"{page}: {link}"


@pytest.mark.parametrize("page", [*PAGES, "LICENSE"])
def test_every_path_that_a_page_names_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:src|scripts|tests|workflow|config|notebooks|docs|profiles)/[\w./-]+)`", text):
        assert (ROOT / name).exists() or re.search(r"yours|denser|below|fashion", name), f"{page}: {name}"


def test_the_layout_takes_ten_lines_and_is_so():
    layout = re.search(r"## Layout\n\n```\n(.*?)```", README, re.S)[1].strip().splitlines()
    assert len(layout) == 10
    for line in layout:
        for name in re.split(r",? +", re.split(r" {2,}", line)[0]):
            assert (ROOT / name).exists() or name == "results/reference/", name


def test_the_readme_keeps_its_order():
    order = ["Commands", "Results in detail", "One claim at a time", "Figures again", "Audit", "GPU"]
    order += ["Change the study", "Why did it rerun?", "Layout", "Cite"]
    assert re.findall(r"^## (.+)$", README, re.M) == order
    marks = [name for _, name, _ in reference_text.BLOCK.findall(README)]
    assert marks == [
        "figure",
        "sentence",
        "settings-map",
        "findings",
        "commands",
        "made",
        "verdicts",
        "figures",
        "account",
    ]
