"""Why a softmax temperature helps: not by flatter weights, but by margins that outgrow their noise."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts.frames import number_words
from dashboard.data import plans, restorable, temperatures
from dashboard.data.stored import RunRecord
from dashboard.data.temperatures import SAFE, Margins, MarginSummary
from dashboard.lessons.base import Choice, Lesson, Link, Missing, prediction
from dashboard.lessons.comparison import INJECTION, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent, with_interval
from neft import columns
from neft.errors import NeftError
from neft.experiments.questions import CONTROL
from neft.sigma_d import sigma_d_text

EXPERIMENT = "temperature"
ONE, FOUR = 1.0, 4.0
"""The temperatures that are set against each other: none, and the papers'."""
FLATTER, QUIETER, WIDER, NONE = range(4)
OPTIONS = (
    "Flatter weights: errors go with a layer's largest weight, and get smaller beside the other weights",
    "Quieter outputs: chips move them less",
    "Wider margins: the label leads by more, and its lead grows more than the noise on it",
    "None of these",
)
PREDICTED = " ★ *your prediction*"
"""Behind the row that a prediction is about."""
DEFINITION = r"""
**Margin** of an image: its label's output less the largest other one, $m=O_y-\max_{j\ne y}O_j$, in nats; the image is
right where $m>0$. Its **noise** is the std of $m$ over sampled chips, and *margin over noise* is $m$ without
variation over that std. Left of zero an image is wrong even on perfect devices; within a few stds right of it some
chips get it wrong. Chips also lower margins on average; those of a network that met no noise in training by much, and
then margin over noise promises more than its chips keep. Over few chips it comes out a little large, by 4 % at 20.
"""
PULL = r"""
The gradient of the loss with respect to the label's output is $-(1-p_y)/T$: what is left of the **pull**, $1-p_y$, is
near 1 for an image that is wrong by many $T$ and near 0 for one that is right by many.
"""
EFFECTS_DEFINITION = (
    r"""
*On sampled chips*: accuracy under variation, mean over seeds and chips. *In training*: under the training's own noise
in the last epoch, mean over seeds; there BatchNorm takes each batch's own statistics, which hides part of a chip's
errors. *Weights*: a layer's largest weight over its RMS weight, mean over layers; devices miss by $0.7776\,\sigma_d$
of the largest ([Qin2025], Eq. 5; RRAM1, 8-bit weights on 2-bit devices).
"""
    + PULL
)
BACKGROUND = (
    """
**Softmax.** A network's last layer gives a number for each class, its logits O. Probabilities are
softmax(O/T): the larger T, the more alike they are. T changes no order, so at test it changes no prediction.
""",
    """
**In training it does.** The loss pulls each logit by (p − y)/T, the probability minus the truth. At T = 1 an image that
is right by a clear margin has p near y and pulls no more. At a larger T it keeps pulling, until its logits lie further
apart.
""",
    """
**What decides on a chip.** Device noise moves the logits. An image stays right while the **margin**, its own logit
over the next one, is larger than what the noise moves. So look at both: at the margin and at the noise.
""",
)


@dataclass(frozen=True)
class Looked:
    """One of the two networks."""

    record: RunRecord
    margins: Margins
    summary: MarginSummary
    flatness: float
    """The largest weight over the RMS weight, mean over layers."""

    def pull(self, temperature: float) -> "pd.Series[float]":
        """What its outputs over a temperature leave of the pull."""
        pulls = self.margins.pulls
        return pulls[pulls[columns.TEMPERATURE] == temperature].iloc[0]


@dataclass(frozen=True)
class Numbers:
    """Noise injection at T = 1 and T = 4: two networks of one seed, and an experiment over T."""

    comparison: Comparison
    one: Looked
    four: Looked
    effects: pd.DataFrame
    """By quantity and temperature (`neft.tables.setting_effects`)."""
    words: str
    """What the experiment was run on."""

    def effect(self, quantity: str, temperature: float) -> "pd.Series[float]":
        """One quantity at one temperature."""
        rows = self.of(quantity)
        return rows[rows[columns.POSITION] == temperature].iloc[0]

    def of(self, quantity: str) -> pd.DataFrame:
        """One quantity over temperatures."""
        return self.effects[self.effects[columns.QUANTITY] == quantity]

    @property
    def truth(self) -> int:
        """Which of the options holds."""
        one, four = (self.effect(columns.W_MAX_OVER_RMS, temperature) for temperature in (ONE, FOUR))
        if float(four[columns.UPPER]) < float(one[columns.LOWER]):
            return FLATTER
        if self.four.summary.noise < self.one.summary.noise:
            return QUIETER
        return WIDER if self.four.summary.margin_over_noise > self.one.summary.margin_over_noise else NONE


