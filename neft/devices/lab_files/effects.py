"""What a file says of devices besides their levels' spread: biases, failed cells, and how spreads grow with time.

None of it is sampled: the device model takes stds alone. The numbers are told, so that nothing is lost in silence.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neft import columns

Floats = NDArray[np.float64]
SAME_TIME = 1.5
"""Times whose ratio is smaller are one."""
MAX_TIMES = 64
CLOCK = 1e8
"""Seconds beyond which a time is a date, not what passed since programming."""


@dataclass(frozen=True)
class Retention:
    """How the levels' spread grows: std(t) = a + b log10(t), over the maximal conductance, t in seconds."""

    a: float
    """At 1 s."""
    b: float
    """A decade."""
    b_error: float
    """The standard error of b, from the fit's residuals; NaN where two times leave none."""
    times: pd.DataFrame
    """A row per time: time (s), std (the RMS over levels, over the maximal conductance), num_measurements."""


@dataclass(frozen=True)
class Effects:
    """What is known of a device and not modelled."""

    bias: tuple[float, ...] = ()
    """By level of the device: its mean less its target, over the maximal conductance; NaN where it has none."""
    num_failed: int = 0
    num_cells: int = 0
    failed_shares: tuple[float, ...] = ()
    """By level of the file: the share of its cells that failed."""
    retention: Retention | None = None
    time: float | None = None
    """Seconds after programming at which the levels were taken, where the file says so."""
    notes: tuple[str, ...] = ()
    """What else is to be said of times."""

    @property
    def failed_share(self) -> float:
        """Of all cells."""
        return self.num_failed / self.num_cells if self.num_cells else 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """In sentences; each says that it is not in the device."""
        found: list[str] = []
        known = [abs(bias) for bias in self.bias if not np.isnan(bias)]
        if known:
            worst = int(np.nanargmax(np.abs(self.bias)))
            found.append(
                f"Means miss their targets by up to {100 * max(known):.2g} % of g_max (level {worst}); the model has "
                "no bias: its levels scatter around their targets."
            )
        if self.num_failed:
            worst = int(np.argmax(self.failed_shares))
            found.append(
                f"{self.num_failed:,} of {self.num_cells:,} cells failed ({100 * self.failed_share:.2g} %; most in "
                f"level {worst}, {100 * self.failed_shares[worst]:.2g} %). They are left out of the stds; chips have "
                "none unless it is asked for."
            )
        if self.retention is not None:
            found.append(_retention_words(self.retention))
        return tuple(found)


def _retention_words(found: Retention) -> str:
    first, last = found.times.iloc[0], found.times.iloc[-1]
    error = "" if np.isnan(found.b_error) else f" ± {100 * found.b_error:.2g}"
    return (
        f"Stds grow with time: {100 * found.a:.3g} + {100 * found.b:.2g}{error} × log10(t/s) % of g_max, from "
        f"{100 * first[columns.STD]:.3g} % at {first[columns.TIME]:g} s to {100 * last[columns.STD]:.3g} % at "
        f"{last[columns.TIME]:g} s (RMS over levels). Not applied to chips, unless they are asked for "
        "after a time."
    )


def time_groups(times: Floats) -> tuple[NDArray[np.int64], Floats] | None:
    """Each row's time as a place among few distinct ones, in seconds; None where the column tells no such times."""
    known = np.unique(times[np.isfinite(times)])
    if not len(known) or known[0] < 0 or known[-1] > CLOCK:
        return None
    firsts = [known[0]]
    for time in known[1:]:
        if firsts[-1] == 0 or time > SAME_TIME * firsts[-1]:
            firsts.append(time)
    if len(firsts) > MAX_TIMES:
        return None
    places = np.searchsorted(firsts, times, side="right") - 1
    medians = np.array([np.median(times[places == place]) for place in range(len(firsts))])
    return places, medians


def retention(times: pd.DataFrame) -> Retention | None:
    """The line through stds over log10(time) by least squares; None where fewer than two times lie after 0 s."""
    later = times[times[columns.TIME] > 0]
    if len(later) < 2:
        return None
    x, y = np.log10(later[columns.TIME].to_numpy(dtype=float)), later[columns.STD].to_numpy(dtype=float)
    spread = float(((x - x.mean()) ** 2).sum())
    b = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    a = float(y.mean() - b * x.mean())
    left = y - a - b * x
    error = float(np.sqrt((left**2).sum() / (len(x) - 2) / spread)) if len(x) > 2 else float("nan")
    return Retention(a, b, error, times)
