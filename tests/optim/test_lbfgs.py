"""The batched optimiser against SciPy's L-BFGS-B and against dense algebra."""

import itertools

import numpy as np
import pytest
import torch
from helpers.oracles import ENDS, bfgs_inverse, lbfgsb
from sklearn.datasets import load_digits

from symmetry_constrained.kernels.steps import Moves
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import Ensemble
from symmetry_constrained.optim import lbfgs, problem
from symmetry_constrained.optim.lbfgs import minimise
from symmetry_constrained.optim.problem import Budget, Status
from symmetry_constrained.training import scikit_learn

torch.set_num_threads(1)
pytestmark = pytest.mark.usefixtures("arithmetic")

AMPLE = Budget()


def lanewise(functions, calls=None):
    """One NumPy function per lane -> a batched evaluation. `calls` collects each lane's points."""

    def evaluate(points, lanes):
        values = []
        for point, lane in zip(points.numpy(), lanes.tolist(), strict=True):
            values.append(functions[lane](point))
            if calls is not None:
                calls[lane].append(point.copy())
        return (
            torch.tensor(np.array([value for value, _ in values])),
            torch.tensor(np.array([gradient for _, gradient in values])),
        )

    return evaluate


def run(functions, starts, budget=AMPLE, **kwargs):
    """The result, with the points (evaluations, n) at which each lane was evaluated."""
    calls = [[] for _ in functions]
    result = minimise(lanewise(functions, calls), torch.tensor(np.array(starts)), budget, **kwargs)
    assert [len(c) for c in calls] == result.evaluations.tolist()  # a finished lane is evaluated no more
    result.points = [np.array(c) for c in calls]
    return result


def scipys_count(points):
    """SciPy does not call its function, nor count, where it asks for the same point twice running."""
    return len(points) - int((points[1:] == points[:-1]).all(1).sum())


def assert_as_scipy(result, functions, starts, budget=AMPLE, tolerance=1e-6):
    for lane, (function, start) in enumerate(zip(functions, starts, strict=True)):
        scipys = lbfgsb(function, start, budget.max_iterations, budget.max_evaluations)
        ours = (int(result.iterations[lane]), scipys_count(result.points[lane]), result.status[lane])
        assert ours == (scipys.nit, scipys.nfev, ENDS[scipys.message]), f"lane {lane}"
        np.testing.assert_allclose(result.x[lane], scipys.x, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(result.loss[lane], scipys.fun, rtol=tolerance, atol=tolerance)
        value, gradient = function(result.x[lane].numpy())
        np.testing.assert_array_equal(result.loss[lane], value)
        np.testing.assert_array_equal(result.gradient[lane], gradient)


def quadratic(seed, n=12, condition=1e3):
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.normal(size=(n, n)))[0]
    matrix = (basis * np.geomspace(1, condition, n)) @ basis.T
    target = random.normal(size=n)

    def function(x):
        residual = matrix @ (x - target)
        return 0.5 * (x - target) @ residual, residual

    return function, random.normal(size=n) * 3


def rosenbrock(x):
    inner = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[1:] += 200 * inner
    gradient[:-1] += -400 * inner * x[:-1] - 2 * (1 - x[:-1])
    return (100 * inner**2 + (1 - x[:-1]) ** 2).sum(), gradient


