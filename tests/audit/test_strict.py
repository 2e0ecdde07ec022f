"""What no run writes is refused in one line, however it was made: ambiguous, endless, or code instead of numbers."""

import io
import os

import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.audit import strict
from symmetry_constrained.audit.checks import Check, UnreadableError, plain
from symmetry_constrained.audit.results import Results


def refused(folder, name, content, read):
    """The one line with which the audit refuses a file."""
    (folder / name).write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        getattr(Results(folder), read)(name)
    assert caught.value.path == name and len(caught.value.reason.splitlines()) == 1
    return caught.value.reason


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"a": 1, "a": 2}', "has 'a' twice"),
        (b'{"a": {"b": 1, "b": 1}}', "has 'b' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "1e400, which is no finite number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "ValueError"),
        (b"[" * 200_000, "RecursionError"),
        (b"\xff\xfe{}", "UnicodeDecodeError"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
    ],
)
def test_json(tmp_path, content, says):
    assert says in refused(tmp_path, "a.json", content, "json")


def test_what_json_holds_is_kept():
    assert strict.json_of('{"a": [1, 2.5, "x", null, true], "b": {"c": -1e300}}') == {
        "a": [1, 2.5, "x", None, True],
        "b": {"c": -1e300},
    }


def test_yaml_that_grows(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12)]
    assert "alias" in refused(tmp_path, "a.yaml", "\n".join(lines).encode(), "yaml")
    assert "RecursionError" in refused(tmp_path, "a.yaml", b"[" * 3_000, "yaml")
    assert "ConstructorError" in refused(tmp_path, "a.yaml", b"!!python/object/apply:os.getcwd []", "yaml")
    assert strict.yaml_of("margin: 0.02\nclaims: [{id: C1}]") == {"margin": 0.02, "claims": [{"id": "C1"}]}


def saved(array, **options):
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def zipped(**arrays):
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


WHOLE = saved(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (saved(np.array([{"a": 1}], dtype=object), allow_pickle=True), "objects"),
        (zipped(images=np.zeros((1000, 1000))), "magic"),
        (b"\x80\x04K\x01.", "magic"),
        (WHOLE.replace(b"(2, 3)", b"(2, 4)"), "needs"),
        (WHOLE + b"\0", "needs"),
        (WHOLE[:-1], "needs"),
        (WHOLE.replace(b"NUMPY\x01", b"NUMPY\x02"), "version"),
        (b"", ""),
    ],
)
def test_arrays(tmp_path, content, says):
    assert says in refused(tmp_path, "a.npy", content, "array")


def test_an_array_that_promises_more_than_memory_holds(tmp_path):
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999,), }"
    content = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n"
    assert "needs 100,000,000,000,080" in refused(tmp_path, "a.npy", content, "array")
    (tmp_path / "b.npy").write_bytes(WHOLE)
    np.testing.assert_array_equal(Results(tmp_path).array("b.npy"), np.arange(6).reshape(2, 3))


TABLE = b"a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xef\xbb\xbf" + TABLE, "byte order mark"),
        (TABLE.replace(b"\n", b"\r\n"), "carriage return"),
        (TABLE.replace(b"2", b"2\0"), "zero byte"),
        (TABLE.replace(b"a,b", b"a,a"), "column twice"),
        (b"a,b\n1,2\n3,4,5\n", "ParserError"),
        (b"", "EmptyDataError"),
        (b"a,\xff\n1,2\n", "UnicodeDecodeError"),
    ],
)
def test_tables(tmp_path, content, says):
    assert says in refused(tmp_path, "a.csv", content, "table")


def test_a_table_is_read_as_pandas_reads_it(tmp_path):
    (tmp_path / "a.csv").write_bytes(TABLE)
    pd.testing.assert_frame_equal(Results(tmp_path).table("a.csv"), pd.DataFrame({"a": [1, 3], "b": [2, 4]}))


def test_a_file_larger_than_any_is_neither_read_nor_hashed(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        os.truncate(file.fileno(), 2**40)  # takes no room on the disk
    results = Results(tmp_path)
    assert results.sha256("a.json") is None
    with pytest.raises(UnreadableError, match="has 1,099,511,627,776 bytes"):
        results.json("a.json")


@pytest.mark.parametrize(
    ("key", "value", "limit"),
    [("angles", [1, 10**8], "10,000,000"), ("splits", 50_000, "42,948"), ("seeds", [1, 10**9], "100,000")],
)
def test_a_configuration_with_a_number_to_which_nobody_counts(tmp_path, key, value, limit):
    (tmp_path / "config.json").write_text(f'{{"studies": {{"a": {{"{key}": {value}}}}}}}', encoding="utf-8")
    with pytest.raises(UnreadableError, match=f"beyond {limit}"):
        _ = Results(tmp_path).config


def test_what_a_check_says_can_be_shown_anywhere():
    check = Check("kind", "a\udcff\x1b[2J\n\u202e.csv", 5, None, False)
    assert check.where == "a\\xdcff\\x1b[2J\\x0a\\x202e.csv"
    assert (check.expected, check.found) == ("5", "None")
    check.where.encode("utf-8")
    assert plain("R̄ − ±X ≤ 1 “é”") == "R̄ − ±X ≤ 1 “é”"
    assert len(plain("a" * 10**6)) < 30_000
