"""A worksheet for an exercise class: questions, each with the page that answers it, and what the stored runs answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard import address
from dashboard.address import Reading
from dashboard.data import exchange, results, stored, weights
from dashboard.data.weights import SlicedWeight
from dashboard.lessons.base import Missing
from dashboard.lessons.comparison import ALL, INJECTION, IRS, OVF, VANILLA, Comparison, main_comparison
from dashboard.pages import Page
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D, percent, signed, with_interval
from neft import columns
from neft.experiments.questions import CONTROL
from neft.sigma_d import same_sigma_d, sigma_d_text

TITLE = "What does device variation do to a network?"
LEAD = "Write down a guess before you open the page that answers. Every number comes with what it is known to."
LINE = r"\_" * 60
"""To write on, on paper."""
WEIGHT = 0.6
WEIGHT_BITS, DEVICE_BITS = 8, 2
FIRST = 1
"""The percentile of the unlucky chip."""
TEACHER = (
    "Eight questions for 45 to 60 minutes, in pairs. 1 and 2 are about one weight, 3 to 6 about the accuracy of whole "
    "chips, 7 and 8 about why. Have every pair write down a guess before it opens the page: a wrong guess teaches more "
    "than a number copied. The answers are computed from the runs that are stored here, and change with them."
)


@dataclass(frozen=True)
class Question:
    """One question of the worksheet."""

    title: str
    words: str
    page: Page
    """Where it is answered."""
    address: Mapping[str, str | list[str]]
    """What sets that page's state."""
    answer: Callable[[], str]
    """Computed when it is asked for."""
    notes: str
    """For the teacher."""


def worksheet() -> tuple[Question, ...] | Missing:
    """The questions in the order in which they are taught, on the stored comparison with the most runs."""
    comparison = main_comparison(*ALL)
    if isinstance(comparison, Missing):
        return comparison
    return (
        _code(),
        _device_bits(comparison.near),
        _half(comparison),
        _noise(comparison),
        _control(comparison),
        _unlucky(comparison),
        _sure(comparison),
        _typical(comparison),
    )


def worksheet_document(questions: Sequence[Question], page_url: str, *, answered: bool) -> bytes:
    """The worksheet as one HTML file that prints.

    Args:
        questions: in their order.
        page_url: the address of any page of this dashboard.
        answered: with answers and notes, for the teacher; else with lines to write on.
    """
    from dashboard import report  # noqa: PLC0415 - what writes documents is needed at a click alone

    sections = [
        report.Text(f"{number}. {question.title}", _printed(question, page_url, answered=answered))
        for number, question in enumerate(questions, start=1)
    ]
    document = report.Document(
        title=TITLE,
        lead=f"{LEAD} {TEACHER}" if answered else LEAD,
        sections=sections,
        origin={"Made from": exchange.whole_address(page_url, Page.WORKSHEET.path, {})},
    )
    return report.document_html(document).encode()


def _printed(question: Question, page_url: str, *, answered: bool) -> str:
    where = exchange.whole_address(page_url, question.page.path, question.address)
    below = f"{question.answer()}\n\n*{question.notes}*" if answered else f"{LINE}\n\n{LINE}"
    return f"{question.words}\n\n`{where}`\n\n{below}"


def _sliced(sigma_d: float, device_bits: int) -> SlicedWeight:
    """The weight on the technology that its page opens with."""
    device = next(iter(weights.devices_of(None)))
    return weights.slice_on(
        device, weight=WEIGHT, w_max=1.0, weight_bits=WEIGHT_BITS, device_bits=device_bits, sigma_d=sigma_d
    )


def _weight_address(sigma_d: float, device_bits: int) -> dict[str, str]:
    return {
        address.WEIGHT_VALUE: f"{WEIGHT:g}",
        address.SLICED_SIGMA_D: sigma_d_text(sigma_d),
        address.DEVICE_BITS: str(device_bits),
    }


def _code() -> Question:
    def answer() -> str:
        sliced = _sliced(0.0, DEVICE_BITS)
        levels = " ".join(str(int(level)) for level in sliced.slices(0)[columns.LEVEL])
        return (
            f"Code **{sliced.code}** of {sliced.max_code}; the devices hold **{levels}**, which count 64, 16, 4 and 1."
        )

    return Question(
        title="One weight on four devices",
        words=f"In a layer whose largest weight is 1 lies the weight {WEIGHT:g}, with {WEIGHT_BITS} bits on devices of "
        f"{DEVICE_BITS} bits each. Which code has it, and which level does each of its four devices hold?",
        page=Page.SLICES,
        address=_weight_address(0.0, DEVICE_BITS),
        answer=answer,
        notes="By hand: 0.6 × 255 in base 4. Ask what becomes of the sign (it is kept apart), and which weights no "
        "code can tell apart.",
    )


