"""Files that give measurements: gathered by level, failed cells and times apart."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neft import columns
from neft.devices.lab_files.by_level import whole_numbers
from neft.devices.lab_files.cells import Cells, Ints, cells_of
from neft.devices.lab_files.effects import Effects, retention, time_groups
from neft.devices.lab_files.found import MAX_RELATIVE_STD, Found, GivenTop, check_numbers, maximal, order_words
from neft.devices.lab_files.levels import level_row, listed
from neft.devices.lab_files.roles import Roles, column_of
from neft.devices.lab_files.scales import Floats, scale_of
from neft.devices.lab_files.tables import Table
from neft.errors import ConfigError

MAX_TARGETS = 256
"""More different targets are gathered in bins."""
NUM_BINS = 16
MANY, FEW = 32, 4
"""So are many targets that are met a few times each."""
FAR = 5.0
"""Measurements so many times their target, or so small a part of it, are in another unit."""


@dataclass(frozen=True)
class _Moment:
    """Which of the rows the levels are taken from."""

    rows: NDArray[np.bool_]
    seconds: float | None
    places: Ints | None
    """Each row's time as a place in `times`; None where the file tells none, or one."""
    times: Floats


def read(
    table: Table, roles: Roles, *, g_max: GivenTop | None, read_voltage: float | None, at_time: float | None
) -> Found:
    """What such a file says.

    Raises:
        ConfigError: what is wrong, in which line and column.
    """
    _check_levels(table, roles)
    scale = scale_of(table, roles, read_voltage=read_voltage)
    cells = _binned(cells_of(table, roles, scale), roles)
    moment = _moment(cells.times, len(cells.read), at_time)
    means = _means(cells, moment.rows & ~cells.failed)
    order = np.argsort(np.where(np.isnan(cells.targets), means, cells.targets), kind="stable")
    targets = cells.targets[order]
    top, words = maximal(g_max, scale, targets=targets, means=means[order])
    levels = np.argsort(order)[cells.groups]
    kept = moment.rows & ~cells.failed
    values = pd.DataFrame({columns.LEVEL: levels[kept], columns.VALUE: cells.read[kept] / top})
    by_level = [group.to_numpy() for _, group in values.groupby(columns.LEVEL, sort=True)[columns.VALUE]]
    frame = pd.DataFrame([level_row(level, float(targets[level]) / top, group) for level, group in enumerate(by_level)])
    _check_spread(frame, top)
    _check_units(targets, means[order], is_share=scale.is_share, top=top)
    effects = _effects(cells, levels, frame, moment, top=top)
    counts = frame[columns.NUM_MEASUREMENTS]
    low, high = int(counts.min()), int(counts.max())
    count = f"{int(counts.sum()):,} measurements, {low if low == high else f'{low} to {high}'} a level."
    moved = order_words(order, cells.labels, by="targets" if np.isfinite(targets).all() else "means")
    numbered = moved if roles.of("level") else ()
    return Found(frame, values, top, scale.unit.text, effects, (count, words, *scale.notes, *cells.notes, *numbered))


def _check_levels(table: Table, roles: Roles) -> None:
    """Levels with a gap are an error where nothing else tells what was aimed at."""
    if not roles.of("level") or column_of(table, roles.of("level")).words:
        return
    numbers = whole_numbers(table, column_of(table, roles.of("level")))
    if not roles.of("target"):
        check_numbers(numbers, noun="Level")


def _binned(cells: Cells, roles: Roles) -> Cells:
    """Targets of any number, gathered in bins of equal width; misses stay those of their own targets."""
    counts = np.bincount(cells.groups)
    scattered = len(counts) > MAX_TARGETS or (len(counts) > MANY and np.median(counts) < FEW)
    if roles.of("level") or not scattered or np.isnan(cells.targets).any():
        return cells
    aims = cells.targets[cells.groups]
    edges = np.linspace(aims.min(), aims.max(), NUM_BINS + 1)
    places = np.clip(np.searchsorted(edges, aims, side="right") - 1, 0, NUM_BINS - 1)
    _, groups = np.unique(places, return_inverse=True)
    means = np.bincount(groups, aims) / np.bincount(groups)
    note = (
        f"{len(counts):,} different targets are gathered in {len(means)} bins of equal width; misses are counted from "
        "each row's own target."
    )
    labels = tuple(f"{mean:.4g}" for mean in means)
    values = cells.read - aims + means[groups]
    return replace(cells, groups=groups, labels=labels, targets=means, read=values, notes=(*cells.notes, note))


