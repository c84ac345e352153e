"""Presenting: every page in large type and without its sidebar, for as long as the address or the session says so."""

import streamlit as st

from dashboard import address
from dashboard.widgets import streamlit_parts as parts
from dashboard.widgets.in_address import asked, keep

ON = "1"
STATE = "is_presenting"
STYLE = f"""
<style>
html {{ font-size: 21px !important; }}
{parts.SIDEBAR}, {parts.EXPAND_SIDEBAR} {{ display: none !important; }}
</style>
"""


def is_presenting() -> bool:
    """Whether pages are drawn for a room."""
    return bool(st.session_state.get(STATE))


def follow_presenter() -> None:
    """Present where the address asks for it, and on every page from then on; the address goes on saying so."""
    if ON in asked(address.PRESENT):
        st.session_state[STATE] = True
    keep(address.PRESENT, [ON] if is_presenting() else [])
    if is_presenting():
        st.html(STYLE)


def presenter_button() -> None:
    """At a page's foot, the way in or out."""

    def turn() -> None:
        st.session_state[STATE] = not is_presenting()
        keep(address.PRESENT, [ON] if is_presenting() else [])

    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            "End presenting" if is_presenting() else "Present",
            key="presenter",
            type="tertiary",
            icon=":material/close_fullscreen:" if is_presenting() else ":material/present_to_all:",
            on_click=turn,
            help="Large type and no sidebar, on every page; what the sidebar chose stays. The address holds it: "
            f"`{address.PRESENT}={ON}`.",
        )
