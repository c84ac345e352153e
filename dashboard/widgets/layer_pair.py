"""What stored networks say of weights: how many are small, and which layer costs the accuracy."""

from collections.abc import Sequence

import streamlit as st

from dashboard import address, charts
from dashboard.data import image_outcomes, previews, restorable
from dashboard.data.previews import Stream
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.layer_card import layer_card
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import result_words
from neft import columns
from neft.errors import NeftError
from neft.experiments.questions import CONTROL

SIDES = {address.ONE_METHOD: "Method", address.OTHER_METHOD: "Beside it"}


MAGNITUDE_DEFINITION = r"""
**Where the weights lie.** $|w|/w_{max}$ of the stored network, layer by layer: the share of full conductance that a
weight asks of its devices. On a device that misses alike at every level, a weight at 0.1 misses by as much as one at 1:
small weights are the first to drown.
"""


def magnitude_card(records: Sequence[RunRecord]) -> None:
    """How the weights of one network a method are spread over magnitudes."""
    try:
        found = image_outcomes.magnitudes(records)
    except NeftError as error:
        say_why_not(error)
        return
    if found.empty:
        return  # the layers below say what is missing
    shares = result_words.small_words(image_outcomes.small_shares(found), image_outcomes.SMALL)
    card = Card(
        key="magnitudes",
        question="How many weights are small?",
        caption=f"One network a method (its lowest seed). {shares}",
        definition=MAGNITUDE_DEFINITION,
        alt="Histograms of weight magnitudes, one panel per layer.",
    )
    figure = charts.weight_deviations(found, x_title="magnitude |w| ÷ the layer's largest", mode=theme_mode())
    chart_card(card, figure, found.drop(columns=columns.CLOSED_FORM_DENSITY))


def layer_pair(records: Sequence[RunRecord], sigma_d: float) -> None:
    """Two methods' layers, each as far as it is computed."""
    kept = {record.facts.variant: record for record in records if restorable.has_weights(record)}
    if not kept:
        st.info(
            "None of these networks kept its weights. Runs that are trained here keep them.", icon=":material/inbox:"
        )
        page_link(Page.TRAIN, "Train a network")
        return
    streamed("layer_pair_finished", lambda: (_chosen(kept), sigma_d), lambda: _draw(kept, sigma_d))


def _draw(kept: dict[str, RunRecord], sigma_d: float) -> list[Stream]:
    streams: list[Stream] = []
    places = st.columns(2) if len(kept) > 1 else [st.container()]
    for place, key, variant in zip(places, SIDES, _chosen(kept), strict=False):
        with place:
            record = kept[variant]
            try:
                stream = previews.layers(record, previews.own_device(record), sigma_d)
            except NeftError as error:
                say_why_not(error)
                return []
            layer_card(
                record,
                sigma_d,
                stream,
                key=f"layers_{key}",
                question=record.facts.label,
                controls=lambda key=key: _pick(key, kept),
            )
            streams.append(stream)
    return streams


def _chosen(kept: dict[str, RunRecord]) -> tuple[str, ...]:
    """What the two boxes hold, or will hold once they are drawn."""
    labels = {record.facts.label: variant for variant, record in kept.items()}
    found: list[str] = []
    for key, default in zip(SIDES, _defaults(kept), strict=False):
        if st.session_state.get(key) not in [*kept, None]:
            del st.session_state[key]  # the sidebar has taken it away
        said = st.session_state.get(key) or labels.get(str(st.query_params.get(key)))
        found.append(said if said in kept else default)
    return tuple(found)


def _defaults(kept: dict[str, RunRecord]) -> tuple[str, ...]:
    """The control beside the last method shown; the first beside it where there is no control."""
    last = list(kept)[-1]
    others = [variant for variant in kept if variant != last]
    first = CONTROL if CONTROL in others else next(iter(others), last)
    return (first, last) if len(kept) > 1 else (last,)


def _pick(key: str, kept: dict[str, RunRecord]) -> None:
    default = _defaults(kept)[list(SIDES).index(key)]
    _ = st.selectbox(
        SIDES[key],
        list(kept),
        index=list(kept).index(default),
        format_func=lambda variant: kept[variant].facts.label,
        key=key,
        help="Whose network is tried with variation in one layer at a time.",
        bind="query-params",
    )
