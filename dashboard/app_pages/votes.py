"""One test image and a hundred chips: what each of them says, at every device variation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.computing.answers import Picture
from dashboard.data import opened_chips, restorable
from dashboard.data.opened_chips import NUM_VOTERS, VOTE_SIGMA_DS, Ink, Voters
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets import streamlit_parts as parts
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control, Number, sigma_d_control
from dashboard.widgets.drawing_pad import drawing_pad
from dashboard.widgets.following import first_sigma_d, look_at_sigma_d
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.image_grid import Tile, data_uri, image_grid
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.player import player
from dashboard.widgets.streaming import Growing, streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import chip_words
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.errors import NeftError
from neft.input_kinds import IMAGE, Called
from neft.sigma_d import sigma_d_text

TEST, DRAWN = "test", "own"
PILLS = "contested_image"
FINISHED = "votes_finished"
FINDING = f".st-key-votes_finding {parts.MARKDOWN}"
SUGGESTED = 12
THUMBNAILS = """
<style>
.st-key-contested_image button img {
  height: 2.4rem !important; width: 2.4rem !important; max-height: none !important; max-width: none !important;
  object-fit: contain; image-rendering: pixelated; vertical-align: middle;
}
.st-key-contested_image button img[src^="data:image/svg"] { width: 3.8rem !important; }
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


@dataclass(frozen=True)
class Shown:
    """The image, or other input, that chips are asked about."""

    image: int | Ink
    """Its place in the test split, or a drawing."""
    pixels: np.ndarray
    """As `dashboard.computing.answers.Picture` has them."""
    truth: int
    called: Called

    @property
    def place(self) -> int | None:
        """In the test split; None of a drawing."""
        return self.image if isinstance(self.image, int) else None

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return "your drawing" if self.place is None else f"{self.called.one} {self.place}"


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    runs = restorable.candidates()
    if not runs:
        _title(IMAGE)
        say_no_weights("Asking chips")
        return
    with st.sidebar:
        record = pick_network(runs)
    _title(restorable.called(record))
    try:
        shown = _drawing(record) if _is_drawn(record) else _test_image(record)
        if shown is None:
            return
        asked = opened_chips.voters(record, shown.image)
    except NeftError as error:
        say_why_not(error)
        return
    streamed(FINISHED, lambda: (record.id, shown.image), lambda: _answers(record, shown, asked))


def _title(called: Called) -> None:
    st.title(f"What do a hundred chips say of one {called.one}?")


def _is_drawn(record: RunRecord) -> bool:
    """Whether the image is one of the user's own."""
    if not opened_chips.takes_drawings(record):
        return False
    with st.sidebar:
        control = Control(
            key=address.IMAGE_FROM,
            label="Image",
            options={TEST: "A test image", DRAWN: "Drawn by hand"},
            stays=True,
            help="One that the network never saw in training, or one that you draw with the mouse, a pen or a finger.",
        )
        return control.draw() == DRAWN


def _drawing(record: RunRecord) -> Shown | None:
    """The user's own image; None while there is none."""
    names = restorable.images(record).class_names
    pad, words = st.columns([1, 3])
    with words:
        control = Control(
            key=address.MEANT,
            label="It is meant to be",
            options={str(number): name for number, name in enumerate(names)},
            help="The class that counts as right. The address holds it, but not the drawing.",
        )
        meant = int(control.draw())
        st.markdown(
            "It is cut out, made as large as what the test images show, put in the middle and turned into the "
            "network's pixels; then a hundred chips are asked. The network never saw your hand: even perfect devices "
            f"({SIGMA_D} = 0) may be wrong."
        )
    with pad:
        ink = drawing_pad("drawing")
    if ink is None:
        st.info("Draw something in the square.", icon=":material/draw:")
        return None
    return Shown(ink, opened_chips.seen(record, ink), meant, IMAGE)


def _test_image(record: RunRecord) -> Shown:
    image = _pick_image(record)
    (picture,) = restorable.pictures(record, (image,))
    return Shown(image, picture.pixels, picture.true_class, restorable.called(record))


