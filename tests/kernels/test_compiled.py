"""The compiled code against PyTorch's, and what happens where there is no compiler."""

import multiprocessing
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from symmetry_constrained.kernels import compiled, toolchain
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import lbfgs
from symmetry_constrained.optim.problem import Budget

torch.set_num_threads(1)
ALPHA = 1e-2
needs_compiler = pytest.mark.skipif(compiled.library() is None, reason="no C++ compiler")


def problem(hidden, n, networks=3, inputs=7, classes=10, scale=1.0, seed=0):
    """An ensemble, biased and bias-free in turn, its samples and parameters (K, P)."""
    random = np.random.default_rng(seed)
    biased = np.arange(networks) % 2 == 0
    ensemble = Ensemble(Architecture(inputs, hidden, classes), biased, ALPHA)
    samples = ensemble.samples(random.normal(size=(n, inputs)).astype(np.float32), random.integers(0, classes, n))
    return ensemble, samples, ensemble.initial(range(networks)) * scale


def eagerly(call):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        return call()


def both(ensemble, samples, rows, lanes=None):
    """Losses and gradients as compiled, and as PyTorch's in float64."""
    exact = Ensemble(ensemble.architecture, ensemble.biased, ALPHA, torch.float64)
    values = samples.inputs[:-1].T.double().numpy()
    found = ensemble.loss_and_gradient(rows, samples, lanes)
    return found, exact.loss_and_gradient(rows, exact.samples(values, samples.labels), lanes)


@needs_compiler
@pytest.mark.parametrize("hidden", [(1,), (10, 5), (3,), (17, 33), (7, 6, 5, 4), (120,)])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 1500])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_loss_and_gradient_are_those_of_pytorch_in_float64(hidden, n, scale):
    """Whatever the widths, and whether or not samples and sums fill whole vectors, tiles and blocks.

    As close as PyTorch's own float32 is, where large weights magnify rounding.
    """
    networks = problem(hidden, n, scale=scale)
    (loss, gradient), (exact_loss, exact) = both(*networks)
    eager_loss, eager = eagerly(lambda: both(*networks))[0]
    assert (loss - exact_loss).abs().max() < 4 * (eager_loss - exact_loss).abs().max() + 5e-6 * exact_loss.max()
    assert (gradient - exact).abs().max() < 4 * (eager - exact).abs().max() + 2e-5 * max(1.0, exact.abs().max())


@needs_compiler
@pytest.mark.parametrize("classes", [2, 11, 256])
@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_any_number_of_classes_is_summed_without_overflow(classes, scale):
    (loss, gradient), (exact_loss, exact) = both(*problem((4,), 400, classes=classes, scale=scale))
    torch.testing.assert_close(loss, exact_loss, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, exact, rtol=1e-4, atol=1e-6)


@needs_compiler
def test_chosen_lanes_have_their_own_loss_and_biases():
    ensemble, samples, rows = problem((10, 5), 50, networks=6)
    lanes = torch.tensor([4, 1])
    (loss, gradient), (exact_loss, exact) = both(ensemble, samples, rows[lanes], lanes)
    torch.testing.assert_close(loss, exact_loss, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, exact, rtol=1e-4, atol=1e-6)
    biases = torch.from_numpy(ensemble.architecture.is_bias())
    assert (gradient[0, biases] != 0).all() and (gradient[1, biases] == 0).all()


@needs_compiler
def test_more_networks_than_a_block_holds_are_as_alone():
    ensemble, samples, rows = problem((40,), 2100, networks=37)
    loss, gradient = ensemble.loss_and_gradient(rows, samples)
    alone = ensemble.loss_and_gradient(rows[36:], samples, torch.tensor([36]))
    torch.testing.assert_close(loss[36:], alone[0], rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient[36:], alone[1], rtol=1e-5, atol=1e-7)


