"""The way to delete a run of one's own, also one that can no longer be read."""

import streamlit as st

from dashboard.data import stored
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.guards import alone, list_problems
from neft.runs.removal import remove_own_run

MOST = 20
"""Runs that cannot be read and are offered to be deleted at once; those behind them follow."""


@alone
def delete_run(run_id: str) -> None:
    """The button and what it asks; nothing for a run that came with the package."""
    if stored.is_shipped(run_id):
        return
    with st.popover("Delete this run", icon=":material/delete:", key=f"ask_delete_{run_id}"):
        st.markdown("Its weights and results are removed from your store, and your note on it.")
        if changing_button("Delete it", key=f"delete_{run_id}"):
            remove_own_run(run_id)
            st.rerun()


@alone
def problems_to_delete() -> None:
    """Runs that cannot be read, named with their reasons, and one's own among them to be deleted."""
    list_problems(beside=delete_run, most=MOST)
