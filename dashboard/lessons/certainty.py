"""What EKL says and hides: correct predictions only, and the scale of the logits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import address, charts
from dashboard.charts.prediction import ends_upwards, mark_predicted_range
from dashboard.data.citations import cite
from dashboard.lessons.base import Choice, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import ALL, INJECTION, IRS, VANILLA, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.experiments.claim_words import effect_words, verdict_words
from neft.experiments.questions import CONTROL
from neft.sigma_d import sigma_d_text

OPTIONS = (
    "It falls: the chip looks surer of what it still gets right",
    "It rises, but less than twofold",
    "It more than doubles: the chip looks far less sure",
)
BOUNDS = (1.0, 2.0)
MARKED = 0.02
"""Half the width of the mark of a prediction, as a share of σ_d."""
DEFINITION = r"""
**EKL** $=\mathbb E\big[-\ln p_y\ \big|\ \text{predicted right}\big]$, in nats: the divergence of the softmax from the
one-hot truth, averaged over the images a chip gets *right* ([Qin2025], section 4.2). Lower is surer.

**Calibrated EKL** is the same after dividing the logits by one temperature per network and $\sigma_d$, fitted on
validation images ([Guo2017]). It changes no prediction and takes the scale of the logits out.
"""
BACKGROUND = (
    """
**Confidence.** Softmax turns logits into probabilities, and the largest of them is how sure a chip says it is. A chip
can be sure and wrong: device variation need not make it doubt.
""",
    """
**What EKL measures.** Minus the logarithm of the probability of the true class: 0 where the chip gives it all, 0.69
where it gives a half. It is averaged over the images that are predicted right, and only those.
""",
    """
**Two things to watch.** Which images are counted changes from chip to chip. And the size of the logits enters: larger
ones look surer, with the same order and the same mistakes.
""",
)


@dataclass(frozen=True)
class Numbers:
    """EKL of the comparison's methods."""

    comparison: Comparison
    ekl: pd.DataFrame
    calibrated: pd.DataFrame
    """Empty where the runs are older than the calibration."""
    irs_against_control: "pd.Series[float] | None"
    """The claim that IRS's EKL is below its control's, decided."""

    @property
    def ends(self) -> tuple[float, float]:
        """The two device variations that are compared: the lesson's, and the largest."""
        return self.comparison.near, self.comparison.sigma_ds[-1]

    def value(self, variant: str, sigma_d: float, points: pd.DataFrame) -> float:
        """A mean."""
        return float(self.comparison.at(variant, sigma_d, points)[columns.MEAN])

    @property
    def growth(self) -> float:
        """The EKL of the network trained without noise at the larger device variation, over that at the smaller."""
        near, far = self.ends
        return self.value(VANILLA, far, self.ekl) / self.value(VANILLA, near, self.ekl)

    def ratio(self, points: pd.DataFrame) -> float:
        """Noise injection's EKL over IRS's."""
        near = self.ends[0]
        return self.value(INJECTION, near, points) / self.value(IRS, near, points)


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(*ALL)
    if isinstance(comparison, Missing):
        return comparison
    calibrated = comparison.metric(columns.CALIBRATED_EKL)
    known = calibrated[calibrated[columns.NUM_SEEDS] > 0]
    complete = set(ALL) <= set(known[columns.VARIANT])
    return Numbers(
        comparison,
        comparison.of(*ALL, points=comparison.metric(columns.EKL)),
        comparison.of(*ALL, points=known) if complete else known.iloc[:0],
        comparison.claim("irs_ekl_below_control"),
    )


