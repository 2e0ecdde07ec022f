"""The batched line search against SciPy's scalar `DCSRCH` and `dcstep`."""

import math
from collections import Counter

import numpy as np
from scipy.optimize._dcsrch import DCSRCH, dcstep

from symmetry_constrained.kernels import line_search

LIMIT = 25


def polynomial(random):
    """A quartic bounded below."""
    slope, b, c = -(10 ** random.uniform(-3, 3)), *random.normal(size=2) * 10 ** random.uniform(-2, 2, 2)
    d = 10 ** random.uniform(-4, 2)
    return (
        lambda t: slope * t + b * t * t + c * t**3 + d * t**4,
        lambda t: slope + 2 * b * t + 3 * c * t * t + 4 * d * t**3,
    )


def cubic_valley(random):
    """Falls without end on one side of a hill that may be too high to cross."""
    slope, b, c = -(10 ** random.uniform(-2, 2)), 10 ** random.uniform(-2, 2), -(10 ** random.uniform(-3, 1))
    return lambda t: slope * t + b * t * t + c * t**3, lambda t: slope + 2 * b * t + 3 * c * t * t


def oscillating(random):
    a, b, w = 10 ** random.uniform(-3, 1), random.normal(), 10 ** random.uniform(-1, 2)
    slope = -(10 ** random.uniform(-1, 1))
    return (
        lambda t: slope * t + a * t * t + b * (math.cos(w * t) - 1),
        lambda t: slope + 2 * a * t - b * w * math.sin(w * t),
    )


def nearly_linear(random):
    slope, b = -(10 ** random.uniform(-3, 3)), 10 ** random.uniform(-14, -2)
    return lambda t: slope * t * (1 - b * t), lambda t: slope * (1 - 2 * b * t)


def concave(random):
    """Unbounded below: the search runs to the largest step."""
    slope, b = -(10 ** random.uniform(-2, 2)), 10 ** random.uniform(-6, 0)
    return lambda t: slope * t - b * t * t, lambda t: slope - 2 * b * t


def saturating(random):
    """Steep at first, then flat: the slope falls by orders of magnitude."""
    a, w = 10 ** random.uniform(-1, 2), 10 ** random.uniform(-2, 3)
    return lambda t: -a * math.tanh(w * t) + 1e-3 * t, lambda t: -a * w * (1 - math.tanh(w * t) ** 2) + 1e-3


def inconsistent(random):
    """A slope that is not the function's: warnings and searches without end."""
    w, a, b = 10 ** random.uniform(-1, 1.5), random.normal(), random.normal()
    return (
        lambda t: a * math.sin(w * t) + 0.3 * math.sin(7.3 * w * t) + 1e-3 * t * t,
        lambda t: -1.0 + b * math.sin(3.1 * w * t) + math.sin(11 * w * t),
    )


def flat(random):
    """Equal values everywhere, whatever the slope says."""
    w, b = 10 ** random.uniform(-1, 1), random.normal()
    return lambda t: 3.0, lambda t: -1.0 + b * math.sin(w * t)


def wall(random):
    """So high beyond 0 that the interpolated steps underflow to 0."""
    height = 10 ** random.uniform(200, 300)
    return lambda t: height if t > 0 else 0.0, lambda t: -1.0


FAMILIES = (polynomial, cubic_valley, oscillating, nearly_linear, concave, saturating, inconsistent, flat, wall)


def functions(count=540, seed=0):
    """Pairs (value, slope) with a negative slope at 0, and first steps."""
    random = np.random.default_rng(seed)
    lanes = [FAMILIES[i % len(FAMILIES)](random) for i in range(count)]
    assert all(derivative(0.0) < 0 for _, derivative in lanes)
    return lanes, 10 ** random.uniform(-4, 4, count)


def scalar_search(value, derivative, step):
    """SciPy's trial steps and the task it ends with (b"FG" if LIMIT trials are not enough)."""
    search = DCSRCH(
        value,
        derivative,
        line_search.FTOL,
        line_search.GTOL,
        line_search.XTOL,
        line_search.STEP_MIN,
        line_search.STEP_MAX,
    )
    step, _, _, task = search._iterate(step, value(0.0), derivative(0.0), b"START")
    steps = []
    while task == b"FG" and len(steps) < LIMIT:
        steps.append(float(step))
        step, _, _, task = search._iterate(steps[-1], value(steps[-1]), derivative(steps[-1]), task)
    return steps, task, search


