"""What stored networks say of weights: how many are small, and which layer costs the accuracy."""

from collections.abc import Sequence

import streamlit as st

from dashboard import address, charts
from dashboard.data import image_outcomes, previews, restorable
from dashboard.data.previews import Stream
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.layer_card import layer_card
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import result_words
from neft import columns
from neft.errors import NeftError

SIDES = {address.ONE_METHOD: "Method", address.OTHER_METHOD: "Beside it"}


MAGNITUDE_DEFINITION = r"""
**Where the weights lie.** $|w|/w_{max}$ of the stored network, layer by layer: the share of full conductance that a
weight asks of its devices. On a device that misses alike at every level, a weight at 0.1 misses by as much as one at 1:
small weights are the first to drown.
"""


@alone
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
        runs=tuple(record.id for record in records),
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
        say_where_more_are()
        return
    streamed(
        "layer_pair_finished",
        lambda: (tuple(side.chosen() for side in _sides(kept)), sigma_d),
        lambda: _draw(kept, sigma_d),
    )


def _draw(kept: dict[str, RunRecord], sigma_d: float) -> list[Stream]:
    streams: list[Stream] = []
    places = st.columns(2) if len(kept) > 1 else [st.container()]
    for place, side in zip(places, _sides(kept), strict=True):
        with place:
            record = kept[side.chosen()]
            try:
                stream = previews.layers(record, previews.own_device(record), sigma_d)
            except NeftError as error:
                say_why_not(error)
                return []
            layer_card(
                record,
                sigma_d,
                stream,
                key=f"layers_{side.key}",
                question=record.facts.label,
                controls=side.draw,
            )
            streams.append(stream)
    return streams


def _sides(kept: dict[str, RunRecord]) -> tuple[Control, ...]:
    """The control beside the last method shown; the first beside it where there is no control."""
    labels = {variant: record.facts.label for variant, record in kept.items()}
    last = list(kept)[-1]
    others = [variant for variant in kept if variant != last]
    control = next((variant for variant in others if kept[variant].facts.is_control), None)
    first = control or next(iter(others), last)
    defaults = (first, last) if len(kept) > 1 else (last,)
    return tuple(
        Control(
            key=key,
            label=label,
            options=labels,
            default=default,
            kind="list",
            help="Whose network is tried with variation in one layer at a time.",
        )
        for (key, label), default in zip(SIDES.items(), defaults, strict=False)
    )
