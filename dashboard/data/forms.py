"""What forms ask for and describe: their fields, a config as their values, and the training of some values."""

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.computing import process
from dashboard.computing.form_answers import Form, FormField, PlannedTraining
from dashboard.data import stored
from dashboard.jobs import jobs
from neft.errors import ConfigError

if TYPE_CHECKING:
    from dashboard.computing.work import forms as work
else:
    work = process.remote("dashboard.computing.work.forms")

FRESH = 5
"""Seconds for which images of one's own are taken to be what they were."""

__all__ = ["Form", "FormField", "PlannedTraining"]


@st.cache_resource(max_entries=1, show_spinner="Reading what can be set …")
def form() -> Form:
    """Every family and every field."""
    return work.form()


def held(config_json: str) -> dict[str, Any]:
    """A config as values of the form's fields, by their names.

    Raises:
        ConfigError: the config does not fit the models.
    """
    return work.held(config_json)


@st.cache_resource(max_entries=64, ttl=FRESH, show_spinner=False)
def planned(values: dict[str, Any]) -> PlannedTraining:
    """The training that the form describes.

    Raises:
        UnclearImagesError: images of one's own may be meant in more than one way.
        ConfigError: settings that cannot be.
        DataMissingError: images of one's own are not there.
    """
    return work.plan(values)


def next_seed(config_json: str) -> str:
    """The same config with the next seed of which no run is stored or queued.

    Raises:
        ConfigError: the config does not fit this version's models.
    """
    return work.next_seed(config_json, tuple(job.run_id for job in jobs.jobs() if job.is_active))


def config_like(like: str) -> str:
    """The config of a stored run or of a job, by its id.

    Raises:
        ConfigError: there is neither, or the run's network was not trained here.
    """
    found = stored.records([like])
    if found and not found[0].summary.num_epochs:
        message = "its network was not trained here."
        raise ConfigError(message)
    if found:
        return json.dumps(found[0].config)
    try:
        return jobs.config_json(like)
    except OSError:
        message = "no run and no job of that name is there."
        raise ConfigError(message) from None
