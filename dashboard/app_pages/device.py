"""A device of one's own: from a file of measurements or an editor, tried at once on a stored network."""

import pandas as pd
import streamlit as st

from dashboard import charts
from dashboard.data import own_devices, previews, restorable
from dashboard.data.foreign import foreign
from dashboard.data.own_devices import Handover, Measurements, OwnDevice, WeightsOnDevice
from dashboard.data.previews import MAX_PASSES, Stream
from dashboard.data.stored import RunRecord, look
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.device_editor import choose_device, file_card, form_address, uploaded
from dashboard.widgets.guards import alone, stop_without_runs
from dashboard.widgets.network_picker import pick_network, say_no_weights, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import device_words
from dashboard.words.sentences import SIGMA_D
from neft.errors import NeftError
from neft.plain_words import plain_words

EVERY = 0.15  # seconds between passes: the page stays answerable
SENTENCE_EVERY = 1.0  # seconds between two readings of the numbers above
SHORT_NAME = 16
LEVELS_DEFINITION = r"""
**Level stds.** The conductance of a device that is asked for level $l$ misses its target by a Gaussian error of std

$$\sigma_d \times \text{level std}_l \times g_{max},$$

independently of all others ([Qin2025], Eq. 5; $\sigma_d$ is relative to the *maximal* conductance). Only the products
count, so a device may be written with any $\sigma_d$. Here $\sigma_d$ is the root mean square of the levels' stds over
$g_{max}$; the level stds' root mean square is then 1, as RRAM1's.

The published devices are $(1, s, s, 1)/n(s)$ with $n(s)=\sqrt{0.4 s^2+0.6}$ and $s$ = 1, 2, 4, 6 ([Qin2025],
released configuration), for four levels; RRAM1 has any number. Bars, where there are any, are 95 % intervals of the
measured stds ($\chi^2$).
"""
CODES_DEFINITION = r"""
**From levels to weights.** A weight's magnitude is an $M$-bit code on $M/K$ devices of $K$ bits; slice $j$ holds level
$g_j$ and counts $2^{jK}$. The weight's deviation is Gaussian with

$$\mathrm{std}(W_p - W_d) = \sigma_d\, w_{max}\,\frac{2^K-1}{2^M-1}\sqrt{\textstyle\sum_j \text{level std}_{g_j}^2\,
4^{jK}}$$

([Qin2025], Eq. 5). The most significant slice decides almost all of it. Dashed is RRAM1, which misses alike in every
level.
"""
HISTOGRAM_DEFINITION = r"""
**Measured against the model.** Every level's measured conductances in bins whose width follows the level's own std (4
stds either side of the mean), so that a Gaussian is as high in every level. Dashed is the Gaussian of the same mean and
std; thin lines are the targets.

The model takes the stds over: its errors are Gaussian and scatter around the target. A mean beside its target (a bias)
and the shape of a distribution are shown here and not modelled. Shapes are tested by D'Agostino and Pearson's test, at
5 % over all levels together.
"""
CURVE_DEFINITION = r"""
**The instant preview** of the page of that name, twice: on this device and on that of the run's own test chips, at the
same $\sigma_d$. Equal $\sigma_d$ is not equal noise: it depends on the levels that a network's weights occupy.

Every image meets a chip of its own, whatever the levels' stds; where more happens to chips than Gaussian errors,
images share real chips in groups. Bands are 95 % intervals of the mean over chips and images, not the spread of single
chips. On devices of other bits the same weights are sliced anew.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    st.title("How would your device fare?")
    finding = st.container()
    runs = restorable.candidates()
    with st.sidebar:
        record = pick_network(runs) if runs else None
    file_card()
    left, right = st.columns(2)
    with left:
        chosen = choose_device()
    if chosen is None:
        return
    device, sigma_d = chosen
    measured = uploaded()
    with right:
        _levels_card(device, sigma_d, measured)
        if measured is not None and not measured.histograms.empty:
            _histogram_card(measured)
    weights = own_devices.weights_on_device(record, device)
    left, right = st.columns(2)
    with left:
        _codes_card(device, weights)
    with finding:
        if record is None:
            st.markdown(device_words.spread_words(device))
            say_no_weights("Trying a device")
            return
        streams = _streams(record, device, sigma_d)
        if streams is None:
            return
        is_running = not all(stream.is_finished for stream in streams)
        st.fragment(_finding, run_every=SENTENCE_EVERY if is_running else None)(record, device, sigma_d, streams)
    with right:
        st.fragment(_curve_card, run_every=EVERY if is_running else None)(record, device, sigma_d, streams)
    _train_card(record, device, weights, sigma_d)


def _finding(record: RunRecord, device: OwnDevice, sigma_d: float, streams: tuple[Stream, Stream]) -> None:
    here, there = (stream.last for stream in streams)
    kept = device_words.kept_words(
        record,
        here.curve,
        there.curve,
        own_label=previews.device_label(previews.own_device(record)),
        sigma_d=sigma_d,
        num_images=here.num_images,
    )
    st.markdown(f"{device_words.spread_words(device)} {kept}")


@alone
def _levels_card(device: OwnDevice, sigma_d: float, measured: Measurements | None) -> None:
    same = measured if measured is not None and own_devices.is_as_measured(device, measured) else None
    table = own_devices.level_table(device, sigma_d, same)
    beside = own_devices.published_levels(device, sigma_d)
    edited = "" if measured is None or same is not None else " Its levels are no longer the file's."
    has_four = device.device_bits == own_devices.DEFAULT_BITS
    others = "dashed are the published devices" if has_four else "dashed is RRAM1, the one that has any K"
    card = Card(
        key="levels",
        question="How far does each level miss?",
        caption=f"Above 1 a level misses further than RRAM1's at the same {SIGMA_D}; {others}.{edited}",
        definition=LEVELS_DEFINITION,
        alt=f"Std of each of {len(device.stds)} levels of the device, beside published devices.",
    )
    chart_card(card, charts.level_spread(table, beside, sigma_d=sigma_d, name=_name(device), mode=theme_mode()), table)


@alone
def _codes_card(device: OwnDevice, weights: WeightsOnDevice) -> None:
    card = Card(
        key="codes",
        question="What does that make of weights?",
        caption=(
            f"A magnitude of {weights.weight_bits} bits on {weights.num_slices} devices of {weights.device_bits}. "
            f"{device_words.code_words(weights)}"
        ),
        definition=CODES_DEFINITION,
        alt=f"Std of a weight's deviation against its magnitude code, 0 to {weights.max_code}, beside RRAM1.",
    )
    figure = charts.code_stds(weights.codes, name=_name(device), even_name="RRAM1", mode=theme_mode())
    chart_card(card, figure, weights.codes)


@alone
def _histogram_card(measured: Measurements) -> None:
    card = Card(
        key="measured",
        question="Are the misses Gaussian?",
        caption=f"Thin lines are the targets. {measured.shape}",
        definition=HISTOGRAM_DEFINITION,
        alt=f"Histograms of the measured conductances of {len(measured.levels)} levels, beside Gaussians.",
    )
    figure = charts.level_histograms(measured.histograms, measured.levels, mode=theme_mode())
    chart_card(card, figure, measured.histograms)


def _streams(record: RunRecord, device: OwnDevice, sigma_d: float) -> tuple[Stream, Stream] | None:
    """The previews on this device and on the run's own; None where the network cannot be run, which is then said."""
    try:
        return (
            previews.curve(record, device.untitled, min(2 * sigma_d, 1.0)),
            previews.curve(record, previews.own_device(record), min(2 * sigma_d, 1.0)),
        )
    except NeftError as error:
        say_why_not(error)
        return None