def _moment(times: Floats, count: int, at_time: float | None) -> _Moment:
    """The rows of the time that was asked for, or of the earliest."""
    found = time_groups(times) if len(times) else None
    if found is None:
        if at_time is not None:
            message = "The file has no column of times since programming, of which one could be chosen."
            raise ConfigError(message)
        return _Moment(np.ones(count, dtype=bool), None, None, np.array([]))
    places, known = found
    place = 0 if at_time is None else int(np.abs(np.log10(known + 1e-9) - np.log10(max(at_time, 0) + 1e-9)).argmin())
    if at_time is not None and abs(known[place] - at_time) > 0.5 * abs(at_time) + 1e-9:
        there = listed([f"{seconds:g}" for seconds in known], 12)
        message = f"No measurement was made about {at_time:g} s after programming; there are: {there} s."
        raise ConfigError(message)
    return _Moment(places == place, float(known[place]), places if len(known) > 1 else None, known)


def _means(cells: Cells, kept: NDArray[np.bool_]) -> Floats:
    """By group; each must have enough measurements for a std."""
    counts = np.bincount(cells.groups[kept], minlength=len(cells.labels))
    if counts.min() < 2:
        few = int(counts.argmin())
        lost = int((cells.failed & (cells.groups == few)).sum())
        what = f"Level {cells.labels[few]} has {counts[few]} measurement{'' if counts[few] == 1 else 's'}"
        message = (
            f"{what}; a std needs at least 2."
            if not lost
            else f"{what} that did not fail ({lost} did); a std needs at least 2."
        )
        raise ConfigError(message)
    return np.bincount(cells.groups[kept], cells.read[kept], minlength=len(counts)) / counts


def _check_units(targets: Floats, means: Floats, *, is_share: bool, top: float) -> None:
    """Measured and target in units that were not told: they must be about as large, and rise together."""
    if means.min() < -top / 2:
        message = f"Conductances must be positive; a level's mean is {means.min():g}, the highest {top:g}."
        raise ConfigError(message)
    known = np.isfinite(targets)
    if known.sum() < 2 or is_share:
        return
    aims, found = targets[known], means[known]
    if found[-1] < found[0] and np.corrcoef(aims, found)[0, 1] < 0:
        message = (
            "What was measured falls where the targets rise: one of them is a resistance. Say their units, in the "
            "header as 'measured (kΩ)' or beside it."
        )
        raise ConfigError(message)
    ratio = float(found[-1] / aims[-1]) if aims[-1] else 1.0
    if not 1 / FAR <= ratio <= FAR:
        message = (
            f"The highest level's mean is {ratio:.3g} times its target: are 'measured' and 'target' (or g_max = "
            f"{top:g}) in one unit? Say their units, in the header as 'measured (µS)' or beside it."
        )
        raise ConfigError(message)


def _check_spread(frame: pd.DataFrame, top: float) -> None:
    largest = float(frame[columns.STD].max())
    if largest > MAX_RELATIVE_STD:
        worst = int(frame[columns.STD].to_numpy().argmax())
        message = (
            f"Level {worst} has a std of {largest:g} of the maximal conductance ({top:g}); at most "
            f"{MAX_RELATIVE_STD:g} is allowed. Are 'measured' and 'target' (or g_max) in one unit?"
        )
        raise ConfigError(message)
    if largest == 0:
        message = "No level misses: every measurement is the same as the others of its level, which is σ_d = 0."
        raise ConfigError(message)


def _effects(cells: Cells, levels: Ints, frame: pd.DataFrame, moment: _Moment, *, top: float) -> Effects:
    here = moment.rows
    counts = np.bincount(levels[here], minlength=len(frame))
    failed = np.bincount(levels[here & cells.failed], minlength=len(frame))
    return Effects(
        num_failed=int(failed.sum()),
        num_cells=int(counts.sum()),
        failed_shares=tuple((failed / counts).tolist()),
        retention=None if moment.places is None else retention(_by_time(cells, levels, moment, top=top)),
        time=moment.seconds,
        notes=_time_words(cells, moment),
    )


def _by_time(cells: Cells, levels: Ints, moment: _Moment, *, top: float) -> pd.DataFrame:
    """A row per time: the RMS over levels of their stds."""
    assert moment.places is not None  # noqa: S101 - the caller saw to it
    kept = ~cells.failed
    table = pd.DataFrame(
        {columns.TIME: moment.places[kept], columns.LEVEL: levels[kept], columns.VALUE: cells.read[kept] / top}
    )
    stds = table.groupby([columns.TIME, columns.LEVEL])[columns.VALUE].agg(["std", "count"]).dropna().reset_index()
    found = stds.assign(square=stds["std"] ** 2).groupby(columns.TIME).agg({"square": "mean", "count": "sum"})
    return pd.DataFrame(
        {
            columns.TIME: moment.times[found.index.to_numpy()],
            columns.STD: np.sqrt(found["square"].to_numpy()),
            columns.NUM_MEASUREMENTS: found["count"].to_numpy(),
        }
    )


def _time_words(cells: Cells, moment: _Moment) -> tuple[str, ...]:
    if moment.seconds is not None:
        return (f"The levels are as they were read {moment.seconds:.3g} s after programming.",)
    return ("Times are of a clock, or too many: not read.",) if len(cells.times) else ()
