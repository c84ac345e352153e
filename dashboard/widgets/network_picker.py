"""Choosing one of the stored networks: a run that kept its weights."""

from collections.abc import Sequence

import streamlit as st

from dashboard import address
from dashboard.data import comparisons, restorable
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.control import Control
from dashboard.widgets.following import first_network, look_at_network
from dashboard.widgets.page_link import page_link
from dashboard.words.sentences import SIGMA_D
from neft.errors import DataMissingError, NeftError


def pick_network(runs: list[RunRecord], otherwise: RunRecord | None = None) -> RunRecord:
    """A run that kept its weights, chosen in the current container; at first the one that was looked at.

    Args:
        runs: those that can be chosen.
        otherwise: the first where none was looked at and nothing is selected.
    """
    by_id, names = {record.id: record for record in runs}, comparisons.readable_names()
    if not isinstance(st.session_state.get(address.RUNS, ""), str):
        del st.session_state[address.RUNS]  # another page keeps several runs under this name
    control = Control(
        key=address.RUNS,
        label="Run",
        options={run_id: names[run_id] for run_id in by_id},
        default=restorable.foremost(runs, None).id,
        begins=first_network(runs, otherwise).id,
        kind="list",
        help="Stored runs that kept their weights; type to search.",
    )
    chosen = control.draw()
    look_at_network(by_id[chosen], runs)
    facts = by_id[chosen].facts
    trained = f"trained at {SIGMA_D} = {facts.train_sigma_d:g}" if facts.train_sigma_d else "trained clean"
    st.caption(f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}, {trained}, seed {facts.seed}")
    return by_id[chosen]


def layer_control(layers: Sequence[str]) -> Control:
    """The choice of one of a network's layers, from the input down; the last by default."""
    return Control(
        key=address.LAYER,
        label="Layer",
        options={name: name for name in layers},
        default=layers[-1],
        kind="list",
        width=220,
        help="From the input down.",
    )


def say_no_weights(what: str) -> None:
    """Where no stored run kept its weights: what cannot be shown, and the way on."""
    st.info(
        f"{what} runs a stored network, and no stored run kept its weights. Runs that are trained here keep them.",
        icon=":material/inbox:",
    )
    page_link(Page.TRAIN, "Train a network")


def say_why_not(error: NeftError) -> None:
    """Why a stored network cannot be run, and the way on."""
    st.error(foreign(str(error)), icon=":material/error:")
    if isinstance(error, DataMissingError):
        page_link(Page.TRAIN, "Train with this data, downloading it", icon=":material/download:")
    else:
        st.caption("Choose something else in the sidebar.")
