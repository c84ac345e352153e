"""Start the dashboard: `python -m dashboard --port 8501`."""

import contextlib
import ctypes
import importlib
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click

ADDRESS = "127.0.0.1"
LANDING_PAGE = ("plotly.subplots", "neft.tables", "neft.runs.store", "dashboard.charts")
"""What the first page needs and takes long to import; nothing of Streamlit's, which the main thread is importing."""
M_ARENA_MAX = -8
"""glibc's name for the number of heaps."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--browser/--no-browser", default=True)
def main(port: int, *, browser: bool) -> None:
    """Serve the dashboard on 127.0.0.1."""
    if _taken(port):
        message = f"Port {port} on {ADDRESS} is in use (is a dashboard open already?). Choose another with --port."
        raise click.ClickException(message)
    _share_one_heap()
    from streamlit.web import cli  # noqa: PLC0415 - slow; a wrong option should answer at once

    script = Path(__file__).with_name("app.py")
    headless = "false" if browser else "true"
    # only the command line's own entry reads the config.toml beside the script
    options = [f"--server.port={port}", f"--server.address={ADDRESS}", f"--server.headless={headless}"]
    sys.argv = ["streamlit", "run", str(script), *options]
    threading.Thread(target=_import_ahead, daemon=True).start()
    threading.Thread(target=_tell_address, args=(port,), daemon=True).start()
    sys.exit(cli.main())


def _import_ahead() -> None:
    """While the browser still loads: its first page then has nothing to wait for."""
    for name in LANDING_PAGE:
        _ = importlib.import_module(name)


def _tell_address(port: int) -> None:
    """Once it answers: where it is, and how it is stopped."""
    while not _answers(port):
        time.sleep(0.1)
    click.echo(f"The dashboard is at http://{ADDRESS}:{port} for this machine alone. Ctrl-C stops it.")


def _answers(port: int) -> bool:
    with contextlib.closing(HTTPConnection(ADDRESS, port, timeout=5)) as asked:
        try:
            asked.request("GET", "/_stcore/health")
            return asked.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def _share_one_heap() -> None:
    """Streamlit runs every look at a page in a thread of its own; glibc would give each a heap and not take it back."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            _ = ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    main()
