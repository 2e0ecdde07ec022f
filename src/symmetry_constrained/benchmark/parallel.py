"""Run a measurement in several single-threaded processes at once, each on its own core, all starting together."""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from threading import Barrier
from typing import Any

from threadpoolctl import threadpool_limits

# A function that prepares one task, and returns a function that does the measuring.
Measure = Callable[[dict], Callable[[], dict]]

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes may share a GPU
}


def cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run(measure: Measure, tasks: list[dict]) -> list[dict]:
    """The results of `measure`, a module's function, for all tasks at once, a process each.

    Measuring starts once every process has prepared its task. ValueError in one line if a process raises one or ends
    without a result.
    """
    # Fresh interpreters: they count their own peak memory and read the number of threads as libraries are imported.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(tasks))
    processes: dict[Any, Any] = {}  # by the receiving end of the pipe
    try:
        with _environment(ONE_THREAD):
            for task, core in zip(tasks, itertools.cycle(cores()), strict=False):
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_serve, args=(measure, task, core, barrier, sender), daemon=True)
                process.start()
                sender.close()
                processes[receiver] = process
        results: dict[Any, dict] = {}
        while len(results) < len(tasks):
            # Whichever is first, since one that fails keeps the others waiting at the barrier.
            for ready in wait([receiver for receiver in processes if receiver not in results]):
                results[ready] = _result(ready, processes[ready], measure)
        return [results[receiver] for receiver in processes]
    finally:
        for receiver, process in processes.items():
            process.kill()
            process.join()
            receiver.close()


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Environment variables that processes started meanwhile inherit."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _result(receiver: Any, process: Any, measure: Measure) -> dict:
    """What the process sends. ValueError in one line if it sends an error, or ends without a word."""
    try:
        answer = receiver.recv()
    except EOFError:
        process.join()
        raise ValueError(f"{measure.__module__}: a process {_ending(process.exitcode)} without a result") from None
    if isinstance(answer, ValueError):
        raise ValueError(" ".join(str(answer).split()))
    return answer


def _ending(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _serve(measure: Measure, task: dict, core: int, barrier: Barrier, sender: Connection) -> None:
    """In the child process: prepare the task, wait for the others, measure."""
    if hasattr(os, "sched_setaffinity"):
        # Some containers refuse it, and leave the choice of the core to the system.
        with suppress(OSError):
            os.sched_setaffinity(0, {core})
    try:
        # Also for libraries that the environment variables do not reach.
        with threadpool_limits(limits=1):
            measured = measure(task)
            barrier.wait()
            sender.send(measured())
    except ValueError as error:
        sender.send(error)
