"""Why the largest weight matters: errors scale with it, so a layer of equal weights suffers least."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts.prediction import mark_prediction
from dashboard.data import plans, stored
from dashboard.data.citations import cite
from dashboard.lessons.base import Guess, Lesson, Link, Missing, prediction
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent, with_interval
from neft import columns
from neft.experiments.questions import CONTROL, setting_key
from neft.sigma_d import sigma_d_text

EXPERIMENT = "flat_weights"
FREE, FLAT = "none", setting_key("alpha", 1.1)
"""The settings that the lesson sets against each other."""
CLOSE = 5.0
DEFINITION = r"""
Every device misses by $0.7776\,\sigma_d$ of its layer's **largest** weight ([Qin2025], Eq. 5; RRAM1, 8-bit weights
on 2-bit devices). A layer's *typical* weight is its root mean square. **Clipping** puts every weight back to within
$\pm\alpha\,\mathrm{RMS}(W)$ after each step ([Joshi2020] and others, with α near 2.5; α near 1 is our own
trial). *Saturating* weights lie behind a hyperbolic tangent, *binary* ones differ in sign alone.
"""
BACKGROUND = (
    """
**Devices have a full scale.** The largest weight of a layer takes a device's highest level; all others are
fractions of it. A device misses by a share σ_d of its full scale, wherever it was set.
""",
    """
**So the largest weight sets the noise.** A single large weight stretches the scale, and every other weight of the
layer gets its error on that scale. The ratio that counts is the largest weight over a typical one.
""",
    """
**Keeping it down.** Weights can be clipped at α standard deviations of their layer after every step, be bent by a
saturating function, or have but two values. The network has to find its way with less freedom: whether it pays is what
you are asked below.
""",
)


@dataclass(frozen=True)
class Numbers:
    """One size of the experiment."""

    plan: str
    words: str
    sigma_d: float
    points: pd.DataFrame
    """A row per temperature and constraint: mean accuracy with its interval, run_ids."""
    clean: pd.DataFrame
    """Likewise, without variation."""
    deviations: pd.DataFrame
    """Two networks' sampled deviations over a typical weight: the free one's and the clipped one's."""
    variants: dict[str, str]
    """Of these two, by setting."""
    ratios: dict[str, float]
    """By setting, a typical deviation over a typical weight, mean over layers, of the lowest seed."""

    def at(self, setting: str) -> "pd.Series[float]":
        """The row of a constraint at the papers' temperature."""
        return _row(self.points, setting)

    def clean_at(self, setting: str) -> "pd.Series[float]":
        """The same network without variation."""
        return _row(self.clean, setting)


def _row(points: pd.DataFrame, setting: str) -> "pd.Series[float]":
    return points[(points[columns.VARIANT] == CONTROL) & (points[columns.SETTING] == setting)].iloc[0]


def _prepare() -> Numbers | Missing:
    stamp = plans.fingerprint()
    sizes = plans.sizes(stamp).get(EXPERIMENT, {})
    for plan in sorted(sizes, key=lambda one: -plans.progress(one, EXPERIMENT, stamp).num_stored):
        points = plans.points(plan, EXPERIMENT, columns.ACCURACY, stamp)
        of_control = points[points[columns.VARIANT] == CONTROL].set_index(columns.SETTING)
        if not {FREE, FLAT} <= set(of_control.index):
            continue
        runs = {setting: stored.records(ids)[0] for setting, ids in of_control[columns.RUN_IDS].items()}
        sigma_d = runs[FREE].facts.train_sigma_d
        ratios = {
            str(setting): float(stored.deviation_ratios((run.id,), sigma_d)[columns.MEAN].iloc[0])
            for setting, run in runs.items()
        }
        deviations = stored.deviations((runs[FREE].id, runs[FLAT].id), sigma_d, "rms")
        clean = plans.clean_points(plan, EXPERIMENT, stamp)
        variants = {setting: runs[setting].facts.variant for setting in (FREE, FLAT)}
        return Numbers(
            plan, plans.size_and_training(plan, EXPERIMENT, stamp), sigma_d, points, clean, deviations, variants, ratios
        )
    return Missing("noise injection with and without a weight constraint", EXPERIMENT)


