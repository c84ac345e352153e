"""The sweeps of an experiment that were started from a page."""

import streamlit as st

from dashboard.jobs import jobs
from dashboard.widgets.job_card import job_card
from neft.experiments.questions import Experiment

SHOWN_JOBS = 3


def sweep_jobs(experiment: Experiment) -> None:
    """The latest jobs of an experiment, live; nothing where there are none."""
    running = any(job.is_active for job in _of(experiment))

    @st.fragment(run_every=1.0 if running else None)
    def watch() -> None:
        current = _of(experiment)
        if running and not any(job.is_active for job in current):
            st.rerun()  # once, to stop the timer and to show what was stored
        everyone = jobs.jobs()
        for job in current:
            job_card(job, everyone)

    watch()


def _of(experiment: Experiment) -> list[jobs.Job]:
    return [job for job in jobs.jobs() if job.sweep == experiment.name][:SHOWN_JOBS]
