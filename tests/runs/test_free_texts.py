"""No text of a configuration runs a command: each place for one is fed what a shell or Snakemake takes otherwise."""

import copy
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import format as snakemake_format

from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs.faults import ConfigError

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
RUN = "touch ran"
META = [f"$({RUN})", f"`{RUN}`", f"x; {RUN}", f"x && {RUN}", f"x | {RUN}", f"x\n{RUN}", f"'; {RUN}; '", f'"; {RUN}; "']
META += [
    "x > ran",
    "-x",
    "--out",
    "{input}",
    "{",
    "}}",
    "*",
    "~root",
    "$HOME",
    "x\0",
    "x\n",
    "digits-clean\n",
    "#",
    "\\",
]
META += [f"x=0.5 $({RUN})", f"{{snakemake.shell('{RUN}')}}", f"__import__('os').system('{RUN}')", "é\u2028", "\x1b[31m"]
# Where a text may be that no list of names bounds, and what is fed to it.
TEXTS = {
    ("results",): (),
    ("data",): (),
    ("device",): (),
    ("figures", "budget"): (),
    ("figures", "curves"): (0,),
    ("published_numbers", "digits", "study"): (),
    ("published_numbers", "digits", "clean_study"): (),
    ("published_numbers", "mnist", "study"): (),
    ("published_numbers", "mnist", "clean_study"): (),
    ("settings", "*", "study"): (),
    ("settings", "*", "label"): (),
    ("settings", "*", "averaged"): (0,),
}

read_schema = functools.cache(settings.read_schema)


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    """The schema, which takes a tenth of a second."""
    monkeypatch.setattr(settings, "read_schema", read_schema)


def free_texts(schema, root, place=()):
    """Places of texts that the schema bounds by no list of names."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].split("/")[-1]] | schema
    if schema.get("type") == "string" and "enum" not in schema:
        yield place
    for key, part in schema.get("properties", {}).items():
        yield from free_texts(part, root, (*place, key))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from free_texts(schema[key], root, place if key == "items" else (*place, "*"))


def test_every_free_text_of_the_schema_is_fed():
    schema = settings.read_schema(SCHEMA)
    assert set(free_texts(schema, schema)) == set(TEXTS)


def refused_in_one_line(config) -> bool:
    try:
        settings.check(config, SCHEMA)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1 and str(error).isprintable(), error
        return True
    return False


@pytest.mark.parametrize("text", META)
@pytest.mark.parametrize("place", TEXTS, ids=".".join)
def test_a_text_is_refused_or_is_one_word_of_a_command(tmp_path, monkeypatch, place, text):
    monkeypatch.chdir(tmp_path)
    config = copy.deepcopy(DEFAULT)
    *parents, last = (*place, *TEXTS[place])
    inner = config
    for key in parents:
        inner = inner.setdefault(next(iter(inner)) if key == "*" else key, [None])
    inner[last] = text
    if refused_in_one_line(config):
        return
    # Downloads may be in a folder of almost any name.
    assert place == ("data",)
    checked = settings.check(config, SCHEMA)["data"]
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    line = snakemake_format(
        "{python:q} -c {code:q} --data-folder {data:q}", python=sys.executable, code=code, data=checked
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["--data-folder", checked]
    assert os.listdir() == []


def mappings(config, place=()):
    yield place
    for key, value in config.items():
        if isinstance(value, dict):
            yield from mappings(value, (*place, key))


@pytest.mark.parametrize("place", list(mappings(DEFAULT)), ids=lambda place: ".".join(place) or "top")
def test_a_key_of_any_mapping_is_refused_unless_it_is_a_legal_name(place):
    for text in META:
        config = copy.deepcopy(DEFAULT)
        inner = config
        for key in place:
            inner = inner[key]
        inner[text] = next(iter(inner.values()), "identity")
        assert refused_in_one_line(config), text