def _device_bits(sigma_d: float) -> Question:
    def answer() -> str:
        usual, single = _sliced(sigma_d, DEVICE_BITS), _sliced(sigma_d, 1)
        shares = [100 * float(one.slices(0)[columns.VARIANCE_SHARE].max()) for one in (usual, single)]
        return (
            f"Four devices of 2 bits: std **{usual.std:.4g}** of the largest weight, {shares[0]:.1f} % of the variance "
            f"from the most significant. Eight of 1 bit: **{single.std:.4g}**, {shares[1]:.1f} %."
        )

    return Question(
        title="More devices a weight",
        words=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}: by how much does this weight miss on chips, as a std, and "
        "which share of its variance does the most significant device bring? Then set the bits of a device, K, to 1: "
        "eight devices in the place of four. What becomes of both?",
        page=Page.SLICES,
        address=_weight_address(sigma_d, DEVICE_BITS),
        answer=answer,
        notes="The most significant device decides nearly all, so further devices below it cannot average its error "
        "out. Ask for the closed form: a geometric series of 4 to the power K.",
    )


def _explored(comparison: Comparison, *variants: str, sigma_d: float) -> dict[str, str | list[str]]:
    return {**comparison.address, address.VARIANTS: list(variants), address.SLICE: sigma_d_text(sigma_d)}


def _matched(comparison: Comparison, *variants: str) -> Reading:
    return Reading(tuple(run_id for variant in variants for run_id in comparison.run_ids(variant)), "matched")


def _half(comparison: Comparison) -> Question:
    def answer() -> str:
        curve = comparison.curves(VANILLA, None).sort_values(columns.SIGMA_D)
        clean = float(curve[columns.MEAN].iloc[0])
        below = curve[curve[columns.MEAN] < clean / 2]
        if below.empty:
            return f"At none of them: it never falls under half of its {percent(clean)} %."
        first = below.iloc[0]
        return (
            f"At {SIGMA_D} = **{sigma_d_text(float(first[columns.SIGMA_D]))}**: {_words(first)} are left of "
            f"{percent(clean)} %. Guessing would be right on {percent(comparison.chance, 0)} %."
        )

    return Question(
        title="How much variation breaks a network?",
        words=f"A network was trained without any noise. Which is the first {SIGMA_D} on the chart at which its chips "
        "keep less than half of the accuracy that it has on perfect devices?",
        page=Page.EXPLORE,
        address=_explored(comparison, VANILLA, sigma_d=comparison.near),
        answer=answer,
        notes="Point at the dotted line of chance: the network does not only get worse, it ends up guessing. Why so "
        "soon? Question 8.",
    )


def _noise(comparison: Comparison) -> Question:
    sigma_d = comparison.sigma_ds[-1]

    def answer() -> str:
        rows = stored.at_slice(_matched(comparison, VANILLA, INJECTION), sigma_d)
        means = stored.means(rows)
        gained = _row(stored.differences(rows, VANILLA), INJECTION)
        return (
            f"{_words(_row(means, VANILLA))} without, {_words(_row(means, INJECTION))} with noise in training: "
            f"**{signed(float(gained[columns.MEAN]))} ± {percent(float(gained[columns.CI95]))} points**, seed by seed "
            "and chip by chip."
        )

    return Question(
        title="Training under the noise that will come",
        words=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}: what do chips of a network keep that was trained without "
        "noise, and of one that met noise in training? How many points is that?",
        page=Page.EXPLORE,
        address=_explored(comparison, VANILLA, INJECTION, sigma_d=sigma_d),
        answer=answer,
        notes="“Matched” is read here: the network was trained at the very variation at which it is tried. Have them "
        "switch to “Fixed”, and say which of the two a factory can count on.",
    )