def twisted(seed, n=6):
    """A quadratic whose reported gradient has a rotation added: no function has it, so line searches fail."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n, n))
    a, b = a @ a.T + 0.1 * np.eye(n), 2 * (b - b.T)
    return (lambda x: (0.5 * x @ a @ x, (a + b) @ x)), random.normal(size=n)


# The direction


class Walk:
    """Lanes led through random points by random gradients, and the pairs that each should keep."""

    def __init__(self, counts, n=30, dtype=torch.float64):
        """Lane k keeps the newest of counts[k] pairs."""
        self.random, self.shape = np.random.default_rng(0), (len(counts), n)
        a = self.random.normal(size=(len(counts), n, n))
        self.hessians = a @ a.transpose(0, 2, 1) / n + 0.3 * np.eye(n)
        self.state = lbfgs._start(torch.zeros(self.shape, dtype=torch.float64), dtype)
        self.lanes, self.everywhere = self.state.vectors, np.ones(len(counts), dtype=bool)
        self.step, self.slopes = np.zeros(len(counts)), np.zeros(len(counts))
        self.pairs = [([], []) for _ in counts]
        self.turn()
        for number in range(max(counts)):
            self.append(np.array([number < count for count in counts]))
            self.turn()

    def evaluate(self, gradients):
        """The slopes g·d with these gradients (K, n) at the trial points."""
        _, _, self.slopes = self.lanes.evaluate(
            lambda points, lanes: (torch.zeros(len(points), dtype=torch.float64), torch.tensor(gradients))
        )
        return self.slopes

    def turn(self):
        """Move to the trial points and draw gradients there; the memories stay as they are."""
        self.evaluate(self.random.normal(size=self.shape))
        self.move()

    def move(self):
        """To the trial points, and on in new directions."""
        self.make(accepted=self.everywhere, begun=self.everywhere)

    def make(self, **moves):
        """Make moves of the lanes; returns which of them have no direction."""
        lost = self.lanes.advance(Moves.along(self.step)._replace(**moves))
        self.lanes.settle()
        return lost

    def append(self, lanes):
        """Take a step and keep its pair in the lanes of the mask."""
        r, d = self.lanes.r.clone().numpy(), self.lanes.d.clone().numpy()
        step = 10 ** self.random.uniform(-2, 2, len(lanes))
        s = step[:, None] * d
        y = (self.hessians @ s[:, :, None])[:, :, 0]
        self.go(step)
        curvature = (self.evaluate(r + y) - self.lanes.slope) * step
        self.make(curvature=np.where(lanes, curvature, 0.0), taken=step, accepted=self.everywhere)
        for lane in np.flatnonzero(lanes):
            self.pairs[lane][0].append(s[lane])
            self.pairs[lane][1].append(r[lane] + y[lane] - r[lane])
        self.make(begun=self.everywhere)

    def go(self, step):
        self.step = step
        self.make()

    def expected(self, lane):
        """-H r by the dense inverse, theta, and how much of it rounding to the point itself may take."""
        s, y = (np.array(part).reshape(-1, self.shape[1]) for part in self.pairs[lane])
        theta = y[-1] @ y[-1] / (y[-1] @ s[-1]) if len(s) else 1.0
        direction = -bfgs_inverse(s[-10:], y[-10:], theta) @ self.lanes.r[lane].numpy()
        return direction, theta, np.abs(direction).max() + np.abs(self.lanes.t[lane].numpy()).max()


def test_direction_is_that_of_the_dense_bfgs_matrix_on_the_ten_newest_pairs():
    counts = [*range(11), 11, 13, 19, 20, 27]
    walk = Walk(counts)
    assert walk.lanes.count.tolist() == [min(count, 10) for count in counts]
    for lane, count in enumerate(counts):
        expected, theta, size = walk.expected(lane)
        assert walk.lanes.theta[lane] == pytest.approx(theta, rel=1e-10)
        assert np.abs(walk.lanes.d[lane].numpy() - expected).max() < 1e-12 * size, f"{count} pairs"


def test_direction_from_pairs_in_float32_is_as_exact_as_they_are():
    walk = Walk([1, 10, 27], dtype=torch.float32)
    for lane in range(3):
        expected, _, size = walk.expected(lane)
        assert np.abs(walk.lanes.d[lane].numpy() - expected).max() < 1e-4 * size


def test_slopes_are_those_of_the_directions():
    walk = Walk([0, 3, 12])
    walk.go(np.ones(3))
    gradients = walk.random.normal(size=walk.shape)
    slopes = walk.evaluate(gradients)
    d, r = walk.lanes.d.numpy(), walk.lanes.r.numpy()
    np.testing.assert_allclose(slopes, (gradients * d).sum(1), rtol=1e-12)
    np.testing.assert_allclose(walk.lanes.slope, (r * d).sum(1), rtol=1e-12)
    assert (walk.lanes.slope < 0).all()


def test_chosen_lanes_keep_their_memory_and_others_their_direction():
    walk = Walk([3, 12, 5, 0, 10])
    before, some = walk.lanes.d.clone(), np.array([4, 1])
    fewer = walk.lanes.select(some)
    fewer.advance(Moves.along(walk.step[some])._replace(begun=np.ones(2, dtype=bool)))
    fewer.settle()
    torch.testing.assert_close(fewer.d, before[some])
    walk.make(forgotten=walk.everywhere, begun=np.array([False, True, False, False, False]))
    assert (walk.lanes.d == before).all(1).tolist() == [True, False, True, True, True]


def test_direction_without_memory_is_steepest_descent():
    walk = Walk([0, 5])
    walk.make(forgotten=np.array([False, True]), begun=walk.everywhere)
    assert torch.equal(walk.lanes.d, (walk.lanes.t - walk.lanes.r) - walk.lanes.t)


def test_a_pair_is_kept_where_it_has_a_curvature():
    """Which is s·y, whatever the vectors say."""
    walk = Walk([3, 3])
    lanes = walk.lanes
    newest, theta, d = lanes.newest.copy(), lanes.theta.copy(), lanes.d.clone()
    walk.go(np.array([0.25, 0.25]))
    walk.evaluate(lanes.r.numpy() + 1.0)
    walk.make(curvature=np.array([2e-16, 0.0]), taken=walk.step, accepted=np.array([True, False]))
    assert lanes.count.tolist() == [4, 3]
    assert (lanes.newest == newest).tolist() == [False, True]
    assert lanes.theta[0] == pytest.approx(30 / 2e-16) and lanes.theta[1] == theta[1]
    walk.make(begun=walk.everywhere)
    assert (lanes.d == d).all(1).tolist() == [False, True]


def test_a_full_step_ends_exactly_at_the_point_the_direction_aimed_at():
    walk = Walk([0, 0], n=1000)
    walk.go(np.ones(2))
    walk.turn()
    walk.go(np.array([1.0, 0.5]))
    walk.evaluate(np.zeros(walk.shape))
    t, r, d = walk.lanes.t, walk.lanes.r, walk.lanes.d
    assert torch.equal(walk.lanes.x[0], (t - r)[0])
    torch.testing.assert_close(walk.lanes.x[1], (t + d / 2)[1], rtol=1e-14, atol=1e-14)


# Whole runs


@pytest.mark.parametrize("condition", [1.0, 10.0, 100.0, 1e3])
def test_quadratics_end_as_in_scipy(condition):
    functions, starts = zip(*(quadratic(seed, condition=condition) for seed in range(6)), strict=True)
    result = run(functions, starts)
    assert_as_scipy(result, functions, starts)
    if condition > 1:
        assert result.iterations.min() > 10  # the memory has wrapped


@pytest.mark.parametrize("n", [2, 5, 10])
def test_rosenbrock_ends_as_in_scipy(n):
    random = np.random.default_rng(n)
    starts = [np.tile([-1.2, 1.0], n)[:n], np.zeros(n), *random.uniform(-2, 2, (6, n))]
    functions = [rosenbrock] * len(starts)
    result = run(functions, starts)
    assert_as_scipy(result, functions, starts)
    assert len(set(result.iterations.tolist())) > 4


def test_long_runs_take_as_many_iterations_as_scipys_on_average():
    """Over 200 iterations rounding decides the count: SciPy's own varies by a fifth with one ulp of the start."""
    functions, starts = zip(*(quadratic(seed, condition=1e4) for seed in range(16)), strict=True)
    result = run(functions, starts)
    scipys = [lbfgsb(function, start) for function, start in zip(functions, starts, strict=True)]
    assert result.status == ["converged_loss"] * 16
    assert result.iterations.double().mean() == pytest.approx(np.mean([r.nit for r in scipys]), rel=0.1)
    assert result.evaluations.double().mean() == pytest.approx(np.mean([r.nfev for r in scipys]), rel=0.1)
    assert result.loss.max() < 1e-6


