"""How long what a form asks for will take here; cached by what is stored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.computing import process
from dashboard.computing.form_answers import Duration, PlannedSweep
from dashboard.data import stored
from dashboard.jobs.jobs import Expected
from neft.errors import ConfigError

if TYPE_CHECKING:
    from dashboard.computing.work import run_time as work
else:
    work = process.remote("dashboard.computing.work.run_time")

__all__ = ["Duration", "PlannedSweep", "expected", "of_run", "of_sweep", "words"]

MOST_SEEDS = 20
"""Trainings of each setting that a page asks for; `neft sweep` takes more."""
WAITING = "Reading what stored runs took …"


def of_run(config_json: str) -> Duration | None:
    """How long a run takes; None where nothing tells."""
    return _of_run(config_json, stored.fingerprint())


def of_sweep(experiment: str, options: Mapping[str, Any], *, seeds: int, workers: int) -> PlannedSweep:
    """The runs of an experiment that are not stored yet, as far as they are known now, and how long they take.

    Raises:
        ConfigError: options that cannot be, or too many seeds.
    """
    if not 1 <= seeds <= MOST_SEEDS:
        message = f"Seeds must lie in [1, {MOST_SEEDS}]; got {seeds:,}. `neft sweep` takes more."
        raise ConfigError(message)
    return _of_sweep(experiment, dict(options), stored.fingerprint(), seeds, workers)


def words(duration: Duration | None) -> str:
    """What a form says of it: a sentence."""
    if duration is None:
        return "How long it takes is not known beforehand: nothing stored tells, or only loading the images does."
    return duration.words


def expected(duration: Duration | None) -> Expected | None:
    """What a job keeps of it."""
    if duration is None:
        return None
    return Expected(duration.training, duration.evaluation, duration.low, duration.high)


@st.cache_resource(max_entries=64, show_spinner=WAITING)
def _of_run(config_json: str, stamp: str) -> Duration | None:
    return work.of_run(config_json, stamp)


@st.cache_resource(max_entries=64, show_spinner=WAITING)
def _of_sweep(experiment: str, options: dict[str, Any], stamp: str, seeds: int, workers: int) -> PlannedSweep:
    return work.of_sweep(experiment, options, stamp, seeds=seeds, workers=workers)
