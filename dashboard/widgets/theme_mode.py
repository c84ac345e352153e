"""Whether the page is light or dark."""

import streamlit as st

from dashboard.charts import Mode


def theme_mode() -> Mode:
    """The mode the browser shows; light until it has told."""
    return "dark" if st.context.theme.type == "dark" else "light"
