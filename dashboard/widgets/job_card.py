"""One job, a training or a sweep: what it does, how far it is, its curves, and a way to cancel it."""

import pandas as pd
import streamlit as st

from dashboard import charts, data, jobs, state
from dashboard.jobs import Job
from dashboard.widgets.theme_mode import theme_mode
from neft import columns
from neft.experiments import EXPERIMENTS

WORDS = {
    "starting": "Starting (loading torch takes a few seconds)",
    "started": "Starting",
    "loading": "Loading the data",
    "training": "Training",
    "evaluating": "Trying chips",
    "storing": "Storing the run",
    "sweeping": "Running the experiment",
}
UNITS = {"training": "epochs", "evaluating": "chips", "sweeping": "runs"}
SHOWN_AS_SECONDS = 120
HISTORY = [
    columns.EPOCH,
    columns.LOSS,
    columns.TRAIN_ACCURACY,
    columns.VALIDATION_ACCURACY,
    columns.VALIDATION_CLEAN_ACCURACY,
]


def job_card(job: Job) -> None:
    """Draw one job."""
    with st.container(border=True, key=f"job_{job.id}"):
        if job.is_active:
            _progress(job)
        else:
            _ending(job)
        history = pd.DataFrame(job.history, columns=HISTORY)
        if not job.sweep and (job.is_active or not history.empty):
            figure = charts.training_curves(history, num_epochs=job.num_epochs, mode=theme_mode())
            st.plotly_chart(
                figure, theme=None, key=f"curves_{job.id}", alt="Loss and accuracies by epoch, as they come."
            )
        st.caption("The same from a command line:")
        st.code(job.command, language="bash", wrap_lines=True)


def _progress(job: Job) -> None:
    words = WORDS.get(job.stage, job.stage)
    unit = UNITS.get(job.stage, "")
    count = f" · {job.done} of {job.total} {unit}" if job.total else ""
    left = f" · about {_duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.done / job.total if job.total else 0.0, text=f"**{words}**{count}{left}")
        if st.button("Cancel", icon=":material/stop_circle:", key=f"cancel_{job.id}"):
            jobs.cancel(job.id)
            st.toast("Stopping; what is whole is kept: runs that ended, and the last epoch of the others.")
    st.caption(f"{_what(job)} · {_duration(job.seconds)} so far")


def _what(job: Job) -> str:
    return f"Experiment: {EXPERIMENTS[job.sweep].title}" if job.sweep in EXPERIMENTS else job.sweep or job.run_id


def _sweep_ended(job: Job) -> None:
    st.success(f"Finished in {_duration(job.seconds)}: {_what(job)}. {job.message}", icon=":material/check_circle:")
    if job.sweep in EXPERIMENTS:
        st.page_link(
            "app_pages/experiments.py",
            label="See the experiment",
            icon=":material/science:",
            query_params={state.EXPERIMENT: EXPERIMENTS[job.sweep].title},
        )


def _ending(job: Job) -> None:
    if job.state == "finished" and job.sweep:
        _sweep_ended(job)
    elif job.state == "finished":
        st.success(f"Finished in {_duration(job.seconds)}: `{job.run_id}`", icon=":material/check_circle:")
        with st.container(horizontal=True):
            st.page_link(
                "app_pages/runs.py",
                label="Open the run",
                icon=":material/table_rows:",
                query_params={state.RUNS: job.run_id},
            )
            st.page_link(
                "app_pages/explore.py",
                label="See it in the four views",
                icon=":material/monitoring:",
                query_params=data.view_address(job.run_id),
            )
    elif job.state == "cancelled":
        st.warning(
            f"Cancelled. {job.message} Start it again with the same settings to go on.", icon=":material/stop_circle:"
        )
    else:
        what = "Failed" if job.state == "failed" else "Lost: its process ended without finishing"
        st.error(f"{what}. {job.message}", icon=":material/error:")
    if st.button("Remove from the list", key=f"forget_{job.id}", icon=":material/close:"):
        jobs.forget(job.id)
        st.rerun()


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < SHOWN_AS_SECONDS else f"{whole // 60} min {whole % 60:02d} s"
