"""Tables of numbers as laboratories and simulators write them; every error names its line.

Columns are separated by commas, semicolons, tabs or blanks; decimals have a point, or a comma where that separates no
columns. A header may stand above the numbers, be missing, begin with # (numpy.savetxt), have a line of units below it
or lines of other text above it. A byte-order mark, Excel's `sep=`, blank lines, comments, the unnamed index column of
pandas and empty cells at a line's end are let pass.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neft.devices.lab_files import units
from neft.devices.lab_files.decoding import decoded
from neft.devices.lab_files.headers import (
    COMMENTS,
    MAX_COLUMNS,
    MISSING,
    SEPARATORS,
    Head,
    check_num_columns,
    declared_separator,
    find_head,
    number_of,
    split,
    trimmed,
)
from neft.errors import ConfigError

Floats = NDArray[np.float64]
SHOWN = 24
"""Characters of a wrong cell that an error repeats."""
CELL_WITH_UNIT = re.compile(r"([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*([^\d\s].*)")
LONGEST_WITH_UNIT = 100
"""Characters of such a cell."""
CHUNK = 20_000
"""Rows that are read at once."""
ROWS = 50_000
"""That are looked at to find what a column is."""
LONG = 1000
"""Rows from which on it pays to read an even table as a whole."""


@dataclass(frozen=True)
class Column:
    """A column of a file."""

    name: str
    """Without its unit; its place, from 1, where there is no header."""
    unit: str
    """As it is written; empty without one."""
    numbers: Floats
    """NaN where a cell is missing or no number."""
    words: dict[int, str] = field(default_factory=dict)
    """By row, cells that are neither a number nor a sign for a missing one."""

    @property
    def key(self) -> str:
        """The name as it is looked up: small letters, no marks."""
        spelt = self.name.lower().replace("σ", "sigma").replace("µ", "mu").replace("μ", "mu")
        return re.sub(r"[^a-z0-9/]+", "_", spelt).strip("_")

    @property
    def label(self) -> str:
        """Its name with its unit; without a header, its place with what it holds."""
        if not self.name.isdecimal():
            return f"{self.name} ({self.unit})" if self.unit else self.name
        known = self.known
        held = f"{_brief(known.min())} to {_brief(known.max())}" if len(known) else "no numbers"
        return f"column {self.name}: {held}"

    def first(self, count: int) -> list[str]:
        """Its first cells, as they are read."""
        return [self.words.get(row, f"{number:g}") for row, number in enumerate(self.numbers[:count].tolist())]

    @property
    def known(self) -> Floats:
        """Its numbers."""
        return self.numbers[np.isfinite(self.numbers)]

    @cached_property
    def size(self) -> float:
        """What a tenth of its first numbers exceed, whichever their sign; NaN of one without numbers or counting up."""
        known = self.known[:ROWS]
        if not len(known) or (len(known) > 1 and (np.diff(known) > 0).all()):
            return math.nan
        return float(np.quantile(np.abs(known), 0.9))


def _brief(number: float) -> str:
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e9 else f"{number:.4g}"


@dataclass(frozen=True)
class Table:
    """Columns of equal length, each row with its line in the file."""

    columns: tuple[Column, ...]
    lines: NDArray[np.int64]
    has_header: bool
    preamble: tuple[str, ...] = ()
    """Lines of text above the header, and comments."""
    lists: tuple[Floats, ...] = ()
    """Where each row ends in a list of any length: the lists, by row; the columns stand before them."""

    @property
    def num_rows(self) -> int:
        """Rows of numbers."""
        return len(self.lines)

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns."""
        return tuple(column.name for column in self.columns)

    def numbers(self, column: Column, *, lowest: float = -math.inf, highest: float = math.inf) -> Floats:
        """A column as finite numbers within bounds.

        Raises:
            ConfigError: naming the line, the column, what was given and what is allowed.
        """
        good = (column.numbers >= lowest) & (column.numbers <= highest) & np.isfinite(column.numbers)
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            upper = "" if math.isinf(highest) else f" and <= {highest:g}"
            bounds = "" if math.isinf(lowest) else f" >= {lowest:g}{upper}"
            raise ConfigError(self.wrong(column, row, f"must be a number{bounds}"))
        return column.numbers

    def wrong(self, column: Column, row: int, what: str) -> str:
        """The sentence for a cell that cannot be."""
        cell = column.words.get(row, f"{column.numbers[row]:g}")
        shown = cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…"
        return f"Line {self.lines[row]}, column '{column.name}': {what}; got {shown!r}."


def read_table(content: bytes) -> Table:
    """The table in a file.

    Raises:
        ConfigError: it is too large, no text, or no table.
    """
    text = decoded(content)
    lines = text.splitlines()
    separator, lines_before = declared_separator(lines)
    head = find_head(lines, separator, lines_before)
    return _even(text, head) or _uneven(head, _cells(lines, head.separator, first=head.num_lines))


