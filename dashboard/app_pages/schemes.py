"""One stored network under every mapping and programming: what each keeps, and what it costs."""

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.data import restorable, schemes
from dashboard.data.schemes import Comparison
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.scheme_budget import budget_card
from dashboard.widgets.scheme_cards import COST, cost_card, curves_card, microscope_card, noise_card
from dashboard.widgets.scheme_decision import decision_card
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.streaming import streamed
from dashboard.words import scheme_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

QUESTION = "Which mapping and programming does it need?"
MOST_LINKED = 4  # networks whose schemes are stored, named where those of another are not
ASKED = "schemes_asked"  # in the session: the run and the chips whose comparison was asked for
CHIPS = Control(
    key=address.SCHEME_CHIPS,
    label="Chips of each scheme",
    options={str(count): str(count) for count in schemes.CHIPS},
    help="The same numbers for all schemes. 59 bound the 5th percentile from below, 299 the 1st.",
    stays=True,
)
AT = Control(
    key=address.SCHEME_SIGMA_D,
    label=f"Read at {SIGMA_D}",
    options={sigma_d_text(sigma_d): sigma_d_text(sigma_d) for sigma_d in schemes.SIGMA_DS if sigma_d},
    default="0.2",
    help="Std of a device's error over its maximal conductance, before anything is verified.",
    stays=True,
)
# the table's columns; fractions are shown as per cent
HEADS = {
    columns.LABEL: "Scheme",
    columns.MEAN: "Accuracy %",
    columns.CI95: "±",
    columns.PERCENTILE_VALUE: "Percentile %",
    columns.PERCENTILE_LOWER: "at least %",
    columns.DIFFERENCE: "Gain (points)",
    columns.DIFFERENCE_CI95: "± points",
    columns.DEVICES: "Devices",
    columns.PULSES: "Pulses",
    columns.READS: "Reads",
    columns.OPERATIONS: "Digital operations",
    columns.ON_FRONT: "On the front",
    columns.RUN_ID: "Stored as",
}
FRACTIONS = (
    columns.MEAN,
    columns.CI95,
    columns.PERCENTILE_VALUE,
    columns.PERCENTILE_LOWER,
    columns.DIFFERENCE,
    columns.DIFFERENCE_CI95,
)


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    heading = st.empty()
    heading.title(QUESTION)
    runs = restorable.candidates()
    if not runs:
        say_no_weights("Trying schemes")
        return
    tried = schemes.tried()
    with st.sidebar:
        record = pick_network(runs, next(iter(tried), None))
        num_chips = int(CHIPS.draw())
        sigma_d = float(AT.draw())
    try:
        count, num_stored = schemes.count(record, "usual", schemes.SIGMA_DS, num_chips)
    except NeftError as error:
        say_why_not(error)
        return
    comparison = schemes.comparison(record, "usual", schemes.SIGMA_DS, num_chips)
    if comparison.is_finished and comparison.problem is None:
        table = schemes.at_sigma_d(schemes.table(comparison.last, 5), sigma_d)
        heading.title(scheme_words.title(table))
        _result(record, comparison, sigma_d)
    elif num_stored == count or st.session_state.get(ASKED) == (record.id, num_chips):
        _live(record, comparison, num_chips, sigma_d)
    else:
        _offer(record, num_chips, count, num_stored)
        _elsewhere([other for other in tried if other.id != record.id])
    _command(record, num_chips)


def _offer(record: RunRecord, num_chips: int, count: int, num_stored: int) -> None:
    facts = record.facts
    known = f" {num_stored} of them {'is' if num_stored == 1 else 'are'} stored already." if num_stored else ""
    st.markdown(
        f"The same weights of **{facts.label}** ({facts.backbone_label} on {facts.dataset_label}) can be laid on "
        f"devices and written in many ways. {count} of them, on {num_chips} chips each: what each keeps, at which "
        f"cost in devices, pulses, reads and digital operations.{known}"
    )

    def ask() -> None:
        schemes.start_anew(record, "usual", schemes.SIGMA_DS, num_chips)
        st.session_state[ASKED] = (record.id, num_chips)

    _ = changing_button(
        f"Try {count} schemes",
        icon=":material/account_tree:",
        key="schemes_try",
        on_click=ask,
        help="A minute for a narrow network on digits, longer for a wide one; it can be cancelled. Each scheme is "
        "stored as a run, and shows in All runs and Compare.",
    )