@needs_compiler
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
@pytest.mark.parametrize("place", [0, 7, 8, -1, -2])
def test_a_network_that_overflows_says_so_and_leaves_the_others(value, place):
    """A weight or a bias of the first or the last layer that is no number in float32."""
    ensemble, samples, rows = problem((10, 5), 40)
    whole = ensemble.loss_and_gradient(rows, samples)
    rows = rows.clone()
    rows[0, place] = value
    loss, gradient = ensemble.loss_and_gradient(rows, samples)
    eager = eagerly(lambda: ensemble.loss_and_gradient(rows, samples))
    assert bool(
        (loss[0].isfinite() & gradient[0].isfinite().all()) == (eager[0][0].isfinite() & eager[1][0].isfinite().all())
    )
    assert torch.equal(loss[1:], whole[0][1:]) and torch.equal(gradient[1:], whole[1][1:])


@needs_compiler
@pytest.mark.parametrize("place", [0, 3, 8, 16, 20])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_component_that_is_no_number_shows_in_the_largest(place, value):
    gradient, direction = torch.ones(2, 21, dtype=torch.float64), torch.ones(2, 21, dtype=torch.float64)
    gradient[0, place] = value
    gradient[1, place] = -3.0
    largest, slope = np.empty(2), np.empty(2)
    compiled.library().slopes(2, 21, gradient, direction, largest, slope)
    assert not np.isfinite(largest[0]) and not np.isfinite(slope[0])
    assert largest[1] == 3.0 and slope[1] == 17.0


@needs_compiler
def test_training_follows_that_of_pytorch():
    """From one start, in float32, a few iterations long: rounding tells them apart only later."""
    ensemble, samples, rows = problem((10, 5), 300, networks=8)
    budget = Budget(max_iterations=8)
    found = lbfgs.train(ensemble, rows, samples, budget)
    expected = eagerly(lambda: lbfgs.train(ensemble, rows, samples, budget))
    assert found.status == expected.status
    assert torch.equal(found.evaluations, expected.evaluations)
    torch.testing.assert_close(found.loss, expected.loss, rtol=1e-3, atol=0)
    torch.testing.assert_close(found.x, expected.x, rtol=1e-2, atol=1e-2)


# The compiler


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """The search for a compiler as a new process makes it, its cache empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled, "library", compiled.library.__wrapped__)
    return tmp_path / "symmetry-constrained"


@needs_compiler
def test_it_is_compiled_once_and_kept(fresh, capsys):
    assert compiled.library().compiler

    def kept():
        found = [(path, path.stat()) for path in sorted(fresh.iterdir())]
        return [(path.suffix, stat.st_ino, stat.st_mtime_ns) for path, stat in found]

    before = kept()
    assert [suffix for suffix, *_ in before] == [".so", ".sha256"]
    assert compiled.library() is not None
    assert kept() == before
    assert capsys.readouterr().err == ""


@needs_compiler
@pytest.mark.parametrize("change", ["compiler", "no command", "off", "source", "library"])
def test_where_it_can_not_be_had_pytorch_computes(fresh, monkeypatch, tmp_path, capsys, change):
    if change == "compiler":
        monkeypatch.setenv("CXX", str(tmp_path / "missing"))
    elif change == "no command":
        monkeypatch.setenv("CXX", "'g++")
    elif change == "off":
        monkeypatch.setenv(compiled.OFF, "1")
    elif change == "source":
        broken = tmp_path / "broken.cpp"
        broken.write_text("no C++")
        monkeypatch.setattr(compiled, "SOURCES", (broken,))
    elif change == "library":
        monkeypatch.setattr(compiled, "BUILD", ("-c",))  # an object file
        monkeypatch.setattr(compiled, "SOURCES", compiled.SOURCES[1:])
    assert compiled.library() is None
    said = capsys.readouterr().err
    if change == "off":
        assert said == ""
    else:
        assert re.fullmatch(r"kernels: PyTorch computes, since .+\n", said)
    ensemble, samples, rows = problem((10, 5), 50)
    assert lbfgs.train(ensemble, rows, samples, Budget(max_iterations=3)).iterations.tolist() == [3] * 3
    assert not fresh.is_dir() or list(fresh.iterdir()) == []


@needs_compiler
@pytest.mark.parametrize("trouble", ["a file in its place", "open to others"])
def test_where_nothing_can_be_kept_it_is_compiled_for_the_process(fresh, capsys, trouble):
    if trouble == "open to others":
        fresh.mkdir()
        fresh.chmod(0o777)
    else:
        fresh.write_text("")
    assert compiled.library() is not None
    assert capsys.readouterr().err.startswith("kernels: compiled for this process alone, since ")
    assert not fresh.is_dir() or list(fresh.iterdir()) == []


@needs_compiler
def test_what_was_damaged_is_built_anew(fresh):
    """Empty it would end the process that loads it."""
    assert compiled.library() is not None
    (built,) = fresh.glob("*.so")
    whole = built.read_bytes()
    # Not in place: this process has it loaded.
    built.unlink()
    built.write_bytes(whole[:100])
    assert compiled.library() is not None
    assert built.stat().st_size == len(whole)


# Answers as a compiler does, and makes what is no library.
PRETENDER = """#!/bin/sh
echo "$@" >> {log}
for word; do [ "$word" = -E ] && exit; done
{build}
while [ "$1" != -o ]; do shift; done
echo no library > "$2"
"""


@pytest.fixture
def pretender(monkeypatch, tmp_path):
    """A compiler of one's own: a function that makes it, and returns the file that has a line for each start of it."""

    def make(build: str = "", answer: str = PRETENDER):
        program, log = tmp_path / "pretender", tmp_path / "starts"
        program.write_text(answer.format(log=log, build=build))
        program.chmod(0o755)
        monkeypatch.setenv("CXX", str(program))
        return log

    return make


