"""A key that is there twice in one file of the configuration is refused in one line."""

import json

import pytest

from symmetry_constrained.runs import duplicates


def refusal(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="mine") as error:
        duplicates.check([file])
    assert len(str(error.value).splitlines()) == 1
    return str(error.value).removeprefix(str(file))


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("alpha: 1\nalpha: 1\n", 2, "alpha"),
        ("studies:\n  a: {}\n  b: {}\n  a: {x: 1}\n", 4, "a"),
        ("studies: {a: 1, 'a': 2}\n", 1, "a"),
        ("list:\n- x: 1\n  x: 2\n", 3, "x"),
        ("studies:\n  a: &a {x: 1, x: 2}\n  b: *a\n", 2, "x"),
        ("a: 1\nb: 2\n1: 3\n1: 4\n", 4, "1"),
        (json.dumps({"a": 1}, indent="\t").replace("1", '1,\n\t"a": 2'), 3, "a"),
    ],
)
def test_a_key_that_is_there_twice(tmp_path, text, line, key):
    assert refusal(tmp_path, text) == f", line {line}: the key {key!r} is there twice; keep one of them"


def test_the_same_key_in_two_mappings_or_merged_over_is_none(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("a: &a {x: 1, y: {x: 1}}\nb: {<<: *a, x: 2}\nc: [{x: 1}, {x: 1}, *a]\n1: 0\n'1': 0\n")
    duplicates.check([file, file])
    file.write_text("")
    duplicates.check([file])


def test_the_configurations_that_ship_have_none(pytestconfig):
    files = sorted((pytestconfig.rootpath / "config").glob("*.yaml"))
    assert len(files) == 5
    duplicates.check(files)


def test_what_is_no_yaml_is_refused(tmp_path):
    assert ": while parsing" in refusal(tmp_path, "a: [1\nb: 2\n")
