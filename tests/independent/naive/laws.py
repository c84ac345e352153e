"""Laws of a deviation, by what one makes of a standard normal."""

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist

from tests.independent.naive.effects import expected

NORMAL = NormalDist()


def _truncated(z: float, limit: float) -> float:
    low = NORMAL.cdf(-limit)
    return NORMAL.inv_cdf(low + NORMAL.cdf(z) * (1 - 2 * low))


LAWS: dict[str, Callable[[float, float], float]] = {
    "Gaussian": lambda z, _limit: z,
    "RightCensored": min,  # TRICE (arXiv 2307.15853): min(z, t)
    "Truncated": _truncated,  # what redrawing until |z| <= t leaves
    "Shift": lambda _z, amount: amount,
}


def moments(name: str, parameter: float) -> tuple[float, float]:
    """Mean and std, by summing over a fine grid of normals."""
    of = LAWS[name]
    mean = expected(lambda z: of(z, parameter))
    return mean, sqrt(max(expected(lambda z: of(z, parameter) ** 2) - mean**2, 0.0))
