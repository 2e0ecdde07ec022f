"""The intervals once more, from their definitions: unit by unit, in plain loops.

A unit is a split with its networks, or a network where there is one split. t: Student's quantile.
"""

import math

import numpy as np
from scipy.special import stdtrit

MANY, ENOUGH = 10, 39  # units and networks from which a prediction is by ranks alone, and by ranks too
STEPS = 8  # between two numbers of images


def bounds(metric: str) -> tuple[float, float]:
    """What a metric can be at least and at most."""
    if metric.endswith("accuracy"):
        return 0.0, 1.0
    return (-1.0, 1.0) if metric.endswith("gap") else (-math.inf, math.inf)


def groups(values: np.ndarray, splits: np.ndarray) -> list[list[float]]:
    """The values of each unit, nan left out; a unit without values is left out too."""
    if len(set(splits.tolist())) == 1:
        members = [[value] for value in values.tolist()]
    else:
        members = [values[splits == split].tolist() for split in sorted(set(splits.tolist()))]
    kept = [[value for value in unit if not math.isnan(value)] for unit in members]
    return [unit for unit in kept if unit]


def half(values: np.ndarray, splits: np.ndarray, level: float = 0.95) -> float:
    """Half the width of the t interval of a mean: t · √(G/(G − 1) · Σ (n_g/n)² (mean_g − mean)²); nan for one unit."""
    return math.hypot(*_shares(groups(values, splits), level))


def _shares(units: list[list[float]], level: float) -> list[float]:
    """What each unit adds to `half`, in quadrature."""
    count = len(units)
    if count < 2:
        return [math.nan]
    n = sum(map(len, units))
    middle = math.fsum(map(math.fsum, units)) / n
    factor = float(stdtrit(count - 1, (1 + level) / 2)) * math.sqrt(count / (count - 1))
    return [factor * len(unit) / n * (math.fsum(unit) / len(unit) - middle) for unit in units]


