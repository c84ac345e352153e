"""Words and a way on where there is nothing to show, or where something fails."""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from dashboard.data import plans, stored
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streamlit_names import FragmentHandledException
from neft.errors import NeftError, one_line

P = ParamSpec("P")
LOGGER = logging.getLogger(__name__)
TRACEBACKS = "NEFT_TRACEBACKS"
"""A variable of the environment: where it is set a failure shows its traceback on the page."""
MOST = 200
"""Characters of what went wrong."""


def alone(draw: Callable[P, None]) -> Callable[P, None]:
    """A card that cannot be drawn says so in its place, and the rest of the page stays."""

    @wraps(draw)
    def drawn(*values: P.args, **named: P.kwargs) -> None:
        with failing_alone("This card cannot be drawn"):
            draw(*values, **named)

    return drawn


@contextmanager
def failing_alone(what: str) -> Generator[None]:
    """Say in a sentence what goes wrong in the block; the traceback goes to the log.

    Args:
        what: begins the sentence: "This card cannot be drawn".
    """
    try:
        yield
    except FragmentHandledException:  # its fragment has said so
        raise
    except Exception as error:
        if os.environ.get(TRACEBACKS):
            raise
        if isinstance(error, NeftError):
            st.error(foreign(str(error)), icon=":material/error:")
            return
        LOGGER.exception(what)
        reason = one_line(f"{type(error).__name__}: {error}", MOST)
        st.error(f"{what} ({foreign(reason)}). The server's log says where it failed.", icon=":material/error:")


@contextmanager
def saying_why_not() -> Generator[None]:
    """Show what refuses a change in the place where it was asked for; the rest of the page stays."""
    try:
        yield
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")


def stop_without_runs(*, problems: Callable[[], None] | None = None) -> None:
    """Where no run is stored at all: say so, offer the way on, and end the page.

    Args:
        problems: names the runs that cannot be read; `show_problems` if not given.
    """
    if stored.runs_table().empty:
        st.info("No runs are stored yet. Train a network to see its chips here.", icon=":material/inbox:")
        page_link(Page.TRAIN, "Train a network")
        (problems or show_problems)()
        st.stop()


def show_problems() -> None:
    """Runs that cannot be read, named with their reasons."""
    list_problems()


def list_problems(*, beside: Callable[[str], None] | None = None, most: int = 0) -> None:
    """Likewise.

    Args:
        beside: draws what belongs to each.
        most: of the first so many.
    """
    problems = stored.problems()
    if problems:
        count = "1 stored run" if len(problems) == 1 else f"{len(problems)} stored runs"
        with st.expander(f"{count} cannot be read", icon=":material/broken_image:"):
            for place, (run_id, reason) in enumerate(problems.items()):
                st.markdown(f"{foreign(run_id)}: {foreign(reason)}")
                if beside is not None and place < most:
                    beside(run_id)


def show_plan_problems(stamp: str) -> None:
    """Plans of experiments that cannot be read, named with their reasons."""
    for name, reason in plans.problems(stamp).items():
        st.warning(f"The plan {foreign(name)} cannot be read: {foreign(reason)}", icon=":material/broken_image:")
