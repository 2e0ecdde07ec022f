"""Run a measurement in several single-threaded processes at once, each on a core of its own, all starting together.

    python -m symmetry_constrained.benchmark.parallel MODULE:FUNCTION   (a task as JSON on its standard input)

A measured function takes a task and prepares it; what it returns is called once every process is ready.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # several processes may share a GPU
}


def cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run(measure: str, tasks: list[dict]) -> list[dict]:
    """What `measure` ("module:function" of this package) says of each task, all at once, a process each.

    ValueError in one line where a process says so or ends without a result.
    """
    environment = os.environ | ONE_THREAD
    # This library, installed or not.
    paths = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    available = cores()
    processes = []
    try:
        for index, task in enumerate(tasks):
            command = [sys.executable, "-m", __name__, measure, str(available[index % len(available)])]
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            processes.append(process)
            _tell(process, json.dumps(task))
        for process in processes:
            _answer(process, measure)
        for process in processes:
            _tell(process, "go")
        return [_answer(process, measure) for process in processes]
    finally:
        for process in processes:
            with suppress(OSError):
                process.stdin.close()
            process.stdout.close()
            process.kill()
            process.wait()


def _tell(process: subprocess.Popen, line: str) -> None:
    # One that has ended is found out when it is asked for its answer.
    with suppress(BrokenPipeError):
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _answer(process: subprocess.Popen, measure: str) -> dict:
    """The process's next line. ValueError in one line if that is a complaint, or there is none."""
    line = process.stdout.readline()
    if not line:
        raise ValueError(f"{measure}: a process ended with status {process.wait()} and no result")
    answer = json.loads(line)
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer


def _serve(measure: Callable[[dict], Callable[[], dict]], say: Callable[[dict], None]) -> None:
    """One task: prepare, wait, measure."""
    try:
        measured = measure(json.loads(sys.stdin.readline()))
        say({"state": "ready"})
        if sys.stdin.readline():
            say(measured())
    except ValueError as error:
        say({"error": " ".join(str(error).split())})


def main(name: str, core: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        # Refused in some containers, where the system's own placing will do.
        with suppress(OSError):
            os.sched_setaffinity(0, {core})
    from threadpoolctl import threadpool_limits

    module, _, function = name.partition(":")
    measure = getattr(importlib.import_module(f"symmetry_constrained.{module}"), function)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    # What a solver prints must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(answer: dict) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    with threadpool_limits(limits=1):
        _serve(measure, say)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
