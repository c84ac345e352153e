"""Navigation over the table of pages (`dashboard.pages`), and what every page needs around it."""

import streamlit as st

from dashboard import rights
from dashboard.computing import process
from dashboard.computing.turns import in_turn
from dashboard.pages import Page
from dashboard.widgets.chart_saver import words_in_pictures
from dashboard.widgets.guards import failing_alone
from dashboard.widgets.in_address import turn_to
from dashboard.widgets.plotly_ahead import plotly_ahead
from dashboard.widgets.presenter import follow_presenter, presenter_button
from dashboard.widgets.streamlit_names import StreamlitPage
from dashboard.widgets.theme_watch import follow_theme
from dashboard.widgets.wrapped_choices import wrap_choices


def navigation() -> dict[str, list[StreamlitPage]]:
    """The pages by section, in the order of their table."""
    sections: dict[str, list[StreamlitPage]] = {}
    for page in Page:
        shown = st.Page(page.file, title=page.title, icon=page.icon, url_path=page.path or None, default=not page.path)
        sections.setdefault(page.section, []).append(shown)
    return sections


def look_about() -> None:
    """Streamlit ends a page that was left or clicked again as soon as that page reads something of its session."""
    _ = "anything" in st.session_state


st.set_page_config(page_title="NeFT · device variation", page_icon="🎚️", layout="wide")
follow_presenter()
if rights.is_read_only():
    st.caption(rights.READ_ONLY)
with plotly_ahead():
    shown = st.navigation(navigation(), position="top")
    turn_to(shown.url_path)
    with in_turn(look_about), failing_alone("This page cannot be drawn"):
        shown.run()
wrap_choices()
presenter_button()
follow_theme()
words_in_pictures()
process.warm_up()
