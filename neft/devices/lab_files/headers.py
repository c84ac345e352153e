"""Where a table begins in a text, what separates its columns, and which line above it names them."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from neft.devices.lab_files import units
from neft.errors import MOST_SHOWN, ConfigError, one_line

SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}
COMMENTS = ("#", "%", "//")
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--", "inf", "+inf", "-inf", "#n/a", "fail", "open"})
"""What stands where a cell could not be measured."""
PEEK = 200
"""Lines in which a header is looked for."""
MAX_COLUMNS = 4096
"""Of a table: a row with a reading of each device of a 64 × 64 array. Lists of readings may be longer."""
MAX_NAME = 200
"""Characters of a column's name."""


@dataclass(frozen=True)
class Head:
    """What stands before a table's first row of numbers."""

    separator: str
    names: tuple[str, ...]
    """As they are written; none without a header."""
    units: tuple[str, ...]
    num_lines: int
    """Lines before the numbers."""
    preamble: tuple[str, ...]
    ends_open: bool
    """Whether an empty cell ends the header."""


def declared_separator(lines: Sequence[str]) -> tuple[str | None, int]:
    """The separator that Excel's first line names."""
    found = re.fullmatch(r'"?sep=(.)"?', lines[0].rstrip("\r")) if lines else None
    return (found[1], 1) if found else (None, 0)


def find_head(lines: Sequence[str], declared: str | None, start: int) -> Head:
    """The header of a text, or that it has none.

    Args:
        lines: the text.
        declared: what separates its columns, where its first line says so.
        start: lines before those that are looked at.

    Raises:
        ConfigError: no row of numbers.
    """
    kept: list[tuple[int, str]] = []
    for number, line in enumerate(lines[start : start + PEEK], start):
        text = line.strip()
        if not text:
            continue
        separator = declared or _separator(text)
        if number_of(text.split(separator, 1)[0].strip('" ')) is None and not text.startswith(COMMENTS):
            check_num_columns(_num_cells(text, separator))  # before each cell is looked at; lists begin with a number
        if not text.startswith(COMMENTS) and _is_row(lines[number : number + 6], separator):
            return _named(kept, _separator_of(lines, number, declared), split(line, separator), number)
        kept.append((number, line))
    message = "The file must have a header and at least one row of numbers below it, or rows of numbers alone."
    if kept and kept[0][1].lstrip()[:1] in ("<", "{"):
        kind = "a web page" if kept[0][1].lstrip()[0] == "<" else "JSON"
        message = f"The file looks like {kind}, not like a table; save the measurements as CSV."
    raise ConfigError(message)


def _named(kept: list[tuple[int, str]], separator: str, first: Sequence[str], number: int) -> Head:
    """Which of the lines above the first row of numbers name its columns."""
    texts = [text for _, text in kept]
    plain = [text for text in texts if not text.lstrip().startswith(COMMENTS)]
    candidates = ([plain[-2:]] if plain else []) + [[_uncommented(text)] for text in texts[-1:]]
    for tail in candidates:
        found = _names_and_units([split(text, separator) for text in tail], len(trimmed(first)))
        if found is not None:
            names, below = found
            _check_names(names)
            used = {tail[-1], tail[0] if below else tail[-1]}
            rest = tuple(text.strip() for text in texts if _uncommented(text) not in used and text not in used)
            ends_open = bool(tail[-1].rstrip().endswith(separator)) if separator.strip() else False
            return Head(separator, names, below or ("",) * len(names), number, rest, ends_open)
    return Head(separator, (), (), number, tuple(text.strip() for text in texts), ends_open=False)


def check_num_columns(count: int) -> None:
    """See that a table has no more columns than are read: what is looked for in them takes long in many.

    Raises:
        ConfigError: it has.
    """
    if count > MAX_COLUMNS:
        message = (
            f"The file has {count:,} columns; at most {MAX_COLUMNS:,} are read. Write readings below one another, a "
            "row each, with what was aimed at beside them."
        )
        raise ConfigError(message)


