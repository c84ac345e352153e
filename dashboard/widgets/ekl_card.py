"""How sure the right answers of chips are, at the slice."""

import pandas as pd

from dashboard import address, charts
from dashboard.address import Selection
from dashboard.charts.theme import HEIGHT, Mode
from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.sources import runs_in
from dashboard.widgets.chart_card import KEPT, Card, Made, NothingToDraw, labels_of, made_card, show_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

EKL_DEFINITION = r"""
**Expected KL divergence**, in nats: $\mathrm{KL}(\text{one-hot}\,\|\,\text{softmax}) = -\ln p_y$, averaged over the
images a chip gets *right* ([Qin2025], section 4.2). One value per chip; the curve is the share of chips below a value.

Only correct predictions count, and a network trained at a higher temperature has larger logits when it is deployed
without one: a low EKL alone is no proof of a better network. Read it beside the accuracy.
"""


METRIC = Control(
    key=address.METRIC,
    label="EKL",
    options={columns.EKL: "EKL", columns.CALIBRATED_EKL: "EKL after calibration"},
    help="As deployed, or after dividing the logits by a temperature that is fitted on validation images.",
    shows_label=False,
)
"""Which EKL a card draws."""


@alone
def ekl_card(selection: Selection, rows: pd.DataFrame, *, height: int = HEIGHT, has_legend: bool = True) -> None:
    """The distribution of EKL over the chips at the slice."""
    show_card(_card(selection, rows, height=height, has_legend=has_legend, mode=theme_mode()))


@kept(max_entries=KEPT, stamp=stored.of_its_runs)
def _card(
    selection: Selection, _rows: pd.DataFrame, *, height: int, has_legend: bool, mode: Mode
) -> Made | NothingToDraw:
    """The rows are those of the selection, at its slice."""
    card = Card(
        key="ekl",
        runs=runs_in(_rows),
        question="How sure are the right answers?",
        caption=(f"Every chip at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}; further left is surer."),
        definition=EKL_DEFINITION,
        alt="Distribution of the expected KL divergence over chips, by method.",
    )
    if _rows.empty:
        return NothingToDraw(card, f"No chips at this {SIGMA_D}.")
    quantiles = stored.quantiles(_rows, columns.EKL)
    spread = "every seed and chip is one value"
    figure = charts.ekl_distribution(quantiles, interval_name=spread, height=height, mode=mode)
    table = _rows[[columns.VARIANT, columns.SEED, columns.INSTANCE, columns.EKL, columns.ACCURACY]]
    return made_card(card, figure, table, without=() if has_legend else labels_of(quantiles))
