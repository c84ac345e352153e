"""Where what is missing may be found: an installed package has some of the cached runs, a source tree has all."""

import streamlit as st

from neft.runs import places


def say_where_more_are() -> None:
    """Beside what is not stored: where the rest of the cached runs is; nothing where all of them are here."""
    if places.is_selection():
        st.caption(places.MORE_RUNS)
