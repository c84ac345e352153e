"""Every control says what it is for."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Button, DownloadButton, Widget

from dashboard.pages import Page
from neft.experiments.questions import EXPERIMENTS
from neft.runs.store import CACHED_RUNS, RunStore
from tests.dashboard.driver import open_page


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


@pytest.mark.parametrize("page", Page)
def test_every_control_of_a_page_has_help(page: Page) -> None:
    assert without_help(open_page(page)) == []


def test_controls_that_a_choice_brings_have_help() -> None:
    first = RunStore(CACHED_RUNS, read_only=True).ids()[0]

    assert without_help(open_page(Page.RUNS, run=first)) == []
    assert without_help(open_page(Page.EXPERIMENTS, experiment=EXPERIMENTS["beta"].title)) == []
