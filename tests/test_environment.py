"""The three lists of packages say the same: pyproject.toml, requirements.txt and environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def plain(name):
    """A package's name in its one canonical spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    """requirements.txt: a list of (name, version, hashes), an entry for each."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = line.split("--hash=")
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([^ ;]+)( *;.*)?", requirement.strip())
            assert match, f"no pinned version: {requirement.strip()}"
            entries.append((plain(match[1]), match[2], [value.strip() for value in hashes]))
    return entries


def installed():
    """environment.yml: the lines of what pip installs in it."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    return pip


def conda():
    """name -> version of the packages among them."""
    pins = dict(line.split("==") for line in installed() if not line.startswith("-"))
    return {plain(name): version for name, version in pins.items()}


def direct():
    """name -> the specifier that pyproject.toml gives it, of all extras but jax, which is installed by who wants it."""
    project = PYPROJECT["project"]
    extras = [lines for extra, lines in project["optional-dependencies"].items() if extra != "jax"]
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    matches = [re.fullmatch(r"([A-Za-z0-9._-]+)(.*)", line) for line in lines]
    return {plain(match[1]): match[2] for match in matches}


def test_the_conda_environments_versions_are_the_locked_ones():
    versions = {}
    for name, version, _ in locked():
        versions.setdefault(name, set()).add(version)
    differ = {
        name: (version, versions.get(name)) for name, version in conda().items() if versions.get(name) != {version}
    }
    assert differ == {}


@pytest.mark.parametrize("name", sorted(direct()))
def test_every_direct_dependency_is_in_both(name):
    assert name in conda()
    assert name in {entry[0] for entry in locked()}


def test_the_conda_environment_has_nothing_else():
    assert set(conda()) == set(direct())


def test_the_conda_environment_has_the_project_itself():
    assert [line for line in installed() if line.startswith("-")] == ["--editable ${PWD}"]


def number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@pytest.mark.parametrize(("name", "specifier"), sorted(direct().items()))
def test_the_locked_version_is_one_that_the_project_allows(name, specifier):
    version = number(conda()[name])
    tests = {
        ">=": lambda limit: version >= limit,
        "<": lambda limit: version < limit,
        "==": lambda limit: version == limit,
    }
    clauses = re.findall(r"(>=|==|<)([0-9.]+)", specifier)
    assert ",".join(map("".join, clauses)) == specifier
    for operator, limit in clauses:
        assert tests[operator](number(limit)), f"{conda()[name]} against {specifier}"


def test_every_locked_entry_has_a_sha256_and_none_an_address():
    entries = locked()
    assert len(entries) > 50
    for name, _, hashes in entries:
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|^ *-(?!-hash)|@", text, re.M)


def test_the_conda_environments_python_is_one_that_the_project_allows():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (python,) = (entry for entry in environment["dependencies"] if str(entry).startswith("python="))
    assert number(python) >= number(PYPROJECT["project"]["requires-python"])
    assert environment["name"] == PYPROJECT["project"]["name"]
