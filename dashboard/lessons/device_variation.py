"""What σ_d is: one weight on its devices."""

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from dashboard import address, charts
from dashboard.charts.prediction import mark_predicted_span
from dashboard.data import teaching
from dashboard.data.citations import cite
from dashboard.data.teaching import OneWeight
from dashboard.lessons.base import Choice, Lesson, Link, prediction
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.crossbar_card import crossbar_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.sigma_d import sigma_d_text

OPTIONS = (
    "All four add alike, a quarter each",
    "The most significant adds about half",
    "The most significant adds about three quarters",
    "The most significant adds more than nine tenths",
)
BOUNDS = (0.4, 0.65, 0.9)
ENDS = (0.25, *BOUNDS, 1.0)
"""Of the shares that the options stand for; of four devices the largest has a quarter at least."""
DEFINITION = r"""
$$W_d=\frac{w_{max}}{2^M-1}\sum_j g_j\,2^{jK},\qquad W_p=W_d+\frac{w_{max}}{2^M-1}\sum_j\Delta g_j\,2^{jK}$$

([Qin2025], Eq. 4 and 5), with $\Delta g_j\sim\mathcal N(0,\ \sigma_d(2^K-1))$, because $\sigma_d$ is a device's error
over its *maximal* conductance. Here M = 8 bits on devices of K = 2 bits, RRAM1: every level misses alike.
"""


WHERE_IT_LIES = """
**Computing in memory.** A layer multiplies its inputs by its weights. On a crossbar the inputs are voltages on the
rows and the weights are *conductances* of devices where rows and columns cross; by Ohm's law every device draws
current = voltage × conductance, and a column adds its currents by itself. No weight is ever moved.

**Why several devices a weight.** A device tells only a few levels apart, here 4 (2 bits). An 8-bit weight is therefore
cut into four *slices*, digits to the base 4, a device each; their columns' sums are counted 64, 16, 4 and 1 times.

**Why it misses.** A device is set to its level by pulses and ends up near it, never on it. Each of the four misses by
a bit of its own on every chip, and stays so: that is device variation.
"""


@dataclass(frozen=True)
class Numbers:
    """A weight on its devices."""

    sigma_d: float
    magnitude: float
    weight: OneWeight


def _prepare() -> Numbers:
    left, right = st.columns(2)
    with left:
        sigma_d = st.slider(
            f"Device variation {SIGMA_D}",
            0.01,
            0.3,
            0.1,
            0.01,
            key=address.LESSON_SIGMA_D,
            bind="query-params",
            help="Std of one device's error over its maximal conductance. Move it and watch the heap spread.",
        )
    with right:
        magnitude = st.slider(
            "Wanted weight, % of the layer's largest",
            0,
            100,
            60,
            1,
            key=address.LESSON_WEIGHT,
            bind="query-params",
            help="|w| over w_max. It decides the devices' levels; how far they miss does not depend on it.",
        )
    return Numbers(sigma_d, magnitude / 100, teaching.one_weight(magnitude / 100, sigma_d))


