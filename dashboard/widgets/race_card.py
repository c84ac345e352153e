"""The worst of very many chips on the page of one chip: chosen where they are kept, raced for where they are not."""

from dataclasses import dataclass

import streamlit as st

from dashboard import address, charts
from dashboard.data import races
from dashboard.data.foreign import foreign
from dashboard.data.opened_chips import ChipReport
from dashboard.data.races import PERCENTILE, RaceRecord, Racing
from dashboard.data.results import percentile_name
from dashboard.data.stored import RunRecord, look
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import race_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

ASKED = "race_asked"  # in the session: the run, the device variation and the number of chips that are raced
TAIL_DEFINITION = r"""
**A race** asks $N$ chips for the worst of them. All meet few test images, in orders of their own. A chip is left out
once it is refuted that it errs as often as the $R$-th worst chip that met every image so far: by a bet on each image it
meets, which grows only if the chip errs less than that ([WaudbySmith2020], for images drawn without replacement). Those
that are not left out meet every image, so the accuracies shown are exact.

With a probability of at least $1-\delta$ the $R$ lowest accuracies are those of trying all chips on all images,
whatever the network; $\delta$ is stored with the race. $R$ is the highest rank that the percentile or its limits need.

**The percentile** and its one-sided 95 % limits are those of $N$ chips, of which order statistics set the limits
([David2003]). The axis of shares is logarithmic: one chip in a hundred stands at 1 %. Stored chips are the first of the
same chips: chip 7 is chip 7 in both.
"""
STILL_DEFINITION = r"""
**Still in.** How many chips met at least so many test images before they were left out; the last step are those that
met all. The dotted frame is every chip on every image, the filled part what the race computed of it. Chips that met
some images and then all meet those twice, so the race takes a little more than is filled.
"""


@dataclass(frozen=True)
class Raced:
    """A chip of a race that is to be opened."""

    race: RaceRecord
    instance: int
    order: tuple[int, ...]
    """All of its worst chips, worst first."""


@dataclass(frozen=True)
class ToRace:
    """Chips of which none can be opened: they were not raced, or are alike."""

    count: int
    race: RaceRecord | None = None
    """Of chips that are alike."""


def pick_raced(record: RunRecord, sigma_d: float) -> Raced | ToRace:
    """Of how many chips the worst are asked for, and which of them is."""
    known = races.found(record, sigma_d)
    counts = sorted({*races.COUNTS, *known})
    among = Control(
        key=address.RACED_CHIPS,
        label="Of so many chips",
        options={str(count): f"{count:,}" for count in counts},
        default=str(races.NUM_INSTANCES),
        stays=True,
        help="They are the run's own chips and more of them, made alike.",
    )
    count = int(among.draw())
    race = known.get(count)
    if race is None:
        return ToRace(count)
    chips = races.chips(race)
    if chips.empty:
        return ToRace(count, race)
    rank = Control(
        key=address.RACED_RANK,
        label="Rank from the worst",
        options=race_words.chip_titles(chips),
        kind="list",
        stays=True,
        help="Chips below the race's last rank, each with its accuracy on all test images; of equal ones the lower "
        "number comes first.",
    ).draw()
    order = tuple(int(chip) for chip in chips[columns.INSTANCE])
    return Raced(race, order[int(rank) - 1], order)


def race_for(record: RunRecord, sigma_d: float, asked: ToRace) -> None:
    """Where so many chips were not raced: offer it, or race them."""
    count = asked.count
    for reason in races.problems(record):
        st.warning(foreign(reason), icon=":material/warning:")
    if asked.race is not None:
        st.info(race_words.alike(asked.race), icon=":material/inbox:")
        return
    if st.session_state.get(ASKED) == (record.id, sigma_d, count):
        _live(record, sigma_d, count)
    else:
        _offer(record, sigma_d, count)
    with st.expander("The same from a command line", icon=":material/terminal:"):
        st.code(race_words.command(record.id, count, sigma_d), language=None, wrap_lines=True)