def _num_cells(text: str, separator: str) -> int:
    return text.rstrip(f"{separator} ").count(separator) + 1 if separator.strip() else len(text.split())


def _check_names(names: Sequence[str]) -> None:
    check_num_columns(len(names))
    longest = max(names, key=len, default="")
    if len(longest) > MAX_NAME:
        message = (
            f"The header's column '{one_line(longest, MOST_SHOWN)}' has a name of {len(longest):,} characters; at most "
            f"{MAX_NAME} are read."
        )
        raise ConfigError(message)


def _names_and_units(tail: list[list[str]], width: int) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    last = trimmed(tail[-1])
    if all(number_of(cell) is not None for cell in last):
        return None
    if len(tail) == 2 and all(not cell or units.is_unit(cell.strip("()[] ")) for cell in last):
        names = tail[0]
        if trimmed(names) and len(names) >= len(last):
            below = [cell.strip("()[] ") for cell in tail[-1]]
            return tuple(trimmed(names)), tuple((below + [""] * len(names))[: len(trimmed(names))])
    if len(last) > width + 1 or (len(last) == 1 and width > 2):
        return None
    return tuple(last), ()


def _uncommented(text: str) -> str:
    return re.sub(r"^\s*(?:#|%|//)+ ?", "", text)


def _is_row(lines: Sequence[str], separator: str) -> bool:
    """Whether the first of these lines is a row of numbers. A word of it stands above no number, as names do."""
    cells, *below = [split(line, separator) for line in lines if line.strip()]
    if all(number_of(cell) is not None for cell in cells if cell):
        return any(cells)
    if not _is_numeric(cells) or sum(len(row) == len(cells) for row in below) * 2 < len(below):
        return False
    for place, cell in enumerate(cells):
        under = [row[place] for row in below if place < len(row)]
        if number_of(cell) is None and cell and sum(number_of(text) is not None for text in under) * 2 > len(under):
            return cell.lower() in MISSING
    return True


def _separator_of(lines: Sequence[str], first: int, declared: str | None) -> str:
    if declared:
        return declared
    data = [line for line in islice(lines, first, first + PEEK) if line.strip() and not line.startswith(COMMENTS)]
    above = next((line for line in reversed(lines[:first]) if line.strip()), "")
    for separator in (";", "\t"):
        if all(separator in line for line in data):
            return separator
    decimal = r"[-+]?(?:\d+(?:,\d+)?|,\d+)(?:[eE][-+]?\d+)?"
    if all(len(line.split()) > 1 and all(re.fullmatch(decimal, cell) for cell in line.split()) for line in data):
        return " "  # commas are decimal signs
    if all("," in line for line in data):
        return ","
    if all(len(line.split()) > 1 for line in data):
        return " "
    return _separator(above) if above and not any(" " in line.strip() for line in data) else _separator(data[0])


def _separator(line: str) -> str:
    return next((separator for separator in SEPARATORS if separator in line.strip()), ",")


def split(line: str, separator: str) -> list[str]:
    """A line's cells."""
    if separator == " ":
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return [line]


def trimmed(cells: Sequence[str]) -> list[str]:
    """Without the empty cells with which spreadsheets end a row."""
    kept = list(cells)
    while kept and not kept[-1]:
        del kept[-1]
    return kept


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether a row holds numbers, perhaps beside a few words."""
    told = [cell for cell in cells if cell]
    return bool(told) and sum(_begins_a_number(cell) for cell in told) * 2 >= len(told)


def _begins_a_number(cell: str) -> bool:
    """Whether a cell is a number, or one with its unit behind it."""
    return number_of(cell) is not None or re.fullmatch(r"[-+]?[\d.,]+\s*[^\d\s]{1,8}", cell) is not None


def number_of(cell: str) -> float | None:
    """A cell as a number, whichever its decimal sign; None where it is none."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return None