def test_rosenbrock_visits_the_points_of_scipy():
    start = np.array([-1.2, 1.0, 0.5])
    theirs, ours = [], [[]]

    def recorded(x):
        theirs.append(x.copy())
        return rosenbrock(x)

    lbfgsb(recorded, start)
    minimise(lanewise([rosenbrock], ours), torch.tensor(start)[None], AMPLE)
    assert len(theirs) == len(ours[0]) > 30
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours[0][:10], theirs[:10], rtol=1e-13)


def test_lanes_do_not_couple():
    """Lanes of very different lengths, alone and together: the same numbers, to the last bit."""
    functions, starts = [], []
    for seed, condition in enumerate((1.0, 3.0, 30.0, 1e3, 1e5)):
        function, start = quadratic(seed, n=7, condition=condition)
        functions += [function, rosenbrock]
        starts += [start, np.random.default_rng(seed).uniform(-2, 2, 7)]
    function, start = twisted(2, n=7)
    functions.append(function)
    starts.append(start)
    budget = Budget(max_iterations=60)
    together = run(functions, starts, budget)
    assert together.iterations.min() < 5 and together.iterations.max() > 40
    for lane, (function, start) in enumerate(zip(functions, starts, strict=True)):
        alone = run([function], [start], budget)
        assert alone.iterations[0] == together.iterations[lane]
        assert alone.evaluations[0] == together.evaluations[lane]
        assert alone.status[0] == together.status[lane]
        assert torch.equal(alone.x[0], together.x[lane])


