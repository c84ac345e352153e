"""Cards of schemes: accuracy against device variation and cost, noise, and one weight under each of them."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import schemes, weights
from dashboard.data.stored import RunRecord
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.in_address import finite
from dashboard.widgets.network_picker import layer_control
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import scheme_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text

COST = Control(
    key=address.SCHEME_COST,
    label="Cost",
    options=scheme_words.COSTS,
    default=columns.PULSES,
    kind="list",
    help="What is to be cheap. Pulses and reads are expected, over all devices of a weight but those of a second "
    "crossbar of signs, which is taken to hold.",
    stays=True,
    width=260,
)
SCHEMES_DEFINITION = r"""
**A scheme** is a mapping (how weights become what devices aim at) and a programming (how devices are written). Training
stays as it is: the same weights everywhere. Each is tried on chips of the same numbers, at each $\sigma_d$, on all test
images; differences are taken chip by chip. $\sigma_d$ is the std of a single write: verifying leaves less of it.

**Costs** of a weight. *Devices*: all that hold it, a second crossbar of signs among them. *Pulses and reads*: what
writing it takes, expected; write-verify takes $1/(2\Phi(\varepsilon/\sigma)-1)$ writes a device ([Yan2022b]), residual
programming a read of every device but the last. *Digital operations*: channel factors, rotating the inputs, sums over
copies, over the weights read in the same product.
"""
FRONT_DEFINITION = (
    SCHEMES_DEFINITION
    + r"""
**Front**: schemes than which none costs as little and keeps as much, and is better in one, by mean accuracy. It goes by
estimates: marks whose intervals overlap may belong there too.
"""
)
NOISE_DEFINITION = r"""
**Bars**: $\sqrt{\overline{(W_p - W_d)^2}}/w_{max}$ over all weights, each over its layer's $w_{max}$, by the closed
form of mapping and programming: for one write a device $c\,\sigma_d$ with $c = \sqrt{\sum_j b^{2j}}/\sum_j b^j$
([LeGallo2022], Eq. 8). **Dots**: the same of one sampled chip, device by device. Where slices depend on each other and
saturate ([Song2024]) there is no closed form.
"""
MICROSCOPE_DEFINITION = r"""
**One weight on 2,000 chips**, its devices drawn one by one: $(W_p - W_d)/w_{max}$ under each scheme. Lines: a
Gaussian of the closed form's mean and std, which is the whole law for one write a device; verified devices have cut
tails, so their histograms leave it. Every row is as high as its highest bin. What happens after programming is left
out.
"""


@alone
def curves_card(record: RunRecord, table: pd.DataFrame, sigma_d: float) -> None:
    """Accuracy against device variation, a line per scheme."""
    front = table.assign(**{columns.ON_FRONT: table[columns.ON_FRONT] & same_sigma_d(table[columns.SIGMA_D], sigma_d)})
    card = Card(
        key="scheme_curves",
        runs=(record.id,),
        question="How fast does each fall?",
        caption="Look for lines that stay up where others fall. Pointing at a line names its scheme.",
        definition=SCHEMES_DEFINITION,
        alt=f"Accuracy against device variation of {table[columns.SCHEME].nunique()} schemes.",
    )
    chance = 1 / record.facts.num_classes
    chart_card(card, charts.scheme_curves(front, chance=chance, sigma_d=sigma_d, mode=theme_mode()), table)


@alone
def cost_card(at: pd.DataFrame, sigma_d: float, cost: str, *, is_growing: bool = False) -> None:
    """Accuracy against cost with the front; while schemes are still tried, without the choice of the cost."""
    rows = schemes.fronts(at, cost)
    card = Card(
        key="scheme_costs",
        question="What does accuracy cost?",
        caption=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}, 95 % intervals over chips. Full marks are on the front.",
        definition=FRONT_DEFINITION,
        alt=f"Accuracy against {scheme_words.COSTS[cost]} of {len(at)} schemes.",
    )
    figure = charts.accuracy_vs_cost(rows, cost=cost, cost_title=scheme_words.COSTS[cost], mode=theme_mode())
    chart_card(card, figure, rows, controls=None if is_growing else COST.draw)


@alone
def noise_card(at: pd.DataFrame, sigma_d: float) -> None:
    """How far weights miss under each scheme."""
    card = Card(
        key="scheme_noise",
        question="How far do weights miss?",
        caption=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}. A row with a dot alone has no closed form.",
        definition=NOISE_DEFINITION,
        alt=f"Closed-form and sampled noise of {len(at)} schemes.",
    )
    chart_card(card, charts.scheme_noise(at, mode=theme_mode()), at)


@alone
def microscope_card(record: RunRecord, sigma_d: float) -> None:
    """One weight under each scheme."""
    sizes = weights.layer_sizes(record)
    which = layer_control(list(sizes))
    layer = which.chosen()
    number = _chosen_weight(sizes[layer])
    found = schemes.deviations(record, layer, number, sigma_d)
    card = Card(
        key="scheme_microscope",
        runs=(record.id,),
        question="How does one weight miss?",
        caption=f"Weight {number} of {layer} at {SIGMA_D} = {sigma_d_text(sigma_d)}. Compare widths, not heights.",
        definition=MICROSCOPE_DEFINITION,
        alt=f"Deviations of one weight under {found[columns.SCHEME].nunique()} schemes.",
    )
    figure = charts.weight_under_schemes(found, mode=theme_mode())
    chart_card(card, figure, found, controls=lambda: _pick_weight(which, sizes))


def _chosen_weight(size: int) -> int:
    said = st.session_state.get(address.SCHEME_WEIGHT, st.query_params.get(address.SCHEME_WEIGHT, 0))
    return min(max(int(said), 0), size - 1) if str(said).isdecimal() else 0


def _pick_weight(which: Control, sizes: dict[str, int]) -> None:
    with st.container(horizontal=True):
        last = sizes[which.draw()] - 1
        if not 0 <= int(st.session_state.get(address.SCHEME_WEIGHT) or 0) <= last:
            del st.session_state[address.SCHEME_WEIGHT]
        _ = st.number_input(
            "Weight",
            min_value=0,
            max_value=last,
            value=0,
            key=finite(address.SCHEME_WEIGHT),
            bind="query-params",
            help="Its number in the layer, output by output.",
            width=160,
        )
