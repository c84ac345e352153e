"""Files in which each column is a level: its readings below one another, as spreadsheets are filled in."""

import re
from collections.abc import Sequence

import numpy as np

from neft.devices.lab_files import units
from neft.devices.lab_files.tables import Column, Table

NUMBERED = re.compile(r"(?:levels?|lvl|lev|l|states?|s|target)[ _-]*(\d+)", re.IGNORECASE)
"""A column's name as a level's number."""
CONDUCTANCES = ("conductance", "resistance")


def unfolded(table: Table) -> Table:
    """The same with a row a reading, where each column is a level; other tables as they are.

    Columns are called by numbered levels, or by what they aim at with its unit (`10 µS`), and hold more rows than there
    are columns. Empty cells at a column's end are no cells: columns may be of any length.
    """
    if not table.has_header or len(table.columns) < 2 or table.num_rows <= len(table.columns):
        return table
    told = _numbered(table.columns) or _aimed(table.columns)
    if told is None:
        return table
    lengths = [_length(column) for column in table.columns]
    numbers = np.concatenate([column.numbers[:length] for column, length in zip(table.columns, lengths, strict=True)])
    lines = np.concatenate([table.lines[:length] for length in lengths])
    labels = np.repeat(told.numbers, lengths)
    words: dict[int, str] = {}
    start = 0
    for column, length in zip(table.columns, lengths, strict=True):
        words |= {start + row: word for row, word in column.words.items()}
        start += length
    unit = told.unit if told.name == "target" else table.columns[0].unit
    measured = Column("measured", unit, numbers, words)
    return Table((Column(told.name, told.unit, labels), measured), lines, table.has_header, table.preamble)


def _numbered(columns: Sequence[Column]) -> Column | None:
    found = [NUMBERED.fullmatch(column.name) for column in columns]
    numbers = [int(match[1]) for match in found if match is not None]
    if len(numbers) < len(columns) or len(set(numbers)) < len(numbers) or len({column.unit for column in columns}) > 1:
        return None
    return Column("level", "", np.array(numbers, dtype=np.float64))


def _aimed(columns: Sequence[Column]) -> Column | None:
    """Names as `10 µS`, which are read as the name 10 with that unit."""
    if not all(re.fullmatch(r"\d*\.?\d+", column.name) and column.unit for column in columns):
        return None
    kinds = {unit.kind for column in columns if (unit := units.find(column.unit)) is not None}
    if len({column.unit for column in columns}) > 1 or not kinds <= set(CONDUCTANCES) or not kinds:
        return None
    return Column("target", columns[0].unit, np.array([float(column.name) for column in columns]))


def _length(column: Column) -> int:
    """Up to its last cell that is not empty."""
    told = np.flatnonzero(np.isfinite(column.numbers))
    last = max([*told[-1:].tolist(), *column.words], default=-1)
    return int(last) + 1
