"""What pages of one network begin with: what was looked at last, on the pages of results or on another of these.

A network or device variation that was chosen by hand holds until the selection of the results changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard import address
from dashboard.address import Selection
from dashboard.data import restorable
from dashboard.data.stored import RunRecord


@dataclass(frozen=True)
class _LookedAt:
    """What was chosen by hand, and under which selection."""

    under: Selection | None
    run_id: str = ""
    sigma_d: float | None = None


def selected() -> Selection | None:
    """The selection of the results; None in a session that has not seen them."""
    return st.session_state.get(address.SELECTED)


def first_network(runs: Sequence[RunRecord], otherwise: RunRecord | None = None) -> RunRecord:
    """The network to begin with: the one looked at last, or that of the selection; else the one given, if one is."""
    last = _last().run_id
    looked_at = next((record for record in runs if record.id == last), None)
    if looked_at is None and selected() is None and otherwise is not None:
        return otherwise
    return looked_at or restorable.foremost(runs, selected())


def look_at_network(record: RunRecord, runs: Sequence[RunRecord]) -> None:
    """Remember a network for the other pages; the selection's own is looked at at its slice, others where they like."""
    selection, last = selected(), _last()
    sigma_d = last.sigma_d
    if last.run_id != record.id:
        follows = selection is not None and record.id == restorable.foremost(runs, selection).id
        sigma_d = selection.sigma_d if selection is not None and follows else None
    st.session_state[address.LOOKED_AT] = _LookedAt(selection, record.id, sigma_d)


def first_sigma_d() -> float | None:
    """The device variation to begin with: the one looked at last, or the slice; None where the network is to say."""
    return _last().sigma_d


def look_at_sigma_d(sigma_d: float) -> None:
    """Remember a device variation for the other pages."""
    st.session_state[address.LOOKED_AT] = _LookedAt(selected(), _last().run_id, sigma_d)


def _last() -> _LookedAt:
    nothing = _LookedAt(selected())
    last: _LookedAt = st.session_state.get(address.LOOKED_AT, nothing)
    return last if last.under == nothing.under else nothing