def test_the_order_of_lanes_does_not_matter():
    functions, starts = zip(*(quadratic(seed, n=5, condition=10.0 ** (seed % 4)) for seed in range(9)), strict=True)
    order = np.random.default_rng(0).permutation(9)
    result = run(functions, starts)
    shuffled = run([functions[i] for i in order], [starts[i] for i in order])
    assert shuffled.iterations.tolist() == result.iterations[order].tolist()
    assert shuffled.evaluations.tolist() == result.evaluations[order].tolist()
    torch.testing.assert_close(shuffled.x, result.x[order], rtol=1e-9, atol=1e-9)


def test_evaluations_are_counted_for_live_lanes_only():
    functions, starts = zip(*(quadratic(seed, n=5, condition=10.0**seed) for seed in range(4)), strict=True)
    calls = [[] for _ in functions]
    result = minimise(lanewise(functions, calls), torch.tensor(np.array(starts)), AMPLE)
    for lane, points in enumerate(calls):
        counted = int(result.evaluations[lane])
        assert counted <= len(points)
        np.testing.assert_array_equal(points[counted - 1], result.x[lane])
        # A finished lane that still rides along stands still.
        assert all(np.array_equal(point, result.x[lane]) for point in points[counted:])


def test_single_precision_is_taken_and_double_returned():
    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float32)

    def evaluate(points, lanes):
        assert points.dtype == torch.float64
        loss, gradient = lanewise([rosenbrock])(points, lanes)
        return loss.float(), gradient.float()

    result = minimise(evaluate, start, Budget(max_iterations=15))
    assert result.x.dtype == result.loss.dtype == result.gradient.dtype == torch.float64
    assert start.tolist() == torch.tensor([[-1.2, 1.0]]).tolist()
    scipys = lbfgsb(rosenbrock, start[0].numpy(), 15)
    np.testing.assert_allclose(result.loss[0], scipys.fun, rtol=1e-2)


def test_no_lanes_are_done_at_once():
    result = minimise(lanewise([]), torch.zeros(0, 3), AMPLE)
    assert result.x.shape == (0, 3) and result.status == []


# Ends


@pytest.mark.parametrize("iterations", [1, 2, 3, 10, 25])
def test_max_iterations_stops_at_exactly_that(iterations):
    random = np.random.default_rng(iterations)
    starts, budget = random.uniform(-2, 2, (4, 20)), Budget(max_iterations=iterations)
    result = run([rosenbrock] * 4, starts, budget)
    assert result.status == ["max_iterations"] * 4
    assert result.iterations.tolist() == [iterations] * 4
    assert_as_scipy(result, [rosenbrock] * 4, starts, budget)


def test_max_evaluations_stops_at_the_first_accepted_point_beyond():
    start = np.array([-1.2, 1.0, -0.7, 2.0])
    accepted = []
    run([rosenbrock], [start], accepted=lambda state, done: accepted.append(int(state.evaluations[0])))
    overshoots = 0
    for evaluations in range(1, 40, 2):
        budget = Budget(max_evaluations=evaluations)
        result = run([rosenbrock], [start], budget)
        assert result.status == ["max_evaluations"]
        assert int(result.evaluations[0]) == next(count for count in accepted if count > evaluations)
        overshoots += int(result.evaluations[0]) > evaluations + 1
        assert_as_scipy(result, [rosenbrock], [start], budget)
    assert overshoots > 1


def test_a_spent_budget_outranks_convergence():
    function, start = quadratic(0, n=5, condition=10.0)
    free = run([function], [start])
    iterations, evaluations = int(free.iterations[0]), int(free.evaluations[0])
    assert free.status == ["converged_gradient"]
    for budget, status in (
        (Budget(max_iterations=iterations), "max_iterations"),
        (Budget(max_evaluations=evaluations - 1), "max_evaluations"),
        (Budget(max_evaluations=evaluations), "converged_gradient"),
        (Budget(max_iterations=iterations + 1), "converged_gradient"),
        (Budget(max_iterations=iterations, max_evaluations=evaluations - 1), "max_iterations"),
    ):
        result = run([function], [start], budget)
        assert result.status == [status]
        assert_as_scipy(result, [function], [start], budget)


