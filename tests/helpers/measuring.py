"""Measurements for the processes of `benchmark.parallel`, which import them by name."""

import os
import signal
import time


def surroundings(task):
    """What the process sees of its core, threads and memory, and when it began to measure."""
    import torch

    from symmetry_constrained.benchmark.solo import peak_memory_mb

    time.sleep(task["seconds_to_prepare"])
    prepared = time.monotonic()

    def measured():
        began = time.monotonic()
        return {
            "name": task["name"],
            "process": os.getpid(),
            "cores": sorted(os.sched_getaffinity(0)),
            "threads": torch.get_num_threads(),
            "variable": os.environ["OMP_NUM_THREADS"],
            "prepared": prepared,
            "began": began,
            "peak_memory_mb": peak_memory_mb(),
        }

    return measured


def complaint(task):
    """One of the tasks is refused: before measuring, or while it is measured."""
    if task == {"bad": "task"}:
        raise ValueError("the task\nis bad")

    def measured():
        if task == {"bad": "measurement"}:
            raise ValueError("the measurement\nis bad")
        return {}

    return measured


def death(task):
    if "status" in task:
        os._exit(task["status"])
    if "signal" in task:
        os.kill(os.getpid(), getattr(signal, task["signal"]))
    return dict