def _show(numbers: Numbers) -> None:
    layers = list(numbers.deviations[columns.LAYER].unique())
    some = numbers.deviations[numbers.deviations[columns.LAYER].isin([layers[0], layers[len(layers) // 2], layers[-1]])]
    left, right = st.columns(2)
    with left:
        _errors(numbers, some, FREE, "Errors beside a typical weight", "Nothing constrains these weights")
    with right:
        _errors(numbers, some, FLAT, "The same, clipped", "None of these exceeds 1.1 times its layer's RMS")
    words, formula = st.columns([3, 2], vertical_alignment="center")
    with words:
        st.markdown(
            f"The same devices, {SIGMA_D} = {sigma_d_text(numbers.sigma_d)}, under two networks: a typical error is "
            f"**{percent(numbers.ratios[FREE], 0)} %** of a typical weight where nothing constrains the weights, and "
            f"**{percent(numbers.ratios[FLAT], 0)} %** where none may exceed 1.1 times its layer's RMS (mean over "
            f"layers, lowest seed; {numbers.words})."
        )
    with formula:
        st.latex(r"\frac{\mathrm{std}(W_p-W_d)}{\mathrm{RMS}(W)}=0.7776\,\sigma_d\,\frac{w_{max}}{\mathrm{RMS}(W)}")
        st.caption(
            cite("From [Qin2025], Eq. 5. One large weight makes the errors of its whole layer large: keep it down.")
        )


@alone
def _errors(numbers: Numbers, rows: pd.DataFrame, setting: str, question: str, caption: str) -> None:
    """One network's errors, drawn as far as the other's."""
    label = str(numbers.at(setting)[columns.SETTING_LABEL])
    own = rows[columns.VARIANT] == numbers.variants[setting]
    chart_card(
        Card(
            key=f"deviations_{setting}",
            question=question,
            caption=f"{caption}; three of {numbers.deviations[columns.LAYER].nunique()} layers, both pictures to one "
            "scale.",
            definition=DEFINITION,
            alt=f"Histograms of weight deviations over the layer's RMS weight, weight constraint: {label}.",
        ),
        charts.weight_deviations(
            rows[own], x_title="deviation over a typical (RMS) weight", beside=rows[~own], mode=theme_mode()
        ),
        rows[own],
    )


def _question(numbers: Numbers) -> Guess:
    free, flat = numbers.at(FREE), numbers.at(FLAT)
    return Guess(
        words=f"Trained by noise injection at T = 4 and tried at {SIGMA_D} = {sigma_d_text(numbers.sigma_d)}, the free "
        f"network keeps {_words(free)}. **What does the clipped one keep?**",
        low=0.0,
        high=100.0,
        step=1.0,
        start=float(round(100 * float(free[columns.MEAN]))),
        unit="%",
        truth=100 * float(flat[columns.MEAN]),
        close=CLOSE,
        told=f"It keeps **{_words(flat)}**, and {_words(numbers.clean_at(FLAT))} on perfect devices (the free one: "
        f"{_words(numbers.clean_at(FREE))}).",
    )


@alone
def _answer(numbers: Numbers) -> None:
    figure = charts.setting_points(
        numbers.points,
        axis_title="weight constraint",
        numeric=False,
        logarithmic=False,
        interval_name=f"mean, {sentences.spread_words(numbers.points)}",
        mode=theme_mode(),
    )
    said = prediction(LESSON.name)
    if said is not None:
        in_order = sorted(set(numbers.points[columns.POSITION]))
        place = in_order.index(numbers.at(FLAT)[columns.POSITION])
        mark_prediction(figure, x=place, y=said, mode=theme_mode())
    chart_card(
        Card(
            key="flat_points",
            question="How flat must weights be?",
            caption="From no constraint to binary weights, at three temperatures. Look at whether temperature still "
            "brings anything once the weights are flat.",
            definition=DEFINITION,
            alt="Accuracy under every weight constraint, at three temperatures.",
        ),
        figure,
        numbers.points,
    )


def _takeaway(numbers: Numbers) -> str:
    free, flat = numbers.at(FREE), numbers.at(FLAT)
    gained = float(flat[columns.MEAN]) - float(free[columns.MEAN])
    spread = float(flat[columns.CI95]) + float(free[columns.CI95])
    brings = f"{percent(gained)} points" if gained > spread else "nothing that is told apart from chance"
    return (
        "Errors scale with the largest weight, so what matters is how much larger it is than the rest. Keeping it down "
        f"brings {brings} here. Clipping is not new; how hard to clip depends on the network, and binary weights are "
        "the end of that road."
    )


def _words(row: "pd.Series[float]") -> str:
    return with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))


def _links(_numbers: Numbers) -> tuple[Link, ...]:
    return (
        Link(Page.EXPERIMENTS, "Every constraint and temperature", {address.EXPERIMENT: EXPERIMENT}),
        Link(Page.LEADERBOARD, "Does it help every method?"),
        Link(Page.TRAIN, "Train one yourself"),
    )


LESSON = Lesson(
    name="Flat weights",
    title="Why does the largest weight matter?",
    goal="See that errors scale with a layer's largest weight, and what it brings to keep that one down.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