# ---------------------------------------------------------------- rows
def _cells(lines: Sequence[str], separator: str, *, first: int) -> Iterator[tuple[int, list[str]]]:
    """Each row's line, from 1, and cells."""
    rows = (line for line in lines[first:])
    if separator == " ":
        found: Iterable[tuple[int, list[str]]] = ((number, row.split()) for number, row in enumerate(rows, first + 1))
    else:
        reader = csv.reader(rows, delimiter=separator)
        found = ((first + reader.line_num, row) for row in reader)
    number = first
    try:
        for number, row in found:
            start = row[0].lstrip() if row else ""
            if (start and not start.startswith(COMMENTS)) or (not start and any(cell.strip() for cell in row)):
                yield number, row
    except csv.Error as error:
        message = f"Line {number + 1}: no row of a CSV file ({error})."
        raise ConfigError(message) from None


def _even(text: str, head: Head) -> Table | None:
    """A table whose rows all have as many cells, read at once; None where a row must be looked at by itself."""
    start = io.StringIO(text, newline="")
    for _ in range(head.num_lines):
        _ = start.readline()
    body = text[start.tell() :].rstrip("\r\n")
    width, num_rows = len(head.names) or len(split(body.split("\n", 1)[0], head.separator)), body.count("\n") + 1
    is_blank = head.separator == " "
    if any(mark in body for mark in ('"', *COMMENTS)) or num_rows < LONG or width > MAX_COLUMNS:
        return None
    if not is_blank and body.count(head.separator) != num_rows * (width - 1):
        return None
    try:
        frame: pd.DataFrame = pd.read_csv(
            io.StringIO(body),
            header=None,
            names=range(width + 1),  # the last shows rows that are longer than the others
            sep=r"\s+" if is_blank else head.separator,
            decimal="," if head.separator != "," and "," in body else ".",
            low_memory=False,
        )
    except ValueError:  # some row is longer than the others
        return None
    is_short = is_blank and bool(frame[width - 1].isna().any())
    if len(frame) != num_rows or is_short or bool(frame[width].notna().any()):
        return None
    columns = [
        _column(
            head.names[place] if head.names else str(place + 1), head.units[place : place + 1], *_read(frame[place])
        )
        for place in range(width)
    ]
    lines = np.arange(num_rows, dtype=np.int64) + head.num_lines + 1
    return Table(tuple(_without_index(columns)), lines, bool(head.names), head.preamble)


def _read(cells: pd.Series) -> tuple[Floats, dict[int, str]]:
    if cells.dtype.kind in "iuf":
        return cells.to_numpy(dtype=np.float64), {}
    texts = cells.astype("string").str.strip()
    numbers = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    told = np.flatnonzero(np.isnan(numbers) & ~texts.str.lower().isin(MISSING).to_numpy() & cells.notna().to_numpy())
    return numbers, dict(zip(told.tolist(), texts.iloc[told].tolist(), strict=True))


def _uneven(head: Head, rows: Iterator[tuple[int, list[str]]]) -> Table:
    first = next(rows)
    rest = [first, *islice(rows, CHUNK - 1)]
    if _has_lists(head, [row for _, row in rest]):
        return _with_lists(head, [*rest, *rows])
    check_num_columns(len(trimmed(first[1])))
    names, written_units = list(head.names), list(head.units)
    if names and head.separator in " \t" and len(trimmed(first[1])) == len(names) + 1:
        names, written_units = ["", *names], ["", *written_units]  # R leaves the index unnamed
    width = len(names) or len(trimmed(first[1]))
    gathered = _Gathered(width, comma=head.separator == ",", separator=head.separator, num_heads=len(head.names))
    chunk = rest
    while chunk:
        gathered.add(chunk)
        chunk = list(islice(rows, CHUNK))
    columns = [
        _column(names[place] if head.names else str(place + 1), written_units[place : place + 1], numbers, words)
        for place, (numbers, words) in enumerate(gathered.columns())
    ]
    return Table(tuple(_without_index(columns)), gathered.lines(), bool(head.names), head.preamble)


def _column(name: str, unit: Sequence[str], numbers: Floats, words: dict[int, str]) -> Column:
    plain, inside = units.split_name(name)
    finite = _without_marks(np.where(np.isfinite(numbers), numbers, np.nan))
    written = unit[0] if unit and unit[0] else inside
    beside = None if written else _units_in_cells(words, finite)
    return Column(plain, written, finite, words) if beside is None else Column(plain, *beside)


MARK, BEYOND = 1e9, 1e3
"""A power of ten from here on, so many times beyond all other numbers, marks a cell that could not be read."""


def _without_marks(numbers: Floats) -> Floats:
    """A column's numbers without those that mark an open cell, as 1e10 among kilo-ohms does."""
    largest = np.nanmax(numbers, initial=0.0)
    if largest < MARK or largest != 10.0 ** round(np.log10(largest)):
        return numbers
    others = numbers[numbers < largest]
    if not len(others) or largest < BEYOND * np.max(others):
        return numbers
    return np.where(numbers == largest, np.nan, numbers)


