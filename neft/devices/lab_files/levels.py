"""What each level of a device misses by, and which 2^K of a file's levels a device of K bits takes over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from neft import columns
from neft.devices.measured import MAX_BITS
from neft.errors import ConfigError, unknown_name

Floats = NDArray[np.float64]
CHOICES = ("auto", "evenly", "quantile", "interpolate")
ENOUGH_FOR_SHAPE = 20
"""Measurements of a level below which nothing is said of its distribution's shape."""
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class ChosenLevels:
    """The levels of a device, from those of a file."""

    levels: pd.DataFrame
    """A row per level of the device; stds that lie between measured ones tell no count, interval or bias."""
    places: tuple[int, ...]
    """Which of the file's levels they are; none where they lie between."""
    note: str
    """What was chosen; empty where the file's levels are the device's."""


def level_row(level: int, target: float, values: Floats) -> dict[str, float | int]:
    """One level's count, bias, std with its 95 % interval (chi-square), and how unlike a Gaussian it is.

    Args:
        level: its number, from the least conductive on.
        target: what it aims at; NaN where that is not known.
        values: at least two measurements, in the target's unit.
    """
    count = len(values)
    std = float(values.std(ddof=1)) if np.ptp(values) > 0 else 0.0
    low, high = stats.chi2.ppf([0.975, 0.025], count - 1)
    tells_shape = count >= ENOUGH_FOR_SHAPE and std > 0
    mean = float(values.mean())
    return {
        columns.LEVEL: level,
        columns.NUM_MEASUREMENTS: count,
        columns.TARGET: mean if np.isnan(target) else target,
        columns.MEAN: mean,
        columns.BIAS: mean - target,
        columns.STD: std,
        columns.LOWER: std * float(np.sqrt((count - 1) / low)),
        columns.UPPER: std * float(np.sqrt((count - 1) / high)),
        columns.SKEWNESS: float(stats.skew(values)) if tells_shape else np.nan,
        columns.P_VALUE: float(stats.normaltest(values).pvalue) if tells_shape else np.nan,
    }


def choose(frame: pd.DataFrame, *, choice: str, device_bits: int | None, max_bits: int = MAX_BITS) -> ChosenLevels:
    """2^K levels of a file that has any number.

    Args:
        frame: a row per level of the file, by conductance: target, std and what else is known, over g_max.
        choice: `evenly` takes those nearest to even steps of conductance, `quantile` every so-many-th, `interpolate`
            the std at even steps from 0 to g_max, on straight lines between measured ones; `auto` all where they are
            2^K, else evenly, else by quantile.
        device_bits: K; as many as there are levels for, if not given.
        max_bits: at most so many then.

    Raises:
        ConfigError: more levels are asked for than there are, or even steps meet a level twice.
    """
    if choice not in CHOICES:
        kind = "choice of levels"
        raise unknown_name(kind, choice, CHOICES)
    if device_bits is not None and not 1 <= device_bits <= MAX_BITS:
        message = f"The device's bits (K) must lie in [1, {MAX_BITS}]; got {device_bits}."
        raise ConfigError(message)
    count = len(frame)
    if count == 1:
        return _alike(frame, device_bits or 1)
    bits = device_bits or min(count.bit_length() - 1, max_bits)
    wanted = 2**bits
    if choice == "interpolate":
        return _interpolated(frame, wanted)
    if wanted == count and choice == "auto":
        return ChosenLevels(frame, tuple(range(count)), "")
    if wanted > count:
        message = (
            f"The file has {count} levels; a device of K = {bits} bits takes {wanted}. Choose fewer bits, or let stds "
            "be interpolated."
        )
        raise ConfigError(message)
    return _picked(frame, wanted, choice)


def _alike(frame: pd.DataFrame, bits: int) -> ChosenLevels:
    repeated = pd.concat([frame] * 2**bits, ignore_index=True).assign(**{columns.LEVEL: range(2**bits)})
    note = f"The file has one level: the device's {2**bits} levels all miss as it does."
    return ChosenLevels(repeated, (0,) * 2**bits, note)


def _interpolated(frame: pd.DataFrame, wanted: int) -> ChosenLevels:
    steps = np.linspace(0, 1, wanted)
    targets, stds = frame[columns.TARGET].to_numpy(dtype=float), frame[columns.STD].to_numpy(dtype=float)
    unknown = dict.fromkeys(set(frame.columns) - {columns.LEVEL, columns.TARGET, columns.STD}, np.nan)
    levels = pd.DataFrame(
        {columns.LEVEL: range(wanted), columns.TARGET: steps, columns.STD: np.interp(steps, targets, stds), **unknown}
    )
    note = f"Stds at {wanted} even steps from 0 to g_max, on straight lines between the file's {len(frame)} levels" + (
        f"; none is measured below {100 * targets[0]:.3g} % of g_max, where the lowest level's holds."
        if targets[0] > 0.5 / (wanted - 1)
        else "."
    )
    return ChosenLevels(levels, (), note)


def _picked(frame: pd.DataFrame, wanted: int, choice: str) -> ChosenLevels:
    targets = frame[columns.TARGET].to_numpy(dtype=float)
    by_rank = np.round(np.linspace(0, len(frame) - 1, wanted)).astype(int)
    even = np.abs(np.linspace(targets[0], targets[-1], wanted)[:, None] - targets[None, :]).argmin(axis=1)
    meets_twice = len(set(even.tolist())) < wanted
    if choice == "evenly" and meets_twice:
        message = (
            f"Of the file's {len(frame)} levels one is nearest to two of {wanted} even steps: choose fewer bits, "
            "choose by quantile, or let stds be interpolated."
        )
        raise ConfigError(message)
    places = by_rank if choice == "quantile" or meets_twice else even
    how = "every so-many-th" if places is by_rank else "those nearest to even steps of conductance"
    shown = ", ".join(str(place) for place in places[:8].tolist()) + (", …" if wanted > 8 else "")
    note = f"Of the file's {len(frame)} levels, by conductance, {wanted} are taken over, {how}: {shown}."
    levels = frame.iloc[places].assign(**{columns.LEVEL: range(wanted)}).reset_index(drop=True)
    return ChosenLevels(levels, tuple(places.tolist()), note)


def shape_words(frame: pd.DataFrame) -> str:
    """Whether measurements look Gaussian, in a sentence."""
    told = frame[frame[columns.P_VALUE].notna()]
    if told.empty:
        return f"Too few measurements to tell whether they are Gaussian: fewer than {ENOUGH_FOR_SHAPE} a level."
    odd = told[told[columns.P_VALUE] < SIGNIFICANCE / len(told)]
    if odd.empty:
        return "No level departs from a Gaussian, which the model assumes (D'Agostino–Pearson, 5 % in all)."
    each = listed([f"{row[columns.LEVEL]:g} (skewness {row[columns.SKEWNESS]:.2g})" for _, row in odd.iterrows()])
    return (
        f"Not Gaussian: level{'s' if len(odd) > 1 else ''} {each}, by D'Agostino–Pearson at 5 % in all. The model "
        "assumes a Gaussian of the same std, so far misses are more or less common than it says."
    )


def listed(words: Sequence[object], most: int = 6) -> str:
    """The first few, separated by commas."""
    shown = ", ".join(str(word) for word in words[:most])
    return shown if len(words) <= most else f"{shown}, …"
