"""Run an experiment from a page: at the size that ships, or at another."""

from typing import Any

import streamlit as st

from dashboard.data import run_time
from dashboard.data.foreign import foreign
from dashboard.data.run_time import PlannedSweep
from dashboard.jobs import jobs
from dashboard.rights import is_read_only
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.component_form import DOWNLOAD, can_download, choose_component, component_fields, download_switch
from dashboard.widgets.guards import saying_why_not
from dashboard.widgets.in_address import finite
from dashboard.words.queue_words import queue_words
from neft.errors import ConfigError
from neft.experiments.questions import Experiment

SEEDS = 3


def sweep_form(experiment: Experiment) -> None:
    """A form, its cost, its command line, and a button that queues it."""
    st.markdown(
        "Every setting is trained from several seeds and tried on sampled chips; what is stored already is not run "
        "again. Smaller sizes are quicker: fewer seeds, epochs or chips, a narrower network."
    )
    if is_read_only():  # the form would read folders of this machine
        st.code(f"neft sweep {experiment.name}", language=None)
        return
    values, seeds = _form()
    download = values.pop(DOWNLOAD, False)
    try:
        planned = run_time.of_sweep(experiment.name, values, seeds=seeds, workers=jobs.spare_cores())
    except ConfigError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return
    command = f"{planned.command} --download" if download else planned.command
    _start(experiment, command, planned)
    st.caption("The same from a command line:")
    st.code(command, language=None, wrap_lines=True)


def _start(experiment: Experiment, command: str, planned: PlannedSweep) -> None:
    twin = next((job for job in jobs.jobs() if job.is_active and job.command == command), None)
    if planned.num_missing == 0:
        st.info("Every run of this size is stored already.", icon=":material/check_circle:")
    elif twin is not None:
        st.info("It is in the queue at this size.", icon=":material/hourglass_top:")
    if changing_button(
        "Run the experiment", icon=":material/play_circle:", disabled=not planned.num_missing or twin is not None
    ):
        with saying_why_not():
            _ = jobs.start_sweep(command, experiment=experiment.name, expected=run_time.expected(planned.duration))
            st.rerun()
    if planned.num_missing:
        runs = (
            f"{planned.num_missing} of {planned.num_planned} runs"
            if planned.num_missing < planned.num_planned
            else (f"All {planned.num_planned} runs")
        )
        st.caption(f"{runs} are to be made. {run_time.words(planned.duration)}{queue_words()}")


def _form() -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    left, middle, right = st.columns(3)
    with left:
        dataset = choose_component("dataset", "Data set")
        values |= {"dataset": dataset}
        values |= component_fields(
            "dataset",
            dataset,
            only=("image_size", "path", "labels", "channels", "fit", "layout", "signals", "max_train"),
        )
        if can_download(dataset):
            values[DOWNLOAD] = download_switch()
    with middle:
        backbone = choose_component("backbone", "Backbone")
        values |= {"backbone": backbone} | component_fields("backbone", backbone)
    with right:
        seeds = st.number_input(
            "Seeds",
            1,
            run_time.MOST_SEEDS,
            SEEDS,
            key=finite("form_seeds"),
            help="Trainings of each setting; intervals need two.",
            bind="query-params",
        )
        values |= component_fields("training", only=("epochs",))
        values |= component_fields("evaluation", only=("num_instances",))
    return values, int(seeds)