def _units_in_cells(words: dict[int, str], numbers: Floats) -> tuple[str, Floats] | None:
    """The one unit that stands in every cell, as `0.5 %`, and the numbers before it; None where none does."""
    if not words or np.isfinite(numbers).any():
        return None
    if any(len(word) > LONGEST_WITH_UNIT for word in words.values()):
        return None
    found = {row: CELL_WITH_UNIT.fullmatch(word) for row, word in words.items()}
    told = {match[2] for match in found.values() if match is not None}
    if None in found.values() or len(told) != 1 or not units.is_unit(unit := told.pop()):
        return None
    read = np.full(len(numbers), np.nan)
    for row, match in found.items():
        read[row] = number_of(match[1]) if match is not None else np.nan
    return unit, read


def _without_index(columns: Sequence[Column]) -> Sequence[Column]:
    first = columns[0]
    counts = np.arange(len(first.numbers))
    is_index = not first.name and np.array_equal(first.numbers - first.numbers[:1], counts)
    kept = columns[1:] if is_index and len(columns) > 1 else columns
    counted = Counter(column.name for column in kept)
    twice = next((name for name, count in counted.items() if count > 1), None)
    if twice is not None:
        message = f"The header names the column '{twice}' more than once."
        raise ConfigError(message)
    return kept


class _Gathered:
    """Rows of text as columns of numbers, chunk by chunk."""

    def __init__(self, width: int, *, comma: bool, separator: str, num_heads: int) -> None:
        self._width, self._comma, self._separator, self._num_heads = width, comma, separator, num_heads
        self._lines: list[int] = []
        self._numbers: list[list[Floats]] = [[] for _ in range(width)]
        self._words: list[dict[int, str]] = [{} for _ in range(width)]

    def add(self, chunk: Sequence[tuple[int, list[str]]]) -> None:
        rows = [row if len(row) == self._width else self._fitted(number, row) for number, row in chunk]
        start = len(self._lines)
        self._lines += [number for number, _ in chunk]
        for place, cells in enumerate(zip(*rows, strict=True)):
            self._numbers[place].append(self._as_numbers(cells, place, start))

    def columns(self) -> Iterator[tuple[Floats, dict[int, str]]]:
        for parts, words in zip(self._numbers, self._words, strict=True):
            yield np.concatenate(parts), words

    def lines(self) -> NDArray[np.int64]:
        return np.array(self._lines, dtype=np.int64)

    def _fitted(self, number: int, row: list[str]) -> list[str]:
        kept = trimmed([cell.strip() for cell in row])
        missing = self._width - len(kept)
        # an empty last cell is one that could not be measured; a row without it is one that was cut off
        if missing >= 0 and len(row) >= self._width:
            return kept + [""] * missing
        hint = " With commas between columns, decimals need a point." if self._comma else ""
        than = f"the header {self._num_heads}" if self._num_heads else f"the first row {self._width}"
        message = (
            f"Line {number} has {len(kept)} cell{'' if len(kept) == 1 else 's'}, {than} "
            f"({SEPARATORS.get(self._separator, repr(self._separator))} between columns).{hint}"
        )
        raise ConfigError(message)

    def _as_numbers(self, cells: Sequence[str], place: int, start: int) -> Floats:
        try:
            return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
        except ValueError:
            found = np.full(len(cells), np.nan)
        words = self._words[place]
        for row, cell in enumerate(cells):
            text = cell.strip()
            try:
                found[row] = float(text if self._comma else text.replace(",", "."))
            except ValueError:
                if text.lower() not in MISSING:
                    words[start + row] = text
        return found


# ---------------------------------------------------------------- rows that end in lists
def _has_lists(head: Head, rows: Sequence[Sequence[str]]) -> bool:
    """Whether each row is a window and then as many readings as there were."""
    if len({len(row) for row in rows}) == 1:
        return False
    widths = {len(trimmed(row)) for row in rows}
    beyond = min(widths) > len(head.names) > 0 and head.ends_open
    return len(widths) > 1 and min(widths) >= 3 and (beyond or (not head.names and len(rows) > 1))


def _with_lists(head: Head, rows: Sequence[tuple[int, list[str]]]) -> Table:
    fixed = len(head.names) or 2
    numbers: list[list[float]] = []
    for line, row in rows:
        found = [number_of(cell) for cell in trimmed([cell.strip() for cell in row])]
        if None in found:
            message = f"Line {line}: each row must be {fixed} numbers and then a list of readings; got {row[:6]}."
            raise ConfigError(message)
        numbers.append([value for value in found if value is not None])
    names = head.names or tuple(str(place + 1) for place in range(fixed))
    given = head.units or ("",) * fixed
    columns = tuple(
        _column(names[place], given[place : place + 1], np.array([row[place] for row in numbers]), {})
        for place in range(fixed)
    )
    lines = np.array([line for line, _ in rows], dtype=np.int64)
    lists = tuple(np.array(row[fixed:]) for row in numbers)
    return Table(columns, lines, bool(head.names), head.preamble, lists)
