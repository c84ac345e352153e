"""From measured conductances to a device: what each level misses by, and how surely that is known.

A CSV with a header, separated by commas, semicolons or tabs (then also with decimal commas), in one of two shapes:

- per level: `level,std`, the std of the conductance over the maximal one, or in the unit in which `g_max` is given;
- raw: `level,measured` or `target,measured`, a row per measured device (with `level` also `target`, if it is known).

The model (`neft.devices.base`): the errors of level l are independent Gaussians around the target l / (2^K - 1) x g_max
with std sigma_d x level_stds[l] x g_max. Stds are about the level's own mean; a mean that misses its target is reported
as `bias` and not modelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtr

from neft import columns
from neft.devices.measured import MAX_BITS
from neft.devices.measurement_files import Table, read_table
from neft.devices.spreads import scaled
from neft.errors import ConfigError

Kind = Literal["per level", "raw"]
MAX_RELATIVE_STD = 1.0
ENOUGH_FOR_SHAPE = 20
"""Measurements of a level below which nothing is said of its distribution's shape."""
SIGNIFICANCE = 0.05
BIN_EDGE = 4.0
"""Histograms reach this many stds either side of a level's mean."""
MIN_BINS, MAX_BINS = 8, 40
UNEVEN = 0.01
"""Targets further than this share of g_max from even steps are worth a word."""


@dataclass(frozen=True)
class MeasuredLevels:
    """What a file of measurements says of a device."""

    kind: Kind
    levels: pd.DataFrame
    """A row per level: level, num_measurements, target, bias, std, lower, upper (95 %), skewness, p_value.

    Conductances are over g_max; what the file does not tell is NaN."""
    values: pd.DataFrame
    """A row per measurement: level, value (conductance over g_max); empty per level."""
    g_max: float
    """The maximal conductance in the file's unit; 1 where stds were relative to it."""
    notes: tuple[str, ...]
    """What a reader should know, in sentences."""
    shape: str = ""
    """Whether the measurements look Gaussian, in a sentence; empty per level."""

    @property
    def relative_stds(self) -> tuple[float, ...]:
        """Std over the maximal conductance, by level."""
        return tuple(float(value) for value in self.levels[columns.STD])

    @property
    def sigma_d(self) -> float:
        """The RMS of the levels' stds over the maximal conductance (`neft.devices.spreads.scaled`)."""
        return scaled(self.relative_stds)[0]

    @property
    def level_stds(self) -> tuple[float, ...]:
        """The levels' stds over sigma_d x maximal conductance."""
        return scaled(self.relative_stds)[1]

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """A row per level and bin: bin_left, bin_right (over g_max), share of measurements, a Gaussian's share.

        Bins are as wide as the level's std allows, so that a Gaussian is as high in every level.
        """
        found = [
            _histogram(int(row[columns.LEVEL]), self._of(int(row[columns.LEVEL])))
            for row in self.levels.to_dict("records")
            if row[columns.STD] > 0 and not self.values.empty
        ]
        heads = [columns.LEVEL, columns.BIN_LEFT, columns.BIN_RIGHT, columns.SHARE, columns.GAUSSIAN_SHARE]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=heads)

    def _of(self, level: int) -> np.ndarray:
        return self.values.loc[self.values[columns.LEVEL] == level, columns.VALUE].to_numpy()


def read_measurements(content: bytes, *, g_max: float | None = None) -> MeasuredLevels:
    """A user's CSV of either shape.

    Args:
        content: the file.
        g_max: the maximal conductance in the file's unit. Without one, stds are relative to it already, and raw
            measurements take the highest target, or where no targets are given the highest level's mean.

    Raises:
        ConfigError: what is wrong, in which line and column, what was given and what is allowed.
    """
    if g_max is not None and not 0 < g_max < float("inf"):
        message = f"g_max must be a positive conductance in the file's unit; got {g_max:g}."
        raise ConfigError(message)
    table = read_table(content)
    is_raw, is_per_level = "measured" in table.heads, "std" in table.heads
    if is_raw and is_per_level:
        message = "The file has a column 'measured' and a column 'std': it must be raw or per level, not both."
        raise ConfigError(message)
    if is_per_level and "level" in table.heads:
        return _per_level(table, g_max)
    if is_raw and ("level" in table.heads or "target" in table.heads):
        return _raw(table, g_max)
    message = (
        f"The header must name the columns 'level' and 'std', or 'level' (or 'target') and 'measured'; "
        f"got {', '.join(repr(head) for head in table.heads)}."
    )
    raise ConfigError(message)


