"""The mean against the unlucky chip: percentiles, how many chips know them, and what pairing saves."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts import Mark
from dashboard.data import teaching
from dashboard.data.citations import cite
from dashboard.data.stored import RunRecord, look
from dashboard.lessons.base import Guess, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import INJECTION, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.sentences import SIGMA_D, percent, signed, with_interval
from neft import columns
from neft.experiments.questions import CONTROL
from neft.sigma_d import sigma_d_text

FIRST, FIFTH = 0.01, 0.05
CLOSE = 1.5
DEFINITION = r"""
**The k-th percentile** is the accuracy that all but k % of the chips beat (KPP$_k$; with k = 1 a realistic worst case,
[Yan2022]).

Its limits assume nothing of how chips spread: of n chips the number below the percentile is binomial, so an ordered
chip bounds it with a known probability ([David2003], section 7.1); either limit holds with at
least 95 %. Until $1-0.99^n\ge 0.95$ there is **no lower limit**: the chip that would set it has not been seen yet.
"""
ALT = "Histogram of one network's chips by accuracy, with the mean and the lowest percentiles."
BACKGROUND = (
    """
**Many chips, one network.** Each chip draws its own deviations. Someone who sells chips cares less about the mean than
about those at the lower end: they are shipped too.
""",
    cite(
        """
**A percentile.** The 1st percentile is the accuracy that 99 of 100 chips reach. To say something of it takes chips
below it: of 100 chips one is expected there, and often there is none. Bounds come from counting ([David2003], section
7.1).
"""
    ),
    """
**Pairing.** Two methods tried on the same sampled errors share their luck. The difference chip by chip leaves that luck
out, so its interval is narrower than those of the two means.
""",
)


@dataclass(frozen=True)
class Numbers:
    """One network's chips."""

    comparison: Comparison
    record: RunRecord
    other: RunRecord
    """The control's network of the same seed."""
    sigma_d: float
    chips: "pd.Series[float]"
    pairs: Any
    """The control - noise injection on common chips."""

    @property
    def first(self) -> teaching.Percentile:
        """The 1st percentile."""
        return teaching.percentile(self.chips, FIRST)


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(INJECTION, CONTROL)
    if isinstance(comparison, Missing):
        return comparison
    sigma_d = _middle(comparison.sigma_ds)
    record = comparison.records(INJECTION, sigma_d)[0]
    other = comparison.records(CONTROL, sigma_d)[0]
    pairs = teaching.difference(other, record, sigma_d)
    return Numbers(comparison, record, other, sigma_d, teaching.chips_of(record, sigma_d), pairs)


