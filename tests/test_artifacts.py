"""Files appear whole or not at all, and read back equal."""

import hashlib
import json
import os
import stat

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmetry_constrained import artifacts


def test_a_file_takes_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new/folder/table.csv"
    with artifacts.whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        # Beside it, so that taking the name is one step; and of the same kind, for writers that go by the suffix.
        assert temporary.parent == path.parent
        assert temporary.suffix == ".csv"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [None, "the old content"])
def test_after_an_error_the_old_file_stands_and_nothing_else(tmp_path, error, before):
    path = tmp_path / "table.csv"
    if before is not None:
        path.write_text(before)
    with pytest.raises(error), artifacts.whole(path) as temporary:
        temporary.write_text("half")
        raise error
    assert os.listdir(tmp_path) == ([] if before is None else ["table.csv"])
    if before is not None:
        assert path.read_text() == before


def test_a_block_that_removes_its_file_fails_and_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError), artifacts.whole(tmp_path / "table.csv") as temporary:
        temporary.unlink()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask_and_the_umask_stays(tmp_path, umask):
    before = os.umask(umask)
    try:
        artifacts.write_text("text", tmp_path / "file.txt")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o666 & ~umask


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=30))
def test_every_float_reads_back_equal(tmp_path, values):
    path = tmp_path / "table.csv"
    artifacts.write_csv(pd.DataFrame({"value": values}), path)
    # By Python's own exact reader, and by the one the library uses.
    assert [float(line) for line in path.read_text().splitlines()[1:]] == values
    assert pd.read_csv(path)["value"].to_numpy(dtype=float).tobytes() == np.array(values).tobytes()


def test_a_table_is_written_in_the_shortest_digits_with_unix_lines(tmp_path):
    path = tmp_path / "table.csv"
    table = pd.DataFrame({"name": ["a", "b,c"], "value": [0.1, 1 / 3], "count": [1, 2]}, index=[7, 9])
    artifacts.write_csv(table, path)
    assert path.read_bytes() == b'name,value,count\na,0.1,1\n"b,c",0.3333333333333333,2\n'
    artifacts.write_csv(table, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_json_and_text_keep_letters_of_every_alphabet(tmp_path):
    artifacts.write_json({"R̄": [1, None, 0.1]}, tmp_path / "file.json")
    text = (tmp_path / "file.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"R̄": [1, None, 0.1]}
    assert "R̄" in text
    assert text.endswith("}\n")
    artifacts.write_text("±X, −X\n", tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_bytes() == "±X, −X\n".encode()


def test_sha256_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "file"
    for content in (b"", b"abc", os.urandom(300_000)):
        path.write_bytes(content)
        assert artifacts.sha256(path) == hashlib.sha256(content).hexdigest()
    path.write_bytes(b"abc")
    assert artifacts.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
