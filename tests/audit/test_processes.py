"""The audit's work in several processes: nothing of it may be lost, or come in another order."""

import os
import subprocess
import sys
import time

import pytest
from helpers.tiny import members

from symmetry_constrained.audit import processes

START = 100


def given() -> int:
    return START


def added(own: int, piece: int) -> tuple[int, int]:
    time.sleep(0.01 * (piece % 3))
    return own + piece, os.getpid()


def lost(own: int, piece: int) -> int:
    if piece == 3:
        os._exit(9)
    return piece


def test_each_piece_is_done_once_and_comes_in_its_place():
    found = processes.each(added, given, list(range(20)), 2)
    assert [value for value, _ in found] == [START + piece for piece in range(20)]
    assert os.getpid() not in {process for _, process in found}


def test_a_process_that_is_lost_is_one_line():
    with pytest.raises(ValueError, match="a process of the audit was lost"):
        processes.each(lost, given, list(range(6)), 2)


WAITS = """
import time
from symmetry_constrained.audit import processes

def given():
    return None

def waits(own, piece):
    print("begun", flush=True)
    time.sleep(60)

if __name__ == "__main__":
    processes.each(waits, given, [1, 2], 2)
"""


def test_its_processes_end_with_it_however_it_ends(tmp_path):
    (tmp_path / "waits.py").write_text(WAITS)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, tmp_path / "waits.py"], start_new_session=True, **pipes) as begun:
        assert begun.stdout.readline() == b"begun\n"
        begun.kill()
    ends = time.monotonic() + 30
    while members(begun.pid) and time.monotonic() < ends:
        time.sleep(0.05)
    assert members(begun.pid) == []
