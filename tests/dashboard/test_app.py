"""The app as a whole."""

import socket
import subprocess
import sys
import tomllib

import pytest

from dashboard.pages import Page
from tests.dashboard.driver import APP, open_page


@pytest.mark.parametrize("page", Page)
def test_every_page_opens_on_the_cached_runs(page: Page) -> None:
    app = open_page(page)

    assert not app.exception
    assert not app.error
    assert len(app.title) == 1


def test_server_listens_on_this_machine_alone_and_tells_nobody() -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))

    assert config["server"]["address"] == "127.0.0.1"
    assert config["browser"]["gatherUsageStats"] is False


def test_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        answer = subprocess.run(
            [sys.executable, "-m", "neft", "dashboard", "--port", str(port), "--no-browser"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert answer.returncode == 1
    assert answer.stderr.splitlines() == [
        f"Error: Port {port} on 127.0.0.1 is in use (is a dashboard open already?). Choose another with --port."
    ]


def test_train_page_opens_without_any_run(nothing_shipped: None) -> None:
    app = open_page(Page.TRAIN)

    assert not app.exception
    assert "Start training" in [button.label for button in app.button]
