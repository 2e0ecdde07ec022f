"""A batch's record of its training: the history against the final networks, effort against the budget, timings."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import efforts, forward, inputs, specs, splits
from symmetry_constrained.audit.batch import IDENTITY
from symmetry_constrained.audit.checks import Check, equal, guarded, line, same_table
from symmetry_constrained.audit.results import Results

EFFORT, RECORDED, TIMED = "effort within the budget, arithmetic", "history and its end", "timings"
NETWORK = ["fraction", "network", "seed"]
ENDS = ["train_accuracy", "train_loss", "test_accuracy", "test_loss", "inverted_accuracy", "inverted_loss"]
ENDS += ["negated_accuracy", "clipped"]
RISING = 0.02  # the most that the penalty's share lets a loss rise between two rows


def check(results: Results, share: specs.Share = specs.WHOLE) -> Iterator[Check]:
    for folder, spec in specs.of_share(results, share).items():
        yield from check_batch(results, folder, spec)


def check_batch(results: Results, folder: str, spec: dict) -> Iterator[Check]:
    networks, history, timings = (f"{folder}/{name}.csv" for name in ("networks", "history", "timings"))
    split = specs.split_files(spec)[2:]
    where = results.blame(networks, *split)
    yield from guarded(EFFORT, where, _check_effort(results, where, networks, spec))
    where = results.blame(history, networks, *split)
    yield from guarded(RECORDED, where, _check_history(results, where, networks, history, spec))
    where = results.blame(timings, networks)
    yield from guarded(TIMED, where, _check_timings(results, where, networks, timings, spec))


def flop_per_evaluation(pixels: int, spec: dict, biased: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """FLOP of one evaluation of the loss and its gradient, for networks (N,) of a batch on so many samples (N,).

    2·in·out for each product of a layer, forward and for the weights' gradient, and but in the first layer once more
    for the gradient of its input; out for each use of a bias. All of it twice where logits of x and −x are added, and
    the first layer's twice where its units' values are. A convolution's for each of its pixels.
    """
    found = np.zeros(len(biased))
    often = forward.windows(pixels, spec["hidden_layers"])
    for number, ((fan_in, fan_out), times) in enumerate(zip(_shapes(pixels, spec), often, strict=True)):
        twice = spec["averaging"] == "logits" or (spec["averaging"] == "units" and number == 0)
        found += (1 + twice) * times * ((2 if number == 0 else 3) * 2 * fan_in * fan_out + 2 * biased * fan_out)
    return found * samples


def _shapes(pixels: int, spec: dict) -> list[tuple[int, int]]:
    return forward.sizes(inputs.width(spec["features"], pixels), spec["hidden_layers"])


def _pixels(results: Results, spec: dict) -> int:
    return len(splits.read(results, specs.split_folder(spec))[1])


def _check_effort(results: Results, where: str, path: str, spec: dict) -> Iterator[Check]:
    networks, pixels = results.table(path), _pixels(results, spec)
    biased = (networks["network"] == "biased").to_numpy()
    parameters = sum(fan_out * fan_in for fan_in, fan_out in _shapes(pixels, spec))
    biases = sum(fan_out for _, fan_out in _shapes(pixels, spec))
    expected = pd.DataFrame(
        {
            "parameters": parameters + biased * biases,
            "flop": flop_per_evaluation(pixels, spec, biased, networks["n_train"]) * networks["evaluations"],
        }
    )
    wrong = (expected != networks[list(expected)].astype(float)).to_numpy()
    text = f"line {line(wrong.any(1))}: {int(wrong.sum())} cells differ" if wrong.any() else "equal"
    yield Check(EFFORT, where, f"{', '.join(expected)} by the architecture", text, not wrong.any())
    yield efforts.within(EFFORT, where, networks, spec["budget"], spec["optimiser"] == "adam")


def _check_history(results: Results, where: str, path: str, history_path: str, spec: dict) -> Iterator[Check]:
    networks, history = (
        results.table(path),
        results.table(history_path, [*IDENTITY, *ENDS, "iterations", "evaluations"]),
    )
    # Networks that diverged are left out of the history.
    ends = networks[networks["status"] != "non_finite"].set_index(NETWORK).sort_index()
    groups = history.groupby(NETWORK)
    last = groups.tail(1).set_index(NETWORK).sort_index()
    yield equal(
        RECORDED, where, f"{len(ends)} networks", f"{len(last) if last.index.equals(ends.index) else 'other'} networks"
    )
    if not last.index.equals(ends.index):
        return
    rest = [name for name in IDENTITY if name not in NETWORK]
    due = history[NETWORK].merge(networks[IDENTITY], on=NETWORK, how="left")[rest]
    yield same_table(RECORDED, where, due, history[rest], source="the networks of networks.csv")
    columns = ["iterations", *ENDS]
    wrong = ~np.isclose(last[columns].astype(float), ends[columns].astype(float), rtol=1e-14, atol=0, equal_nan=True)
    # A line search that failed after the last checkpoint used evaluations and changed no parameter.
    late = (last["evaluations"] > ends["evaluations"]).to_numpy()
    bad = wrong.any(1) | late
    text = "equal" if not bad.any() else f"{ends.index[int(np.flatnonzero(bad)[0])]}: {int(bad.sum())} networks differ"
    yield Check(RECORDED, where, "the last row of each network as in networks.csv", text, not bad.any())
    passed = {key: sorted(rows["iterations"]) for key, rows in groups}
    expected = {
        key: sorted({*(c for c in spec["checkpoints"] if c < row["iterations"]), row["iterations"]})
        for key, row in ends.iterrows()
    }
    odd = [key for key in expected if expected[key] != passed[key]]
    text = "so" if not odd else f"{odd[0]}: {passed[odd[0]]}, expected {expected[odd[0]]}; {len(odd)} networks differ"
    yield Check(RECORDED, where, "a row at every checkpoint passed, and one at the end", text, not odd)
    yield _check_order(where, history, spec)
    count = splits.read(results, specs.split_folder(spec))[0]["set"].eq("test").sum()
    for columns, sizes in (
        (["test_accuracy", "inverted_accuracy", "negated_accuracy"], count),
        (["train_accuracy"], history["n_train"]),
    ):
        right = history[columns].mul(sizes, axis=0)
        whole = np.isclose(right, right.round(), rtol=0, atol=1e-6).all() and right.min().min() >= 0
        within = bool(whole and history[columns].max().max() <= 1)
        yield Check(
            RECORDED, where, f"{', '.join(columns)}: whole numbers of images", "so" if within else "not so", within
        )
    flop = flop_per_evaluation(
        _pixels(results, spec), spec, (history["network"] == "biased").to_numpy(), history["n_train"]
    )
    ok = bool((flop * history["evaluations"] == history["flop"]).all())
    yield Check(RECORDED, where, "flop by the architecture", "equal" if ok else "not equal", ok)


def _check_order(where: str, history: pd.DataFrame, spec: dict) -> Check:
    """Effort grows along a network's history, and what L-BFGS lowers does not rise: the loss, but for the penalty."""
    ordered = history.sort_values([*NETWORK, "iterations"], kind="stable")
    steps = ordered.groupby(NETWORK)[["evaluations", "train_loss"]].diff()
    wrong = steps["evaluations"] <= 0
    if spec.get("optimiser") in (None, "lbfgs"):
        wrong |= steps["train_loss"] > RISING
    text = "so" if not wrong.any() else f"line {wrong.index[wrong.to_numpy()][0] + 2}: {int(wrong.sum())} rows are not"
    return Check(RECORDED, where, "evaluations rising, losses falling", text, not wrong.any())


def _check_timings(results: Results, where: str, path: str, timed: str, spec: dict) -> Iterator[Check]:
    networks, timings = results.table(path), results.table(timed)
    totals = networks.groupby("fraction")["evaluations"].agg(["size", "sum"])
    # Networks that were trained on other features' images are counted there.
    trained = spec["trained_as"] is None
    expected = [
        [fraction, count, total * trained] for fraction in spec["fractions"] for count, total in [totals.loc[fraction]]
    ]
    found = timings[["fraction", "networks", "evaluations"]].to_numpy().tolist()
    yield equal(TIMED, where, expected, found)
    seconds = timings.filter(like="_seconds")
    ok = bool(seconds.shape[1] == 3 and np.isfinite(seconds).all().all() and (seconds >= 0).all().all())
    yield Check(TIMED, timed, "seconds, none below 0", "so" if ok else "not so", ok)
