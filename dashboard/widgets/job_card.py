"""One job, a training or a sweep: where it stands, how far it is, its curves, and every way on from there."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import beside, plans, stored
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord
from dashboard.jobs import jobs
from dashboard.jobs.jobs import Job
from dashboard.pages import Page
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.guards import alone, saying_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.theme_mode import theme_mode
from dashboard.widgets.train_again import other_seed_link, same_seed_link
from dashboard.words import run_words
from dashboard.words.queue_words import ordinal, turn_words
from neft import columns
from neft.errors import NeftError
from neft.experiments.questions import EXPERIMENTS
from neft.plain_words import plain_words
from neft.sweeps.durations import span

WORDS = {
    "starting": "Starting (loading torch takes a few seconds)",
    "started": "Starting",
    "loading": "Loading the data",
    "training": "Training",
    "evaluating": "Trying chips",
    "searching": "Searching the worst case",
    "storing": "Storing the run",
    "sweeping": "Running the experiment",
}
UNITS = {"training": "epochs", "evaluating": "chips", "searching": "passes", "sweeping": "runs"}
STOPPING = "Stopping; what is whole is kept: runs that ended, and the last epoch of the others."
SHOWN_AS_SECONDS = 120
SHOWN_RUNS = 4
HISTORY = [
    columns.EPOCH,
    columns.LOSS,
    columns.TRAIN_ACCURACY,
    columns.VALIDATION_ACCURACY,
    columns.VALIDATION_CLEAN_ACCURACY,
]


@alone
def job_card(job: Job, everyone: Sequence[Job] = ()) -> None:
    """Draw one job; the others tell a waiting one when its turn comes."""
    with st.container(border=True, key=f"job_{job.id}"):
        if job.state == "waiting":
            _waiting(job, everyone)
        elif job.is_active:
            _progress(job)
        else:
            _ending(job)
        if not job.sweep and job.state != "waiting":
            _curves(job)
        if job.caveat:
            st.caption(job.caveat)
        with st.expander("The same from a command line", icon=":material/terminal:", key=f"command_{job.id}"):
            st.code(job.command, language=None, wrap_lines=True)


@alone
def _curves(job: Job) -> None:
    """Accuracy over what is stored, once chips are tried; until then the training's epochs."""
    record = _stored_run(job)
    means = beside.means_of(record) if record else beside.means_so_far(job.means)
    if means.empty:
        history = pd.DataFrame(job.history, columns=HISTORY)
        if job.is_active or not history.empty:
            figure = charts.training_curves(history, num_epochs=job.num_epochs, mode=theme_mode())
            st.plotly_chart(
                figure, theme=None, key=f"curves_{job.id}", alt="Loss and accuracies by epoch, as they come."
            )
        return
    figure = charts.live_curve(
        beside.curves_beside(_config_json(job)),
        means,
        name="this run" if record else f"this run, {job.done} of {job.total} chips",
        chance=1 / record.facts.num_classes if record else None,
        mode=theme_mode(),
    )
    st.plotly_chart(figure, theme=None, key=f"live_{job.id}", alt="Accuracy against device variation, as chips come.")


def _stored_run(job: Job) -> RunRecord | None:
    """The run that a finished training has stored."""
    found = stored.records([job.run_id]) if job.state == "finished" and job.run_id else []
    return found[0] if found else None


def _config_json(job: Job) -> str:
    """Of a training; empty where it is gone."""
    try:
        return jobs.config_json(job.id)
    except OSError:
        return ""


def _waiting(job: Job, everyone: Sequence[Job]) -> None:
    st.markdown(f"**Waiting: {ordinal(job.place)} in the queue** · {turn_words(job, everyone)}")
    st.caption(_what(job))
    _cancel_button(job, "It leaves the queue.", "")


def _progress(job: Job) -> None:
    _how_far(job)
    _sweep_runs(job)
    _cancel_button(job, "What is whole is kept: epochs and runs.", STOPPING)


@alone
def _how_far(job: Job) -> None:
    words = WORDS.get(job.stage, job.stage)
    unit = UNITS.get(job.stage, "")
    count = f" · {job.done} of {job.total} {unit}" if job.total else ""
    left = f" · about {_duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    st.progress(job.done / job.total if job.total else 0.0, text=f"**{words}**{count}{left}")
    st.caption(f"{_what(job)} · {_duration(job.seconds)} so far{_to_end(job)}")


