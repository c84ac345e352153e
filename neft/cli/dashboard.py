"""neft dashboard."""

import os
import sys

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port on 127.0.0.1.")
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser window. [default: --browser]")
def dashboard(port: int, *, browser: bool) -> None:
    """Open the dashboard on 127.0.0.1: cached runs at once, trainings from the Train page."""
    # the dashboard stands on this package, not the other way round: hand the process over
    arguments = ["--port", str(port), *([] if browser else ["--no-browser"])]
    _ = sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "dashboard", *arguments])  # noqa: S606
