"""The whole accuracy curve of a stored network at once: one chip per image, refined pass by pass."""

import streamlit as st

from dashboard import address, charts
from dashboard.data import previews, restorable
from dashboard.data.previews import Stream
from dashboard.data.stored import RunRecord, look
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control, sigma_d_control
from dashboard.widgets.following import first_sigma_d
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.layer_card import layer_card, progress_words
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import preview_words
from dashboard.words.sentences import SIGMA_D
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

OWN = "own"
LARGEST = ("0.1", "0.2", "0.3", "0.4", "0.6", "0.8")
DEFAULT_LARGEST = "0.4"
LAYERS_AT = 2  # the step of the curve at which layers are shown first: later ones cost all networks everything
CURVE_DEFINITION = r"""
**One chip per image.** Mean accuracy is a mean over chips *and* images. If every image meets a chip of its own, the
expectation is the same, and what chips have in common, which dominates the spread of an ordinary evaluation, averages
out. Chips are drawn layer by layer: given its input, output channel $o$ of a layer deviates by a Gaussian with
covariance $X\,\mathrm{diag}(s_o^2)\,X^\top$ over output positions ($X$: a row of inputs a position, $s_o$: the stds of
the channel's weights), independent of all other channels. The last layer is integrated.

Where a channel's weights miss alike that is $s_o^2\,XX^\top$, and is drawn directly (local reparametrisation,
[Kingma2015b], section 2.3); so it is at a single position, as in fully connected layers. Of a convolution
whose weights miss by different amounts they are drawn, for up to eight images at a time, each with random signs of its
own on input and output channels (flipout, [Wen2018]). Every image's chip has exactly the law of real chips, through
residual blocks as well.

Where programming or effects leave no Gaussian, or converters round, images share real chips, in groups.

The band is a 95 % interval of the mean: over images, taken evenly in the order of how sure the clean network is of
them. Where fewer than three of $n$ images were lost on their chips it reaches $3/n$ to either side: so much may have
gone unseen (the rule of three, [Hanley1983]; $n$: images seen, or their groups). It does not show how much chips
differ. Rings are the run's stored evaluation: its mean over real chips, all test images on each, with the 95 % interval
over chips. The same draws serve every $\sigma_d$, so neighbouring points err alike.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    st.title("How will it fare on chips?")
    runs = restorable.candidates()
    if not runs:
        say_no_weights("A preview")
        return
    with st.sidebar:
        record = pick_network(runs)
        device = _pick_device(record)
        largest = _pick_largest()
    facts = record.facts
    trained = f"trained at {SIGMA_D} = {sigma_d_text(facts.train_sigma_d)}" if facts.train_sigma_d else "trained clean"
    st.markdown(
        f"**{facts.label}**, {facts.backbone_label} on {facts.dataset_label}, {trained}, seed {facts.seed}, on "
        f"{previews.device_label(device)}: its mean accuracy at device variations {SIGMA_D} up to "
        f"{sigma_d_text(largest)}."
    )
    try:
        way = previews.way(record, device)
    except NeftError as error:
        say_why_not(error)
        return
    called = restorable.called(record)
    if way.refusal is not None:
        st.info(preview_words.shared_words(way.refusal, called), icon=":material/groups:")
    else:
        st.caption(preview_words.own_words(way, called, device=previews.device_label(device)))
    streamed(
        "preview_finished",
        lambda: (record.id, device, largest, _layer_sigma(largest).chosen()),
        lambda: _cards(record, device, largest),
    )
    st.markdown("The mean only. How much chips differ, percentiles and the worst chip need real chips:")
    page_link(Page.EXPLORE, "Explore evaluations on real chips")


def _pick_device(record: RunRecord) -> str:
    control = Control(
        key=address.PREVIEW_DEVICE,
        label="Device to try",
        options={OWN: "The run's own"} | restorable.published_devices(),
        kind="list",
        stays=True,
        help="The technology whose levels miss their targets.",
    )
    chosen = control.draw()
    return previews.own_device(record) if chosen == OWN else chosen


def _pick_largest() -> float:
    control = Control(
        key=address.PREVIEW_SIGMA_D,
        label=f"Largest {SIGMA_D}",
        options=dict(zip(LARGEST, LARGEST, strict=True)),
        default=DEFAULT_LARGEST,
        kind="slider",
        stays=True,
        help="Where the curve ends: std of a device's error over its maximal conductance.",
    )
    return float(control.draw())


def _layer_sigma(largest: float) -> Control:
    """Where the second card looks: it is known before the card is drawn."""
    steps = previews.sigma_ds(largest)[1:]
    return sigma_d_control(
        address.LAYER_SIGMA_D,
        f"At {SIGMA_D}",
        steps,
        near=steps[LAYERS_AT],
        begins_near=first_sigma_d(),
        stays=False,
        help="Device variation of the one layer; all others hit their targets.",
    )


def _cards(record: RunRecord, device: str, largest: float) -> list[Stream]:
    """Both cards, and what they grow from."""
    at = _layer_sigma(largest)
    sigma_d = float(at.chosen())
    left, right = st.columns(2)
    with left:
        curve = previews.curve(record, device, largest)
        _curve_card(record, device, largest, curve)
    with right:
        layers = previews.layers(record, device, sigma_d)
        layer_card(record, sigma_d, layers, controls=at.draw)
    return [curve, layers]


@alone
def _curve_card(record: RunRecord, device: str, largest: float, stream: Stream) -> None:
    real = previews.real_chips(record, device, largest)
    if len(real):
        held = "Rings: the stored means over real chips."
    else:
        tried = "of this device" if device != previews.own_device(record) else "up to this device variation"
        held = f"This run has no stored chips {tried}."
    card = Card(
        key="preview",
        runs=(record.id,),
        question="How fast does accuracy fall?",
        caption=f"{progress_words(stream)} {held}",
        definition=CURVE_DEFINITION,
        alt=f"Preview of accuracy against device variation with its interval, and {len(real)} means of real chips.",
    )
    figure = charts.preview_curve(
        stream.last.curve,
        real,
        look=look(record),
        chance=1 / record.facts.num_classes,
        real_name="real chips",
        mode=theme_mode(),
    )
    chart_card(card, figure, stream.last.curve)


page()
