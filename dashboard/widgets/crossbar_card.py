"""Where one weight lies: its devices in a crossbar, and its sign."""

import pandas as pd

from dashboard import charts
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode

CROSSBAR_DEFINITION = r"""
**A crossbar** ([Qin2025], section 2). Inputs drive the rows; where a row and a column cross lies a device, and its
current is input × conductance. A column adds the currents of its devices: $I_j=\sum_i x_i\,g_{ij}$. A weight takes one
device in each of $L=M/K$ columns; the columns' sums are counted $2^{jK}$ times and added (Eq. 4). The sign is kept
apart, on a second crossbar, and is taken to hold.
"""


@alone
def crossbar_card(devices: pd.DataFrame, *, sign: int, max_level: int) -> None:
    """Draw the weight's part of a crossbar.

    Args:
        devices: a row per device, most significant first (`SlicedWeight.slices`).
        sign: of the weight, -1 or 1.
        max_level: 2^K - 1.
    """
    card = Card(
        key="crossbar",
        question="Where does the weight lie?",
        caption="Its row of the crossbar: a cell is a device, its number and shade the level asked of it. Point at one "
        "for what it holds on this chip.",
        definition=CROSSBAR_DEFINITION,
        alt=f"The weight's {len(devices)} devices in a crossbar with the levels asked of them, and its sign.",
    )
    chart_card(card, charts.crossbar(devices, sign=sign, max_level=max_level, mode=theme_mode()), devices)