def test_many_lanes_try_the_steps_of_scipys_scalar_search():
    lanes, first = functions()
    expected = [scalar_search(*lane, float(step)) for lane, step in zip(lanes, first, strict=True)]
    tasks = Counter(task for _, task, _ in expected)
    # Every way to end occurs, so none can be wrong unseen.
    assert {b"CONVERGENCE", b"WARNING: XTOL TEST SATISFIED", b"WARNING: STP = STPMAX", b"FG"} <= tasks.keys()

    search = line_search.start(
        np.array([v(0.0) for v, _ in lanes]), np.array([d(0.0) for _, d in lanes]), np.array(first)
    )
    steps = [[] for _ in lanes]
    ended = np.zeros(len(lanes), dtype=bool)
    for _ in range(LIMIT):
        trial = search.stp.tolist()
        for lane in np.flatnonzero(~ended):
            steps[lane].append(trial[lane])
        f = np.array([value(t) for (value, _), t in zip(lanes, trial, strict=True)])
        g = np.array([derivative(t) for (_, derivative), t in zip(lanes, trial, strict=True)])
        following, now = line_search.update(search, f, g)
        assert np.array_equal(following.stp[now], search.stp[now])
        ended |= now
        search = search.replaced(~ended, following)

    assert ended.tolist() == [task != b"FG" for _, task, _ in expected]
    assert [len(trials) for trials in steps] == [len(trials) for trials, _, _ in expected]
    worst = np.zeros(len(lanes))
    for lane, (mine, (theirs, _, _)) in enumerate(zip(steps, expected, strict=True)):
        mine, theirs = np.array(mine), np.array(theirs)
        worst[lane] = (np.abs(mine - theirs) / np.where(theirs == 0, 1.0, theirs)).max()
    assert any(trials[-1] == 0.0 for trials in steps)
    # SciPy squares with C's pow, whose last digit is not always that of x·x; a few searches amplify it.
    assert (worst == 0).mean() > 0.9
    assert np.sort(worst)[-3] < 1e-13
    assert worst.max() < 1e-8
    for name in ("stx", "fx", "gx", "sty", "fy", "gy", "stmin", "stmax", "width", "width1", "brackt", "stage"):
        theirs = np.array([float(getattr(scipys, name)) for _, _, scipys in expected])
        ours = getattr(search, name)
        if name == "stage":  # SciPy notes stage 2 even on the trial that ends the search
            ours, theirs = ours[~ended], theirs[~ended]
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=0, err_msg=name)


def test_a_lanes_steps_do_not_depend_on_its_neighbours():
    lanes, first = functions(70, seed=3)

    def run(numbers):
        chosen = [lanes[i] for i in numbers]
        start = [[v(0.0) for v, _ in chosen], [d(0.0) for _, d in chosen], first[numbers].tolist()]
        search = line_search.start(*np.array(start))
        seen = []
        for _ in range(8):
            trial = search.stp.tolist()
            f = [v(t) for (v, _), t in zip(chosen, trial, strict=True)]
            g = [d(t) for (_, d), t in zip(chosen, trial, strict=True)]
            search, ended = line_search.update(search, *np.array([f, g]))
            seen.append([search.stp, ended])
        return np.array(seen)

    together = run(list(range(70)))
    for lane in range(0, 70, 9):
        assert np.array_equal(run([lane])[:, :, 0], together[:, :, lane])


def random_steps(count, seed):
    """Inputs of `dcstep` that keep its contract: a descent at stx, and stp inside the interval once bracketed."""
    random = np.random.default_rng(seed)
    stx = 10 ** random.uniform(-3, 3, count)
    brackt = random.random(count) < 0.5
    ahead = (random.random(count) < 0.5) | ~brackt
    length = 10 ** random.uniform(-4, 3, count)
    stp = np.where(ahead, stx + length, stx - length)
    sty = np.where(brackt, stx + (stp - stx) * (1 + 10 ** random.uniform(-2, 2, count)), 0.0)
    dx = -np.sign(stp - stx) * 10 ** random.uniform(-3, 3, count)
    dp = dx * random.choice([-1, 1], count) * 10 ** random.uniform(-2, 2, count)
    dy = random.normal(size=count) * 10 ** random.uniform(-3, 3, count)
    fx = random.normal(size=count)
    fp = fx + random.choice([-1, -1, -1, 1], count) * 10 ** random.uniform(-4, 3, count)
    # A cubic through equal values now and then.
    fp = np.where(random.random(count) < 0.05, fx, fp)
    fy = np.maximum(fx, fp) + 10 ** random.uniform(-4, 3, count)
    low, high = np.minimum(stx, sty), np.maximum(stx, sty)
    stpmin = np.where(brackt, low, stp + 1.1 * (stp - stx))
    stpmax = np.where(brackt, high, stp + 4 * (stp - stx))
    return stx, fx, dx, sty, fy, dy, stp, fp, dp, brackt, stpmin, stpmax


def test_step_is_scipys_dcstep_in_each_of_its_cases():
    inputs = random_steps(4000, seed=1)
    stx, fx, dx, _, _, _, stp, fp, dp, brackt, _, _ = inputs
    case = np.select([fp > fx, dp * np.sign(dx) < 0, np.abs(dp) < np.abs(dx)], [1, 2, 3], 4)
    for number in (1, 2, 3, 4):
        for bracketed in (False, True):
            for sign in (-1, 1):
                seen = (case == number) & (brackt == bracketed) & (np.sign(stp - stx) == sign)
                assert seen.sum() > 50 or (not bracketed and sign == -1)

    with np.errstate(all="ignore"):
        ours = line_search.step(*inputs)
    theirs = np.array([dcstep(*lane) for lane in zip(*inputs, strict=True)], dtype=np.float64).T
    assert np.isfinite(theirs).all()
    names = ("stx", "fx", "dx", "sty", "fy", "dy", "stp", "brackt")
    for name, mine, scipys in zip(names, ours, theirs, strict=True):
        np.testing.assert_allclose(mine, scipys, rtol=1e-12, atol=0, err_msg=name)
