"""Why networks break: a typical deviation beside a typical weight, the curve, the layers, the chips."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts import Mark
from dashboard.charts.prediction import mark_prediction
from dashboard.data import previews, restorable, stored, teaching
from dashboard.data.citations import cite
from dashboard.data.stored import RunRecord, look
from dashboard.lessons.base import Guess, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import VANILLA, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent, with_interval
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import same_sigma_d, sigma_d_text

CLOSE = 7.0
LAYERS = r"""
**One layer at a time.** The devices of one layer miss with $\sigma_d$, those of all others hit their targets. The
instant preview tries every image on a chip of its own; dots and band are 95 % intervals of the mean.
"""
DEVIATIONS_DEFINITION = r"""
Sampled $W_p-W_d$ over the layer's RMS weight; the dashed line is the closed form. $\mathrm{std}(W_p-W_d)=
0.7776\,\sigma_d\,w_{max}$ ([Qin2025], Eq. 5; RRAM1, 8-bit weights on 2-bit devices), so over a typical weight it is
$0.7776\,\sigma_d\,w_{max}/\mathrm{RMS}(w)$.
"""
ACCURACY = (
    "Mean over seeds and chips with its 95 % interval, both counted as random. Chance is the accuracy of guessing."
)
BACKGROUND = (
    """
**What is deployed.** Training ends with a list of weights. Each is written onto its devices once, and from then on the
chip computes with what was written: every weight is off by an amount of its own, and stays off.
""",
    """
**What a deviation meets.** A layer's output is a sum of many products. Errors of n weights partly cancel: their sum
grows like √n, not like n. But each layer hands its errors to the next, and a network that never met one had no reason
to leave room for it.
""",
    """