def _control(comparison: Comparison) -> Question:
    sigma_d = comparison.near

    def answer() -> str:
        reading = _matched(comparison, CONTROL, OVF, IRS)
        rows = stored.at_slice(reading, sigma_d)
        control = _row(stored.means(rows), CONTROL)
        found = stored.against_control(rows, reading.run_ids)
        return sentences.against_control(found, str(control[columns.LABEL]))

    return Question(
        title="Is it the feedback?",
        words=f"OVF and IRS add feedback, and divide the training logits by 4. The control divides them too, and has "
        f"no feedback. At {SIGMA_D} = {sigma_d_text(sigma_d)}: which of the two is better than the control, which "
        "worse, which cannot be told apart from it?",
        page=Page.EXPLORE,
        address=_explored(comparison, CONTROL, OVF, IRS, sigma_d=sigma_d),
        answer=answer,
        notes="The point of the whole sheet: a method that changes two things needs a control that changes one. An "
        "interval that holds zero does not prove that there is no difference; ask how many more seeds would.",
    )


def _unlucky(comparison: Comparison) -> Question:
    sigma_d = comparison.sigma_ds[-1]

    def answer() -> str:
        reading = _matched(comparison, INJECTION)
        found = results.low_percentiles(reading)
        is_first = (found[columns.PERCENTILE] == FIRST) & same_sigma_d(found[columns.SIGMA_D], sigma_d)
        first = float(found[is_first][columns.VALUE].iloc[0])
        mean = stored.means(stored.at_slice(reading, sigma_d)).iloc[0]
        below = percent(float(mean[columns.MEAN]) - first)
        return f"The mean chip keeps {_words(mean)}, the 1st percentile **{percent(first)} %**: {below} points less."

    return Question(
        title="The unlucky chip",
        words=f"Noise injection at {SIGMA_D} = {sigma_d_text(sigma_d)}: what does the mean chip keep, and what does "
        "the 1st percentile, which 99 of 100 chips beat?",
        page=Page.ACCURACY,
        address=_explored(comparison, INJECTION, sigma_d=sigma_d) | {address.PERCENTILE: str(FIRST)},
        answer=answer,
        notes="A customer buys one chip, never the mean. Ask how many chips must be tried before one in a hundred has "
        "a lower limit (299; lesson “Unlucky chip”).",
    )


def _sure(comparison: Comparison) -> Question:
    sigma_d = comparison.near

    def answer() -> str:
        rows = stored.at_slice(_matched(comparison, *ALL), sigma_d)
        surest = [_lowest(stored.means(rows, metric)) for metric in (columns.EKL, columns.CALIBRATED_EKL)]
        best = stored.means(rows).sort_values(columns.MEAN).iloc[-1]
        return (
            f"As deployed **{surest[0]}**, after calibration **{surest[1]}**; the highest accuracy has "
            f"{best[columns.LABEL]} ({_words(best)})."
        )

    return Question(
        title="How sure are the right answers?",
        words=f"EKL says how unsure a chip is of the images that it gets right. Whose is the lowest at {SIGMA_D} = "
        f"{sigma_d_text(sigma_d)}? And whose after calibration, once the scale of the logits is taken out?",
        page=Page.UNCERTAINTY,
        address=_explored(comparison, *ALL, sigma_d=sigma_d),
        answer=answer,
        notes="Training at a higher temperature makes logits larger, and larger logits look surer. A measure that a "
        "factor can buy is no proof of a better network.",
    )


def _typical(comparison: Comparison) -> Question:
    sigma_d = comparison.near

    def answer() -> str:
        runs = tuple(comparison.records(variant, sigma_d)[0].id for variant in ALL)
        return sentences.deviation_words(stored.deviation_ratios(runs, sigma_d))

    return Question(
        title="Why does it break?",
        words=f"How large is a typical deviation beside a typical (RMS) weight at {SIGMA_D} = {sigma_d_text(sigma_d)}, "
        "method by method? The devices are the same for all: what did training change?",
        page=Page.EXPLORE,
        address=_explored(comparison, *ALL, sigma_d=sigma_d),
        answer=answer,
        notes="Every device misses in proportion to its layer's largest weight. Training under noise makes weights "
        "flatter: the largest comes closer to the typical one. On to the lesson “Flat weights”.",
    )


def _row(frame: pd.DataFrame, variant: str) -> "pd.Series[float]":
    return frame[frame[columns.VARIANT] == variant].iloc[0]


def _lowest(means: pd.DataFrame) -> str:
    row = means.sort_values(columns.MEAN).iloc[0]
    return f"{row[columns.LABEL]}, {row[columns.MEAN]:.3f} nats"


def _words(row: "pd.Series[float]") -> str:
    return with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))
