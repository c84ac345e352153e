"""The decision: the cheapest scheme that holds a percentile above a bar, and the chips that prove it."""

import streamlit as st

from dashboard import address
from dashboard.computing.answers import SchemesPart
from dashboard.data import schemes
from dashboard.data.citations import with_references
from dashboard.widgets.control import Control
from dashboard.widgets.scheme_cards import COST
from dashboard.words import scheme_words
from dashboard.words.sentences import SIGMA_D
from neft.sigma_d import sigma_d_text

PERCENTILE = Control(
    key=address.SCHEME_PERCENTILE,
    label="Percentile over chips",
    options={str(one): f"{one}" for one in (1, 5, 10, 50)},
    default="5",
    help="So many of 100 chips may lie below.",
    stays=True,
)
BARS = tuple(str(bar) for bar in (*range(10, 90, 5), *range(90, 100)))
DEFAULT_BAR = "90"
DEFINITION = """
The percentile of *all* chips is above the bar with a probability of 95 % where the chip that is its lower limit is
([David2003], section 7.1): of n chips, the largest rank that lies below the percentile in at least 95 of 100 samples.
Nothing is assumed of how chips spread. Each scheme's limit holds by itself: where many schemes are tried, one that just
passes may do so by luck; try it again on more chips.
"""


def decision_card(part: SchemesPart, sigma_d: float) -> None:
    """Draw the choices and what follows from them."""
    with st.container(border=True, key="card_scheme_decision"):
        st.markdown(f"## Which is cheap enough and good enough at {SIGMA_D} = {sigma_d_text(sigma_d)}?")
        with st.container(horizontal=True):
            percentile = int(PERCENTILE.draw())
            bar = _pick_bar() / 100
        cost = COST.chosen()
        table = schemes.table(part, percentile)
        choice = schemes.cheapest(table, part.chips, sigma_d=sigma_d, cost=cost, bar=bar, percentile=percentile)
        at = schemes.at_sigma_d(table, sigma_d)
        st.markdown(scheme_words.decision(at, choice, percentile=percentile, bar=bar, cost=cost))
        with st.popover("About", icon=":material/info:", key="about_scheme_decision"):
            st.markdown(with_references(DEFINITION))


def _pick_bar() -> float:
    chosen = st.select_slider(
        "Bar (%)",
        BARS,
        value=DEFAULT_BAR,
        key=address.SCHEME_BAR,
        bind="query-params",
        persist_state="session",
        help="Accuracy above which the percentile is to be.",
    )
    return float(chosen)
