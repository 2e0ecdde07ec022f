"""The rules as Snakemake reads them: quoted, the same in every folder, and with the interpreter that runs Snakemake."""

import re
import sys
from pathlib import Path

import pytest
from helpers.rules import loaded_rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rules():
    with loaded_rules() as found:
        yield found


def test_every_value_in_a_shell_command_is_quoted(rules):
    assert len(rules) > 25
    for rule in rules:
        command = rule.shellcmd.replace("{{", "").replace("}}", "")
        placeholders = re.findall(r"{([^}]*)}", command)
        assert placeholders
        assert [name for name in placeholders if not name.endswith(":q")] == [], rule.name


def test_jobs_call_the_interpreter_that_runs_snakemake_without_naming_it(rules):
    for rule in rules:
        if rule.name != "write_config":
            assert '"$PYTHON" ' in rule.shellcmd, rule.name
        programs = re.findall(r"(?:^|&& |; |\| )(python3?|papermill|jupyter|snakemake)\b", rule.shellcmd)
        assert not programs, rule.name


def test_nothing_that_snakemake_compares_names_this_folder_or_this_environment(rules):
    """What it compares are the text of the command and the parameters that are no functions of inputs or outputs."""
    for rule in rules:
        values = [rule.shellcmd, *(str(value) for value in rule.params if not callable(value)), *map(str, rule.input)]
        for value in values:
            assert str(ROOT) not in value and sys.prefix not in value, (rule.name, value)


def test_every_rule_logs_and_names_its_environment(rules):
    for rule in rules:
        assert rule.conda_env is not None and len(rule.log) == 1, rule.name