def _offer(record: RunRecord, sigma_d: float, count: int) -> None:
    stored = record.facts.num_instances
    st.markdown(
        f"Which is the worst of {count:,} chips at device variation {SIGMA_D} = {sigma_d_text(sigma_d)}? The run's "
        f"evaluation tried {stored:,}. A race lets all meet few images, and only those that may be among the worst "
        f"more: it finds the {percentile_name(PERCENTILE)} and every chip below it."
    )
    so_far = races.racing(record, sigma_d, count).last.done

    def ask() -> None:
        races.forget_ended(record, sigma_d, count)
        st.session_state[ASKED] = (record.id, sigma_d, count)

    _ = changing_button(
        f"Race {count:,} chips" if not so_far else f"Go on racing {count:,} chips",
        icon=":material/flag:",
        key="race_chips",
        on_click=ask,
        help="10,000 chips of a narrow network on digits take a minute or two on one core, a wide one an hour; it can "
        "be stopped and go on, and what it finds is kept.",
    )


def _live(record: RunRecord, sigma_d: float, count: int) -> None:
    racing = races.racing(record, sigma_d, count)

    def finish() -> None:
        if racing.problem is None:
            st.session_state.pop(ASKED, None)

    streamed(
        "race_finished",
        lambda: (record.id, sigma_d, count, st.session_state.get(ASKED)),
        lambda: _so_far(racing),
        finish=finish,
    )


def _so_far(racing: Racing) -> list[Racing]:
    """How far the race is, and the way out of it."""
    if racing.problem is not None:
        say_why_not(racing.problem)
        return [racing]
    last = racing.last
    words = race_words.progress(last.done, last.total, cost=last.cost, seconds=last.seconds)
    st.progress(min(last.done / last.total, 1.0), text=words)
    if st.button(
        "Stop",
        icon=":material/stop_circle:",
        key="race_stop",
        help="It goes on from here when it is asked for again within ten minutes.",
    ):
        st.session_state.pop(ASKED, None)
        st.rerun()
    return [racing]


@alone
def tail_card(record: RunRecord, raced: Raced, report: ChipReport) -> None:
    """Draw where the worst chips stand, and the percentile."""
    race, percentiles = raced.race, races.percentile(raced.race)
    count = race.asked.num_instances
    chips = races.chips(race)
    card = Card(
        key="race_tail",
        runs=(record.id,),
        command=race_words.command(record.id, count, race.asked.sigma_d),
        question=f"How far down do {count:,} chips reach?",
        caption=(
            f"The {len(chips)} worst of {count:,} chips below the {len(report.ranked):,} stored ones; the ring is this "
            "one. Look at how much lower one chip in a thousand, or in ten thousand, lies than one in a hundred."
        ),
        definition=TAIL_DEFINITION,
        alt=f"Share of chips up to each accuracy; the worst {len(chips)} of {count:,}, chip {report.instance} marked.",
    )
    figure = charts.race_tail(
        chips,
        report.ranked,
        percentiles,
        percentile_name=percentile_name(race.asked.percentile),
        instance=report.instance,
        look=look(record),
        mode=theme_mode(),
    )
    chart_card(card, figure, chips)


@alone
def still_in_card(record: RunRecord, raced: Raced, report: ChipReport) -> None:
    """Draw how soon chips were left out."""
    race, still_in = raced.race, races.still_in(raced.race)
    count, called = race.asked.num_instances, report.called
    card = Card(
        key="race_still_in",
        runs=(record.id,),
        command=race_words.command(record.id, count, race.asked.sigma_d),
        question="How soon are chips left out?",
        caption=race_words.cost_words(race, called),
        definition=STILL_DEFINITION,
        alt=f"Chips that met at least so many {called.many}, of {count:,}.",
    )
    if still_in.empty:
        empty_card(card, "How many images each chip met was not kept with this race, which is of an earlier version.")
        return
    figure = charts.race_still_in(still_in, image_name=called.many, look=look(record), mode=theme_mode())
    chart_card(card, figure, still_in)
