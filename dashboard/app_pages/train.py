"""Choose a training or an experiment, queue it, watch it; it runs in a process of its own and survives a reload."""

import math
from typing import Any

import streamlit as st

from dashboard import address
from dashboard.data import forms, run_time, stored
from dashboard.data.foreign import foreign
from dashboard.data.forms import PlannedTraining
from dashboard.jobs import files, jobs, processes
from dashboard.jobs.jobs import Job
from dashboard.pages import Page
from dashboard.rights import is_read_only
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.component_form import DOWNLOAD, fill_form
from dashboard.widgets.control import Control
from dashboard.widgets.guards import saying_why_not
from dashboard.widgets.job_card import job_card
from dashboard.widgets.page_link import page_link
from dashboard.widgets.sweep_form import sweep_form
from dashboard.widgets.train_form import EXPERT, fill_from_address, pick_scope, recipe_form, train_form
from dashboard.words.queue_words import ordinal, queue_words
from neft.errors import ConfigError, DataMissingError, UnclearImagesError
from neft.experiments.questions import EXPERIMENTS

SHOWN_JOBS = 5
TRAINING, EXPERIMENT = "training", "experiment"
KIND = Control(
    key=address.TRAIN_KIND,
    label="What to run",
    options={TRAINING: "One training", EXPERIMENT: "A named experiment"},
    help="A training is one network. An experiment is many: one thing varied, from several seeds.",
)
WHICH = Control(
    key="form_experiment",
    label="Experiment",
    options={name: experiment.title for name, experiment in EXPERIMENTS.items()},
    kind="list",
    help="Those of the Experiments page; their results appear there.",
)


def page() -> None:
    """Draw the page."""
    st.title("Train a network under device variation")
    if is_read_only():  # the form would read folders of this machine
        _jobs(jobs.jobs())
        return
    processes.keep_ready()
    st.markdown(
        "What is trained here is tried on sampled chips and stored. One job computes at a time; others wait, also "
        "when this page is closed."
    )
    fill_from_address()
    form, watch = st.columns([1, 1])
    with form:
        if KIND.draw() == TRAINING:
            _training()
        else:
            _experiment()
    with watch:
        _jobs(jobs.jobs())


def _experiment() -> None:
    experiment = EXPERIMENTS[WHICH.draw()]
    st.markdown(f"**{experiment.question}**")
    sweep_form(experiment)


def _training() -> None:
    scope = pick_scope()
    top = st.container()  # to start is at the top, though what is started is said below
    values = train_form() if scope == EXPERT else recipe_form(scope)
    download = bool(values.pop(DOWNLOAD, False))
    with top:
        training = _planned(values)
        if training is None:
            return
        _start(training, download=download)
    st.caption("The same from a command line:")
    st.code(training.command, language=None, wrap_lines=True)


def _planned(values: dict[str, Any]) -> PlannedTraining | None:
    """What the form describes; None where it cannot be, which is said."""
    try:
        return forms.planned(values)
    except UnclearImagesError as error:
        st.warning(foreign(str(error)), icon=":material/help:")
        is_meant = st.toggle(
            "All of this is meant so",
            key=f"images_meant_{error.checksum}",
            help="Train on these images as they are read now; others under the same path are asked about again.",
        )
        return _planned(values | {"checksum": error.checksum}) if is_meant else None
    except (ConfigError, DataMissingError) as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return None


def _start(training: PlannedTraining, *, download: bool) -> None:
    already = stored.is_stored(training.run_id)
    twin = next((job for job in jobs.jobs() if job.is_active and job.run_id == training.run_id), None)
    if already:
        _stored(training)
    elif twin is not None:
        st.info(f"A training with these settings is {ordinal(twin.place)} in the queue.", icon=":material/hourglass:")
    is_idle = not already and twin is None
    duration = run_time.of_run(training.config_json) if is_idle else None
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        pressed = changing_button("Start training", icon=":material/play_circle:", disabled=not is_idle)
        said = f" · {run_time.words(duration)}{queue_words()}" if is_idle else ""
        st.caption(f"**{training.name}**{said}")
    if not is_idle:
        return
    if pressed:
        with saying_why_not():
            _ = jobs.start(
                training.config_json,
                run_id=training.run_id,
                command=training.command,
                num_epochs=training.num_epochs,
                name=training.name,
                download=download,
                expected=run_time.expected(duration),
            )
            st.rerun()


def _stored(training: PlannedTraining) -> None:
    st.info(
        "A run with these settings is stored; the same settings give the same numbers.", icon=":material/check_circle:"
    )
    with st.container(horizontal=True):
        page_link(Page.RUNS, "Open it", query_params={address.RUNS: training.run_id})
        st.button(
            "Take the next free seed",
            icon=":material/casino:",
            on_click=lambda: fill_form(forms.next_seed(training.config_json)),
            help="Fills in the next seed of which no run is stored.",
        )


def _jobs(current: list[Job]) -> None:
    """The queue, redrawn each second while there is one, and what has ended, which stays as it is meanwhile."""
    st.markdown("## Queue and results")
    drawn = _standing(current)

    @st.fragment(run_every=1.0 if any(drawn.values()) else None)
    def watch() -> None:
        now = jobs.jobs()
        if _standing(now) != drawn:
            st.rerun()  # once, to list what ended, was removed or came from elsewhere
        queued = [job for job in reversed(now) if job.is_active]
        for job in queued:
            job_card(job, queued)

    watch()
    unseen = files.why_not_listed()
    if unseen:
        st.error(foreign(unseen), icon=":material/error:")
    elif not current:
        st.info("None yet. What you start appears here, live.", icon=":material/hourglass_empty:")
    _ended([job for job in current if not job.is_active])


def _standing(current: list[Job]) -> dict[str, bool]:
    """Which jobs there are, and which of them are in the queue."""
    return {job.id: job.is_active for job in current}


def _ended(ended: list[Job]) -> None:
    """The jobs that ended, a few at a time, the latest first."""
    pages = math.ceil(len(ended) / SHOWN_JOBS)
    shown = 1
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{len(ended)} jobs have ended.")
            shown = st.pagination(pages, key="ended_jobs", max_visible_pages=3)
    for job in ended[(shown - 1) * SHOWN_JOBS : shown * SHOWN_JOBS]:
        job_card(job)
    if len(ended) > 1 and changing_button(
        "Clear the list",
        icon=":material/clear_all:",
        help="Removes all jobs that have ended from this list; the runs they stored stay.",
    ):
        with saying_why_not():
            for job in ended:
                jobs.forget(job.id)
            st.rerun()


page()