def _prepare() -> Numbers | Missing:
    comparison = main_comparison(INJECTION, CONTROL)
    if isinstance(comparison, Missing):
        return comparison
    found = _effects(comparison.stamp)
    if found is None:
        return Missing("noise injection at several temperatures", EXPERIMENT)
    pair = [comparison.records(variant, comparison.near) for variant in (INJECTION, CONTROL)]
    seeds = {record.facts.seed for record in pair[0]} & {record.facts.seed for record in pair[1]}
    same = [next((one for one in records if one.facts.seed in seeds), None) for records in pair]
    looked = [_look(record, comparison.near) for record in same]
    one, four = looked
    if one is None or four is None:
        return Missing("noise injection at T = 1 and T = 4, of one seed, with its weights and its data")
    return Numbers(comparison, one, four, *found)


def _effects(stamp: str) -> tuple[pd.DataFrame, str] | None:
    """Of the first plan that has both temperatures, and what it was run on."""
    for plan, words in plans.sizes(stamp).get(EXPERIMENT, {}).items():
        effects = temperatures.effects(plan, EXPERIMENT, INJECTION, stamp)
        if {ONE, FOUR} <= set(effects[columns.POSITION]):
            return effects, words
    return None


def _look(record: RunRecord | None, sigma_d: float) -> Looked | None:
    if record is None or not restorable.has_weights(record):
        return None
    try:
        found = temperatures.margins(record, sigma_d, (ONE, FOUR))
        flatness = temperatures.largest_over_typical(record)
    except NeftError:
        return None
    return Looked(record, found, temperatures.summary(found), flatness)


@alone
def _show(numbers: Numbers) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    points = numbers.comparison.of(INJECTION, CONTROL)
    with left:
        chart_card(
            Card(
                key="with_temperature",
                question="What does T = 4 bring?",
                caption=f"Noise injection twice, each trained at the {SIGMA_D} it meets. Only the loss differs.",
                definition=PULL,
                alt="Accuracy against device variation of noise injection with and without a temperature.",
            ),
            charts.accuracy_vs_sigma_d(
                points,
                slice_sigma_d=numbers.comparison.near,
                chance=numbers.comparison.chance,
                interval_name=f"mean, {sentences.spread_words(points)}",
                connect=True,
                mode=theme_mode(),
            ),
            points,
        )
    with right:
        st.latex(r"\mathcal L=\mathrm{CE}\big(f(x;\,W+\Delta W)\,/\,T,\ y\big)")
        st.caption("The temperature divides the outputs in training alone; the deployed network has none of it.")
        one, four = (_at(numbers, variant) for variant in (INJECTION, CONTROL))
        st.markdown(
            f"At {SIGMA_D} = {sigma_d_text(numbers.comparison.near)}: **{one}** with T = 1, **{four}** with T = 4 "
            f"({numbers.comparison.words}). Same network, same noise, same images."
        )


def _at(numbers: Numbers, variant: str) -> str:
    row = numbers.comparison.at(variant, numbers.comparison.near)
    return with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))


def _question(numbers: Numbers) -> Choice:
    one, four = numbers.one.summary, numbers.four.summary
    return Choice(
        words="Dividing by T changes no prediction. So what is different about the network that was trained with it? "
        "**What lets it keep more images right on the same chips?**",
        options=OPTIONS,
        truth=numbers.truth,
        told=f"From T = 1 to 4 the median image's margin goes from **{number_words(one.clean_margin, '.1f')}** to "
        f"**{number_words(four.clean_margin, '.1f')} nats**, its noise over chips from **{one.noise:.1f}** to "
        f"**{four.noise:.1f}**: margin over noise from **{number_words(one.margin_over_noise, '.1f')}** to "
        f"**{number_words(four.margin_over_noise, '.1f')}**. The largest "
        f"weight over a typical one goes from {numbers.one.flatness:.2f} to {numbers.four.flatness:.2f}.",
    )


def _answer(numbers: Numbers) -> None:
    left, right = st.columns(2)
    with left:
        _distribution(numbers)
    with right:
        _over_temperatures(numbers)
    left, right = st.columns(2)
    with left, st.container(border=True, key="card_two_networks"):
        st.markdown("## The two networks in numbers")
        st.markdown(_table(numbers))
        st.caption(
            f"Medians over {len(numbers.one.margins.images)} test images, {temperatures.NUM_CHIPS} chips at "
            f"{SIGMA_D} = {sigma_d_text(numbers.comparison.near)}, seed {numbers.one.record.facts.seed}; computed now."
        )
    with right, st.container(border=True, key="card_pull"):
        st.markdown("## Who pulls in training?")
        st.markdown(_pull_words(numbers))


@alone
def _distribution(numbers: Numbers) -> None:
    pair = [(looked.record, looked.margins) for looked in (numbers.one, numbers.four)]
    bins = pd.concat([temperatures.bins(*one) for one in pair], ignore_index=True)
    medians = pd.concat([temperatures.medians(*one) for one in pair], ignore_index=True)
    chart_card(
        Card(
            key="margins",
            question="How far is an image from being wrong?",
            caption="Each test image's margin, counted in its own noise over chips. Look at how much of each outline "
            "lies near zero.",
            definition=DEFINITION,
            alt="Distribution of images over margin divided by noise, for T = 1 and T = 4.",
        ),
        charts.margin_distribution(bins, medians, mode=theme_mode()),
        bins,
    )


