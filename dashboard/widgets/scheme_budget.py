"""What verifying a share of the weights buys, by how they are chosen."""

import streamlit as st

from dashboard import address, charts
from dashboard.data import schemes
from dashboard.data.schemes import BUDGET_CHIPS, Comparison
from dashboard.data.stored import RunRecord
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import scheme_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

QUESTION = "What does verifying a share of the weights buy?"
SHARES = ("0", "5", "10", "20", "50", "100")
DEFAULT_SHARE = "10"
DEFINITION = r"""
**Selective write-verify** ([Yan2022b]): a share of the network's weights is written again until each device is within
$\varepsilon$; all others are written once. Chosen by the second derivative of the loss, found by one backward pass over
training images (SWIM); by magnitude; or by chance, the control. A verified device takes
$1/(2\Phi(\varepsilon/\sigma)-1)$ pulses, expected, and as many reads.
"""


def budget_card(record: RunRecord, sigma_d: float) -> None:
    """Draw what is known, or offer to find it out."""
    asked = f"scheme_budget_asked_{record.id}_{sigma_d}"
    comparison = schemes.comparison(record, "budgets", (sigma_d,), BUDGET_CHIPS)
    if comparison.is_finished and comparison.problem is None:
        _card(comparison, sigma_d)
        return
    count, num_stored = schemes.count(record, "budgets", (sigma_d,), BUDGET_CHIPS)
    if num_stored == count or st.session_state.get(asked):
        streamed(
            f"scheme_budget_finished_{record.id}",
            lambda: (record.id, sigma_d, st.session_state.get(asked)),
            lambda: _so_far(record, comparison, sigma_d, asked),
            finish=lambda: st.session_state.pop(asked, None) if comparison.problem is None else None,
        )
        return

    def ask() -> None:
        schemes.start_anew(record, "budgets", (sigma_d,), BUDGET_CHIPS)
        st.session_state[asked] = True

    with st.container(border=True, key="card_scheme_budget"):
        st.markdown(f"## {QUESTION}")
        st.caption(
            f"At {SIGMA_D} = {sigma_d_text(sigma_d)}, on {BUDGET_CHIPS} chips: shares of 0 to 100 %, chosen by "
            "the second derivative of the loss (SWIM), by magnitude, or by chance."
        )
        _ = changing_button(
            f"Try {count} shares and choices",
            icon=":material/tune:",
            key="scheme_budget_try",
            on_click=ask,
            help="About as long as the comparison above; each is stored as a run.",
        )


def _so_far(record: RunRecord, comparison: Comparison, sigma_d: float, asked: str) -> list[Comparison]:
    if comparison.problem is not None:
        say_why_not(comparison.problem)
        return [comparison]
    last = comparison.last
    share = (last.num_known + (last.done / last.total if last.total else 0)) / max(last.count, 1)
    st.progress(min(share, 1.0), text=f"{QUESTION} {last.num_known} of {last.count} known")
    if st.button(
        "Cancel", icon=":material/stop_circle:", key="scheme_budget_cancel", help="What is known stays stored."
    ):
        _ = st.session_state.pop(asked, None)
        schemes.cancel(record, "budgets", (sigma_d,), BUDGET_CHIPS)
        st.rerun()
    return [comparison]


@alone
def _card(comparison: Comparison, sigma_d: float) -> None:
    share = _chosen_share()
    table = schemes.budget_table(comparison.last)
    table = table.assign(**{columns.LABEL: table[columns.CHOICE].map(scheme_words.choice_label)})
    card = Card(
        key="scheme_budget",
        question=QUESTION,
        caption=(
            f"{scheme_words.budget_words(table, share)} At {SIGMA_D} = {sigma_d_text(sigma_d)}, {BUDGET_CHIPS} chips; "
            "look for how far left a line has risen."
        ),
        definition=DEFINITION,
        alt="Accuracy and pulses against the share of weights that are verified, by how they are chosen.",
    )
    chart_card(card, charts.accuracy_by_budget(table, at=share, mode=theme_mode()), table, controls=_pick_share)


def _chosen_share() -> float:
    """What the slider in the card will hold once it is drawn."""
    said = st.session_state.get(address.BUDGET_SHARE, st.query_params.get(address.BUDGET_SHARE))
    return float(said if said in SHARES else DEFAULT_SHARE) / 100


def _pick_share() -> None:
    _ = st.select_slider(
        "Share verified (%)",
        SHARES,
        value=DEFAULT_SHARE,
        key=address.BUDGET_SHARE,
        bind="query-params",
        persist_state="session",
        help="Of the network's weights.",
    )
