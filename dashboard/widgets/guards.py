"""Words and a way on where there is nothing to show."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st

from dashboard.data import plans, stored
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.page_link import page_link
from neft.errors import NeftError


@contextmanager
def saying_why_not() -> Generator[None]:
    """Show what refuses a change in the place where it was asked for; the rest of the page stays."""
    try:
        yield
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")


def stop_without_runs() -> None:
    """Where no run is stored at all: say so, offer the way on, and end the page."""
    if stored.runs_table().empty:
        st.info("No runs are stored yet. Train a network to see its chips here.", icon=":material/inbox:")
        page_link(Page.TRAIN, "Train a network")
        show_problems()
        st.stop()


def show_problems() -> None:
    """Runs that cannot be read, named with their reasons."""
    problems = stored.problems()
    if problems:
        with st.expander(f"{len(problems)} stored runs cannot be read", icon=":material/broken_image:"):
            for run_id, reason in problems.items():
                st.markdown(f"{foreign(run_id)}: {foreign(reason)}")


def show_plan_problems(stamp: str) -> None:
    """Plans of experiments that cannot be read, named with their reasons."""
    for name, reason in plans.problems(stamp).items():
        st.warning(f"The plan {foreign(name)} cannot be read: {foreign(reason)}", icon=":material/broken_image:")