def _pick_image(record: RunRecord) -> int:
    """The image's place in the test split."""
    usual = opened_chips.usual_sigma_d(record, VOTE_SIGMA_DS)
    suggested = opened_chips.contested(record, usual).head(SUGGESTED)
    first = int(suggested[columns.IMAGE].iloc[0])
    count, called = restorable.images(record).count, restorable.called(record)
    known = [int(image) for image in suggested[columns.IMAGE]]

    def take() -> None:
        if st.session_state[PILLS] is not None:
            st.session_state[address.IMAGE] = st.session_state[PILLS]

    with st.sidebar:
        image = Number(
            key=address.IMAGE,
            label=f"Test {called.one}",
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
        format_func=lambda place: _thumbnail(looks[place], f"{called.one} {place}", float(shares[place])),
        key=PILLS,
        on_change=take,
        help=(
            f"Of the first {opened_chips.LOOKED_AT} test {called.many} those on which the votes of the first "
            f"{opened_chips.FIRST_LOOK} "
            f"chips are split the most (entropy). The share is that of chips which have the {called.one} right."
        ),
    )
    return image


def _thumbnail(picture: Picture, name: str, share: float) -> str:
    uri = data_uri(picture.pixels)
    return f"![test {name}]({uri}) {name.rpartition(' ')[2]} · {percent(share, 0)} %"


def _answers(record: RunRecord, shown: Shown, asked: Voters) -> Sequence[Growing]:
    """The slider, which only reads what chips have said at its stops, and both cards."""
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

    def finding(stop: str) -> str:
        return chip_words.votes_finding(
            asked.tally(float(stop)),
            image=shown.place,
            called=shown.called,
            truth=shown.truth,
            num_chips=asked.num_chips,
            sigma_d=float(stop),
            class_names=names,
        )

    def cards(stop: str) -> tuple[Callable[[], None], Callable[[], None]]:
        there = float(stop)
        tally, votes = asked.tally(there), asked.votes(there)
        return (
            lambda: _class_votes(record, tally, shown, asked, names),
            lambda: _chip_votes(record, votes, shown, asked, names),
        )

    def draw(stop: str) -> None:
        for card in cards(stop):
            card()

    def tell(stop: str) -> dict[str, str]:
        from dashboard.report.markdown import markdown_html  # noqa: PLC0415 - what writes documents is needed at a click alone

        return {FINDING: markdown_html(finding(stop))}

    at = sigma_d_text(sigma_d)
    if asked.is_finished:
        player(slider=address.VOTE_SIGMA_D, stops=list(control.options), at=at, draw=draw, tell=tell)
    words, beside = st.columns([4, 1], vertical_alignment="center")
    with words:
        with st.container(key="votes_finding"):
            st.markdown(finding(at))
        st.caption(
            f"{asked.num_chips} of {NUM_VOTERS} chips asked at {len(VOTE_SIGMA_DS)} device variations; "
            f"{asked.seconds:.2g} s."
        )
    with beside:
        name = names[shown.truth]
        image_grid([Tile(shown.pixels, name, (shown.words,), alt=f"{shown.words.capitalize()}, a {name}")])
    for place, card in zip(st.columns(2), cards(at), strict=True):
        with place:
            card()
    _onward(record, asked.votes(sigma_d), sigma_d, shown.truth, names)
    return [asked]


@alone
def _class_votes(record: RunRecord, tally: pd.DataFrame, shown: Shown, asked: Voters, names: tuple[str, ...]) -> None:
    card = Card(
        key="class_votes",
        runs=(record.id,),
        question="Which class do chips say?",
        caption=(
            "Bars: chips that say the class, with the 95 % interval; rings: its mean probability. A ring far from "
            "its bar's end: chips that are not sure."
        ),
        definition=VOTES_DEFINITION,
        alt=f"Votes of {asked.num_chips} chips on {shown.words}, class by class.",
    )
    chart_card(card, charts.class_votes(tally, class_names=names, truth=shown.truth, mode=theme_mode()), tally)


@alone
def _chip_votes(record: RunRecord, votes: pd.DataFrame, shown: Shown, asked: Voters, names: tuple[str, ...]) -> None:
    card = Card(
        key="chip_votes",
        runs=(record.id,),
        question="Which chip says what?",
        caption="Blue: right; orange: wrong; the stronger, the surer. Watch which chips change their minds.",
        definition=GRID_DEFINITION,
        alt=f"The class that each of {asked.num_chips} chips says of {shown.words}.",
    )
    figure = charts.chip_votes(votes, class_names=names, num_chips=NUM_VOTERS, truth=shown.truth, mode=theme_mode())
    chart_card(card, figure, votes)


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