@pytest.mark.parametrize("values", [(0, 10), (10, 0), (-1, 10)])
def test_an_empty_budget_is_refused(values):
    with pytest.raises(ValueError):
        Budget(*values)


def test_a_minimum_at_the_start_takes_no_iteration():
    """Beside a lane that is not there yet."""
    function, start = quadratic(1, n=5, condition=10.0)
    minimum = run([function], [start], gtol=1e-12, ftol=0.0).x[0].numpy()
    result = run([function] * 2, [minimum, start])
    assert result.status == ["converged_gradient"] * 2
    assert (result.iterations[0], result.evaluations[0]) == (0, 1)
    assert result.iterations[1] > 0
    np.testing.assert_array_equal(result.x[0], minimum)
    assert_as_scipy(result, [function] * 2, [minimum, start])


def test_the_gradient_test_includes_its_bound():
    """|g| equal to gtol counts as converged, in the largest component, at the start and later."""
    bound = problem.GTOL
    above = np.nextafter(bound, 1.0)

    def flattens(slope):
        return lambda x: (1.0, np.ones(2)) if x[0] == 0.0 else (-1.0, np.array([slope, -slope / 2]))

    def linear(slope):
        return lambda x: (slope * (x[1] - x[0] / 2), np.array([-slope / 2, slope]))

    functions, starts = [linear(bound), linear(above), flattens(bound), flattens(above)], np.zeros((4, 2))
    result = run(functions, starts, Budget(max_iterations=2))
    assert result.status[:3] == ["converged_gradient", "max_iterations", "converged_gradient"]
    assert result.status[3] != "converged_gradient"
    assert result.iterations.tolist()[:3] == [0, 2, 1]
    for lane in range(4):
        scipys = lbfgsb(functions[lane], starts[lane], max_iterations=2)
        assert (result.status[lane], int(result.iterations[lane])) == (ENDS[scipys.message], scipys.nit)


def plateau(x):
    """Falls by so little, beside its height, that the loss stands still before the gradient vanishes."""
    weights = np.geomspace(1, 300, len(x))
    return 1e6 + 0.5 * (x * weights) @ x, x * weights


def test_a_loss_that_stands_still_has_converged():
    functions, starts = [plateau] * 6, np.random.default_rng(0).uniform(-30, 30, (6, 5))
    result = run(functions, starts)
    assert result.status == ["converged_loss"] * 6
    assert result.gradient.abs().amax(1).min() > problem.GTOL
    assert_as_scipy(result, functions, starts)


def test_a_gradient_of_the_wrong_sign_ends_abnormally_at_the_start():
    """20 evaluations of a line search with no memory to forget, and the one before it."""
    functions, starts = [lambda x: (0.5 * x @ x, -x)], np.array([[1.0, 2.0]])
    result = run(functions, starts)
    assert result.status == ["abnormal"]
    assert (result.iterations[0], result.evaluations[0]) == (0, 21)
    np.testing.assert_array_equal(result.x[0], starts[0])
    assert_as_scipy(result, functions, starts)


def test_a_cliff_ends_abnormally_at_its_foot():
    """A discontinuous function: 10 higher beyond x0 = 1, where the slope still points down."""

    def function(x):
        return 0.5 * (x - 3) @ (x - 3) + (10.0 if x[0] > 1 else 0.0), x - 3

    starts = np.array([[1.0, -1.0], [1.0, 2.0], [1.0, 0.0]])
    result = run([function] * 3, starts)
    assert "abnormal" in result.status
    assert_as_scipy(result, [function] * 3, starts)


