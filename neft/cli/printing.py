"""The door through which everything that the command line prints goes.

Names of runs, settings, file names, notes and errors come out of files that anyone may have written. Here they lose
what a terminal would obey: `click.echo`, `print` and the streams themselves are used nowhere else (ruff sees to it).
"""

import sys

import click
from rich.console import Console
from rich.text import Text

from neft.errors import without_controls


def echo(words: str, *, err: bool = False, nl: bool = True) -> None:
    """On standard output, or on standard error."""
    click.echo(without_controls(words), err=err, nl=nl)


def write(words: str) -> None:
    """On standard output, as it stands but for control characters."""
    _ = sys.stdout.write(without_controls(words))


def say_beside(words: str, *, style: str = "", name: str = "", console: Console | None = None) -> None:
    """A line on standard error; nothing in it is markup.

    Args:
        words: what is said.
        style: of the name, or of all where there is none.
        name: what it is said of, before a colon.
        console: where, if a progress bar is drawn there.
    """
    shown = Text(without_controls(name), style=style) if name else Text(without_controls(words), style=style)
    line = Text.assemble(shown, f": {without_controls(words)}") if name else shown
    (console or Console(stderr=True)).print(line, highlight=False, soft_wrap=True)
