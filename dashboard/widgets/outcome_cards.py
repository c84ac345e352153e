"""What opened chips say image by image: EKL, the images themselves, reliability, confidence; it grows by chips."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import image_outcomes, restorable, results
from dashboard.data.image_outcomes import Binning, LookedAt, Opened
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.image_grid import Tile, image_grid
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import result_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError
from neft.input_kinds import Called
from neft.sigma_d import sigma_d_text

SCALE = Control(
    key=address.SCALED,
    label="Logits",
    options={"deployed": "As deployed", "calibrated": "Calibrated"},
    help="Calibrated: divided by one temperature, fitted on validation images and chips at this device variation.",
)
BINS = Control(
    key=address.BINNING,
    label="Bins",
    options={"width": "of equal width", "count": "of equal counts"},
    help="15 bins of confidence, of equal width or with equally many predictions.",
)
MOST_UNSURE, SUREST = 8, 8
NARROW = 5.7
"""Width of an image's words, in the text's sizes: eight fit beside each other."""
PER_IMAGE_DEFINITION = r"""
**EKL per image.** For image $i$, the mean of $-\ln p_y$ over the chips that get it right: how sure chips are of *this*
image. The curve is the share of images below a value, of those that some chip gets right.

The evaluation keeps one EKL a chip, a mean over images. The chips are opened again from the run's chip seed, so these
are the very chips, with the very outputs.
"""
IMAGES_DEFINITION = r"""
**The images.** Ordered by their EKL over the opened chips. An image that no chip gets right has no EKL, so it stands in
neither row: EKL does not know it. An image that one chip of thirty gets right counts only by that one.
"""
RELIABILITY_DEFINITION = r"""
**Reliability diagram.** Predictions of all opened chips, in bins of confidence (the largest probability): the share
that is right over the mean confidence. On the diagonal confidence says how often a prediction is right ([Guo2017],
section 2). Bins of equal width are those of the calibration error, $\sum_b \frac{n_b}{n}|a_b - c_b|$; bins of
equal counts show where most predictions lie.