def test_what_can_not_be_loaded_is_not_kept(fresh, pretender, capsys):
    pretender()
    assert compiled.library() is None
    assert capsys.readouterr().err == "kernels: PyTorch computes, since what pretender made can't be loaded\n"
    assert list(fresh.iterdir()) == []


@pytest.mark.parametrize("when", ["asked", "building"])
def test_a_compiler_that_hangs_is_waited_for_once(fresh, pretender, monkeypatch, capsys, when):
    monkeypatch.setattr(toolchain, "ANSWER", 0.2 if when == "asked" else 15)
    monkeypatch.setattr(toolchain, "BUILD", 0.2)
    hang = "sleep 1000 & sleep 1000"
    starts = pretender(hang) if when == "building" else pretender(answer=f"#!/bin/sh\necho start >> {{log}}\n{hang}\n")
    assert compiled.library() is None
    assert capsys.readouterr().err == "kernels: PyTorch computes, since pretender did not end within 0.2 s\n"
    begun = starts.read_text()
    # As another process of the same run.
    assert compiled.library() is None
    (noted,) = (path for path in fresh.iterdir() if path.suffix != ".sha256")
    said = capsys.readouterr().err
    assert said.endswith(f"did not end within 0.2 s a while ago; to try again, remove {noted}\n")
    assert starts.read_text() == begun
    # A run of later.
    os.utime(noted, (0, 0))
    assert compiled.library() is None
    assert starts.read_text() > begun


def test_another_compiler_or_other_flags_have_another_name(pretender, monkeypatch):
    names = set()
    for command in ("{}", "{} -O0", "{}  -fno-tree-vectorize"):
        pretender()
        monkeypatch.setenv("CXX", command.format(os.environ["CXX"]))
        names.add(compiled._name(toolchain.find()))
    pretender("# a later version of it")
    names.add(compiled._name(toolchain.find()))
    assert len(names) == 4


def compile_it(_) -> bool:
    return compiled.library() is not None


@needs_compiler
def test_jobs_that_start_together_all_get_it(fresh):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert all(pool.map(compile_it, range(2)))
    assert len(list(fresh.iterdir())) == 2


@needs_compiler
@pytest.mark.parametrize("source", compiled.SOURCES, ids=lambda path: path.name)
def test_the_code_compiles_without_a_warning(source, tmp_path):
    flags = [*compiled.FLAGS, "-Wall", "-Wextra", "-Wno-ignored-attributes", "-Wno-maybe-uninitialized", "-Werror"]
    run = subprocess.run(["c++", *flags, "-c", source, "-o", tmp_path / "o"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for wider in (["-mno-avx512f"], ["-mno-avx"]) if sys.platform == "linux" else ():
        assert subprocess.run(["c++", *flags, *wider, "-c", source, "-o", tmp_path / "o"]).returncode == 0
