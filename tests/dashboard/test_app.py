"""The app as a whole."""

import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Button, DownloadButton, Widget

from dashboard.pages import Page
from neft.experiments.questions import EXPERIMENTS
from neft.runs.store import CACHED_RUNS, RunStore
from tests.dashboard.driver import APP, open_page


@pytest.fixture(scope="module", params=Page)
def opened(request: pytest.FixtureRequest) -> AppTest:
    """Every page on the cached runs, opened once; it is looked at only."""
    return open_page(request.param)


def test_every_page_opens_on_the_cached_runs(opened: AppTest) -> None:
    assert not opened.exception
    assert not opened.error
    assert len(opened.title) == 1


def controls(block: Block) -> Iterator[Widget]:
    """Everything below a block that holds a value; a button says what it does by itself."""
    for child in block.children.values():
        if isinstance(child, Block):
            yield from controls(child)
        elif isinstance(child, Widget) and not isinstance(child, Button | DownloadButton):
            yield child


def without_help(app: AppTest) -> list[str]:
    """The labels of controls that have no help."""
    return [f"{control.type}: {control.proto.label}" for control in controls(app._tree) if not control.proto.help]


def test_every_control_of_a_page_has_help(opened: AppTest) -> None:
    assert without_help(opened) == []


def test_controls_that_a_choice_brings_have_help() -> None:
    first = RunStore(CACHED_RUNS, read_only=True).ids()[0]

    assert without_help(open_page(Page.RUNS, run=first)) == []
    assert without_help(open_page(Page.EXPERIMENTS, experiment=EXPERIMENTS["beta"].title)) == []


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
