"""Tables of numbers as laboratories write them, whatever the separator; every error names its line.

A header, then rows. Columns are separated by commas, semicolons or tabs; decimals have a point, or a comma where that
separates no columns. A byte-order mark, blank lines, lines that begin with # and a unit behind a column's name
(`measured (µS)`) are let pass.
"""

import csv
import io
import math
import re
from dataclasses import dataclass

from neft.errors import ConfigError

MAX_BYTES = 2 * 1024 * 1024
SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas"}
SHOWN = 24
"""Characters of a wrong cell that an error repeats."""


@dataclass(frozen=True)
class Table:
    """A header and rows of cells, each with its line in the file."""

    heads: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    separator: str

    def numbers(self, column: str, *, lowest: float = -math.inf, highest: float = math.inf) -> list[float]:
        """A column as finite numbers within bounds.

        Raises:
            ConfigError: naming the line, the column, what was given and what is allowed.
        """
        place = self.heads.index(column)
        return [
            self._number(row[place], line=line, column=column, lowest=lowest, highest=highest)
            for line, row in zip(self.lines, self.rows, strict=True)
        ]

    def _number(self, cell: str, *, line: int, column: str, lowest: float, highest: float) -> float:
        try:
            value = float(cell if self.separator == "," else cell.replace(",", "."))
        except ValueError:
            value = math.nan
        if math.isfinite(value) and lowest <= value <= highest:
            return value
        upper = "" if math.isinf(highest) else f" and <= {highest:g}"
        bounds = "" if math.isinf(lowest) else f" >= {lowest:g}{upper}"
        shown = cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…"
        message = f"Line {line}, column '{column}': must be a number{bounds}; got {shown!r}."
        raise ConfigError(message)


def read_table(content: bytes) -> Table:
    """The table in a file.

    Raises:
        ConfigError: it is too large, no text, or no table with a header.
    """
    if len(content) > MAX_BYTES:
        message = f"The file has {len(content) / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are read."
        raise ConfigError(message)
    text = _decoded(content)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        found = [(reader.line_num, _trimmed(cells)) for cells in reader]
    except csv.Error as error:
        message = f"Line {reader.line_num}: no row of a CSV file ({error})."
        raise ConfigError(message) from None
    kept = [(line, cells) for line, cells in found if cells and not cells[0].startswith("#")]
    if len(kept) < 2:
        message = "The file must have a header and at least one row of numbers below it."
        raise ConfigError(message)
    (_, head), *rows = kept
    heads = tuple(_name(cell) for cell in head)
    twice = next((name for name in heads if heads.count(name) > 1), None)
    if twice is not None:
        message = f"The header names the column '{twice}' more than once."
        raise ConfigError(message)
    for line, cells in rows:
        if len(cells) != len(heads):
            hint = " With commas between columns, decimals need a point." if separator == "," else ""
            message = (
                f"Line {line} has {len(cells)} cell{'' if len(cells) == 1 else 's'}, the header {len(heads)} "
                f"({SEPARATORS[separator]} between columns).{hint}"
            )
            raise ConfigError(message)
    return Table(heads, tuple(line for line, _ in rows), tuple(cells for _, cells in rows), separator)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        message = "The file is no UTF-8 text; save it as CSV (UTF-8)."
        raise ConfigError(message) from None
    if "\0" in text:
        message = "The file is no text, it holds null characters; save it as CSV (UTF-8)."
        raise ConfigError(message)
    return text


def _separator(text: str) -> str:
    head = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return next((separator for separator in SEPARATORS if separator in head), ",")


def _trimmed(cells: list[str]) -> tuple[str, ...]:
    """Without blanks, and without the empty cells with which spreadsheets end a row."""
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        del stripped[-1]
    return tuple(stripped)


def _name(cell: str) -> str:
    return re.split(r"[(\[]", cell, maxsplit=1)[0].strip().lower()