def mean(
    values: np.ndarray, splits: np.ndarray, level: float = 0.95, possible: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """Ends of the interval of a mean; between bounds, the odds of its place there times e^±(half/p(1 − p))."""
    width, known = half(values, splits, level), values[~np.isnan(values)]
    if math.isnan(width):
        return math.nan, math.nan
    middle, (least, most) = math.fsum(known) / len(known), possible
    if width < 1e-15 or math.isinf(most - least):
        return max(middle - width, least), min(middle + width, most)
    above, below = (middle - least) / (most - least), (most - middle) / (most - least)
    if not 0 < above < 1:
        return math.nan, math.nan
    factor = math.exp(min(width / (most - least) / above / below, 700))
    low, high = above / (above + below * factor), above * factor / (above * factor + below)
    return least + (most - least) * low, least + (most - least) * high


def prediction(
    values: np.ndarray, splits: np.ndarray, possible: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """Where one more network of one more split falls with 95 %."""
    units = groups(values, splits)
    count, n = len(units), len(values)
    if count < 2:
        return math.nan, math.nan
    ordered = np.sort(values)
    ranked = tuple(np.interp(np.array([0.025, 0.975]) * (n + 1) - 1, np.arange(n), ordered))
    if n >= ENOUGH and count >= MANY:
        return ranked
    middles = [math.fsum(unit) / len(unit) for unit in units]
    centre = math.fsum(middles) / count
    between = (1 + 1 / count) * math.fsum((middle - centre) ** 2 for middle in middles) / (count - 1)
    spare = max(n - count, 1)
    squares = math.fsum((value - own) ** 2 for unit, own in zip(units, middles, strict=True) for value in unit)
    within = (1 - math.fsum(1 / len(unit) for unit in units) / count) * squares / spare
    variance = between + within
    freedom = count - 1.0
    if variance > 0:
        freedom = variance**2 / (between**2 / (count - 1) + within**2 / spare)
    middle, width = math.fsum(values) / n, float(stdtrit(freedom, 0.975)) * math.sqrt(variance)
    low, high = middle - width, middle + width
    if n >= ENOUGH:
        low, high = min(low, ranked[0]), max(high, ranked[1])
    return max(low, possible[0]), min(high, possible[1])


def median(values: np.ndarray, splits: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """The median of values, which may be inf, and the ends of its interval: the quantiles 1/2 ± the half-width of the
    interval of the share of values below it."""
    ordered, n = sorted(values.tolist()), len(values)
    left, right = ordered[(n - 1) // 2], ordered[n // 2]
    share = [((value <= left and value < math.inf) + (value < right)) / 2 for value in values.tolist()]
    width = half(np.array(share), splits, level)
    if math.isnan(width):
        return (left + right) / 2, math.nan, math.nan
    # So many values are left out on each side.
    outside = min(max(math.floor(n * (0.5 - width) + 1e-9), 0), n - 1)
    return (left + right) / 2, min(ordered[outside], left), max(ordered[n - 1 - outside], right)


def crossing(points: np.ndarray, curve: np.ndarray, target: float) -> float:
    """Where a curve first reaches the target, linear in log(point); inf: never."""
    for place, value in enumerate(curve):
        if value >= target:
            before = curve[place - 1] if place else math.nan
            if math.isnan(before):
                return float(points[place])
            share = (target - before) / (value - before)
            return float(points[place - 1] ** (1 - share) * points[place] ** share)
    return math.inf


def needed(
    points: np.ndarray, values: np.ndarray, splits: np.ndarray, target: float
) -> tuple[float, float, float, float]:
    """Where the mean of curves (N, F) first reaches the target; where the upper and lower ends of its interval do, 0
    for an upper end that starts there; and the last point."""
    known = [column for column in range(len(points)) if not np.isnan(values[:, column]).all()]
    middles = {column: math.fsum(v for v in values[:, column] if v == v) for column in known}
    middles = {column: total / np.isfinite(values[:, column]).sum() for column, total in middles.items()}
    value = crossing(points, np.array([middles.get(column, math.nan) for column in range(len(points))]), target)
    shares = {column: _by_unit(values[:, column], splits) for column in known}
    kept = [column for column in known if not any(map(math.isnan, shares[column]))]
    if not kept:
        return value, math.nan, math.nan, float(points[-1])
    at, lower, upper = [], [], []
    for place, column in enumerate(kept):
        following = kept[place + 1] if place + 1 < len(kept) else None
        for step in range(STEPS if following is not None else 1):
            share, other = step / STEPS, column if following is None else following
            mixed = [(1 - share) * a + share * b for a, b in zip(shares[column], shares[other], strict=True)]
            middle, width = (1 - share) * middles[column] + share * middles[other], math.hypot(*mixed)
            at.append(float(points[column]) ** (1 - share) * float(points[other]) ** share)
            lower.append(middle - width)
            upper.append(middle + width)
    low = 0.0 if upper[0] >= target else crossing(np.array(at), np.array(upper), target)
    return value, low, crossing(np.array(at), np.array(lower), target), float(points[-1])


def _by_unit(values: np.ndarray, splits: np.ndarray) -> list[float]:
    """What every unit adds to the half-width of the interval of a mean, 0 for one without values."""
    if len(set(splits.tolist())) == 1:
        splits = np.arange(len(splits))
    names = sorted(set(splits.tolist()))
    there = [name for name in names if not np.isnan(values[splits == name]).all()]
    shares = dict(zip(there, _shares(groups(values, splits), 0.95), strict=False))
    return [math.nan] if len(there) < 2 else [shares.get(name, 0.0) for name in names]


def quotient(above: tuple, below: tuple) -> tuple[float, float, float]:
    """above / below and the ends of its interval; each is (value, low, high, most that was tried), inf: not reached."""
    if math.isinf(above[0]) and math.isinf(below[0]):
        return math.nan, math.nan, math.nan
    turned = _least(below, above)
    value = 0.0 if math.isinf(below[0]) else above[0] / below[0]
    return value, _least(above, below), math.inf if turned == 0 else 1 / turned


def _least(above: tuple, below: tuple) -> float:
    if math.isnan(above[1]) or math.isnan(below[2]):
        return math.nan
    if math.isinf(below[2]) or above[1] == 0:
        return 0.0
    top = min(above[0], above[3])
    down, up = math.log(top) - math.log(min(above[1], top)), math.log(below[2]) - math.log(below[0])
    return math.exp(math.log(top) - math.log(below[0]) - math.sqrt(down**2 + up**2))