@alone
def _show(numbers: Numbers) -> None:
    weight = numbers.weight
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        crossbar_card(weight.devices, sign=weight.sign, max_level=weight.max_level)
    with right:
        st.markdown(WHERE_IT_LIES)
    left, right = st.columns(2)
    with left:
        chart_card(
            Card(
                key="levels",
                question="Where do the four devices land?",
                caption="A dot is a device on one chip, the tick its wanted level. All four miss alike, in levels.",
                definition=DEFINITION,
                alt="Programmed levels of one weight's four devices on sampled chips.",
            ),
            charts.slice_levels(weight.levels, max_level=weight.max_level, mode=theme_mode()),
            weight.levels,
        )
    with right:
        ratio = weight.realised_std / numbers.sigma_d
        chart_card(
            Card(
                key="weight",
                question="What becomes of the weight?",
                caption=(
                    f"{weight.num_chips:,} chips: std {weight.realised_std:.4f} of $w_{{max}}$, {ratio:.3f} times "
                    f"{SIGMA_D}; closed form {weight.closed_form_std:.4f}."
                ),
                definition=DEFINITION,
                alt="Histogram of one programmed weight over sampled chips, with the closed form.",
            ),
            charts.programmed_weight(weight.histogram, target=weight.target, mode=theme_mode()),
            weight.histogram,
        )
    left, right = st.columns(2)
    with left:
        st.latex(r"\Delta g_j\sim\mathcal N\big(0,\ \sigma_d(2^K-1)\big)")
        st.caption(
            cite(
                rf"A device's error in levels: {SIGMA_D} is over its *maximal* level, $2^K-1=3$ "
                "([Qin2025], section 4.1)."
            )
        )
    with right:
        st.latex(r"W_p=W_d+\frac{w_{max}}{2^M-1}\sum_j\Delta g_j\,2^{jK}")
        st.caption(cite("The weight's: slice $j$ counts $2^{jK}$, here 1, 4, 16 and 64 ([Qin2025], Eq. 5)."))


def _share(numbers: Numbers) -> float:
    return float(numbers.weight.shares[columns.VARIANCE_SHARE].max())


def _question(numbers: Numbers) -> Choice:
    share = _share(numbers)
    sampled = float(numbers.weight.shares[columns.MEAN].max())
    return Choice(
        words="Four devices hold the weight, and all of them miss alike. **Which share of the weight's variance comes "
        "from the most significant one?**",
        options=OPTIONS,
        truth=sum(share >= bound for bound in BOUNDS),
        told=f"It adds {percent(share, 2)} % in closed form, {percent(sampled)} % on these sampled chips.",
    )


def _shares(numbers: Numbers) -> go.Figure:
    """The devices' shares, with the predicted one."""
    figure, said = charts.variance_shares(numbers.weight.shares, mode=theme_mode()), prediction(LESSON.name)
    if said is not None:
        largest = int(numbers.weight.shares[columns.VARIANCE_SHARE].to_numpy().argmax())
        low, high = (100 * end for end in ENDS[int(said) : int(said) + 2])
        mark_predicted_span(figure, place=largest, low=low, high=high, mode=theme_mode())
    return figure


@alone
def _answer(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        chart_card(
            Card(
                key="shares",
                question="Which device does the damage?",
                caption="Sampled share of the variance, device by device; hollow is the closed form.",
                definition=DEFINITION,
                alt="Share of the weight's variance by device.",
            ),
            _shares(numbers),
            numbers.weight.shares,
        )
    with right:
        st.latex(
            r"\frac{\mathrm{std}(W_p-W_d)}{\sigma_d\,w_{max}}=\sqrt{\frac{4^M-1}{4^K-1}}\;\frac{2^K-1}{2^M-1}="
            f"{numbers.weight.closed_form_std / numbers.sigma_d:.4f}"
        )
        st.caption("Closed form of Eq. 5: variances of independent devices add, each with its significance squared.")


def _takeaway(numbers: Numbers) -> str:
    return (
        f"At {SIGMA_D} = {numbers.sigma_d:g} every weight misses by {percent(numbers.weight.closed_form_std)} % of the "
        "layer's *largest* weight, whatever its own size. A small weight is swamped; a large one hardly moves."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    same = {
        address.WEIGHT_VALUE: f"{numbers.magnitude:g}",
        address.SLICED_SIGMA_D: sigma_d_text(numbers.sigma_d),
    }
    return (
        Link(Page.SLICES, "This weight on one chip, and on other devices", same),
        Link(Page.WEIGHTS, "Every layer of the trained networks"),
    )


LESSON = Lesson(
    name="Device variation",
    title=f"What {SIGMA_D} is",
    goal="See one weight on its devices, and how a device's error becomes the weight's.",
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
