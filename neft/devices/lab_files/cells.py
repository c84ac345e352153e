"""A raw file's rows, gathered by what was aimed at; failed cells apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neft.devices.lab_files import patterns, units
from neft.devices.lab_files.roles import LISTS, WIDE, Roles, column_of, readings
from neft.devices.lab_files.scales import Floats, Scale, conductances
from neft.devices.lab_files.tables import Table
from neft.devices.lab_files.units import Unit
from neft.errors import ConfigError

Ints = NDArray[np.int64]
IN_STEP = 0.9
"""Of the readings' variance, what their place in turn explains where no row is missing."""
WIDE_OPEN = 10.0
"""A window whose end is so many times its beginning is open, where it begins near nothing: it says no target."""
NOTHING = 1e-2
"""Of the largest conductance."""
SUCCESSES = frozenset({"true", "pass", "passed", "ok", "yes", "y", "success", "valid"})
FAILURES = frozenset({"false", "fail", "failed", "no", "n", "error", "invalid"})


@dataclass(frozen=True)
class Cells:
    """Rows of measurements."""

    groups: Ints
    """Each row's group, of 0 … groups - 1; of equal target, level or place in turn."""
    labels: tuple[str, ...]
    """By group, what the file calls it."""
    targets: Floats
    """By group; NaN where the file aims at none."""
    read: Floats
    """By row, as conductances; NaN where it could not be measured."""
    failed: NDArray[np.bool_]
    """By row."""
    times: Floats
    """By row, in seconds; empty without a column of them."""
    notes: tuple[str, ...]


def cells_of(table: Table, roles: Roles, scale: Scale) -> Cells:
    """A raw file's rows, by group.

    Raises:
        ConfigError: a cell that is no number where one must be, or a level that aims at two conductances.
    """
    per_row = _per_row(table, roles)
    read = _measured(table, roles)
    values = scale.converted("measured", read)
    groups, labels, targets, notes = _grouped(table, roles, scale, per_row)
    failed = ~np.isfinite(values) | (_unsuccessful(table, roles)[per_row] if roles.of("success") else False)
    times = np.array([])
    if roles.of("time"):
        column = column_of(table, roles.of("time"))
        text = roles.units.get("time", column.unit)
        unit = units.required(text, where=f"Column '{column.name}'") if text else Unit("time", 1.0, "s")
        if unit.kind != "time":
            message = f"Column '{column.name}' is in {unit.text}, which is no time."
            raise ConfigError(message)
        times = column.numbers[per_row] * unit.factor
    return Cells(groups, labels, targets, values, failed, times, notes)


def _per_row(table: Table, roles: Roles) -> Ints:
    """For each reading, the row that it stands in."""
    rows = np.arange(table.num_rows)
    if roles.of("measured") == LISTS:
        return np.repeat(rows, [len(each) for each in table.lists])
    return np.repeat(rows, len(patterns.alike(table.columns))) if roles.of("measured") == WIDE else rows


def _measured(table: Table, roles: Roles) -> Floats:
    name = roles.of("measured")
    if name not in (LISTS, WIDE):
        column = column_of(table, name)
        if column.words:
            raise ConfigError(table.wrong(column, min(column.words), "must be a number, or empty where a cell failed"))
    return readings(table, roles)


def _unsuccessful(table: Table, roles: Roles) -> NDArray[np.bool_]:
    column = column_of(table, roles.of("success"))
    failed = ~(column.numbers > 0)
    for row, word in column.words.items():
        if word.lower() not in SUCCESSES and word.lower() not in FAILURES:
            raise ConfigError(table.wrong(column, row, "must be 1 or 0, pass or fail"))
        failed[row] = word.lower() not in SUCCESSES
    return failed


