"""Every experiment of the NeFT papers, and the controls they lack: one thing varied at a time."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import leaderboards, plans, stored
from dashboard.data.citations import cite
from dashboard.data.leaderboards import LEADERBOARD
from dashboard.data.plans import EXPERIMENTS, TRAINING_BUDGET, Experiment
from dashboard.pages import Page
from dashboard.widgets.budget_cards import budget_cards
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Control
from dashboard.widgets.ekl_card import METRIC
from dashboard.widgets.guards import alone, show_plan_problems
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.page_link import page_link
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.sweep_form import sweep_form
from dashboard.widgets.sweep_jobs import sweep_jobs
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import findings, sentences
from neft import columns

JUDGED = "claims_judged"
_CALIBRATION_WORDS = "After calibration the scale of the logits no longer counts."
_OWN_SCALE = " Hollow: the published figure, on a scale of its own; compare shapes and ratios only."
DEFINITION = r"""
Every setting is trained from several seeds and tried on the same sampled chips. A mean counts seeds and chips both as
random (two-way random effects). A difference is taken seed by seed and chip by chip before it is averaged, so its
interval is much narrower than those of the two means.

*Control*: noise injection at the temperature that the feedback brings with it (the training logits are divided by N+1),
without any feedback.
"""


def page() -> None:
    """Draw the page."""
    stamp = plans.fingerprint()
    sizes = plans.sizes(stamp)
    verdicts = _verdicts(stamp)
    with st.sidebar:
        experiment = _pick_experiment(set(sizes), verdicts)
        known = sizes.get(experiment.name, {})
        plan = _pick_size(known)
    question = experiment.question.replace("σ_d", sentences.SIGMA_D)
    finding = _finding(experiment.name, plan, stamp)
    st.title(finding or question)
    source = cite(experiment.source)
    judged = f"Claims: {verdicts[experiment.name]}. " if experiment.name in verdicts else ""
    st.caption(f"{f'{question} {judged}' if finding else judged}{source[:1].upper()}{source[1:]}.")
    if plan is None:
        _nothing_yet(experiment)
    else:
        _progress(plan, experiment, stamp)
        _draw(plan, experiment, stamp)
    _run_it(experiment)
    show_plan_problems(stamp)
    _judge_once(stamp)


def _verdicts(stamp: str) -> dict[str, str]:
    """What became of each experiment's claims, in a few words; nothing until they are judged, which takes seconds."""
    return findings.experiment_verdicts(plans.claims(stamp)) if st.session_state.get(JUDGED) == stamp else {}


def _finding(experiment: str, plan: str | None, stamp: str) -> str:
    """What the claims say of this experiment at this size; empty until they are judged, or where there are none."""
    if st.session_state.get(JUDGED) != stamp or plan is None:
        return ""
    claims = pd.concat([plans.claims(stamp), plans.claims(stamp, own=True)])
    found = claims[(claims[columns.EXPERIMENT] == experiment) & (claims["plan"] == plan)]
    return findings.experiment_title(found).replace("σ_d", sentences.SIGMA_D)


def _judge_once(stamp: str) -> None:
    """Judge the claims once the page is drawn, and draw it again with the verdicts."""
    if st.session_state.get(JUDGED) != stamp:
        _ = plans.claims(stamp)
        st.session_state[JUDGED] = stamp
        st.rerun()


def _draw(plan: str, experiment: Experiment, stamp: str) -> None:
    if experiment.name == "convergence":
        _convergence(plan, experiment, stamp)
    elif experiment.name == "accuracy":
        _against_sigma_d(plan, experiment, stamp)
    elif experiment.name == TRAINING_BUDGET:
        budget_cards(plan, experiment, stamp)
    elif experiment.name == LEADERBOARD:
        st.markdown(experiment.look_for)
        boards = [key for key, place in leaderboards.places(stamp).items() if place.plan == plan]
        page_link(Page.LEADERBOARD, "Open the leaderboard", query_params={address.BOARD: boards[:1]})
    else:
        _settings(plan, experiment, stamp)


def _pick_experiment(stored: set[str], verdicts: Mapping[str, str]) -> Experiment:
    control = Control(
        key=address.EXPERIMENT,
        label="Experiment",
        options={name: one.title for name, one in EXPERIMENTS.items()},
        kind="radio",
        captions=tuple(verdicts.get(name, "") if name in stored else "no runs yet" for name in EXPERIMENTS),
        stays=True,
        help="What is varied while all else stays as it is.",
    )
    return EXPERIMENTS[control.draw()]


def _pick_size(known: dict[str, str]) -> str | None:
    if len(known) < 2:
        return next(iter(known), None)
    control = Control(
        key=address.PLAN,
        label="Run on",
        options=known,
        kind="list",
        stays=True,
        help="The same experiment on other data, networks or seeds, of those that are stored.",
    )
    return control.draw()


