"""Plotly's script, 5 MB that a browser asks for with the first chart: loaded while the server still reads."""

from collections.abc import Generator
from contextlib import contextmanager

import plotly.graph_objects as go
import streamlit as st

LOADED = "plotly_loaded"
HIDDEN = "<style>.st-key-plotly_ahead { display: none; }</style>"


@contextmanager
def plotly_ahead() -> Generator[None]:
    """While the first page of a session is drawn, an empty chart that nobody sees."""
    place = st.empty()
    if LOADED not in st.session_state:
        st.session_state[LOADED] = True
        with place.container(key="plotly_ahead"):
            st.html(HIDDEN)
            st.plotly_chart(go.Figure(), key="plotly_ahead_chart")
    try:
        yield
    finally:
        place.empty()
