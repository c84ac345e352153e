"""The server's memory, tidied while it serves."""

import gc
import tomllib
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

import dashboard
from dashboard.serving.tidying import tidy


class Knot:
    """What only a collection frees."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_cycles_are_collected_also_those_that_were_left_out_before() -> None:
    trimmed: list[bool] = []
    knot = Knot()
    gone = weakref.ref(knot)
    tidy(lambda: None)
    del knot
    _ = gc.collect()
    assert gone() is not None, "left out of Python's own collections"

    tidy(lambda: trimmed.append(True))

    assert gone() is None
    assert trimmed == [True]
    assert gc.get_freeze_count() > 0


def test_streamlit_collects_nothing_after_a_page() -> None:
    settings = tomllib.loads((Path(dashboard.__file__).parent / ".streamlit" / "config.toml").read_text("utf-8"))

    assert settings["runner"]["postScriptGC"] is False
    assert isinstance(st.get_option("runner.postScriptGC"), bool), "Streamlit still knows the setting"