def _middle(sigma_ds: list[float]) -> float:
    """Large enough that chips differ, small enough that the network works."""
    return sigma_ds[(2 * len(sigma_ds) - 1) // 3]


def _show(numbers: Numbers) -> None:
    mean = teaching.mean_over_chips(numbers.chips)
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.markdown(
            f"One network, noise injection trained at {SIGMA_D} = {sigma_d_text(numbers.sigma_d)} "
            f"({numbers.comparison.words}; seed {numbers.record.facts.seed}), is programmed into "
            f"**{len(numbers.chips)} chips** of that {SIGMA_D}. Their mean accuracy is "
            f"**{with_interval(mean.mean, mean.ci95)}**: known to {percent(mean.ci95)} points."
        )
        st.markdown(
            "Nobody sells a mean. Whoever ships chips asks for the one that all but one in a hundred beat: the **1st "
            "percentile**."
        )
    with right:
        st.latex(r"\mathrm{KPP}_k=\max\big\{a:\ P(\text{accuracy}<a)\le k\,\%\big\}")
        st.caption(cite("The k-th percentile over chips ([Yan2022]: a realistic worst case)."))


def _question(numbers: Numbers) -> Guess:
    mean, first = teaching.mean_over_chips(numbers.chips).mean, numbers.first
    ends = "" if first.upper != first.upper else f", and it may be as high as {percent(first.upper)} %"
    return Guess(
        words=f"The mean chip keeps {percent(mean)} % of the images right. **What does the 1st percentile keep?**",
        low=0.0,
        high=100.0,
        step=0.5,
        start=100.0,
        unit="%",
        truth=100 * first.value,
        close=CLOSE,
        told=f"These chips put it at **{percent(first.value)} %**, {percent(mean - first.value)} points below the "
        f"mean{ends}.",
    )


def _answer(numbers: Numbers) -> None:
    left, right = st.columns(2)
    with left:
        _histogram(numbers)
    with right:
        _estimates(numbers)
    _pairing(numbers)


@alone
def _histogram(numbers: Numbers) -> None:
    chips, frame = numbers.chips, teaching.histogram(numbers.chips)
    marks = (
        Mark("mean", teaching.mean_over_chips(chips).mean),
        Mark("5th percentile", teaching.percentile(chips, FIFTH).value, dash="dash"),
        Mark("1st percentile", numbers.first.value, dash="dot"),
    )
    said = prediction(LESSON.name)
    if said is not None:
        marks = (*marks, Mark("your prediction", said / 100, dash="longdash"))
    chart_card(
        Card("luck", "Where is the unlucky chip?", "Bars count chips; the worst are the customers'.", DEFINITION, ALT),
        charts.chip_histogram(
            frame, marks=marks, look=look(numbers.record), x_title="a chip's accuracy (%)", mode=theme_mode()
        ),
        frame,
    )


@alone
def _estimates(numbers: Numbers) -> None:
    frame = teaching.estimates(numbers.chips, FIRST)
    needed = teaching.chips_for_a_lower_limit(FIRST)
    chart_card(
        Card(
            key="needed",
            question="How many chips know it?",
            caption=f"The mean settles soon. The 1st percentile has no lower limit before {needed} chips: with fewer, "
            "more than one set in twenty holds no chip that bad.",
            definition=DEFINITION,
            alt="The mean with its interval and the 1st percentile with its limits over the number of chips tried.",
        ),
        charts.estimates_by_chips(
            frame, names={"mean": "mean", "percentile": "1st percentile"}, look=look(numbers.record), mode=theme_mode()
        ),
        frame,
    )


def _pairing(numbers: Numbers) -> None:
    pairs = numbers.pairs
    apart, together = float(pairs[columns.INDEPENDENT_CI95]), float(pairs[columns.DIFFERENCE_CI95])
    left, right = st.columns(2)
    with left:
        st.latex(r"h_{\text{paired}}=t\,\sqrt{\mathrm{var}(A-B)/n}")
    with right:
        st.latex(r"h_{\text{apart}}=t\,\sqrt{\mathrm{var}A/n+\mathrm{var}B/n}")
    st.markdown(
        f"**Pairing.** Chip 7 is the same chip for every method. On these {int(pairs[columns.NUM_PAIRS])} chips the "
        f"control is {signed(float(pairs[columns.DIFFERENCE]))} points from noise injection, ± {percent(together, 2)} "
        f"taken chip by chip and ± {percent(apart, 2)} had either met chips of its own: as much as "
        f"{float(pairs[columns.NUM_INDEPENDENT]):.0f} unpaired chips each would tell."
    )


def _takeaway(numbers: Numbers) -> str:
    mean = teaching.mean_over_chips(numbers.chips)
    return (
        f"A mean known to {percent(mean.ci95)} points says nothing of the worst chip in a hundred, "
        f"{percent(mean.mean - numbers.first.value)} points below it. Give intervals, say over what, and compare on "
        "the same chips."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    at = sigma_d_text(numbers.sigma_d)
    return (
        Link(
            Page.CHIP,
            "Open this network's unlucky chip",
            {address.RUNS: numbers.record.id, address.CHIP_SIGMA_D: at, address.CHIP: "1"},
        ),
        Link(
            Page.ACCURACY,
            "Unlucky chips of every method",
            numbers.comparison.address | {address.SLICE: at, address.PERCENTILE: "1"},
        ),
        Link(
            Page.COMPARE,
            "The two networks, chip by chip",
            {address.RUNS: [numbers.record.id, numbers.other.id], address.SLICE: at},
        ),
    )


LESSON = Lesson(
    name="Unlucky chip",
    title="The mean against the unlucky chip",
    goal="Know what a mean hides, how many chips a percentile takes, and what pairing saves.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
