"""Buttons that change what is kept: runs, jobs, notes, stored results. Who may only look cannot press them."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import rights


def changing_button(
    label: str, *, on_click: Callable[..., None] | None = None, disabled: bool = False, **others: Any
) -> bool:
    """`st.button`, off for whoever may only look, also where a click comes without one: the browser is not asked.

    Args:
        label: as of `st.button`, and so the others.
        on_click: what a click does before the page runs again.
        disabled: whether it is off for everybody.
        others: further settings of the button.
    """
    may_change = not rights.is_read_only()
    pressed = st.button(label, on_click=on_click if may_change else None, disabled=disabled or not may_change, **others)
    return pressed and may_change
