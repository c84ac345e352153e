"""One test image and a hundred chips: what each of them says, at every device variation."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.computing.answers import Picture
from dashboard.data import opened_chips, restorable
from dashboard.data.opened_chips import NUM_VOTERS, VOTE_SIGMA_DS, Voters
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Number, sigma_d_control
from dashboard.widgets.following import first_sigma_d, look_at_sigma_d
from dashboard.widgets.guards import stop_without_runs
from dashboard.widgets.image_grid import Tile, data_uri, image_grid
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import Growing, streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import chip_words
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

PILLS = "contested_image"
FINISHED = "votes_finished"
SUGGESTED = 12
THUMBNAILS = """
<style>
.st-key-contested_image button img {
  height: 2.4rem !important; width: 2.4rem !important; max-height: none !important; max-width: none !important;
  object-fit: contain; image-rendering: pixelated; vertical-align: middle;
}
.st-key-contested_image button { height: auto; padding: 0.2rem 0.6rem; }
</style>
"""
VOTES_DEFINITION = r"""
**A vote** is the class with the largest output on one chip. Bars: the share of the chips asked that say each class,
with Wilson's 95 % interval over chips. Rings: the mean over chips of the softmax probability
$\frac{1}{C}\sum_c p_c(y \mid x)$. Chips that are sure of different classes give split votes and a mean that is not
sure.

Chips 0 to 99 are those of every evaluation with the same chip seed: each is drawn once and scaled by $\sigma_d$, so a
chip misses in the same direction at every $\sigma_d$.
"""
GRID_DEFINITION = """
Each cell is one chip and says its class; chips keep their places as the device variation grows. The colour says right
(blue) or wrong (orange), stronger where the chip is surer (the probability of the class that it says).
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    st.title("What do a hundred chips say of one image?")
    runs = restorable.candidates()
    if not runs:
        say_no_weights("Asking chips")
        return
    with st.sidebar:
        record = pick_network(runs)
    try:
        image = _pick_image(record)
        asked = opened_chips.voters(record, image)
    except NeftError as error:
        say_why_not(error)
        return
    streamed(FINISHED, lambda: (record.id, image), lambda: _answers(record, image, asked))


def _pick_image(record: RunRecord) -> int:
    """The image's place in the test split."""
    usual = opened_chips.usual_sigma_d(record, VOTE_SIGMA_DS)
    suggested = opened_chips.contested(record, usual).head(SUGGESTED)
    first = int(suggested[columns.IMAGE].iloc[0])
    count = restorable.images(record).count
    known = [int(image) for image in suggested[columns.IMAGE]]

    def take() -> None:
        if st.session_state[PILLS] is not None:
            st.session_state[address.IMAGE] = st.session_state[PILLS]

    with st.sidebar:
        image = Number(
            key=address.IMAGE,
            label="Test image",
            last=count - 1,
            default=first,
            help=f"Its place in the test split, 0 to {count - 1}; at first the one that chips disagree about the most.",
        ).draw()
    st.session_state[PILLS] = image if image in known else None
    st.html(THUMBNAILS)
    shares = dict(zip(known, suggested[columns.SHARE], strict=True))
    looks = dict(zip(known, opened_chips.pictures(record, suggested[columns.IMAGE]), strict=True))
    st.pills(
        f"Most contested at {SIGMA_D} = {sigma_d_text(usual)}",
        known,
        format_func=lambda place: _thumbnail(looks[place], place, float(shares[place])),
        key=PILLS,
        on_change=take,
        help=(
            f"Of the first {opened_chips.LOOKED_AT} test images those on which the votes of the first "
            f"{opened_chips.FIRST_LOOK} "
            "chips are split the most (entropy). The share is that of chips which have the image right."
        ),
    )
    return image


def _thumbnail(picture: Picture, image: int, share: float) -> str:
    uri = data_uri(picture.pixels)
    return f"![test image {image}]({uri}) {image} · {percent(share, 0)} %"


def _answers(record: RunRecord, image: int, asked: Voters) -> Sequence[Growing]:
    """The slider, which only reads what chips have said at its stops, and both cards."""
    (picture,) = restorable.pictures(record, (image,))
    names = restorable.images(record).class_names
    control = sigma_d_control(
        address.VOTE_SIGMA_D,
        f"Device variation {SIGMA_D}",
        VOTE_SIGMA_DS,
        near=opened_chips.usual_sigma_d(record, VOTE_SIGMA_DS),
        begins_near=first_sigma_d(),
        stays=False,
        help="Std of a device's error over its maximal conductance. Every chip is tried at every stop beforehand.",
    )
    sigma_d = float(control.draw())
    look_at_sigma_d(sigma_d)
    tally, votes = asked.tally(sigma_d), asked.votes(sigma_d)
    words, shown = st.columns([4, 1], vertical_alignment="center")
    words.markdown(
        chip_words.votes_finding(
            tally,
            image=image,
            truth=picture.true_class,
            num_chips=asked.num_chips,
            sigma_d=sigma_d,
            class_names=names,
        )
    )
    words.caption(
        f"{asked.num_chips} of {NUM_VOTERS} chips asked at {len(VOTE_SIGMA_DS)} device variations; "
        f"{asked.seconds:.2g} s."
    )
    with shown:
        name = names[picture.true_class]
        image_grid([Tile(picture.pixels, name, (f"image {image}",), alt=f"Test image {image}, a {name}")])
    left, right = st.columns(2)
    with left:
        card = Card(
            key="class_votes",
            runs=(record.id,),
            question="Which class do chips say?",
            caption=(
                "Bars: chips that say the class, with the 95 % interval; rings: its mean probability. A ring far from "
                "its bar's end: chips that are not sure."
            ),
            definition=VOTES_DEFINITION,
            alt=f"Votes of {asked.num_chips} chips on test image {image}, class by class.",
        )
        figure = charts.class_votes(tally, class_names=names, truth=picture.true_class, mode=theme_mode())
        chart_card(card, figure, tally)
    with right:
        card = Card(
            key="chip_votes",
            runs=(record.id,),
            question="Which chip says what?",
            caption=(
                "Blue: right; orange: wrong; the stronger, the surer. Move the slider and watch which chips change "
                "their minds."
            ),
            definition=GRID_DEFINITION,
            alt=f"The class that each of {asked.num_chips} chips says of test image {image}.",
        )
        figure = charts.chip_votes(
            votes, class_names=names, num_chips=NUM_VOTERS, truth=picture.true_class, mode=theme_mode()
        )
        chart_card(card, figure, votes)
    _onward(record, votes, sigma_d, picture.true_class, names)
    return [asked]


def _onward(record: RunRecord, votes: pd.DataFrame, sigma_d: float, truth: int, names: tuple[str, ...]) -> None:
    """To a chip that has the image wrong, where one is stored; else to any."""
    wrong = votes[votes[columns.PREDICTED_CLASS] != truth]
    chip = wrong.iloc[0] if len(wrong) else votes.iloc[0]
    number, said = int(chip[columns.INSTANCE]), names[int(chip[columns.PREDICTED_CLASS])]
    there = opened_chips.stored_chip_address(record, number, sigma_d)
    page_link(
        Page.CHIP,
        "Open one of these chips" if there is None else f"Open chip {number}, which says {said}",
        query_params={address.RUNS: record.id} if there is None else there,
    )


page()
