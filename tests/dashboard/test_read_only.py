"""A visitor who may only look: every button of every page is pressed, and nothing that is kept changes."""

import os
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from dashboard.rights import READ_ONLY, ReadOnlyError, demand_changes, is_read_only
from dashboard.serving.access import ALL, LOOK, RIGHTS_HEADER
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page, words


def come_with(rights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the door lets a visitor in."""
    monkeypatch.setattr(type(st.context), "headers", property(lambda _self: {RIGHTS_HEADER: rights}))


def kept() -> dict[Path, bytes]:
    """Every file of the visitor's host's own home: runs, jobs, notes."""
    return {path: path.read_bytes() for path in Path(os.environ["NEFT_HOME"]).rglob("*") if path.is_file()}


def pressed(app: AppTest) -> list[str]:
    """The keys or labels of what can be pressed, each pressed once; a disabled one as if it were not."""
    there = [button.key or button.label for button in app.button]
    for name in there:
        found = [button for button in app.button if (button.key or button.label) == name]
        if found:
            found[0].proto.disabled = False  # as a message that no button has sent
            app = found[0].click().run()
            assert not app.exception
    return there


@pytest.mark.parametrize("page", list(Page))
def test_nothing_that_a_visitor_presses_changes_what_is_kept(
    page: Page, shipped: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_with(LOOK, monkeypatch)
    first = shipped.ids()[0]
    before = kept()

    app = open_page(page, run=first)

    assert not app.exception
    assert READ_ONLY in words(app)
    _ = pressed(app)
    assert kept() == before


def test_rights_are_what_the_door_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_read_only()
    come_with(ALL, monkeypatch)
    assert not is_read_only()
    come_with(LOOK, monkeypatch)
    assert is_read_only()
    with pytest.raises(ReadOnlyError, match="served to be looked at"):
        demand_changes()
