"""Choices in a row, as wide as their place."""

import streamlit as st

STYLE = "<style>[data-testid='stButtonGroup'] [role='radiogroup'] { flex-wrap: wrap; }</style>"


def wrap_choices() -> None:
    """Have choices in a row go on in a second one where they do not fit; Streamlit cuts them off."""
    st.html(STYLE)