def _per_level(table: Table, g_max: float | None) -> MeasuredLevels:
    levels = _levels_of(table)
    unit = 1.0 if g_max is None else g_max
    given = dict(zip(levels, zip(table.lines, table.numbers("std", lowest=0.0), strict=True), strict=True))
    if len(given) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        message = f"Level {twice} is given more than once; per level, every level has one row."
        raise ConfigError(message)
    _check_count(sorted(given), noun="level")
    for line, std in given.values():
        if std / unit > MAX_RELATIVE_STD:
            message = (
                f"Line {line}, column 'std': must lie in [0, {MAX_RELATIVE_STD:g}] of the maximal conductance; "
                f"got {std / unit:g}. If stds are in a unit of conductance, give the maximal conductance g_max."
            )
            raise ConfigError(message)
    count = len(given)
    frame = pd.DataFrame(
        {
            columns.LEVEL: range(count),
            columns.NUM_MEASUREMENTS: np.nan,
            columns.TARGET: np.arange(count) / (count - 1),
            columns.BIAS: np.nan,
            columns.STD: [given[level][1] / unit for level in range(count)],
            **dict.fromkeys((columns.LOWER, columns.UPPER, columns.SKEWNESS, columns.P_VALUE), np.nan),
        }
    )
    _ = scaled(list(frame[columns.STD]))
    return MeasuredLevels("per level", frame, _no_values(), unit, _ignored(table, {"level", "std"}))


def _raw(table: Table, g_max: float | None) -> MeasuredLevels:
    measured = np.array(table.numbers("measured"))
    targets = np.array(table.numbers("target", lowest=0.0)) if "target" in table.heads else None
    if "level" in table.heads:
        levels = np.array(_levels_of(table))
        _check_count(sorted(set(levels.tolist())), noun="level")
    else:
        assert targets is not None  # noqa: S101 - read_measurements saw to it
        known = sorted(set(targets.tolist()))
        _check_count(list(range(len(known))), noun="target")
        levels = np.searchsorted(known, targets)
    count = int(levels.max()) + 1
    _enough_of_each(levels, count)
    aims = None if targets is None else _aims(levels, targets, count)
    unit, words = _unit(g_max, aims, measured[levels == count - 1])
    aimed = np.arange(count) / (count - 1) if aims is None else aims / unit
    values = pd.DataFrame({columns.LEVEL: levels, columns.VALUE: measured / unit})
    frame = pd.DataFrame(
        [_level_row(level, float(aimed[level]), measured[levels == level] / unit) for level in range(count)]
    )
    _check_spread(frame, unit)
    notes = (_count_words(frame), words, *_target_words(aimed), _bias_words(frame))
    others = _ignored(table, {"level", "target", "measured"})
    return MeasuredLevels("raw", frame, values, unit, (*notes, *others), _shape_words(frame))


def _level_row(level: int, target: float, values: np.ndarray) -> dict[str, float | int]:
    count = len(values)
    std = float(values.std(ddof=1)) if np.ptp(values) > 0 else 0.0
    low, high = stats.chi2.ppf([0.975, 0.025], count - 1)
    tells_shape = count >= ENOUGH_FOR_SHAPE and std > 0
    return {
        columns.LEVEL: level,
        columns.NUM_MEASUREMENTS: count,
        columns.TARGET: target,
        columns.BIAS: float(values.mean()) - target,
        columns.STD: std,
        columns.LOWER: std * float(np.sqrt((count - 1) / low)),
        columns.UPPER: std * float(np.sqrt((count - 1) / high)),
        columns.SKEWNESS: float(stats.skew(values)) if tells_shape else np.nan,
        columns.P_VALUE: float(stats.normaltest(values).pvalue) if tells_shape else np.nan,
    }


def _levels_of(table: Table) -> list[int]:
    highest = 2.0**MAX_BITS - 1
    found = table.numbers("level", lowest=0.0, highest=highest)
    for line, level in zip(table.lines, found, strict=True):
        if level != int(level):
            message = f"Line {line}, column 'level': must be a whole number from 0 to {highest:g}; got {level:g}."
            raise ConfigError(message)
    return [int(level) for level in found]


def _check_count(found: Sequence[int], *, noun: str) -> None:
    missing = [level for level in range(found[-1] + 1) if level not in set(found)]
    if missing:
        message = (
            f"Level{'s' if len(missing) > 1 else ''} {_listed(missing)} of 0 … {found[-1]} "
            f"{'are' if len(missing) > 1 else 'is'} missing; every level must be measured."
        )
        raise ConfigError(message)
    if len(found) not in {2**bits for bits in range(1, MAX_BITS + 1)}:
        message = (
            f"The file has {len(found)} {noun}{'' if len(found) == 1 else 's'}; a device of K bits has 2^K: "
            f"2, 4, 8, … {2**MAX_BITS}."
        )
        raise ConfigError(message)


def _enough_of_each(levels: np.ndarray, count: int) -> None:
    counts = np.bincount(levels, minlength=count)
    if counts.min() < 2:
        few = int(counts.argmin())
        message = f"Level {few} has {counts[few]} measurement; a std needs at least 2."
        raise ConfigError(message)