def _nothing_yet(experiment: Experiment) -> None:
    st.info(
        "Nothing of this experiment is stored yet. Run it below, at any size, or from a command line:",
        icon=":material/inbox:",
    )
    st.code(f"neft sweep {experiment.name}", language=None)
    st.markdown("`neft sweep --help` lists what can be changed: data, backbone, width, epochs, seeds, chips.")
    say_where_more_are()


def _run_it(experiment: Experiment) -> None:
    if st.toggle("Run it at another size", key="run_it", help="On your data, network and seeds, from this page."):
        with st.container(border=True, key="sweep_form"):
            sweep_form(experiment)
    sweep_jobs(experiment)


def _progress(plan: str, experiment: Experiment, stamp: str) -> None:
    found = plans.progress(plan, experiment.name, stamp)
    if found.num_stored < found.num_planned:
        st.info(
            f"{found.num_stored} of {found.num_planned} runs are stored; `{found.command}` makes the rest.",
            icon=":material/hourglass_top:",
        )
        say_where_more_are()


@alone
def _settings(plan: str, experiment: Experiment, stamp: str) -> None:
    points = plans.points(plan, experiment.name, columns.ACCURACY, stamp)
    published = plans.published(experiment.name)
    shown = published if not published.empty and _wants_published(_SETTINGS_HELP) else None
    spread = sentences.spread_words(points)
    card = Card(
        key=experiment.name,
        question=experiment.title,
        caption=f"{experiment.look_for} {findings.tested_words(points)} {findings.published_setting_words(shown)}",
        definition=DEFINITION,
        alt=f"Accuracy over {experiment.axis}, by method, with 95 % intervals.",
    )
    if points.empty:
        empty_card(card, "None of its runs can be read.")
        return
    figure = charts.setting_points(
        points,
        axis_title=experiment.axis,
        numeric=experiment.numeric,
        logarithmic=experiment.logarithmic,
        interval_name=f"mean, {spread}",
        published=shown,
        mode=theme_mode(),
    )
    chart_card(card, figure, points)
    _differences(plan, experiment, points, stamp)
    _choice(plan, experiment, stamp)


_SETTINGS_HELP = "The paper's numbers as hollow marks: ResNet-18 on CIFAR-10 at σ_d = 0.3, another scale than ours."
_FIGURES_HELP = "The paper's figures as hollow marks: VGG-8 on MNIST; its EKL has a scale of its own."


def _wants_published(words: str) -> bool:
    with st.sidebar:
        return st.toggle(
            "Published figures",
            value=False,
            key=address.PUBLISHED_SETTINGS,
            help=words,
            bind="query-params",
            persist_state="session",
        )


def _differences(plan: str, experiment: Experiment, points: pd.DataFrame, stamp: str) -> None:
    """The other arms' paired differences to one: to a series at the same setting where that can be, else to an arm."""
    series = dict(zip(points[columns.VARIANT], points[columns.LABEL], strict=True))
    settings = dict(zip(points[columns.SETTING], points[columns.SETTING_LABEL], strict=True))
    several = points.groupby(columns.VARIANT)[columns.SETTING].nunique()
    everywhere = [(name, None) for name in series if several[name] > 1 and len(series) > 1]
    arms = [(row[columns.VARIANT], row[columns.SETTING]) for row in points.to_dict("records")]
    options: list[tuple[str, str | None]] = [*everywhere, *arms]
    control = stored.control_of(points)
    default = next((index for index, option in enumerate(options) if option[0] == control), 0)
    with st.container(border=True, key="card_differences"):
        st.markdown("## What differs, paired?")
        name, setting = st.selectbox(
            "Compared with",
            options,
            index=default,
            format_func=lambda option: f"{series[option[0]]} · {settings.get(option[1], 'same setting')}",
            key=f"reference_{experiment.name}",
            help="What the differences are taken to, seed by seed and chip by chip.",
        )
        table = plans.differences(plan, experiment.name, name, setting, stamp)
        _difference_table(table, {"Method": table[columns.LABEL], "Setting": table[columns.SETTING_LABEL]})


@alone
def _difference_table(table: pd.DataFrame, heads: dict[str, "pd.Series[str]"]) -> None:
    shown_table(
        pd.DataFrame(
            {
                **heads,
                "Difference": 100 * table[columns.MEAN],
                "± 95 %": 100 * table[columns.CI95],
                "Told apart": findings.direction_words(table),
            }
        ),
        column_config={
            "Difference": st.column_config.NumberColumn(format="%+.2f", width=72, help="Points of accuracy."),
            "± 95 %": st.column_config.NumberColumn(format="%.2f", width=58, help="Half-width, in points."),
            "Told apart": st.column_config.TextColumn(width="small"),
        },
        hide_index=True,
        key="differences_table",
        title="Paired differences in accuracy, in points",
    )
    st.caption("Points of accuracy, seed by seed and chip by chip.")


