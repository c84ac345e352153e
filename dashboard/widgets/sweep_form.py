"""Run an experiment from a page: at the size that ships, or at another."""

from typing import Any

import streamlit as st

from dashboard import jobs
from dashboard.widgets.component_form import DOWNLOADED, choose_component, component_fields
from neft.experiments import Experiment
from neft.options import option_words

SEEDS = 3
MOST_SEEDS = 20


def sweep_form(experiment: Experiment) -> None:
    """A form, its command line, and a button that starts it."""
    st.markdown(
        "Every setting is trained from several seeds and tried on sampled chips; what is stored already is not run "
        "again. Smaller sizes are quicker: fewer seeds, epochs or chips, a narrower network."
    )
    values, seeds = _form()
    command = f"{option_words(f'neft sweep {experiment.name}', values)} --seeds {seeds}"
    if values["dataset"] in DOWNLOADED and st.toggle(
        "Download if missing",
        key="form_download",
        help="Otherwise a missing data set is an error that says where to put it.",
    ):
        command += " --download"
    busy = jobs.active()
    if st.button(
        "Run the experiment",
        icon=":material/play_circle:",
        disabled=busy is not None,
        help="One job at a time: wait for the one that runs, or cancel it on the Train page." if busy else None,
    ):
        _ = jobs.start_sweep(command, experiment=experiment.name)
        st.rerun()
    st.caption("The same from a command line:")
    st.code(command, language="bash", wrap_lines=True)


def _form() -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    left, middle, right = st.columns(3)
    with left:
        dataset = choose_component("dataset", "Data set", default="digits")
        values |= {"dataset": dataset}
        values |= component_fields("dataset", dataset, only=("image_size", "path", "channels", "max_train"))
    with middle:
        backbone = choose_component("backbone", "Backbone", default="vgg8")
        values |= {"backbone": backbone} | component_fields("backbone", backbone)
    with right:
        seeds = st.number_input(
            "Seeds", 1, MOST_SEEDS, SEEDS, key="form_seeds", help="Trainings of each setting; intervals need two."
        )
        values |= component_fields("training", only=("epochs",))
        values |= component_fields("evaluation", only=("num_instances",))
    return values, int(seeds)