@alone
def _show(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    near, far = numbers.ends
    points = numbers.comparison.of(VANILLA, INJECTION)
    with left:
        chart_card(
            Card(
                key="known",
                question="How many images are right?",
                caption=f"Trained without noise, the network falls from {_accuracy(numbers, near)} % at {SIGMA_D} = "
                f"{sigma_d_text(near)} to {_accuracy(numbers, far)} % at {sigma_d_text(far)}.",
                definition=DEFINITION,
                alt="Accuracy against device variation of training with and without noise.",
            ),
            charts.accuracy_vs_sigma_d(
                points,
                slice_sigma_d=None,
                chance=numbers.comparison.chance,
                interval_name=f"mean, {sentences.spread_words(points)}",
                connect=True,
                mode=theme_mode(),
            ),
            points,
        )
    with right:
        st.latex(r"\mathrm{EKL}=\mathbb E\big[-\ln p_y\ \big|\ \hat y=y\big]")
        st.caption(
            cite("[Qin2025], section 4.2, in nats. Lower means surer, and only images that were predicted right count.")
        )
        st.latex(r"p=\mathrm{softmax}(O/T)")
        st.caption("A larger scale of the logits, or a smaller T, makes every prediction look surer.")


def _accuracy(numbers: Numbers, sigma_d: float) -> str:
    return percent(float(numbers.comparison.at(VANILLA, sigma_d)[columns.MEAN]))


def _question(numbers: Numbers) -> Choice:
    near, far = numbers.ends
    before, after = (numbers.value(VANILLA, at, numbers.ekl) for at in numbers.ends)
    easy = ": whoever is right only where it is easy looks sure" if after < before else ""
    return Choice(
        words=f"From {SIGMA_D} = {sigma_d_text(near)} to {sigma_d_text(far)} the network trained without noise falls "
        f"from {_accuracy(numbers, near)} % to {_accuracy(numbers, far)} % right. **What does its EKL do?**",
        options=OPTIONS,
        truth=sum(numbers.growth >= bound for bound in BOUNDS),
        told=f"It goes from **{before:.3f}** to **{after:.3f} nats**{easy}.",
    )


@alone
def _answer(numbers: Numbers) -> None:
    left, right = st.columns(2)
    with left:
        _ekl(
            numbers.ekl,
            key="ekl",
            question="What does EKL say?",
            title="EKL (nats)",
            caption=_ekl_caption(numbers),
            mark=partial(_mark, numbers),
        )
    with right:
        if numbers.calibrated.empty:
            card = _card("calibrated", "And with the scale taken out?", "")
            empty_card(card, "These runs were stored before the calibrated EKL was taken; run the experiment again.")
        else:
            _ekl(
                numbers.calibrated,
                key="calibrated",
                question="And with the scale taken out?",
                title="calibrated EKL (nats)",
                caption=_calibrated_caption(numbers),
            )


def _card(key: str, question: str, caption: str) -> Card:
    return Card(key, question, caption, DEFINITION, alt=f"{question} By method, against device variation.")


def _mark(numbers: Numbers, figure: go.Figure) -> None:
    """The predicted range at the larger device variation; open ends reach the axis's."""
    said = prediction(LESSON.name)
    if said is None:
        return
    near, far = numbers.ends
    bottom, top = (10.0**end for end in ends_upwards(figure))
    ends = [bottom, *(bound * numbers.value(VANILLA, near, numbers.ekl) for bound in BOUNDS), top]
    x = [far * (1 - MARKED), far * (1 + MARKED)]
    mark_predicted_range(figure, x=x, low=[ends[int(said)]] * 2, high=[ends[int(said) + 1]] * 2, mode=theme_mode())


@alone
def _ekl(
    points: pd.DataFrame,
    *,
    key: str,
    question: str,
    title: str,
    caption: str,
    mark: Callable[[go.Figure], None] = lambda _figure: None,
) -> None:
    spread = sentences.spread_words(points)
    figure = charts.ekl_vs_sigma_d(points, interval_name=f"mean, {spread}", metric_title=title, mode=theme_mode())
    mark(figure)
    chart_card(_card(key, question, caption), figure, points)


def _ekl_caption(numbers: Numbers) -> str:
    near = numbers.ends[0]
    control, irs = (numbers.value(name, near, numbers.ekl) for name in (CONTROL, IRS))
    return (
        f"At {SIGMA_D} = {sigma_d_text(near)} IRS has {irs:.4f} nats, {numbers.ratio(numbers.ekl):.1f} times less than "
        f"noise injection; the control, without feedback, has {control:.4f}."
    )


def _calibrated_caption(numbers: Numbers) -> str:
    _, far = numbers.ends
    vanilla = numbers.value(VANILLA, far, numbers.calibrated)
    return (
        f"Noise injection over IRS is now {numbers.ratio(numbers.calibrated):.1f}, and the network trained without "
        f"noise is told: {vanilla:.2f} nats at {SIGMA_D} = {sigma_d_text(far)}."
    )


def _takeaway(numbers: Numbers) -> str:
    claim = numbers.irs_against_control
    words = "A low EKL alone proves nothing: read it beside the accuracy, and calibrated."
    if claim is None:
        return words
    row = claim.to_dict()
    return (
        f"{words} Beside the control, which has the temperature and no feedback, IRS's EKL is "
        f"{effect_words(row)}; that it is lower: {verdict_words(row)}."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    return (
        Link(Page.UNCERTAINTY, "Is confidence right?", numbers.comparison.address),
        Link(
            Page.EXPERIMENTS,
            "EKL after calibration",
            {address.EXPERIMENT: "accuracy", address.METRIC: columns.CALIBRATED_EKL},
        ),
    )


LESSON = Lesson(
    name="EKL",
    title="What EKL says and hides",
    goal="Read a measure of certainty with its two traps: who is counted, and on which scale.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