def test_an_overflow_ends_at_the_last_accepted_point():
    """exp overflows far out; one lane walks there, one does not, one has no finite start."""

    def function(x):
        with np.errstate(over="ignore", invalid="ignore"):
            return -x.sum() + (np.inf if x[0] > 1e4 else 0.0), -np.ones_like(x)

    good, start = quadratic(0, n=3, condition=3.0)
    points, accepted = [[], [], []], []
    result = minimise(
        lanewise([function, good, function], points),
        torch.tensor(np.array([np.zeros(3), start, [2e4, 0.0, 0.0]])),
        Budget(max_iterations=50),
        accepted=lambda state, done: accepted.extend(state.x[done & (state.lane == 0)].numpy().copy()),
    )
    assert result.status == ["non_finite", "converged_gradient", "non_finite"]
    np.testing.assert_array_equal(result.x[0], accepted[-1] if accepted else np.zeros(3))
    assert result.loss[0].isfinite() and result.loss[0] == function(result.x[0].numpy())[0]
    np.testing.assert_array_equal(result.gradient[0], -np.ones(3))
    assert (result.iterations[2], result.evaluations[2]) == (0, 1)
    np.testing.assert_array_equal(result.x[2], [2e4, 0.0, 0.0])


def test_a_gradient_that_is_not_finite_ends_a_lane_after_its_accepted_steps():
    def function(x):
        value, gradient = rosenbrock(x)
        return value, np.full_like(x, np.nan) if x[0] > 0.5 else gradient

    kept = []
    result = run([function], [[-1.2, 1.0]], accepted=lambda state, done: kept.append(state.x[0].clone()))
    assert result.status == ["non_finite"]
    assert result.iterations[0] == len(kept) > 5
    assert torch.equal(result.x[0], kept[-1])
    assert result.loss[0].item() == rosenbrock(kept[-1].numpy())[0]


def test_a_linear_function_runs_to_the_largest_step_and_remembers_nothing():
    functions, starts = [lambda x: (-x.sum(), -np.ones(2))], np.zeros((1, 2))
    budget, counts = Budget(max_iterations=3), []
    result = run(functions, starts, budget, accepted=lambda state, done: counts.append(int(state.vectors.count[0])))
    assert counts == [0, 0, 0]
    assert result.loss[0] < -1e10
    assert_as_scipy(result, functions, starts, budget)