A bin's accuracy is a ratio of sums over chips, with the linearised variance of such a ratio ([Cochran1977], section
6.3). *Calibrated* divides the logits by one temperature, fitted on validation images and chips at the same
$\sigma_d$; it changes no prediction.
"""
CONFIDENCE_DEFINITION = r"""
**Confidence** is the largest probability. Means are per chip, over what it gets right and what it gets wrong, with a
95 % interval over chips; the thin line holds the middle 80 % of the predictions of all chips.
"""


def outcome_cards(records: Sequence[RunRecord], sigma_d: float) -> None:
    """Open the chips of some runs and draw what they say, better with every chip."""
    missing = image_outcomes.without_weights(records)
    if missing:
        st.caption(f"Stored without weights, so their chips cannot be opened again: {', '.join(missing)}.")
    if len(missing) == len(records):
        st.info(
            "None of these networks kept its weights. Runs that are trained here keep them.", icon=":material/inbox:"
        )
        page_link(Page.TRAIN, "Train a network")
        say_where_more_are()
        return
    shown = (tuple(record.id for record in records), sigma_d)
    streamed(
        "outcomes_finished", lambda: shown, lambda: _draw(records, sigma_d), finish=lambda: _keep(records, sigma_d)
    )


def _draw(records: Sequence[RunRecord], sigma_d: float) -> list[image_outcomes.OutcomeStream]:
    try:
        found = image_outcomes.opened(records, sigma_d)
    except NeftError as error:
        say_why_not(error)
        return []
    streams = [one.stream for one in found]
    can_calibrate = all(stream.temperature is not None for stream in streams)
    is_calibrated = can_calibrate and SCALE.draw() == "calibrated"
    st.caption(result_words.opened_words(streams, restorable.called(found[0].record)))
    left, right = st.columns(2)
    with left:
        _per_image(found, is_calibrated=is_calibrated)
    with right:
        _confidence(found, is_calibrated=is_calibrated)
    _reliability(found, is_calibrated=is_calibrated, can_calibrate=can_calibrate)
    _images(found, is_calibrated=is_calibrated)
    return sorted(streams, key=lambda stream: len(stream.deployed))


def _keep(records: Sequence[RunRecord], sigma_d: float) -> None:
    """For the chart of stored numbers above: what calibration makes of their errors, once it is known."""
    try:
        found = image_outcomes.opened(records, sigma_d)
    except NeftError:
        return  # named where it was drawn
    if all(one.stream.temperature is not None for one in found):
        results.keep_calibrated_errors(records, sigma_d, image_outcomes.calibration_errors(found, is_calibrated=True))


@alone
def _per_image(found: list[Opened], *, is_calibrated: bool) -> None:
    quantiles = image_outcomes.image_quantiles(found, is_calibrated=is_calibrated)
    called = restorable.called(found[0].record)
    card = Card(
        key="per_image",
        runs=tuple(one.record.id for one in found),
        question=f"Are few {called.many} unsure, or all?",
        caption=(
            f"Each {called.one}'s EKL over the chips that get it right. A long climb on the right is a few "
            f"{called.many} that unsettle the chips. "
            f"{result_words.never_right_words(image_outcomes.never_right(found), called)}"
        ),
        definition=PER_IMAGE_DEFINITION,
        alt=f"Distribution of EKL over {called.many}, by method.",
    )
    figure = charts.ekl_distribution(
        quantiles, interval_name=f"every {called.one} is one value", of=called.many, mode=theme_mode()
    )
    chart_card(card, figure, quantiles)


def _images(found: list[Opened], *, is_calibrated: bool) -> None:
    labels = {one.record.facts.variant: one.record.facts.label for one in found}
    called = restorable.called(found[0].record)
    with st.container(border=True, key="card_images"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"## Which {called.many} are unsure?")
            st.space("stretch")
            with st.popover("About", icon=":material/info:", key="about_images"):
                st.markdown(IMAGES_DEFINITION)
        of = Control(
            key=address.IMAGES_OF,
            label="Of",
            options=labels,
            default=list(labels)[-1],
            kind="list",
            help=f"Whose chips look at the {called.many}.",
        )
        variant = of.draw()
        one = next(one for one in found if one.record.facts.variant == variant)
        ordered = image_outcomes.images(one, is_calibrated=is_calibrated).dropna(subset=[columns.EKL])
        ordered = ordered.sort_values(columns.EKL, ascending=False)
        st.markdown("Most unsure")
        _grid(one, ordered.head(MOST_UNSURE))
        st.markdown("Surest")
        _grid(one, ordered.tail(SUREST)[::-1])
        st.caption("Below each: its class, its EKL in nats, and how many chips get it right.")


def _grid(one: Opened, rows: pd.DataFrame) -> None:
    called = restorable.called(one.record)
    image_grid([_tile(one.stream.look_at(row), called) for _, row in rows.iterrows()], width=NARROW)


def _tile(found: LookedAt, called: Called) -> Tile:
    right = f"right {found.num_right} of {found.num_chips}"
    return Tile(
        pixels=found.pixels,
        title=found.label,
        lines=(f"{found.ekl:.3g} nats", right),
        alt=f"Test {called.one} {found.place}, class {found.label}: {found.ekl:.3g} nats, {right} chips.",
    )


@alone
def _reliability(found: list[Opened], *, is_calibrated: bool, can_calibrate: bool) -> None:
    binning: Binning = "count" if BINS.chosen() == "count" else "width"
    bins = image_outcomes.reliability(found, binning=binning, is_calibrated=is_calibrated)
    before = image_outcomes.calibration_errors(found, is_calibrated=False)
    after = image_outcomes.calibration_errors(found, is_calibrated=True) if can_calibrate else pd.DataFrame()
    card = Card(
        key="reliability",
        runs=tuple(one.record.id for one in found),
        question="Is a confident answer right?",
        caption=(
            "Below the diagonal chips are surer than they may be. Small marks below: where the predictions lie. "
            f"{result_words.mended_words(before, after)}"
        ),
        definition=RELIABILITY_DEFINITION,
        alt="Share of right predictions over confidence, by method, with the number of predictions in each bin.",
    )
    figure = charts.reliability(bins, interval_name="95 % interval over chips", mode=theme_mode())
    chart_card(card, figure, bins, controls=BINS.draw)


@alone
def _confidence(found: list[Opened], *, is_calibrated: bool) -> None:
    confidences = image_outcomes.confidences(found, is_calibrated=is_calibrated)
    sigma_d = found[0].stream.sigma_d
    card = Card(
        key="confidence",
        runs=tuple(one.record.id for one in found),
        question="Does a wrong answer sound unsure?",
        caption=(
            f"At {SIGMA_D} = {sigma_d_text(sigma_d)}. Full marks: right predictions; hollow: wrong ones; thin lines "
            f"hold 80 % of them. {result_words.gap_words(confidences)}"
        ),
        definition=CONFIDENCE_DEFINITION,
        alt="Mean confidence of right and of wrong predictions, by method.",
    )
    figure = charts.confidence_split(confidences, interval_name="mean, 95 % interval over chips", mode=theme_mode())
    chart_card(card, figure, confidences)
