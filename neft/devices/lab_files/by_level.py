"""Files that give a std for each level: of the maximal conductance, or in a unit, perhaps beside means and targets."""

import numpy as np
import pandas as pd

from neft import columns
from neft.devices.lab_files import units
from neft.devices.lab_files.effects import Effects
from neft.devices.lab_files.found import (
    MAX_RELATIVE_STD,
    Found,
    GivenTop,
    check_numbers,
    maximal,
    no_values,
    order_words,
)
from neft.devices.lab_files.roles import Roles, column_of
from neft.devices.lab_files.scales import Floats, Scale, conductances, scale_of
from neft.devices.lab_files.tables import Column, Table
from neft.devices.lab_files.units import Unit
from neft.errors import ConfigError

MAX_NUMBER = 65535.0
"""Of a level."""


def read(
    table: Table, roles: Roles, *, g_max: GivenTop | None, read_voltage: float | None, at_time: float | None
) -> Found:
    """What such a file says.

    Raises:
        ConfigError: what is wrong, in which line and column.
    """
    if at_time is not None:
        message = "A time can be chosen where every measurement has one; this file gives a std for each level."
        raise ConfigError(message)
    scale = scale_of(table, roles, read_voltage=read_voltage)
    labels, numbers = level_numbers(table, roles)
    means = conductances(table, roles, scale, "mean") if roles.of("mean") else None
    targets = conductances(table, roles, scale, "target") if roles.of("target") else None
    aimed = means if targets is None else targets
    column = column_of(table, roles.of("std") or roles.of("cv"))
    given = table.numbers(column, lowest=0.0)
    if len(given) < 2:
        message = "The file has 1 level; a device has at least 2."
        raise ConfigError(message)
    unit = _std_unit(roles, column)
    alone = unit or Unit("plain", 1.0, "")
    if aimed is None:
        top, words = _top_alone(g_max, alone, column)
    else:
        top, words = _top(g_max, scale, unit, column, targets=targets, means=means)
    shown = alone.text if aimed is None and alone.kind != "share" else scale.unit.text
    stds = _relative(
        given,
        unit,
        scale,
        top=top,
        at=means if means is not None else targets,
        of_mean=bool(roles.of("cv")),
        name=column.name,
    )
    _check_stds(table, column, stds)
    places = np.arange(len(stds))
    order = np.argsort(numbers if aimed is None else aimed, kind="stable")
    at = places / (len(stds) - 1) if aimed is None else (aimed / top)[order]
    unknown = (columns.NUM_MEASUREMENTS, columns.LOWER, columns.UPPER, columns.SKEWNESS, columns.P_VALUE)
    frame = pd.DataFrame(
        {
            columns.LEVEL: places,
            columns.TARGET: at,
            columns.MEAN: np.nan if means is None else (means / top)[order],
            columns.BIAS: np.nan if means is None or targets is None else ((means - targets) / top)[order],
            columns.STD: stds[order],
            **dict.fromkeys(unknown, np.nan),
        }
    )
    by_file = np.argsort(numbers, kind="stable")
    moved = order_words(
        np.argsort(by_file, kind="stable")[order], tuple(labels[place] for place in by_file), by="conductance"
    )
    notes = (*scale.notes, words, *moved)
    return Found(frame, no_values(), top, shown, Effects(), notes)


def level_numbers(table: Table, roles: Roles) -> tuple[tuple[str, ...], Floats]:
    """Each row's level, as it is called and as a number; each once.

    Raises:
        ConfigError: a level that is none, is given twice or is missing.
    """
    if not roles.of("level"):
        return tuple(str(place) for place in range(table.num_rows)), np.arange(table.num_rows, dtype=np.float64)
    column = column_of(table, roles.of("level"))
    if column.words and (roles.of("mean") or roles.of("target")):
        labels = tuple(column.words.get(row, f"{number:g}") for row, number in enumerate(column.numbers))
        return labels, np.arange(table.num_rows, dtype=np.float64)
    numbers = whole_numbers(table, column)
    known, counts = np.unique(numbers, return_counts=True)
    if counts.max() > 1:
        twice = known[counts.argmax()]
        message = f"Level {twice:g} is given more than once; per level, every level has one row."
        raise ConfigError(message)
    if not (roles.of("mean") or roles.of("target")):
        check_numbers(known, noun="Level")
    return tuple(f"{number:g}" for number in numbers), numbers