def test_every_status_is_reached_beside_the_others():
    good, start = quadratic(0, n=2, condition=3.0)
    functions = [
        rosenbrock,
        good,
        plateau,
        lambda x: (0.5 * x @ x, -x),
        lambda x: (np.nan, x),
    ]
    starts = np.array([[-1.2, 1.0], start, [30.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    for budget, name in (
        (Budget(max_iterations=20), "max_iterations"),
        (Budget(max_evaluations=25), "max_evaluations"),
    ):
        result = run(functions, starts, budget)
        assert result.status == [name, "converged_gradient", "converged_loss", "abnormal", "non_finite"]
    assert {status.text for status in Status} == {"running", "max_iterations", *result.status}


# Failed line searches


def test_a_failed_line_search_forgets_and_goes_on_as_scipy_does():
    functions, starts = zip(*(twisted(seed) for seed in range(60)), strict=True)
    budget, resets = Budget(max_iterations=12), []
    before = {}

    def ticked(state):
        for lane, count, iterations, evaluations, status in zip(
            *(v.tolist() for v in (state.lane, state.vectors.count, state.iterations, state.evaluations, state.status)),
            strict=True,
        ):
            if status == Status.RUNNING and count == 0 and before.get(lane, (0,))[0] > 0:
                assert iterations == before[lane][1]
                assert evaluations == before[lane][2] + 1
                resets.append(lane)
            before[lane] = count, iterations, evaluations

    result = run(functions, starts, budget, ticked=ticked)
    assert len(set(resets)) >= 10
    assert any(result.status[lane] == "max_iterations" for lane in resets)
    assert_as_scipy(result, functions, starts, budget, tolerance=1e-9)


def test_after_a_failure_the_step_is_the_negative_gradient():
    """Step 1 along -g, also when the failure comes after the first iteration."""
    function, start = twisted(18)
    states = []

    def ticked(state):
        if int(state.status[0]) == Status.RUNNING:
            lanes = state.vectors
            lanes.settle()
            states.append((int(lanes.count[0]), lanes.t[0].clone(), lanes.r[0].clone(), lanes.x[0].clone()))

    run([function], [start], ticked=ticked)
    resets = [now for last, now in itertools.pairwise(states) if last[0] > 0 and now[0] == 0]
    assert resets
    for _, t, r, x in resets:
        assert torch.equal(x, t - r)


@pytest.mark.parametrize("theta", [0.0, -1e-3, np.nan])
def test_a_direction_that_does_not_descend_is_replaced_by_the_negative_gradient(theta):
    """Lane 0 gets a broken memory, lane 1 is sound."""
    walk = Walk([1, 1])
    sound, lanes = walk.lanes.d[1].clone(), walk.lanes
    lanes.theta = np.array([theta, lanes.theta[1]])
    assert walk.make(begun=walk.everywhere).tolist() == [False, False]
    assert lanes.count.tolist() == [0, 1]
    assert lanes.theta[0] == 1.0
    assert torch.equal(lanes.d[0], (lanes.t - lanes.r)[0] - lanes.t[0])
    torch.testing.assert_close(lanes.d[1], sound)


def test_no_descent_and_no_memory_is_abnormal():
    """A gradient too small to move the point: x - g rounds to x."""
    functions, starts = [lambda x: (1e-3 * x[0], np.array([1e-3]))], np.array([[1e17]])
    result = run(functions, starts)
    assert result.status == ["abnormal"]
    assert_as_scipy(result, functions, starts)


# The callback


def test_accepted_sees_every_iteration_of_every_lane():
    starts = np.random.default_rng(5).uniform(-2, 2, (5, 4))
    seen = {lane: [] for lane in range(5)}

    def accepted(state, done):
        for i in np.flatnonzero(done):
            lane = int(state.lane[i])
            seen[lane].append((int(state.iterations[i]), int(state.evaluations[i]), state.x[i].clone(), state.f[i]))

    result = run([rosenbrock] * 5, starts, accepted=accepted)
    for lane, start in enumerate(starts):
        scipys = []
        lbfgsb(rosenbrock, start, callback=lambda x, scipys=scipys: scipys.append(x.copy()))
        numbers, evaluations, points, losses = zip(*seen[lane], strict=True)
        assert list(numbers) == list(range(1, int(result.iterations[lane]) + 1))
        assert list(evaluations) == sorted(set(evaluations)) and evaluations[-1] == result.evaluations[lane]
        assert torch.equal(points[-1], result.x[lane])
        assert all(loss.item() == rosenbrock(point.numpy())[0] for loss, point in zip(losses, points, strict=True))
        np.testing.assert_allclose(torch.stack(points), scipys, rtol=1e-5, atol=1e-8)


# A real network


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return images / 8.0 - 1.0, labels


@pytest.mark.parametrize("biased", [True, False])
def test_a_real_cell_stays_within_ten_times_the_divergence_of_one_ulp(digits, biased):
    """After 1, 10 and 30 iterations, against SciPy on the same loss and against scikit-learn's own estimator."""
    architecture = Architecture(64, (10, 5))
    ensemble = Ensemble(architecture, np.array([biased]), dtype=torch.float64)
    samples = ensemble.samples(*digits)
    start = architecture.initial(2, biased)

    def function(row):
        loss, gradient = ensemble.loss_and_gradient(torch.tensor(row)[None], samples)
        return loss.item(), gradient[0].numpy()

    def checkpoints(x0):
        points = []
        lbfgsb(function, x0, max_iterations=30, callback=lambda x: points.append(x.copy()))
        return [points[iteration - 1] for iteration in (1, 10, 30)]

    ours = {}
    minimise(
        lambda rows, lanes: ensemble.loss_and_gradient(rows, samples, lanes),
        torch.tensor(start)[None],
        Budget(max_iterations=30),
        accepted=lambda state, done: ours.__setitem__(int(state.iterations[0]), state.x[0].numpy().copy()),
    )
    scipys = checkpoints(start)
    random = np.random.default_rng(0)
    divergence = np.zeros(3)
    for _ in range(4):
        towards = np.where(start == 0, 0.0, random.choice([-np.inf, np.inf], start.shape))
        moved = checkpoints(np.nextafter(start, towards))
        divergence = np.maximum(divergence, [np.abs(m - s).max() for m, s in zip(moved, scipys, strict=True)])
    assert 0 < divergence[0] < 1e-14 and divergence[2] < 1e-6
    assert np.abs(scipys[2] - scipys[1]).max() > 0.01
    for iteration, theirs, bound in zip((1, 10, 30), scipys, divergence, strict=True):
        assert np.abs(ours[iteration] - theirs).max() <= 10 * bound, f"SciPy, iteration {iteration}"
        network = scikit_learn.fit(*digits, biased=biased, seed=2, budget=Budget(max_iterations=iteration))
        row = scikit_learn.as_row(network)
        assert np.abs(ours[iteration] - row).max() <= 10 * bound, f"scikit-learn, iteration {iteration}"
