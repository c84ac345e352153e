"""When a mean over chips is known well enough: a sequential stop whose promise holds.

Stopping as soon as Student's interval is narrow favours samples whose spread came out small, so it keeps its promise
too seldom, most where few and skewed values were seen. The spread is therefore taken at its own upper limit:

    stop at n >= floor  when  t_{n-1, 0.975} sqrt(s_n^2 (n-1) / chi2_{n-1, 0.1} / n) <= precision

([Chow1965] with the variance's 90 % upper limit for s_n^2). Simulated on the accuracies of stored runs, the
mean over 250 networks and sigma_d lies within the precision in 96 to 97 % of all cases; see the tests.

No spread tells of chips that were not met: where 3 of 100 fail, 30 chips have met none of them in 2 of 5 cases, agree
with each other and would stop. So the floor is `neft.chips.counts.fewest_chips`, about 6 / precision, unless another is
given; chips that fail in fewer than `share_unseen(floor)` may then go unseen.
"""

import numpy as np
from scipy.special import gammaincinv, stdtrit

from neft.errors import ConfigError

VARIANCE_QUANTILE = 0.1


def half_width(count: float | int, variance: float) -> float:
    """The half-width that decides, for a sample variance over `count` values (at least two)."""
    freedom = count - 1
    chi2 = 2 * float(gammaincinv(freedom / 2, VARIANCE_QUANTILE))
    return float(stdtrit(freedom, 0.975)) * float(np.sqrt(variance * freedom / chi2 / count))


class RunningMean:
    """Mean and variance of values that come one by one (Welford), and whether they suffice."""

    def __init__(self, *, precision: float, floor: int) -> None:
        if floor < 2:
            message = f"min_instances (fewest chips) must be at least 2 to know a spread; got {floor}."
            raise ConfigError(message)
        self._precision = precision
        self._floor = floor
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        """One more chip's accuracy."""
        self._count += 1
        step = value - self._mean
        self._mean += step / self._count
        self._squares += step * (value - self._mean)

    @property
    def suffices(self) -> bool:
        """Whether the mean is known to the precision."""
        if self._count < self._floor:
            return False
        return half_width(self._count, self._squares / (self._count - 1)) <= self._precision