def _elsewhere(tried: list[RunRecord]) -> None:
    """Networks whose schemes are stored already."""
    if tried:
        st.markdown("**Tried already**")
    for other in tried[:MOST_LINKED]:
        label = f"{other.facts.name} ({other.facts.dataset_label})"
        page_link(Page.SCHEMES, label, query_params={address.RUNS: other.id})


def _live(record: RunRecord, comparison: Comparison, num_chips: int, sigma_d: float) -> None:
    def finish() -> None:
        if comparison.problem is None:
            st.session_state.pop(ASKED, None)

    streamed(
        "schemes_finished",
        lambda: (record.id, num_chips, sigma_d, st.session_state.get(ASKED)),
        lambda: _so_far(record, comparison, num_chips, sigma_d),
        finish=finish,
    )


def _so_far(record: RunRecord, comparison: Comparison, num_chips: int, sigma_d: float) -> list[Comparison]:
    """How far it is, the way out of it, and what is known."""
    if comparison.problem is not None:
        say_why_not(comparison.problem)
        return [comparison]
    last = comparison.last
    share = (last.num_known + (last.done / last.total if last.total else 0)) / max(last.count, 1)
    st.progress(
        min(share, 1.0),
        text=f"Scheme {min(last.num_known + 1, max(last.count, 1))} of {last.count}: {last.label}, chip {last.done} of "
        f"{last.total or num_chips} · {last.seconds:.0f} s of computing so far",
    )
    if st.button(
        "Cancel", icon=":material/stop_circle:", key="schemes_cancel", help="Schemes that are known stay stored."
    ):
        st.session_state.pop(ASKED, None)
        schemes.cancel(record, "usual", schemes.SIGMA_DS, num_chips)
        st.rerun()
    if not last.costs.empty:
        table = schemes.table(last, 5)
        left_column, right_column = st.columns(2)
        with left_column:
            curves_card(record, table, sigma_d)
        with right_column:
            cost_card(schemes.at_sigma_d(table, sigma_d), sigma_d, COST.chosen(), is_growing=True)
    return [comparison]


def _result(record: RunRecord, comparison: Comparison, sigma_d: float) -> None:
    part = comparison.last
    table = schemes.table(part, 5)
    at = schemes.at_sigma_d(table, sigma_d)
    st.markdown(scheme_words.finding(at, sigma_d))
    for label, reason in part.refused.items():
        st.caption(f"Left out: {label}. {reason}")
    decision_card(part, sigma_d)
    left, right = st.columns(2)
    with left:
        curves_card(record, table, sigma_d)
        noise_card(at, sigma_d)
    with right:
        cost_card(at, sigma_d, COST.chosen())
        microscope_card(record, sigma_d)
    budget_card(record, sigma_d)
    _table(schemes.by_cost(at, COST.chosen()), first=str(at[columns.RUN_ID].iloc[0]))


@alone
def _table(at: pd.DataFrame, *, first: str) -> None:
    st.markdown("## All schemes")
    shown = at[list(HEADS)].assign(**{name: 100 * at[name] for name in FRACTIONS})
    number = st.column_config.NumberColumn
    formats = {HEADS[name]: number(format="%.2f") for name in FRACTIONS}
    formats |= {HEADS[name]: number(format="%.3g") for name in columns.COSTS}
    shown_table(
        shown.rename(columns=HEADS),
        hide_index=True,
        column_config=formats,
        key="schemes_table",
        title="Mapping and programming schemes",
    )
    st.caption("Percentile: the 5th over chips, with its one-sided 95 % lower limit. Each scheme is a stored run.")
    pair = [str(schemes.best(at)[columns.RUN_ID].iloc[0]), first]
    page_link(Page.COMPARE, "Compare the best with the run as it is, chip by chip", query_params={address.RUNS: pair})


def _command(record: RunRecord, num_chips: int) -> None:
    with st.expander("The same from a command line", icon=":material/terminal:"):
        st.code(f"neft schemes {record.id} --chips {num_chips}", language=None, wrap_lines=True)


page()
