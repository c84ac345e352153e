"""The worst case of a stored network: what an adversary can do within a bound, beside chance."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import opened_chips, restorable, worst_cases
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord, look
from dashboard.data.worst_cases import Search, WorstChip
from dashboard.pages import Page
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import worst_case_words
from dashboard.words.sentences import SIGMA_D
from neft.errors import NeftError, StoreError
from neft.sigma_d import sigma_d_text

LARGEST = ("0.005", "0.01", "0.02", "0.05", "0.1")
DEFAULT_LARGEST = "0.05"
ASKED = "worst_case_asked"  # in the session: the run and the bounds whose search was asked for
DEFINITION = r"""
**Worst case.** $\min_{\Delta W} \text{accuracy}(W + \Delta W)$ subject to $|\Delta W| \le th_g\, w_{max}$ in every
layer, $w_{max}$ the layer's largest weight and $W$ what the devices aim at ([Yan2022]; [Yan2024]). $th_g = 0.03$ is
about what write-verify leaves.

Accuracy has no gradient, so $f = \sum_x \max(z_y - \max_{j \ne y} z_j,\ 0)$ is lowered instead, over all test images.
(a) Sign-gradient steps, each projected into the box $|\Delta W| \le th_g\, w_{max}$, from no deviation, from random
ones and from what a smaller bound brought; the worst point on the way counts. (b) $c f + \max|\Delta W|/w_{max}$ by
Adam, $c$ searched so that the result fits into the box; the maximum is smoothed. The better of both is the line; its
accuracy is that of a plain pass through the network with the deviations found, which are stored.

**Nobody knows the minimum.** The line is an upper bound on it. A larger $th_g$ never ends higher, because what was
found within a smaller one lies within it too.

Random deviations: uniform in the box, and Gaussian of std $th_g\, w_{max}$ drawn anew until inside; bars reach down to
the lowest draw. The long dashes are the worst of the run's stored chips, whose deviations have no bound.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    st.title("What is the worst that small deviations can do?")
    runs = restorable.candidates()
    if not runs:
        say_no_weights("The search for a worst case")
        return
    with st.sidebar:
        record = pick_network(runs)
        th_gs = worst_cases.bounds(_pick_largest())
    try:
        found = worst_cases.found(record, th_gs)
    except StoreError as error:
        st.warning(foreign(str(error)), icon=":material/warning:")
        found = None
    if found is not None:
        _result(record, th_gs, found.table, num_images=found.num_images)
        st.caption(f"Searched {foreign(found.created.partition('T')[0])}, for {found.seconds:.2g} s, and stored.")
    elif st.session_state.get(ASKED) == (record.id, th_gs):
        _live(record, th_gs)
    else:
        _offer(record, th_gs)
    _command(record, th_gs)


def _pick_largest() -> float:
    chosen = st.select_slider(
        "Largest $th_g$",
        LARGEST,
        value=DEFAULT_LARGEST,
        key=address.WORST_BOUND,
        bind="query-params",
        persist_state="session",
        help="Where the curve ends: the largest deviation of a weight over its layer's largest weight.",
    )
    return float(chosen)


def _offer(record: RunRecord, th_gs: tuple[float, ...]) -> None:
    """What the search would say, and the button that begins it."""
    facts = record.facts
    st.markdown(
        f"How far can deviations of at most {worst_case_words.bound_text(th_gs[-1])} of a layer's largest weight bring "
        f"**{facts.label}** ({facts.backbone_label} on {facts.dataset_label}) down if an adversary chooses them? "
        "Chance never looks for the worst; this search does, by the gradient."
    )

    def ask() -> None:
        worst_cases.start_anew(record, th_gs)
        st.session_state[ASKED] = (record.id, th_gs)

    _ = changing_button(
        "Search the worst case",
        icon=":material/crisis_alert:",
        key="worst_case_search",
        on_click=ask,
        help="Seconds for a small network on digits, minutes for a wide one; it can be cancelled, and is stored.",
    )


def _live(record: RunRecord, th_gs: tuple[float, ...]) -> None:
    def finish() -> None:
        if search.problem is None:
            st.session_state.pop(ASKED, None)

    try:
        search = worst_cases.search(record, th_gs)
        num_images = restorable.images(record).count
    except NeftError as error:
        say_why_not(error)
        return
    streamed(
        "worst_case_finished",
        lambda: (record.id, th_gs, st.session_state.get(ASKED)),
        lambda: _so_far(record, th_gs, search, num_images=num_images),
        finish=finish,
    )


def _so_far(record: RunRecord, th_gs: tuple[float, ...], search: Search, *, num_images: int) -> list[Search]:
    """How far the search is, what it has found, and the way out of it."""
    if search.problem is not None:
        say_why_not(search.problem)
        return [search]
    last = search.last
    known = len(last.table)
    words = f"Searching: {known} of {len(th_gs)} bounds · {last.seconds:.0f} s of computing so far"
    st.progress(min(last.done / last.total, 1.0), text=words)
    if st.button("Cancel", icon=":material/stop_circle:", key="worst_case_cancel", help="Nothing is stored."):
        st.session_state.pop(ASKED, None)
        st.rerun()
    if known:
        _card(record, th_gs, last.table, worst_cases.worst_chip(record), num_images=num_images)
    return [search]


def _result(record: RunRecord, th_gs: tuple[float, ...], table: pd.DataFrame, *, num_images: int) -> None:
    chip = worst_cases.worst_chip(record)
    st.markdown(worst_case_words.finding(table, chip, num_images=num_images, called=restorable.called(record)))
    _card(record, th_gs, table, chip, num_images=num_images)
    if chip is not None:
        there = opened_chips.stored_chip_address(record, chip.instance, chip.sigma_d)
        page_link(
            Page.CHIP,
            f"Open chip {chip.instance}, the worst sampled one at {SIGMA_D} = {sigma_d_text(chip.sigma_d)}",
            query_params={address.RUNS: record.id} if there is None else there,
        )
    page_link(Page.LEADERBOARD, "Compare the worst cases of training methods")


@alone
def _card(
    record: RunRecord, th_gs: tuple[float, ...], table: pd.DataFrame, chip: WorstChip | None, *, num_images: int
) -> None:
    facts = record.facts
    card = Card(
        key="worst_case",
        runs=(record.id,),
        command=_command_line(record, th_gs),
        question="How low can an adversary bring it?",
        caption=(
            f"{facts.label}, {facts.backbone_label} on {facts.dataset_label}, {num_images:,} test "
            f"{restorable.called(record).many}. Look for the gap between the line, which an adversary chose, and "
            "the grey marks, which chance did."
        ),
        definition=DEFINITION,
        alt=f"Lowest accuracy found at {len(table)} bounds of deviations, beside random deviations within them.",
    )
    figure = charts.worst_case_curve(
        table,
        look=look(record),
        chance=1 / facts.num_classes,
        num_draws=worst_cases.NUM_DRAWS,
        end=th_gs[-1],
        worst_chip=None if chip is None else chip.accuracy,
        worst_chip_name=worst_case_words.chip_name(chip),
        mode=theme_mode(),
    )
    chart_card(card, figure, table)


def _command(record: RunRecord, th_gs: tuple[float, ...]) -> None:
    with st.expander("The same from a command line", icon=":material/terminal:"):
        st.code(_command_line(record, th_gs), language=None, wrap_lines=True)
        st.caption("More `--steps` and `--restarts` search harder.")


def _command_line(record: RunRecord, th_gs: tuple[float, ...]) -> str:
    return f"neft worst-case {record.id} --th-g 0:{th_gs[-1]:g}:{th_gs[1]:g}"


page()
