"""The form of one training: every setting of the models, and filling it from a run or a job."""

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import address
from dashboard.computing import process
from dashboard.computing.form_answers import PlannedTraining
from dashboard.data import stored
from dashboard.jobs import jobs
from dashboard.pages import Page
from dashboard.widgets.component_form import (
    DOWNLOAD,
    DOWNLOADED,
    choose_component,
    component_fields,
    download_switch,
    fill_form,
    form_address,
)
from neft.errors import ConfigError

if TYPE_CHECKING:
    from dashboard.computing.work import forms as work
else:
    work = process.remote("dashboard.computing.work.forms")

MAIN_TRAINING = ("sigma_d", "epochs", "seed")


def train_form() -> dict[str, Any]:
    """Draw it; returns option values, and under DOWNLOAD whether missing data may be fetched."""
    values: dict[str, Any] = {}
    left, right = st.columns(2)
    with left, st.container(border=True):
        values |= _family("dataset", "Data set", "digits", only=("image_size", "path", "channels"))
        if values["dataset"] in DOWNLOADED:
            values[DOWNLOAD] = download_switch()
    with right, st.container(border=True):
        values |= _family("backbone", "Backbone", "vgg8")
    left, right = st.columns(2)
    with left, st.container(border=True):
        values |= _family("method", "Method", "ovf")
        values |= _family("constraint", "Weight constraint", "none")
    with right, st.container(border=True):
        values |= _family("device", "Device", "rram1")
        values |= component_fields("training", only=MAIN_TRAINING)
    with st.expander("Bit slicing, training and evaluation in detail", icon=":material/tune:"):
        left, right = st.columns(2)
        with left:
            values |= component_fields("mapping")
            values |= component_fields("training", without=MAIN_TRAINING)
        with right:
            values |= component_fields("evaluation")
            values |= component_fields("dataset", values["dataset"], only=("max_train",))
    return values


def _family(part: str, title: str, default: str, only: tuple[str, ...] = ()) -> dict[str, Any]:
    chosen = choose_component(part, title, default=default)
    return {part: chosen} | component_fields(part, chosen, only=only)


@st.cache_resource(max_entries=64, show_spinner=False)
def planned(values: dict[str, Any]) -> PlannedTraining:
    """The training that the form describes.

    Raises:
        ConfigError: settings that cannot be.
    """
    return work.plan(values)


def fill_from_address() -> None:
    """Where the address asks for a run's settings: fill the form in, and put its fields into the address instead."""
    like = st.query_params.get(address.TRAIN_LIKE)
    if like is None:
        return
    other_seed = st.query_params.get(address.OTHER_SEED) is not None
    try:
        config_json = next_seed(_config_like(like)) if other_seed else _config_like(like)
        fill_form(config_json)
    except ConfigError as error:
        st.warning(f"The settings of `{like}` cannot be filled in: {error}", icon=":material/broken_image:")
        return
    st.switch_page(Page.TRAIN.file, query_params=form_address(config_json))


def next_seed(config_json: str) -> str:
    """The same config with the next seed of which no run is stored or queued.

    Raises:
        ConfigError: the config does not fit this version's models.
    """
    return work.next_seed(config_json, tuple(job.run_id for job in jobs.jobs() if job.is_active))


def _config_like(like: str) -> str:
    """The config of a stored run or of a job, by its id.

    Raises:
        ConfigError: there is neither.
    """
    found = stored.records([like])
    if found:
        return json.dumps(found[0].config)
    try:
        return jobs.config_json(like)
    except OSError:
        message = "no run and no job of that name is there."
        raise ConfigError(message) from None
