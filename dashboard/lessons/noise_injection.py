"""Noise injection: train under the noise that will come, and what that costs."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts.prediction import mark_prediction
from dashboard.lessons.base import Guess, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import INJECTION, VANILLA, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent, with_interval
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text

CLOSE = 1.5
DEFINITION = r"""
**Noise injection** minimises $\mathrm{CE}\big(f(x;\,W+\Delta W),\,y\big)$ with a freshly sampled chip
$\Delta W$ in every step; gradients update the noise-free weights (the baseline with noise of [Qin2025]).

*Matched*: each point is a network trained at the $\sigma_d$ at which it is tried. *Fixed*: one network over all.
"""
BACKGROUND = (
    """
**The idea.** What will be off on the chip can be off in training too. At every step the forward pass takes weights with
a fresh draw of the noise; the loss is taken with them, and the gradient moves the clean weights.
""",
    """
**What it asks for.** The loss is then a mean over draws. A narrow valley is a bad place for such a mean, as most draws
land on its slopes; a wide one is a good place. Noise in training looks for wide valleys.
""",
    """
**What it may cost.** Gradients are noisier, so a training of the same length gets less far. And a network that must be
right under any draw may give up something where there is none: that is what you are asked below.
""",
)


@dataclass(frozen=True)
class Numbers:
    """Networks trained with noise beside one trained without."""

    comparison: Comparison
    fixed: pd.DataFrame
    """train_sigma_d, and a curve's columns."""
    vanilla: pd.DataFrame
    cost: float
    """What the noisiest training loses without variation, seed by seed."""
    cost_ci95: float

    @property
    def largest(self) -> float:
        """The noisiest training."""
        return self.comparison.sigma_ds[-1]

    def clean_at(self, train_sigma_d: float) -> "pd.Series[float]":
        """A noise-trained network without variation."""
        rows = self.fixed[same_sigma_d(self.fixed[columns.TRAIN_SIGMA_D], train_sigma_d)]
        return rows[rows[columns.SIGMA_D] == 0].iloc[0]

    @property
    def clean(self) -> "pd.Series[float]":
        """The network trained without noise, without variation."""
        return self.vanilla[self.vanilla[columns.SIGMA_D] == 0].iloc[0]


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(VANILLA, INJECTION)
    if isinstance(comparison, Missing):
        return comparison
    curves = [comparison.curves(INJECTION, at).assign(**{columns.TRAIN_SIGMA_D: at}) for at in comparison.sigma_ds]
    clean = comparison.clean_difference(INJECTION, VANILLA, comparison.sigma_ds[-1])
    return Numbers(
        comparison,
        pd.concat(curves, ignore_index=True),
        comparison.curves(VANILLA, None),
        cost=-float(clean[columns.MEAN]),
        cost_ci95=float(clean[columns.CI95]),
    )


@alone
def _show(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    points = numbers.comparison.of(VANILLA, INJECTION)
    with left:
        chart_card(
            Card(
                key="matched",
                question="What does training under noise bring?",
                caption=f"Matched: every point of noise injection was trained at the {SIGMA_D} it meets.",
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
        st.latex(r"\mathcal L=\mathrm{CE}\big(f(x;\,W+\Delta W),\ y\big)")
        st.caption(
            "ΔW is a fresh chip in every step; the noise-free weights W are updated. The baseline of NeFT's figures."
        )
        gained = numbers.comparison.at(INJECTION, numbers.largest)
        kept = numbers.comparison.at(VANILLA, numbers.largest)
        st.markdown(
            f"At {SIGMA_D} = {sigma_d_text(numbers.largest)}: **{_words(kept)}** without, **{_words(gained)}** with "
            f"noise in training ({numbers.comparison.words})."
        )


def _words(row: "pd.Series[float]") -> str:
    return with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))


def _question(numbers: Numbers) -> Guess:
    return Guess(
        words=f"Now take the variation away. The network trained without noise keeps {_words(numbers.clean)}. "
        f"**How many points less does the one trained at {SIGMA_D} = {sigma_d_text(numbers.largest)} keep on "
        "perfect devices?**",
        low=0.0,
        high=40.0,
        step=0.5,
        start=0.0,
        unit="points",
        truth=100 * numbers.cost,
        close=CLOSE,
        told=f"It keeps **{_words(numbers.clean_at(numbers.largest))}**: {percent(numbers.cost)} "
        f"± {percent(numbers.cost_ci95)} points less, seed by seed.",
    )


@alone
def _answer(numbers: Numbers) -> None:
    figure = charts.curves_by_training(
        numbers.fixed,
        noise_free=numbers.vanilla,
        matched=numbers.comparison.of(INJECTION),
        chance=numbers.comparison.chance,
        mode=theme_mode(),
    )
    said = prediction(LESSON.name)
    if said is not None:
        expected = 100 * float(numbers.clean[columns.MEAN]) - said
        mark_prediction(figure, x=0.0, y=expected, mode=theme_mode())
    chart_card(
        Card(
            key="fixed",
            question="Matched, or one network for all?",
            caption=f"A line is one training, tried at every {SIGMA_D}; rings stand where it was trained. Look at "
            f"{SIGMA_D} = 0 for what a large training {SIGMA_D} costs, right of its ring for what a small one does.",
            definition=DEFINITION,
            alt="Accuracy against device variation of networks trained at different device variations.",
        ),
        figure,
        numbers.fixed,
    )
    each = ", ".join(f"{sigma_d_text(at)}: {_words(numbers.clean_at(at))}" for at in numbers.comparison.sigma_ds)
    st.markdown(f"On perfect devices, by training {SIGMA_D}: without noise {_words(numbers.clean)}; {each}.")


def _takeaway(numbers: Numbers) -> str:
    if numbers.cost > numbers.cost_ci95:
        cost = f"and the strongest dose costs {percent(numbers.cost)} points on perfect devices"
    else:
        cost = "and no cost on perfect devices is told apart from zero here"
    return (
        f"Training under the noise that will come is the first remedy, {cost}. “Matched” curves hide that cost: they "
        "assume that the chips' variation is known before training."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    return (
        Link(
            Page.ACCURACY,
            "One network over every variation",
            numbers.comparison.address
            | {address.PROTOCOL: "fixed", address.TRAIN_SIGMA_D: sigma_d_text(numbers.comparison.near)},
        ),
        Link(Page.EXPERIMENTS, "Trained noisier than tested", {address.EXPERIMENT: "over_noise"}),
        Link(Page.TRAIN, "Train one yourself"),
    )


LESSON = Lesson(
    name="Noise injection",
    title="Noise injection",
    goal="Train under the noise that will come, see what it brings, and what it costs.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
