"""The form of one training: every setting of the models, and filling it from a run or a job."""

import json
from typing import Any

import streamlit as st

from dashboard import data, jobs, state
from dashboard.widgets.component_form import (
    DOWNLOAD,
    DOWNLOADED,
    choose_component,
    component_fields,
    download_switch,
    fill_form,
    form_address,
)
from neft.config import RunConfig
from neft.errors import ConfigError

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


def fill_from_address() -> None:
    """Where the address asks for a run's settings: fill the form in, and put its fields into the address instead."""
    like = st.query_params.get(state.TRAIN_LIKE)
    if like is None:
        return
    other_seed = st.query_params.get(state.OTHER_SEED) is not None
    try:
        config = config_like(like)
    except ConfigError as error:
        st.warning(f"The settings of `{like}` cannot be filled in: {error}", icon=":material/broken_image:")
        return
    config = next_seed(config) if other_seed else config
    fill_form(config)
    st.switch_page("app_pages/train.py", query_params=form_address(config))


def config_like(like: str) -> RunConfig:
    """The config of a stored run or of a job, by its id.

    Raises:
        ConfigError: there is neither, or it no longer fits this version's models.
    """
    found = data.records([like])
    if found:
        return RunConfig.from_json(json.dumps(found[0].config))
    try:
        return RunConfig.from_json(jobs.config_json(like))
    except OSError:
        message = "no run and no job of that name is there."
        raise ConfigError(message) from None


def next_seed(config: RunConfig) -> RunConfig:
    """The same settings with the next seed of which no run is stored or queued."""
    queued = {job.run_id for job in jobs.jobs() if job.is_active}
    while True:
        training = config.training.model_copy(update={"seed": config.training.seed + 1})
        config = config.model_copy(update={"training": training})
        if not data.is_stored(config.run_id) and config.run_id not in queued:
            return config
