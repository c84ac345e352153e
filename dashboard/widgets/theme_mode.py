"""Whether the page is light or dark."""

import streamlit as st

from dashboard.charts import Mode
from dashboard.widgets import streamlit_parts as parts


def theme_mode() -> Mode:
    """The mode the browser shows; light until it has told."""
    return "dark" if st.context.theme.type == "dark" else "light"


def readable_tags() -> None:
    """Dark text on a multiselect's light tags in dark mode; Streamlit writes white there, whatever the tag's colour."""
    if theme_mode() == "dark":
        st.html(f"<style>{parts.MULTISELECT} span[title] {{ color: #0e1117; }}</style>")