**How it is measured.** The network is written onto many sampled chips, and every chip is asked the same test images
(Monte Carlo). Accuracy is then no number but a distribution: a mean, a spread, and chips that are worse than the rest.
""",
)


@dataclass(frozen=True)
class Numbers:
    """The network trained without noise."""

    comparison: Comparison
    record: RunRecord
    """Its lowest seed."""
    sigma_d: float
    curve: pd.DataFrame
    ratio: float
    """A typical deviation over a typical weight, mean over layers."""

    @property
    def tried(self) -> "pd.Series[float]":
        """The curve's row at the lesson's device variation."""
        return self.curve[same_sigma_d(self.curve[columns.SIGMA_D], self.sigma_d)].iloc[0]

    @property
    def clean(self) -> float:
        """Accuracy without variation."""
        return float(self.curve[columns.MEAN].iloc[0])


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(VANILLA)
    if isinstance(comparison, Missing):
        return comparison
    sigma_d = comparison.near
    record = comparison.records(VANILLA, sigma_d)[0]
    ratios = stored.deviation_ratios((record.id,), sigma_d)
    if ratios.empty:
        return Missing("a network trained without noise whose stored deviations can be read")
    ratio = float(ratios[columns.MEAN].iloc[0])
    return Numbers(comparison, record, sigma_d, comparison.curves(VANILLA, None), ratio)


@alone
def _show(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    frame = stored.deviations((numbers.record.id,), numbers.sigma_d, "rms")
    layers = list(frame[columns.LAYER].unique())
    frame = frame[frame[columns.LAYER].isin([layers[0], layers[len(layers) // 2], layers[-1]])]
    with left:
        chart_card(
            Card(
                key="typical",
                question="How large is a deviation beside a weight?",
                caption=f"At {SIGMA_D} = {sigma_d_text(numbers.sigma_d)}, over the RMS weight of three of its "
                f"{len(layers)} layers: a deviation of 1 is as large as a typical weight.",
                definition=DEVIATIONS_DEFINITION,
                alt="Histograms of weight deviations over the layer's RMS weight, one panel a layer.",
            ),
            charts.weight_deviations(frame, x_title="deviation over a typical (RMS) weight", mode=theme_mode()),
            frame,
        )
    with right:
        st.latex(r"\frac{\mathrm{std}(W_p-W_d)}{\mathrm{RMS}(w)}=0.7776\,\sigma_d\,\frac{w_{max}}{\mathrm{RMS}(w)}")
        st.caption(
            cite("From [Qin2025], Eq. 5. The error is set by the layer's *largest* weight; most are far smaller.")
        )
        st.markdown(
            f"In this network a typical deviation is **{percent(numbers.ratio, 0)} %** of a typical weight, mean over "
            f"layers ({numbers.comparison.words})."
        )


def _question(numbers: Numbers) -> Guess:
    tried = numbers.tried
    mean, half = float(tried[columns.MEAN]), float(tried[columns.CI95])
    return Guess(
        words=f"Without variation this network, trained without noise, is right on **{percent(numbers.clean)} %** of "
        f"the images. **How many does it get right at {SIGMA_D} = {sigma_d_text(numbers.sigma_d)}?**",
        low=0.0,
        high=100.0,
        step=1.0,
        start=100.0,
        unit="%",
        truth=100 * mean,
        close=CLOSE,
        told=f"The chips keep **{with_interval(mean, half)}** ({sentences.spread_words(numbers.curve)}).",
    )


@alone
def _answer(numbers: Numbers) -> None:
    figure = charts.accuracy_vs_sigma_d(
        numbers.curve,
        slice_sigma_d=numbers.sigma_d,
        chance=numbers.comparison.chance,
        interval_name=f"mean, {sentences.spread_words(numbers.curve)}",
        connect=True,
        mode=theme_mode(),
    )
    said = prediction(LESSON.name)
    if said is not None:
        mark_prediction(figure, x=numbers.sigma_d, y=said, mode=theme_mode())
    left, right = st.columns(2)
    with left:
        chart_card(
            Card(
                key="vanilla_curve",
                question="How fast does it fall?",
                caption="The network never met variation in training; the star is your prediction. Look at how soon it "
                "nears chance.",
                definition=ACCURACY,
                alt="Accuracy of the network trained without noise against device variation.",
            ),
            figure,
            numbers.curve,
        )
    with right:
        _chips(numbers)
    _layers(numbers)


@alone
def _chips(numbers: Numbers) -> None:
    chips = teaching.chips_of(numbers.record, numbers.sigma_d)
    frame = teaching.histogram(chips)
    mean = teaching.mean_over_chips(chips).mean
    worst, best = float(chips.min()), float(chips.max())
    chart_card(
        Card(
            key="chips",
            question="Is one chip like another?",
            caption=f"The same weights on {len(chips)} chips: the worst keeps {percent(worst)} %, the best "
            f"{percent(best)} %. Only the devices' luck differs.",
            definition="One network (the lowest seed), one bar a range of accuracy, counted over its stored chips.",
            alt="Histogram of chips by accuracy, one network.",
        ),
        charts.chip_histogram(
            frame,
            marks=(Mark("mean", mean),),
            look=look(numbers.record),
            x_title="a chip's accuracy (%)",
            mode=theme_mode(),
        ),
        frame,
    )


@alone
def _layers(numbers: Numbers) -> None:
    card = Card(
        key="layers",
        question="Which layer costs the accuracy?",
        caption="Variation in one layer at a time, beside none and all. The losses of single layers need not add up.",
        definition=LAYERS,
        alt="Accuracy with variation in one layer at a time.",
    )
    with_weights = {record.id for record in restorable.candidates()}
    if numbers.record.id not in with_weights:
        empty_card(card, "This run was stored without its weights, which trying its layers needs.")
        return
    try:
        with st.spinner("Trying the layers one by one …"):
            stream = previews.layers(numbers.record, previews.own_device(numbers.record), numbers.sigma_d)
            while not stream.is_finished:
                stream.advance()
            found = previews.by_layer(stream)
    except NeftError as error:
        empty_card(card, str(error))
        return
    figure = charts.layer_costs(
        found.alone, found.together, clean=found.clean, look=look(numbers.record), mode=theme_mode()
    )
    chart_card(card, figure, found.alone)


def _takeaway(numbers: Numbers) -> str:
    return (
        f"A deviation of {percent(numbers.ratio, 0)} % of a typical weight takes accuracy from "
        f"{percent(numbers.clean)} % to {percent(float(numbers.tried[columns.MEAN]))} %. Small errors in "
        f"{numbers.record.summary.num_devices:,} devices add up layer by layer, and each chip has its own."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    return (
        Link(
            Page.CHIP,
            "Open one of its unlucky chips",
            {address.RUNS: numbers.record.id, address.CHIP_SIGMA_D: sigma_d_text(numbers.sigma_d)},
        ),
        Link(Page.WEIGHTS, "Deviations of every layer", numbers.comparison.address),
        Link(Page.PREVIEW, "This network at any variation, layer by layer", {address.RUNS: numbers.record.id}),
    )


LESSON = Lesson(
    name="Networks break",
    title="Why networks break",
    goal="Hold a deviation against the weights it hits, and see what becomes of a network that never met one.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
