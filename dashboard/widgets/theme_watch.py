"""Draws the page anew when the browser goes from light to dark or back: charts have the colours of one of them."""

import streamlit as st
from streamlit.components.v2 import component

from dashboard.widgets.theme_mode import theme_mode

KEY = "theme_watch"
ASKED = "theme_watch_asked"
STYLE = "i { position: absolute; color: var(--st-background-color); transition: color 1ms; }"
WATCH = """
export default function ({ data, parentElement, setTriggerValue }) {
  const probe = parentElement.querySelector("i");
  const look = () => {
    const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    const shown = red + green + blue > 382 ? "light" : "dark";
    if (shown !== data.drawn && shown !== data.asked) setTriggerValue("shown", shown);
  };
  probe.addEventListener("transitionend", look);
  look();
  return () => probe.removeEventListener("transitionend", look);
}
"""
"""An element nobody sees takes on the page's colour; where that is not the one the page was drawn for, it asks for a
run, though not twice on end. Streamlit's own `st.context.theme` tells a run what the browser shows, but starts none
(1.67).
"""

_watch = component(KEY, html="<i></i>", css=STYLE, js=WATCH)


def follow_theme() -> None:
    """Run the page again where it is not drawn for what the browser shows."""
    asked = st.session_state.pop(ASKED, None)
    _ = _watch(key=KEY, data={"drawn": theme_mode(), "asked": asked}, height=0, on_shown_change=_note)


def _note() -> None:
    st.session_state[ASKED] = st.session_state[KEY].shown
