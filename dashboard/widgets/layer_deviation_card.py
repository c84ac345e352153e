"""Which layers the deviations hit hardest."""

import pandas as pd

from dashboard import charts
from dashboard.address import Selection
from dashboard.charts.theme import HEIGHT, Mode
from dashboard.data import results, stored
from dashboard.data.caches import kept
from dashboard.widgets.chart_card import KEPT, Card, Made, NothingToDraw, made_card, show_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import result_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

LAYER_DEFINITION = r"""
**A typical deviation over a typical weight.** A device errs by a share of its largest conductance, which stands for the
largest weight $w_{max}$ of its layer: for RRAM1 with 8-bit weights on 2-bit devices,
$\mathrm{std}(W_p-W_d) = 0.7776\,\sigma_d\,w_{max}$ in every layer. Beside the layer's RMS weight that is

$$\frac{\mathrm{std}(W_p-W_d)}{\mathrm{RMS}(W_d)}$$

Sampled deviations of eight chips, mean over trainings. A layer with one large weight and many small ones is hit
hardest. The *Weights* page has the distributions themselves.
"""


@alone
def layer_deviation_card(selection: Selection, *, height: int = HEIGHT) -> None:
    """A typical deviation beside a typical weight, a bar per layer; methods only where they differ."""
    show_card(_card(selection, height=height, mode=theme_mode()))


@kept(max_entries=KEPT, stamp=stored.of_its_runs)
def _card(selection: Selection, *, height: int, mode: Mode) -> Made | NothingToDraw:
    run_ids = tuple(record.id for record in results.shown_runs(selection))
    sizes = results.weight_sizes(run_ids, selection.sigma_d) if run_ids else pd.DataFrame()
    found = results.layer_deviations(sizes)
    num_methods = sizes[columns.VARIANT].nunique() if not sizes.empty else 0
    card = Card(
        key="layer_deviations",
        runs=run_ids,
        question="Which layers are hit hardest?",
        caption=(
            f"At {SIGMA_D} = {sigma_d_text(selection.sigma_d)}, a typical deviation over a typical weight. "
            f"{result_words.alike_words(num_methods, found.spread)}"
        ).strip(),
        definition=LAYER_DEFINITION,
        alt="A typical weight deviation over a typical weight, a bar per layer.",
    )
    if selection.sigma_d == 0 or sizes.empty:
        return NothingToDraw(
            card, f"At {SIGMA_D} = 0 nothing misses." if run_ids else f"No network was trained at this {SIGMA_D}."
        )
    return made_card(card, charts.layer_deviations(found.layers, found.methods, height=height, mode=mode), sizes)
