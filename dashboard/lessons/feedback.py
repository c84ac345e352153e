"""Feedback and temperature: what OVF and IRS gain, and what a control without any feedback gains."""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import address, charts
from dashboard.charts.frames import look_of
from dashboard.charts.prediction import ends_upwards, mark_predicted_range
from dashboard.data import plans
from dashboard.data.citations import cite
from dashboard.lessons.base import Choice, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import INJECTION, IRS, OVF, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.experiments.questions import CONTROL, EXPERIMENTS

OPTIONS = (
    "It gains nothing: the feedback does the work",
    "It gains about half of what IRS gains",
    "It gains as much as IRS, or more",
)
BOUNDS = (0.25, 0.75)
TEMPERATURE = "temperature"
DEFINITION = r"""
**Negative feedback training** minimises $\mathrm{CE}\Big(\big(O-\beta\sum_{n=1}^{N}\gamma_n\,\mathrm{Out}_n\big)/(N+1),
\ y\Big)$ ([Qin2025], section 3). OVF feeds back N = 3 noisier passes of the same weights, IRS the outputs of heads on
intermediate features.

**The control** is noise injection with its training logits divided by N+1 = 4, a softmax temperature, and no feedback.

Differences are taken seed by seed and chip by chip; their 95 % intervals count seeds and chips both as random.
"""
BACKGROUND = (
    cite(
        """
**The idea.** An amplifier is tamed by feeding a part of its output back with the opposite sign. Negative feedback
training computes N further outputs that suffer from variation in other ways, and takes them, with small factors β and
γ, away from the network's own before the loss ([Qin2025], section 3).
"""
    ),
    """
**Two ways.** OVF runs the same weights again under more noise. IRS reads intermediate layers through small heads of
their own. On the chip neither costs anything: only the network's own output is used there.
""",
    """
**What comes along.** The sum is divided by N + 1, its number of terms. That alone is a softmax temperature in training,
with or without feedback. A **control** keeps everything but the one thing that is asked about: here noise injection
with the same division and no feedback.
""",
)


@dataclass(frozen=True)
class Numbers:
    """Feedback beside its control; effects in points, averaged over the σ_d of training."""

    comparison: Comparison
    differences: pd.DataFrame
    """Of the control, OVF and IRS to noise injection, a row per method and σ_d."""
    irs_gain: "pd.Series[float]"
    irs_over_control: "pd.Series[float]"
    ovf_over_control: "pd.Series[float]"

    @property
    def share(self) -> float:
        """Of IRS's gain, how much the control has."""
        return 1 - float(self.irs_over_control["estimate"]) / float(self.irs_gain["estimate"])


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(INJECTION, CONTROL, OVF, IRS)
    if isinstance(comparison, Missing):
        return comparison
    claims = [
        comparison.claim(name) for name in ("irs_beats_noise_injection", "irs_beats_control", "ovf_beats_control")
    ]
    gain, irs, ovf = claims
    if gain is None or irs is None or ovf is None:
        return Missing("OVF, IRS and their control at the same σ_d")
    return Numbers(comparison, comparison.differences((CONTROL, OVF, IRS), INJECTION), gain, irs, ovf)


def _card(key: str, question: str, caption: str) -> Card:
    alt = "Paired differences in accuracy to noise injection, by method and device variation."
    return Card(key=key, question=question, caption=caption, definition=DEFINITION, alt=alt)


@alone
def _draw_differences(card: Card, numbers: Numbers, rows: pd.DataFrame, *, said: float | None = None) -> None:
    figure = charts.difference_vs_sigma_d(
        rows,
        reference=look_of(numbers.comparison.of(INJECTION)),
        reference_label="Noise injection",
        interval_name=f"paired, {sentences.spread_words(rows)}",
        mode=theme_mode(),
    )
    if said is not None:
        _mark(figure, numbers, int(said))
    chart_card(card, figure, rows)


def _mark(figure: go.Figure, numbers: Numbers, said: int) -> None:
    """The share of IRS's gain that was predicted, at every σ_d; open ends reach the axis's."""
    irs = numbers.comparison.of(IRS, points=numbers.differences).sort_values(columns.SIGMA_D)
    gains = (100 * irs[columns.MEAN]).tolist()
    bottom, top = ends_upwards(figure)
    ends = [[bottom] * len(gains), *([bound * gain for gain in gains] for bound in BOUNDS), [top] * len(gains)]
    mark_predicted_range(
        figure, x=irs[columns.SIGMA_D].tolist(), low=ends[said], high=ends[said + 1], mode=theme_mode()
    )


