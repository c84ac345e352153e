"""Which layer of a stored network costs the accuracy: a preview that grows, variation in one layer at a time."""

from collections.abc import Callable

from dashboard import charts
from dashboard.data import previews
from dashboard.data.previews import MAX_PASSES, LayerCosts, Stream
from dashboard.data.stored import RunRecord, look
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

LAYER_DEFINITION = r"""
**One layer at a time.** The devices of one layer miss with $\sigma_d$, those of all others hit their targets; the same
preview then gives the mean accuracy. The costs of single layers need not add up to that of all: deviations of one layer
pass through the next.

Dots and band are 95 % intervals of the mean. The solid line is variation in all layers, the dashed one none.
"""


@alone
def layer_card(
    record: RunRecord,
    sigma_d: float,
    stream: Stream,
    *,
    key: str = "layers",
    question: str = "Which layer costs the accuracy?",
    controls: Callable[[], object] | None = None,
) -> None:
    """A preview layer by layer, as far as it is computed."""
    found = previews.by_layer(stream)
    card = Card(
        key=key,
        runs=(record.id,),
        question=question,
        caption=f"{_layer_words(found, sigma_d)} {progress_words(stream)}",
        definition=LAYER_DEFINITION,
        alt=f"Accuracy with variation in one of {len(found.alone)} layers at a time, beside all layers and none.",
    )
    figure = charts.layer_costs(found.alone, found.together, clean=found.clean, look=look(record), mode=theme_mode())
    chart_card(card, figure, stream.last.curve, controls=controls)


def progress_words(stream: Stream) -> str:
    """How far a preview is."""
    last = stream.last
    chips = "each on a chip of its own" if last.num_chips == last.num_images else f"on {last.num_chips} chips"
    return f"Pass {last.num_passes} of {MAX_PASSES}: {last.num_images} images, {chips}; {stream.seconds:.2g} s."


def _layer_words(found: LayerCosts, sigma_d: float) -> str:
    all_layers = found.together.iloc[0]
    everywhere = sentences.with_interval(all_layers[columns.MEAN], all_layers[columns.CI95])
    at = f"With {SIGMA_D} = {sigma_d_text(sigma_d)}"
    if found.costliest.empty:
        return f"{at} in all layers {everywhere}; no layer by itself is told apart from no variation."
    each = [
        f"{row[columns.LAYER]}: {sentences.with_interval(row[columns.MEAN], row[columns.CI95])}"
        for row in found.costliest.to_dict("records")
    ]
    told = "the costliest by itself" if len(each) == 1 else "the costliest by themselves, not told apart"
    return f"{at} in all layers {everywhere}; {told}, {', '.join(each)}."
