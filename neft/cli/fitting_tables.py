"""Tables for people, as wide as their terminal, and for pipes, a line a row."""

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from neft.cli.printing import echo, write
from neft.errors import without_controls

WORDS = 20
"""Characters a line at which text in a column can still be read."""


def print_table(table: Table, *, dispensable: Sequence[str] = ()) -> None:
    """For people: a table that fits the terminal. Into a pipe or a file: a line a row, its cells between tabs.

    Where a terminal is too narrow for every column at a readable width, dispensable ones are left out; where that is
    not enough each row becomes a block of lines. Title and caption of what is piped go to standard error.

    Args:
        table: columns and rows of text.
        dispensable: headings of columns that may be left out, the first of them first.
    """
    console = Console()
    table = _plain(table)
    if not console.is_terminal:
        _print_piped(table)
        return
    left_out: list[str] = []
    while _readable_width(table, left_out) > console.width and len(left_out) < len(dispensable):
        left_out.append(dispensable[len(left_out)])
    if _readable_width(table, left_out) > console.width:
        _print_blocks(table, console)
        return
    shown = copy(table)
    shown.columns = _kept(table, left_out)
    if left_out:
        words = f"not shown in this width: {', '.join(left_out)}"
        shown.caption = f"{table.caption}\n{words}" if table.caption else words
    console.print(shown)


def print_tables(tables: Iterable[Table]) -> None:
    """Several tables one after the other; in a pipe with an empty line between."""
    for index, table in enumerate(tables):
        if index:
            separate()
        print_table(table)


def separate() -> None:
    """An empty line between two tables in a pipe."""
    if not Console().is_terminal:
        write("\n")


def say(words: str) -> None:
    """Words beside a table: on standard output for people, on standard error where the table goes into a pipe."""
    echo(words, err=not Console().is_terminal)


def _plain(table: Table) -> Table:
    """The same without control characters in any of its texts."""
    shown = copy(table)
    shown.title, shown.caption = _cleaned(table.title), _cleaned(table.caption)
    shown.columns = [
        replace(column, header=_cleaned(column.header), _cells=[_cleaned(cell) for cell in column.cells])
        for column in table.columns
    ]
    return shown


def _cleaned(cell: Any) -> Any:
    return without_controls(cell) if isinstance(cell, str) else cell


def _print_piped(table: Table) -> None:
    notes = Console(stderr=True, highlight=False)
    if table.title:
        notes.print(table.title, soft_wrap=True)
    lines = ["\t".join(" ".join(cell.split()) for cell in row) for row in (_headings(table), *_rows(table))]
    write("\n".join(lines) + "\n")
    if table.caption:
        notes.print(table.caption, soft_wrap=True)


def _print_blocks(table: Table, console: Console) -> None:
    if table.title:
        console.print(table.title, style="table.title", highlight=False)
    is_number = table.columns[0].justify == "right"
    for first, *others in _rows(table):
        block = Table.grid(padding=(0, 2))
        block.add_column(style="dim", no_wrap=True)
        block.add_column()
        for heading, cell in zip(_headings(table)[1:], others, strict=True):
            if cell:
                block.add_row(Text(f"  {heading}"), Text(cell))
        console.print(Text(f"{_headings(table)[0]} {first}" if is_number else first, style="bold"))
        console.print(block)
        console.print()
    if table.caption:
        console.print(table.caption, style="table.caption", highlight=False)


def _readable_width(table: Table, left_out: Collection[str]) -> int:
    """Characters that the other columns need: numbers and names whole, other text in lines of a few words."""
    columns_ = _kept(table, left_out)
    widths = [max(map(cell_len, _lines(column)), default=0) for column in columns_]
    needed = [
        width if column.no_wrap or column.justify == "right" else min(width, max(WORDS, _longest_word(column)))
        for column, width in zip(columns_, widths, strict=True)
    ]
    return sum(needed) + 3 * len(needed) + 1


def _kept(table: Table, left_out: Collection[str]) -> list[Column]:
    return [column for column in table.columns if _text(column.header) not in left_out]


def _lines(column: Column) -> list[str]:
    return [line for cell in (column.header, *column.cells) for line in _text(cell).splitlines()]


def _longest_word(column: Column) -> int:
    return max((cell_len(word) for line in _lines(column) for word in line.split()), default=0)


def _headings(table: Table) -> list[str]:
    return [_text(column.header) for column in table.columns]


def _rows(table: Table) -> list[tuple[str, ...]]:
    return list(zip(*([_text(cell) for cell in column.cells] for column in table.columns), strict=True))


def _text(cell: object) -> str:
    return Text.from_markup(cell).plain if isinstance(cell, str) else str(cell)