def _grouped(
    table: Table, roles: Roles, scale: Scale, per_row: Ints
) -> tuple[Ints, tuple[str, ...], Floats, tuple[str, ...]]:
    if roles.of("window_low"):
        low, high = (table.numbers(column_of(table, roles.of(role))) for role in ("window_low", "window_high"))
        pairs, groups = np.unique(np.column_stack([low, high]), axis=0, return_inverse=True)
        ends = [scale.converted(role, pairs[:, place]) for place, role in enumerate(("window_low", "window_high"))]
        labels = tuple(f"{one:g} to {other:g}" for one, other in pairs)
        return groups[per_row], labels, _middles(ends[0], ends[1]), ()
    if roles.of("level"):
        groups, labels = _levels(table, roles)
        targets = np.full(len(labels), np.nan)
        if roles.of("target"):
            aims = conductances(table, roles, scale, "target")
            targets = _one_each(groups, labels, aims)
        return groups[per_row], labels, targets, ()
    if roles.of("target"):
        aims = conductances(table, roles, scale, "target")
        known, groups = np.unique(aims, return_inverse=True)
        return groups[per_row], tuple(f"{aim:g}" for aim in known), known, ()
    return _in_turn(table, roles)


def _middles(one: Floats, other: Floats) -> Floats:
    """A window's middle; of one that is open, none."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    largest = np.max(high, where=np.isfinite(high), initial=0.0)
    begins_near_nothing = (low > 0) & (low < NOTHING * largest) & (high > WIDE_OPEN * low)
    is_open = ~np.isfinite(high) | begins_near_nothing
    return np.where(is_open, np.nan, (np.where(is_open, 0.0, low) + np.where(is_open, 0.0, high)) / 2)


def _levels(table: Table, roles: Roles) -> tuple[Ints, tuple[str, ...]]:
    column = column_of(table, roles.of("level"))
    if column.words:  # names, as HRS and LRS
        texts = [column.words.get(row, f"{number:g}") for row, number in enumerate(column.numbers)]
        names, groups = np.unique(texts, return_inverse=True)
        return groups, tuple(str(name) for name in names)
    known, groups = np.unique(table.numbers(column), return_inverse=True)
    return groups, tuple(f"{level:g}" for level in known)


def _one_each(groups: Ints, labels: tuple[str, ...], aims: Floats) -> Floats:
    first = np.full(len(labels), np.nan)
    first[groups[::-1]] = aims[::-1]
    off = ~(np.abs(aims - first[groups]) <= 1e-9 * np.abs(first[groups]))
    if off.any():
        row = int(np.flatnonzero(off)[0])
        message = (
            f"Level {labels[groups[row]]} has more than one target: {first[groups[row]]:g} and {aims[row]:g}. Every "
            "level must aim at one conductance."
        )
        raise ConfigError(message)
    return first


def _in_turn(table: Table, roles: Roles) -> tuple[Ints, tuple[str, ...], Floats, tuple[str, ...]]:
    values = readings(table, roles)
    places = np.arange(len(values)) % max(roles.cycle, 1)
    labels = tuple(str(place) for place in range(max(roles.cycle, 1)))
    targets = np.full(len(labels), np.nan)
    if roles.cycle < 2 or patterns.share_explained(places.astype(np.float64), values) >= IN_STEP:
        return places, labels, targets, ()
    note = (
        "Rows are missing, so that counting in turn slips: each reading is given to the level it lies nearest to, and "
        "stds are a little too small where levels overlap."
    )
    return _nearest(values, roles.cycle), labels, targets, (note,)


def _nearest(values: Floats, count: int) -> Ints:
    """Each value's group of so many, by Lloyd's algorithm on logarithms (or values), from even quantiles."""
    known = np.where(np.isfinite(values), values, np.nan)
    flat = np.log(known) if np.nanmin(known) > 0 else known
    centres = np.nanquantile(flat, (np.arange(count) + 0.5) / count)
    groups = np.zeros(len(flat), dtype=np.int64)
    for _ in range(100):
        groups = np.searchsorted((centres[1:] + centres[:-1]) / 2, flat).clip(0, count - 1)
        moved = np.array(
            [
                np.nanmedian(flat[groups == group]) if (groups == group).any() else centres[group]
                for group in range(count)
            ]
        )
        if np.allclose(moved, centres):
            break
        centres = np.sort(moved)
    return groups