def _aims(levels: np.ndarray, targets: np.ndarray, count: int) -> np.ndarray:
    aims = np.array([targets[levels == level][0] for level in range(count)])
    off = targets != aims[levels]
    if off.any():
        level = int(levels[off][0])
        message = (
            f"Level {level} has more than one target: {aims[level]:g} and {targets[off][0]:g}. Every level must aim at "
            "one conductance."
        )
        raise ConfigError(message)
    return aims


def _unit(g_max: float | None, aims: np.ndarray | None, highest: np.ndarray) -> tuple[float, str]:
    """The maximal conductance, and where it is from."""
    if g_max is not None:
        return g_max, f"Conductances are over the given g_max = {g_max:g}."
    if aims is not None:
        unit, where = float(aims.max()), "the highest target"
    else:
        unit, where = float(highest.mean()), "the highest level's mean, which therefore has no bias"
    if unit <= 0:
        message = f"The maximal conductance must be positive; {where} is {unit:g}."
        raise ConfigError(message)
    return unit, f"Conductances are over g_max = {unit:.4g}, {where}."


def _check_spread(frame: pd.DataFrame, unit: float) -> None:
    worst = int(frame[columns.STD].to_numpy().argmax())
    largest = float(frame[columns.STD].max())
    if largest > MAX_RELATIVE_STD:
        message = (
            f"Level {worst} has a std of {largest:g} of the maximal conductance "
            f"({unit:g}); at most {MAX_RELATIVE_STD:g} is allowed. Are 'measured' and 'target' (or g_max) in one unit?"
        )
        raise ConfigError(message)
    _ = scaled(list(frame[columns.STD]))


def _target_words(aimed: np.ndarray) -> list[str]:
    steps = np.arange(len(aimed)) / (len(aimed) - 1)
    if np.abs(aimed - steps).max() <= UNEVEN:
        return []
    words = (
        "The targets are not evenly spaced from no conductance to g_max, as the model's are (lowest: "
        f"{100 * aimed[0]:.3g} % of g_max): only their spreads are taken over."
    )
    return [words]


def _count_words(frame: pd.DataFrame) -> str:
    counts = frame[columns.NUM_MEASUREMENTS]
    low, high = int(counts.min()), int(counts.max())
    return f"{int(counts.sum()):,} measurements, {low if low == high else f'{low} to {high}'} a level."


def _bias_words(frame: pd.DataFrame) -> str:
    biases = frame[columns.BIAS].abs().to_numpy()
    worst = int(biases.argmax())
    return (
        f"Means miss their targets by up to {100 * biases[worst]:.2g} % of g_max (level {worst}); the model has no "
        "bias: its levels scatter around their targets."
    )


def _shape_words(frame: pd.DataFrame) -> str:
    told = frame[frame[columns.P_VALUE].notna()]
    if told.empty:
        return f"Too few measurements to tell whether they are Gaussian: fewer than {ENOUGH_FOR_SHAPE} a level."
    odd = told[told[columns.P_VALUE] < SIGNIFICANCE / len(told)]
    if odd.empty:
        return "No level departs from a Gaussian, which the model assumes (D'Agostino–Pearson, 5 % in all)."
    each = ", ".join(f"{row[columns.LEVEL]:g} (skewness {row[columns.SKEWNESS]:.2g})" for _, row in odd.iterrows())
    return (
        f"Not Gaussian: level{'s' if len(odd) > 1 else ''} {each}, by D'Agostino–Pearson at 5 % in all. The model "
        "assumes a Gaussian of the same std, so far misses are more or less common than it says."
    )


def _ignored(table: Table, known: set[str]) -> tuple[str, ...]:
    others = [head for head in table.heads if head not in known]
    return (f"Columns that are not read: {', '.join(others)}.",) if others else ()


def _no_values() -> pd.DataFrame:
    return pd.DataFrame({columns.LEVEL: np.array([], dtype=int), columns.VALUE: np.array([], dtype=float)})


def _histogram(level: int, values: np.ndarray) -> pd.DataFrame:
    mean, std = values.mean(), values.std(ddof=1)
    num_bins = int(np.clip(2 * np.sqrt(len(values)), MIN_BINS, MAX_BINS))
    scores = np.linspace(-BIN_EDGE, BIN_EDGE, num_bins + 1)
    counts, _ = np.histogram((values - mean) / std, bins=scores)
    return pd.DataFrame(
        {
            columns.LEVEL: level,
            columns.BIN_LEFT: mean + scores[:-1] * std,
            columns.BIN_RIGHT: mean + scores[1:] * std,
            columns.SHARE: counts / len(values),
            columns.GAUSSIAN_SHARE: np.diff(ndtr(scores)),
        }
    )


def _listed(levels: Sequence[int]) -> str:
    shown = ", ".join(str(level) for level in levels[:6])
    return shown if len(levels) <= 6 else f"{shown}, …"
