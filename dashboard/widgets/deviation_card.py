"""How far the weights miss, layer by layer."""

from dashboard import address, charts
from dashboard.address import Selection
from dashboard.data import results, stored
from dashboard.data.stored import Unit
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.sentences import SIGMA_D
from neft.sigma_d import sigma_d_text

UNIT = Control(
    key=address.UNIT,
    label="Deviations over",
    options={"rms": "the layer's RMS weight", "w_max": "the layer's largest weight"},
    help="What a deviation is counted in: a typical weight of the layer, or its largest.",
)
DEVIATION_DEFINITION = r"""
**Weight deviations.** Sampled $W_p - W_d$ of eight chips, layer by layer, with the closed form as a dashed line. For
RRAM1 with 8-bit weights on 2-bit devices, $\mathrm{std}(W_p-W_d) = 0.7776\,\sigma_d\,w_{max}$.

Over the *largest* weight all methods meet the same law. Over the *RMS* weight one sees what training changes: a
deviation of 1 is as large as a typical weight.
"""


@alone
def deviation_card(selection: Selection) -> None:
    """Histograms of the deviations of one network a method, at the slice."""
    run_ids = tuple(record.id for record in results.one_run_each(selection))
    card = Card(
        key="deviations",
        runs=run_ids,
        question="How far do the weights miss?",
        caption=(
            f"One network a method (its lowest seed) at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}; dashed is the "
            "closed form."
        ),
        definition=DEVIATION_DEFINITION,
        alt="Histograms of weight deviations, one panel per layer, with the closed form.",
    )
    if not run_ids or selection.sigma_d == 0:
        reason = f"At {SIGMA_D} = 0 nothing misses." if run_ids else f"No network was trained at this {SIGMA_D}."
        empty_card(card, reason)
        return
    unit: Unit = "w_max" if UNIT.chosen() == "w_max" else "rms"
    frame = stored.deviations(run_ids, selection.sigma_d, unit)
    if frame.empty:
        empty_card(card, "The stored deviations of these runs cannot be read.")
        return
    figure = charts.weight_deviations(frame, x_title=f"deviation over {UNIT.options[unit]}", mode=theme_mode())
    chart_card(card, figure, frame, controls=UNIT.draw)