def _choice(plan: str, experiment: Experiment, stamp: str) -> None:
    if experiment.name not in ("beta", "tuned", "temperature", "delta_sigma"):
        return
    choice = plans.validation_choice(plan, experiment.name, stamp)
    words = findings.choice_words(choice)
    if words:
        st.markdown(f"Chosen on the validation split, test data unseen: {words}.")


@alone
def _convergence(plan: str, experiment: Experiment, stamp: str) -> None:
    seeds, means = plans.convergence(plan, stamp)
    card = Card(
        key=experiment.name,
        question=experiment.title,
        caption=f"{experiment.look_for} Published: of 10, 6 fail with noise injection, 0 with OVF, 2 with IRS.",
        definition="A training **failed** if its accuracy lies more than 5 points below the mean of its method's "
        "trainings ([Qin2025], section 4.3).",
        alt="One dot a training, by method, with the mean and the threshold of failure.",
    )
    if seeds.empty:
        empty_card(card, "None of its runs can be read.")
        return
    st.markdown(findings.failure_words(means))
    chart_card(card, charts.seed_dots(seeds, means, mode=theme_mode()), seeds)


@alone
def _against_sigma_d(plan: str, experiment: Experiment, stamp: str) -> None:
    accuracy = plans.points(plan, experiment.name, columns.ACCURACY, stamp)
    card = Card(
        key="experiment_accuracy",
        question="How accurate at the σ_d they were trained for?",
        caption=f"{experiment.look_for} Training without noise is one network at every {sentences.SIGMA_D}.",
        definition=DEFINITION,
        alt="Accuracy over device variation, by method, with 95 % intervals.",
    )
    if accuracy.empty:
        empty_card(card, "None of its runs can be read.")
        return
    wants_published = _wants_published(_FIGURES_HELP)
    variants = list(accuracy[columns.VARIANT].unique())
    left, right = st.columns(2)
    with left:
        figure = charts.accuracy_vs_sigma_d(
            accuracy,
            slice_sigma_d=None,
            chance=plans.chance(plan, experiment.name, stamp),
            interval_name=f"mean, {sentences.spread_words(accuracy)}",
            connect=True,
            published=plans.published_accuracy(variants) if wants_published else None,
            published_name="VGG-8 on MNIST (published)",
            mode=theme_mode(),
        )
        chart_card(card, figure, accuracy)
    with right:
        _ekl(plan, experiment, stamp, wants_published=wants_published)
    _differences_by_sigma(plan, experiment, accuracy, stamp)


@alone
def _ekl(plan: str, experiment: Experiment, stamp: str, *, wants_published: bool) -> None:
    metric = METRIC.chosen()
    ekl = plans.points(plan, experiment.name, metric, stamp)
    variants = list(ekl[columns.VARIANT].unique())
    shown = plans.published_ekl(variants) if wants_published and metric == columns.EKL else None
    card = Card(
        key="experiment_ekl",
        question="How sure are the right answers?",
        caption=f"Lower is surer. {_CALIBRATION_WORDS}{_OWN_SCALE if wants_published else ''}",
        definition=r"""
**EKL** is the mean of $-\ln p_y$ over images predicted right, in nats ([Qin2025], section 4.2), averaged over chips.

*After calibration*: the logits are divided by one temperature per network and $\sigma_d$, which minimises the negative
log-likelihood of **validation** images on chips of their own ([Guo2017]). It changes no prediction.
""",
        alt="EKL over device variation, by method.",
    )
    known = ekl[ekl[columns.NUM_SEEDS] > 0]
    figure = charts.ekl_vs_sigma_d(
        known,
        metric_title=f"{METRIC.options[metric]} (nats)",
        interval_name=f"mean, {sentences.spread_words(known)}",
        published=shown,
        mode=theme_mode(),
    )
    chart_card(card, figure, ekl, controls=METRIC.draw)


def _differences_by_sigma(plan: str, experiment: Experiment, points: pd.DataFrame, stamp: str) -> None:
    """Every method's paired differences to one method, at every sigma_d."""
    labels = dict(zip(points[columns.VARIANT], points[columns.LABEL], strict=True))
    names = list(labels)
    control = stored.control_of(points)
    default = names.index(control) if control else 0
    with st.container(border=True, key="card_differences"):
        st.markdown("## What differs, paired?")
        name = st.selectbox(
            "Compared with",
            names,
            index=default,
            format_func=labels.__getitem__,
            key="reference_accuracy",
            help="The method that the differences are taken to, seed by seed and chip by chip.",
        )
        if name is None:
            return
        table = plans.differences(plan, experiment.name, name, None, stamp)
        table = table.sort_values([columns.POSITION], kind="stable")
        _difference_table(table, {"At": table[columns.SETTING_LABEL], "Method": table[columns.LABEL]})


page()