def _cancel_button(job: Job, words: str, then: str) -> None:
    """What a click does comes before the run it starts, which may end before it gets here: another job has ended."""
    _ = changing_button(
        "Cancel",
        icon=":material/stop_circle:",
        key=f"cancel_{job.id}",
        help=words,
        on_click=_cancel,
        args=(job.id, then),
    )


def _cancel(job_id: str, then: str) -> None:
    try:
        jobs.cancel(job_id)
    except NeftError as error:
        st.toast(foreign(str(error)), icon=":material/error:")
    else:
        if then:
            st.toast(then)


def _to_end(job: Job) -> str:
    """How long all that is left takes, where that is more than the present stage."""
    left = job.seconds_to_end
    if left is None or job.stage in ("evaluating", "searching", "sweeping", "storing"):
        return ""
    return f"; with its chips about {span(*left)} are left"


@alone
def _sweep_runs(job: Job) -> None:
    """The runs of a sweep that ended last."""
    last = job.runs[: -SHOWN_RUNS - 1 : -1]
    names = {record.id: record.facts.name for record in stored.records([run.run_id for run in last])}
    for run in last:
        how = f"failed: {foreign(run.error)}" if run.error else f"stored after {_duration(run.seconds)}"
        st.caption(f"{names.get(run.run_id, foreign(run.run_id))} {how}")


def _what(job: Job) -> str:
    if job.sweep:
        return f"Experiment: {EXPERIMENTS[job.sweep].title}" if job.sweep in EXPERIMENTS else foreign(job.sweep)
    return plain_words(job.name) or foreign(job.run_id)


def _ending(job: Job) -> None:
    if job.state == "finished":
        _finished(job)
    elif job.state == "cancelled":
        kept = foreign(job.message) or "It had not begun to compute."
        st.warning(f"Cancelled. {kept} Start it again to go on.", icon=":material/stop_circle:")
        st.caption(_what(job))
    else:
        what = "Failed" if job.state == "failed" else "Lost: its process ended without finishing"
        st.error(f"{what}. {foreign(job.message)}", icon=":material/error:")
        st.caption(_what(job))
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.state != "finished" and changing_button(
            "Start it again",
            key=f"again_{job.id}",
            icon=":material/replay:",
            help="Queues it once more; what is whole is not computed again.",
        ):
            with saying_why_not():
                _ = jobs.start_again(job.id)
                st.rerun()
        if job.state != "finished" and not job.sweep:
            _settings_link(job)
        if changing_button("Remove from the list", key=f"forget_{job.id}", icon=":material/close:"):
            with saying_why_not():
                jobs.forget(job.id)
                st.rerun()


@alone
def _settings_link(job: Job) -> None:
    same_seed_link(job.id, "Change the settings")


@alone
def _finished(job: Job) -> None:
    said = f"{_what(job)}. {foreign(job.message)}" if job.sweep else _what(job)
    st.success(f"Finished in {_duration(job.seconds)}: {said}", icon=":material/check_circle:")
    record = _stored_run(job)
    if record is not None:
        found = beside.curves_beside(_config_json(job))
        st.markdown(" ".join(filter(None, (run_words.result_words(record), run_words.beside_words(record, found)))))
    with st.container(horizontal=True):
        if job.sweep:
            _sweep_links(job)
        else:
            _run_links(job, record)


def _sweep_links(job: Job) -> None:
    if job.sweep in EXPERIMENTS:
        plan = plans.plan_of(job.sweep, {run.run_id for run in job.runs}, plans.fingerprint())
        size = {} if plan is None else {address.PLAN: plan}
        page_link(Page.EXPERIMENTS, "See the experiment", query_params={address.EXPERIMENT: job.sweep, **size})


def _run_links(job: Job, record: RunRecord | None) -> None:
    page_link(Page.RUNS, "Open the run", query_params={address.RUNS: job.run_id})
    together = beside.comparable(record) if record else []
    if len(together) > 1:
        page_link(Page.COMPARE, "Compare chip by chip with those of its seed", query_params={address.RUNS: together})
    page_link(Page.EXPLORE, "See it in the four views", query_params=stored.view_address(job.run_id))
    other_seed_link(job.run_id)
    same_seed_link(job.run_id)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < SHOWN_AS_SECONDS else f"{whole // 60} min {whole % 60:02d} s"
