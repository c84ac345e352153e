"""Choose a training, start it, watch it; it runs in a process of its own and survives a reload."""

from typing import Any

import streamlit as st

from dashboard import data, jobs, state
from dashboard.widgets.component_form import DOWNLOADED, choose_component, component_fields
from dashboard.widgets.job_card import job_card
from neft.config import RunConfig
from neft.errors import ConfigError
from neft.options import command_line, make_config

MAIN_TRAINING = ("sigma_d", "epochs", "seed")
SHOWN_JOBS = 5
DOWNLOAD = "download"


def page() -> None:
    """Draw the page."""
    st.title("Train a network under device variation")
    st.markdown(
        "Choose what to train; it is then evaluated on sampled chips, stored, and shown among the runs. "
        "What the form starts with takes about a minute on two cores."
    )
    form, watch = st.columns([1, 1])
    with form:
        values = _form()
        _start(values)
    with watch:
        _jobs(any(job.is_active for job in jobs.jobs(limit=SHOWN_JOBS)))


def _form() -> dict[str, Any]:
    values: dict[str, Any] = {}
    left, right = st.columns(2)
    with left, st.container(border=True):
        values |= _family("dataset", "Data set", "digits", only=("image_size", "path", "channels"))
        if values["dataset"] in DOWNLOADED:
            values[DOWNLOAD] = st.toggle(
                "Download if missing",
                key=DOWNLOAD,
                help="Otherwise a missing data set is an error that says where to put it.",
            )
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


def _start(values: dict[str, Any]) -> None:
    download = bool(values.pop(DOWNLOAD, False))
    try:
        config = make_config(values)
    except ConfigError as error:
        st.error(str(error), icon=":material/error:")
        return
    busy = jobs.active()
    stored = data.is_stored(config.run_id)
    if stored:
        st.info(
            "A run with these settings is stored; the same settings give the same numbers.",
            icon=":material/check_circle:",
        )
        st.page_link(
            "app_pages/runs.py", label="Open it", icon=":material/table_rows:", query_params={state.RUNS: config.run_id}
        )
    if st.button(
        "Start training",
        icon=":material/play_circle:",
        disabled=busy is not None or stored,
        help="One training at a time: wait for the one that runs, or cancel it." if busy else None,
    ):
        _launch(config, download=download)
    st.caption("The same from a command line:")
    st.code(command_line(config), language="bash", wrap_lines=True)


def _launch(config: RunConfig, *, download: bool) -> None:
    _ = jobs.start(
        config.to_json(),
        run_id=config.run_id,
        command=command_line(config),
        num_epochs=config.training.epochs,
        download=download,
    )
    st.rerun()


def _jobs(running: bool) -> None:  # noqa: FBT001 - Streamlit fragments take plain arguments
    st.markdown("## Trainings and experiments")

    @st.fragment(run_every=1.0 if running else None)
    def watch() -> None:
        current = jobs.jobs(limit=SHOWN_JOBS)
        if running and not any(job.is_active for job in current):
            st.rerun()  # once, to stop the timer and to list the finished run
        if not current:
            st.info("None yet. What you start appears here, live.", icon=":material/hourglass_empty:")
        for job in current:
            job_card(job)

    watch()


page()