@alone
def _curve_card(record: RunRecord, device: OwnDevice, sigma_d: float, streams: tuple[Stream, Stream]) -> None:
    """The card, and then a pass more for the next time that it is drawn."""
    here, there = streams
    label = previews.device_label(previews.own_device(record))
    card = Card(
        key="tried",
        question="What does a stored network keep?",
        caption=(
            f"The thin line is the device's own {SIGMA_D}. Pass {here.last.num_passes} of {MAX_PASSES}; "
            f"{device_words.pass_words(_name(device), here.last)}; {device_words.pass_words(label, there.last)}."
        ),
        definition=CURVE_DEFINITION,
        alt="Accuracy against device variation on this device and on the run's own, with intervals.",
    )
    figure = charts.device_curves(
        here.last.curve,
        there.last.curve,
        name=_name(device),
        beside_name=label,
        at=sigma_d,
        look=look(record),
        chance=1 / record.facts.num_classes,
        mode=theme_mode(),
    )
    chart_card(
        card, figure, pd.concat([here.last.curve.assign(device=_name(device)), there.last.curve.assign(device=label)])
    )
    was_running = not (here.is_finished and there.is_finished)
    here.advance()
    there.advance()
    if was_running and here.is_finished and there.is_finished:
        st.rerun()  # once, to stop the timers


def _train_card(record: RunRecord, device: OwnDevice, weights: WeightsOnDevice, sigma_d: float) -> None:
    with st.container(border=True, key="card_train_with_it"):
        st.markdown("## Train with it")
        try:
            handover = own_devices.handover(record, device, sigma_d)
        except NeftError as error:
            st.error(foreign(str(error)), icon=":material/error:")
            return
        st.caption("This network's settings, trained and tried on this device:")
        st.code(handover.train, language=None, wrap_lines=True)
        if handover.evaluate is not None:
            st.caption("The stored network as it is, on real chips of this device:")
            st.code(handover.evaluate, language=None, wrap_lines=True)
        with st.container(horizontal=True):
            page_link(
                Page.TRAIN,
                f"{Page.TRAIN.title} page, with this device",
                query_params=form_address(device, weights, sigma_d),
            )
            _downloads(device, sigma_d, handover)
        st.caption("The address of this page holds the device and the run: copy it to share them.")


def _downloads(device: OwnDevice, sigma_d: float, handover: Handover) -> None:
    st.download_button(
        "CSV",
        data=own_devices.as_csv(device, sigma_d),
        file_name="device.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Level and std over the maximal conductance; this page reads it again.",
    )
    st.download_button(
        "JSON",
        data=handover.json,
        file_name="device.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        help="For the command line: neft train --config device.json, with any other options.",
    )


def _name(device: OwnDevice) -> str:
    """For a legend: a long name leaves a chart no room."""
    return plain_words(device.title) if 0 < len(device.title) <= SHORT_NAME else "this device"


page()
