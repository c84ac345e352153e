"""What the devices do to the weights: how far they miss, whether the law holds, and which layer costs the accuracy."""

import pandas as pd
import streamlit as st

from dashboard import charts
from dashboard.address import Selection
from dashboard.data import results, stored
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.accuracy_card import has_methods, no_chips_here
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.deviation_card import deviation_card
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.layer_deviation_card import layer_deviation_card
from dashboard.widgets.layer_pair import layer_pair, magnitude_card
from dashboard.widgets.method_numbers import numbers_table
from dashboard.widgets.page_link import page_link
from dashboard.widgets.run_picker import pick_runs
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import result_words, sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

QUESTION = "What happens to the weights?"
AUDIT_DEFINITION = r"""
**Noise audit.** Asked: the std of $W_p - W_d$ by the closed form, from the device's law and the layer's own weights.
Realised: the std of the deviations that were sampled for eight chips and stored with the run.

The std of $n$ sampled deviations of kurtosis $k$ errs by $\sqrt{(k-1)/(4n)}$ of itself, $1/\sqrt{2n}$ for a Gaussian;
$k$ is that of the closed form, a mixture of Gaussians where levels miss by different amounts. The bar is 1.96 times
that: 95 % of samples keep to it if the law holds. A small layer has a wide bar.

Networks of equal shape meet the same chips, so their marks share the luck of the draw.
"""
SIZES_DEFINITION = r"""
**RMS weight over the largest.** A device that is asked for the largest conductance represents $w_{max}$, the largest
weight of its layer. So a deviation is a share of $w_{max}$ whatever the weight is: for RRAM1 with 8-bit weights on
2-bit devices, $0.7776\,\sigma_d\,w_{max}$. A layer with one large weight and many small ones is drowned by it; one
whose weights are all nearly as large as the largest is not.

Training under noise meets this law at every step, and could answer it by making typical weights larger beside
$w_{max}$: the same $\sigma_d$ would then be less beside them. A method whose marks lie further right has done so; where
the intervals overlap, it has not, and its robustness has another cause. Means over trainings with Student's 95 %
interval.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    selection = pick_runs()
    records = results.one_run_each(selection) if selection.variants else ()
    if not records:
        st.title(QUESTION)
    if not has_methods(selection):
        return
    if not records:
        no_chips_here(selection)
        return
    run_ids = tuple(record.id for record in results.shown_runs(selection))
    sizes = results.weight_sizes(run_ids, selection.sigma_d)
    audit = results.noise_audit(tuple(record.id for record in records), selection.sigma_d)
    layers = results.layer_deviations(sizes).layers
    has_numbers = len(layers) > 0 and selection.sigma_d > 0
    st.title(result_words.weights_title(layers, audit, selection.sigma_d) if has_numbers else QUESTION)
    if has_numbers:
        seeds = sentences.range_words(sizes[columns.NUM_SEEDS], "seed")
        ratios = stored.deviation_ratios(run_ids, selection.sigma_d)
        means = zip(ratios[columns.VARIANT], ratios[columns.MEAN], strict=True)
        numbers_table(
            ratios,
            {"deviation ÷ weight": {str(variant): f"{sentences.percent(mean, 0)} %" for variant, mean in means}},
            caption=f"Mean over layers and {seeds} · {selection.dataset_label} · {selection.backbone_label} · "
            f"{selection.device_label}",
        )
    left, right = st.columns((3, 2))
    with left:
        layer_deviation_card(selection)
    with right:
        _sizes(sizes)
    left, right = st.columns(2)
    with left:
        deviation_card(selection)
    with right:
        _audit(audit)
    _networks(selection, records)
    show_problems()


@alone
def _audit(audit: pd.DataFrame) -> None:
    card = Card(
        key="audit",
        question="Do the devices keep to their law?",
        caption=f"{result_words.audit_words(audit)} One network a method (its lowest seed).",
        definition=AUDIT_DEFINITION,
        alt="Realised over asked std of the weight deviations, a row per layer, with the range of honest samples.",
    )
    if audit.empty:
        empty_card(card, "The stored deviations of these runs cannot be read.")
        return
    chart_card(card, charts.layer_audit(audit, mode=theme_mode()), audit)


@alone
def _sizes(sizes: pd.DataFrame) -> None:
    card = Card(
        key="sizes",
        question="How large is a typical weight?",
        caption=f"Beside the layer's largest, which sets every deviation. {result_words.sizes_words(sizes)}",
        definition=SIZES_DEFINITION,
        alt="RMS weight over the largest weight, a row per layer and a mark per method.",
    )
    if sizes.empty:
        empty_card(card, "The stored layers of these runs cannot be read.")
        return
    seeds = int(sizes[columns.NUM_SEEDS].max())
    name = f"mean, 95 % interval over {seeds} seeds" if seeds > 1 else "one seed"
    chart_card(card, charts.layer_weights(sizes, interval_name=name, mode=theme_mode()), sizes)


def _networks(selection: Selection, records: tuple[RunRecord, ...]) -> None:
    magnitude_card(records)
    st.markdown("## Which layer costs the accuracy?")
    if selection.sigma_d == 0:
        st.info(f"At {SIGMA_D} = 0 no layer costs anything. Move the slice.", icon=":material/touch_app:")
        return
    st.markdown(
        f"Variation in one layer at a time at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}; one network a method (its "
        "lowest seed)."
    )
    layer_pair(records, selection.sigma_d)
    page_link(Page.PREVIEW, "Preview a network on other devices")


page()
