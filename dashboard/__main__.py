"""Start the dashboard: `python -m dashboard --port 8501`."""

import contextlib
import ctypes
import importlib
import os
import socket
import sys
import threading
import time
import webbrowser
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import click

from dashboard.serving.access import LOOPBACK, Access, is_any
from neft.runs.apart import keep_apart

LANDING_PAGE = ("plotly.subplots", "neft.tables", "neft.runs.store", "dashboard.charts")
"""What the first page needs and takes long to import; nothing of Streamlit's, which the main thread is importing."""
SETTINGS = Path(__file__).with_name(".streamlit")
M_ARENA_MAX = -8
"""glibc's name for the number of heaps."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501)
@click.option("--browser/--no-browser", default=True)
@click.option("--host", default=LOOPBACK)
@click.option("--allow-changes", is_flag=True)
@click.option("--name", "names", multiple=True)
def main(port: int, host: str, names: tuple[str, ...], *, browser: bool, allow_changes: bool) -> None:
    """Serve the dashboard."""
    keep_apart()
    access = Access(host=host, port=port, allow_changes=allow_changes, names=names)
    if allow_changes and access.is_local:
        message = f"--allow-changes is of a network: on {host} its owner may change things anyway. Give --host too."
        raise click.ClickException(message)
    from neft.runs.sweeping import sweep_home  # noqa: PLC0415 - as the above

    sweep_home()
    _demand_free(access)
    _share_one_heap()
    _read_only_ours()
    from starlette.middleware import Middleware  # noqa: PLC0415 - slow, as Streamlit; a wrong option answers at once
    from streamlit.starlette import App  # noqa: PLC0415

    from dashboard.serving.door import Door  # noqa: PLC0415 - with the app
    from dashboard.serving.tidying import keep_tidy  # noqa: PLC0415

    app = App(Path(__file__).with_name("app.py"), middleware=[Middleware(Door, access=access)])
    keep_tidy()
    threading.Thread(target=_import_ahead, daemon=True).start()
    threading.Thread(target=_tell_address, args=(access,), kwargs={"browser": browser}, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # the server has ended by then, and its sessions
        app.run(config=_options(access))
    click.echo("Stopped.")


def _read_only_ours() -> None:
    """Have Streamlit read no settings but those beside the app.

    It would read those of the current folder too, and of the user's home, which are of other apps: each may open what
    ours do not know to close. It finds all of them by this function, and reads none before it is first asked for one.
    """
    from streamlit import config  # noqa: PLC0415 - slow; a wrong option answers at once

    config.get_config_files = lambda file_name: [str(SETTINGS / file_name)]


def _options(access: Access) -> dict[str, Any]:
    """What the config.toml beside the script leaves open; the browser is opened here, with the code."""
    return {
        "server.port": access.port,
        "server.address": access.host,
        "server.headless": True,
        "browser.serverAddress": LOOPBACK if is_any(access.host) else access.host,
    }


def _import_ahead() -> None:
    """While the browser still loads: its first page then has nothing to wait for."""
    for name in LANDING_PAGE:
        _ = importlib.import_module(name)


def _tell_address(access: Access, *, browser: bool) -> None:
    """Once it answers: where it is, who gets in, and how it is stopped; then open it."""
    while not answers(access):
        time.sleep(0.1)
    address = f"http://{_in_address(_here(access))}:{access.port}"
    with_code = f"{address}/?code={access.code}"
    click.echo("\n".join(_said(access, address=address, with_code=with_code)))
    if browser and _has_screen():
        _ = webbrowser.open(with_code if access.needs_code else address)


def _said(access: Access, *, address: str, with_code: str) -> list[str]:
    if access.is_local:
        return [
            f"The dashboard is at {address} for this machine alone. Ctrl-C stops it.",
            f"Where it asks for a code: {with_code}",
        ]
    whole = [f"The dashboard is at {address} for whoever reaches this machine, to be looked at. Ctrl-C stops it."]
    return [*whole, f"To change what it keeps, with a code: {with_code}"] if access.allow_changes else whole


def _here(access: Access) -> str:
    """An address at which this machine reaches it."""
    return LOOPBACK if is_any(access.host) else access.host


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _has_screen() -> bool:
    """Whether a browser would have a window: without one, Linux opens one of text in the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def answers(access: Access) -> bool:
    """Whether the dashboard is there: it lets in, or asks for the code."""
    with contextlib.closing(HTTPConnection(_here(access), access.port, timeout=5)) as asked:
        try:
            asked.request("GET", "/_stcore/health")
            # where the system does not tell who asks, even its owner is asked for the code
            return asked.getresponse().status in (HTTPStatus.OK, HTTPStatus.FORBIDDEN)
        except (OSError, HTTPException):
            return False


def _share_one_heap() -> None:
    """Streamlit runs every look at a page in a thread of its own; glibc would give each a heap and not take it back."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            _ = ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def _demand_free(access: Access) -> None:
    """Refuse an address that is not this machine's, and a port that is taken."""
    wrong = _why_not_bound(access.host, 0)
    if wrong:
        message = f"--host must be an address of this machine, such as {LOOPBACK}, or 0.0.0.0 for all that it has"
        message += f"; got {access.host!r} ({wrong})."
        raise click.ClickException(message)
    if _why_not_bound(access.host, access.port):
        message = f"Port {access.port} on {access.host} is in use (is a dashboard open already?)."
        message += " Choose another with --port."
        raise click.ClickException(message)


def _why_not_bound(host: str, port: int) -> str:
    """The system's word on why nothing can listen there; empty where something can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if sys.platform != "win32":  # where that would let it listen beside another
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    main()