@alone
def _over_temperatures(numbers: Numbers) -> None:
    tested, trained, ratios = (
        numbers.of(name) for name in (columns.ACCURACY, columns.TRAIN_ACCURACY, columns.W_MAX_OVER_RMS)
    )
    chart_card(
        Card(
            key="effects",
            question="What moves with T, and what does not?",
            caption=f"Both accuracies and, below, how much larger the largest weight is than a typical one "
            f"({numbers.words}).",
            definition=EFFECTS_DEFINITION,
            alt="Accuracy on chips and in training, and the largest weight over the RMS weight, over the temperature.",
        ),
        charts.temperature_effects(
            tested,
            trained,
            ratios,
            interval_name=f"noise injection: mean, {sentences.spread_words(tested)}",
            mode=theme_mode(),
        ),
        numbers.effects,
    )


def _table(numbers: Numbers) -> str:
    one, four = numbers.one.summary, numbers.four.summary
    said = prediction(LESSON.name)
    marks = {option: PREDICTED if said == option else "" for option in (FLATTER, QUIETER, WIDER)}
    rows = (
        ("Margin without variation (nats)", one.clean_margin, four.clean_margin, ".1f"),
        ("Margin on a chip, mean (nats)", one.mean_margin, four.mean_margin, ".1f"),
        (f"Its noise, std over chips (nats){marks[QUIETER]}", one.noise, four.noise, ".1f"),
        (f"**Margin over noise**{marks[WIDER]}", one.margin_over_noise, four.margin_over_noise, ".1f"),
        ("The same of the mean on a chip", one.mean_margin_over_noise, four.mean_margin_over_noise, ".1f"),
        (
            f"Images whose margin is above {SAFE:g} times its noise (%)",
            100 * one.safe_share,
            100 * four.safe_share,
            ".0f",
        ),
        ("Right on these chips (%)", 100 * one.accuracy, 100 * four.accuracy, ".1f"),
        (
            f"Largest weight over RMS weight, mean over layers{marks[FLATTER]}",
            numbers.one.flatness,
            numbers.four.flatness,
            ".2f",
        ),
    )
    lines = [f"| {name} | {number_words(a, form)} | {number_words(b, form)} |" for name, a, b, form in rows]
    return "\n".join(["| | T = 1 | T = 4 |", "|:--|--:|--:|", *lines])


def _pull_words(numbers: Numbers) -> str:
    plain, divided = numbers.one.pull(ONE), numbers.one.pull(FOUR)
    own = numbers.four.pull(FOUR)
    losses = [float(numbers.effect(columns.LOSS, at)[columns.MEAN]) for at in (ONE, FOUR)]
    loss = "The loss as a whole is not kept up" if losses[1] <= losses[0] else "The loss as a whole stays higher, too"
    return (
        "Training pulls at an image with $1-p_y$. Take the network trained at T = 1, with test images on its chips: "
        f"one that is right still pulls with **{float(plain[columns.RIGHT_PULL]):.3f}** on average. Divide the very "
        f"same outputs by 4, and it would pull with **{float(divided[columns.RIGHT_PULL]):.3f}**.\n\n"
        f"So at T = 1 the images that are right bring **{percent(float(plain[columns.RIGHT_SHARE]), 0)} %** of the "
        f"pull, and misses the rest; divided by 4 they bring **{percent(float(divided[columns.RIGHT_SHARE]), 0)} %**, "
        f"and in the network trained so {percent(float(own[columns.RIGHT_SHARE]), 0)} %. A temperature makes training "
        "go on with images that are right but not yet far from their noise.\n\n"
        f"{loss}: in the last epoch it is {losses[0]:.3f} at T = 1 and {losses[1]:.3f} at T = 4 ({numbers.words})."
    )


def _takeaway(numbers: Numbers) -> str:
    one, four = numbers.one.summary, numbers.four.summary
    ratios = f"{number_words(one.margin_over_noise, '.1f')} to {number_words(four.margin_over_noise, '.1f')}"
    if numbers.truth != WIDER:
        return f"Margins that outgrow their noise are not the story here: the median image goes from {ratios} times it."
    return (
        f"A temperature widens margins, in nats and beside their noise: from {ratios} times it for the median image. "
        "The weights get no flatter. That the pull of right images brings this about is the likely reading of these "
        "numbers; they do not prove it."
    )


def _links(numbers: Numbers) -> tuple[Link, ...]:
    ids = [numbers.one.record.id, numbers.four.record.id]
    return (
        Link(Page.EXPERIMENTS, "Every temperature, with feedback too", {address.EXPERIMENT: EXPERIMENT}),
        Link(
            Page.COMPARE,
            "These two networks, side by side",
            {address.RUNS: ids, address.SLICE: sigma_d_text(numbers.comparison.near)},
        ),
        Link(Page.TRAIN, "Train one yourself"),
    )


LESSON = Lesson(
    name="Temperature",
    title="Why does temperature help?",
    goal="See what a temperature in training changes in the network, and what it leaves alone.",
    background=BACKGROUND,
    prepare=_prepare,
    show=_show,
    question=_question,
    answer=_answer,
    takeaway=_takeaway,
    links=_links,
)
