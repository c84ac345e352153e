"""What whoever looks at a page may do, as the door has decided (`dashboard.serving.door`)."""

import streamlit as st

from dashboard.serving.access import LOOK, RIGHTS_HEADER
from neft.errors import NeftError

READ_ONLY = (
    "This dashboard is served to be looked at: training, experiments, comparisons that are stored, import, notes and "
    "removal are off here. On your own machine `neft dashboard` has all of it."
)


class ReadOnlyError(NeftError):
    """Whoever looks may not change what is kept."""


def is_read_only() -> bool:
    """Whether this visitor may look but not change. One who did not come through a door is the owner."""
    return st.context.headers.get(RIGHTS_HEADER) == LOOK


def demand_changes() -> None:
    """Refuse a change by a visitor who may only look: a disabled button is no refusal.

    Raises:
        ReadOnlyError: they may only look.
    """
    if is_read_only():
        raise ReadOnlyError(READ_ONLY)