def _show(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        shown = numbers.comparison.of(OVF, IRS, points=numbers.differences)
        caption = (
            "Points gained on the same seeds and chips. An interval that keeps clear of zero is a gain told apart."
        )
        _draw_differences(_card("gain", "What does feedback gain?", caption), numbers, shown)
    with right:
        st.latex(r"\mathcal L=\mathrm{CE}\bigg(\frac{O-\beta\sum_{n=1}^{N}\gamma_n\,\mathrm{Out}_n}{N+1},\ y\bigg)")
        st.caption(
            cite("[Qin2025], section 3, N = 3. The feedback is scaled by a small β; all of it is divided by N + 1 = 4.")
        )
        st.markdown(
            f"Averaged over {SIGMA_D}, IRS gains **{_effect(numbers.irs_gain)} points** over noise injection "
            f"({numbers.comparison.words})."
        )


def _question(numbers: Numbers) -> Choice:
    return Choice(
        words="Take the feedback away (β = 0) and keep only the division of the training logits by 4. **What does this "
        "control gain over noise injection?**",
        options=OPTIONS,
        truth=sum(numbers.share >= bound for bound in BOUNDS),
        told=f"Paired, IRS is **{_effect(numbers.irs_over_control)} points** from the control, OVF "
        f"**{_effect(numbers.ovf_over_control)}**.",
    )


def _effect(claim: "pd.Series[float]") -> str:
    each = (f"{float(claim[name]):+.1f}".replace("-", "−") for name in ("estimate", columns.LOWER, columns.UPPER))
    estimate, lower, upper = each
    return f"{estimate} ({lower} to {upper})"


def _answer(numbers: Numbers) -> None:
    left, right = st.columns(2)
    with left:
        caption = "The control has no feedback at all. Compare its marks with those of OVF and IRS."
        _draw_differences(
            _card("control", "And the control?", caption), numbers, numbers.differences, said=prediction(LESSON.name)
        )
    with right:
        _temperature(numbers.comparison.stamp)


@alone
def _temperature(stamp: str) -> None:
    experiment = EXPERIMENTS[TEMPERATURE]
    plan = next(iter(plans.sizes(stamp).get(TEMPERATURE, {})), None)
    card = Card(
        key=TEMPERATURE,
        question="How far does a temperature alone go?",
        caption=experiment.look_for,
        definition=DEFINITION,
        alt="Accuracy over the temperature of the training logits, by method.",
    )
    if plan is None:
        empty_card(card, f"No runs at other temperatures are stored; `neft sweep {TEMPERATURE}` makes them.")
        return
    points = plans.points(plan, TEMPERATURE, columns.ACCURACY, stamp)
    figure = charts.setting_points(
        points,
        axis_title=experiment.axis,
        numeric=experiment.numeric,
        logarithmic=experiment.logarithmic,
        interval_name=f"mean, {sentences.spread_words(points)}",
        mode=theme_mode(),
    )
    chart_card(card, figure, points)


def _takeaway(numbers: Numbers) -> str:
    told = float(numbers.irs_over_control[columns.LOWER]) > 0
    finding = "IRS gains more than its control" if told else "no gain of IRS over its control is told apart from zero"
    return (
        f"Here {finding}. A method that changes two things needs a control that changes one: without it the "
        "temperature's gain would be credited to the feedback."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    return (
        Link(Page.CLAIMS, "Every claim, with its verdict"),
        Link(Page.ACCURACY, "Differences to the control", numbers.comparison.address),
        Link(Page.EXPERIMENTS, "Temperature alone", {address.EXPERIMENT: TEMPERATURE}),
        Link(Page.EXPERIMENTS, "Number of feedback terms", {address.EXPERIMENT: "feedback_terms"}),
    )


LESSON = Lesson(
    name="Feedback",
    title="Feedback and temperature",
    goal="Ask of a method's gain which of its parts brings it, with a control.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
