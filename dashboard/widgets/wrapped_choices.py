"""Choices in a row, as wide as their place."""

import streamlit as st

from dashboard.widgets import streamlit_parts as parts

STYLE = f"<style>{parts.CHOICES_IN_A_ROW} [role='radiogroup'] {{ flex-wrap: wrap; }}</style>"


def wrap_choices() -> None:
    """Have choices in a row go on in a second one where they do not fit; Streamlit cuts them off."""
    st.html(STYLE)
