"""The audit's work in several processes: each has the results for itself, and is given one piece after the other."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

# Libraries under NumPy would start threads of their own in each process; they read these when they are first loaded.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_OWN: list[Any] = []  # of a process: what it was given at its start


def each(function: Callable, given: Callable[[], Any], pieces: list[Any], processes: int) -> list[Any]:
    """function(given(), piece) of every piece, in their order; those that come first are begun first.

    Each process calls `given` once. ValueError in one line if a process is lost.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    executor = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (given,))
    try:
        return [future.result() for future in [executor.submit(_of, function, piece) for piece in pieces]]
    except BrokenProcessPool:
        raise ValueError(
            "a process of the audit was lost, perhaps for want of memory; --processes 1 needs least"
        ) from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()


def _begin(given: Callable[[], Any]) -> None:
    """Of a process. An interrupt is for the first process to hear, with whose end all others end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _OWN.append(given())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _of(function: Callable, piece: Any) -> Any:
    return function(_OWN[0], piece)