def whole_numbers(table: Table, column: Column) -> Floats:
    """A column of levels' numbers.

    Raises:
        ConfigError: one that is not whole, or out of range.
    """
    numbers = table.numbers(column, lowest=0.0, highest=MAX_NUMBER)
    broken = np.flatnonzero(numbers != np.floor(numbers))
    if len(broken):
        raise ConfigError(table.wrong(column, int(broken[0]), f"must be a whole number from 0 to {MAX_NUMBER:g}"))
    return numbers


def _std_unit(roles: Roles, column: Column) -> Unit | None:
    role = "std" if roles.of("std") else "cv"
    text = roles.units.get(role, column.unit)
    return units.required(text, where=f"Column '{column.name}'") if text or role in roles.units else None


def _top(
    g_max: GivenTop | None,
    scale: Scale,
    unit: Unit | None,
    column: Column,
    *,
    targets: Floats | None,
    means: Floats | None,
) -> tuple[float, str]:
    """The maximal conductance in the scale's unit, and where it is from."""
    nothing = np.full(0 if means is None else len(means), np.nan)
    given = nothing if targets is None else targets
    top, words = maximal(g_max, scale, targets=given, means=given if means is None else means)
    if unit is None:
        words += f" Column '{column.name}' has no unit: taken in the same as they are."
    return top, words


def _top_alone(g_max: GivenTop | None, unit: Unit, column: Column) -> tuple[float, str]:
    """Likewise, where the file gives stds alone, in their unit; 1 where they are relative to it already."""
    if unit.kind == "resistance":
        message = f"Column '{column.name}' is in {unit.text}: stds of resistances need a column of means or targets."
        raise ConfigError(message)
    if unit.kind == "share":
        return 1.0, ""
    if g_max is not None:
        value = g_max.counted_in(unit)
        return value, f"Stds are over the given g_max = {value:g}{f' {unit.text}' if unit.text else ''}."
    if unit.kind == "plain":
        return 1.0, ""
    message = (
        f"Column '{column.name}' is in {unit.text}: give the maximal conductance g_max in the same unit, or a column "
        "of means or targets."
    )
    raise ConfigError(message)


def _relative(
    given: Floats, unit: Unit | None, scale: Scale, *, top: float, at: Floats | None, of_mean: bool, name: str
) -> Floats:
    """Stds over the maximal conductance."""
    if of_mean:
        if at is None:
            message = f"Column '{name}' is over each level's own mean, which the file does not give."
            raise ConfigError(message)
        return given * (unit.factor if unit and unit.kind == "share" else 1.0) * np.abs(at) / top
    if unit is None or unit.kind == "plain":
        return _resistive(given, scale.units.get("mean") or scale.units.get("target"), scale, at) / top
    if unit.kind == "share":
        return given * unit.factor
    if at is None:
        return given / top
    if unit.kind != scale.unit.kind:
        return _resistive(given, unit, scale, at) / top
    return given * (unit.factor / scale.unit.factor) / top


def _resistive(given: Floats, unit: Unit | None, scale: Scale, at: Floats | None) -> Floats:
    """Stds in the scale's unit; of resistances to first order, std(g) = std(R) g^2."""
    if unit is None or at is None or unit.kind == scale.unit.kind:
        return given
    if unit.kind == "resistance":
        return given * unit.factor * (at * scale.unit.factor) ** 2 / scale.unit.factor
    if unit.kind == "current" and (unit.volts or scale.volts):
        return given * unit.factor / (unit.volts or scale.volts or 1.0) / scale.unit.factor
    message = f"Stds in {unit.text} and conductances in {scale.unit.text or 'no unit'} do not go together."
    raise ConfigError(message)


def _check_stds(table: Table, column: Column, stds: Floats) -> None:
    large = np.flatnonzero(stds > MAX_RELATIVE_STD)
    if len(large):
        message = (
            f"Line {table.lines[large[0]]}, column '{column.name}': must lie in [0, {MAX_RELATIVE_STD:g}] of the "
            f"maximal conductance; got {stds[large[0]]:g}. If stds are in a unit of conductance, give the maximal "
            "conductance g_max; if in %, say so: 'std (%)'."
        )
        raise ConfigError(message)
