"""Tables fit their terminal, and into a pipe they are lines of cells between tabs."""

import re

import pytest
from rich.table import Table

from neft.cli.fitting_tables import print_table, print_tables
from neft.runs.records import RunRecord
from tests.cli.conftest import Neft

LONG = "a sentence of many words that may be broken anywhere"


@pytest.fixture
def table() -> Table:
    """A name of 30 characters, two numbers, and words."""
    made = Table(title="Title", caption="Caption")
    made.add_column("name", no_wrap=True)
    made.add_column("first", justify="right")
    made.add_column("second", justify="right")
    made.add_column("words")
    made.add_row("n" * 30, "1.25", "−7", LONG)
    return made


def plain(text: str) -> str:
    """Without the codes of a terminal's styles."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output as a terminal; COLUMNS is its width."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


def test_piped_table_is_a_line_a_row_and_its_words_go_elsewhere(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(table)

    shown = capsys.readouterr()
    assert shown.out == f"name\tfirst\tsecond\twords\n{'n' * 30}\t1.25\t−7\t{LONG}\n"
    assert shown.err == "Title\nCaption\n"


def test_cell_of_several_lines_stays_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("a", "b")
    table.add_row("one\ntwo\tthree", "[red]4[/]")

    print_table(table)

    assert capsys.readouterr().out == "a\tb\none two three\t4\n"


def test_an_empty_line_parts_tables_in_a_pipe(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    print_tables([table, table])

    first, second = capsys.readouterr().out.split("\n\n")
    assert first == second.rstrip("\n")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_longer_than_the_terminal_and_no_name_or_number_is_cut(
    table: Table, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    terminal.setenv("COLUMNS", str(width))

    print_table(table)

    shown = plain(capsys.readouterr().out)
    assert max(map(len, shown.splitlines())) <= width
    assert all(word in shown for word in ("n" * 30, "1.25", "−7", *LONG.split(), "Title", "Caption"))
    assert "…" not in shown


def test_what_is_dispensable_is_left_out_one_by_one_and_named(
    table: Table, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "55")

    print_table(table, dispensable=["words", "second"])

    shown = plain(capsys.readouterr().out)
    assert "second" in shown
    assert "sentence" not in shown
    assert "not shown in this width: words" in shown


def test_rows_become_blocks_where_no_table_fits(
    table: Table, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "40")

    print_table(table)

    lines = [line.rstrip() for line in plain(capsys.readouterr().out).splitlines()]
    assert lines[:4] == ["Title", "n" * 30, "  first   1.25", "  second  −7"]
    assert max(map(len, lines)) <= 40


def test_narrow_terminal_shows_ids_of_runs_whole(
    neft: Neft, stored: RunRecord, terminal: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.setenv("COLUMNS", "80")

    assert stored.id in neft("runs", "--mine").out
