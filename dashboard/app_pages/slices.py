"""One weight down to its devices: sign, code, slices, what each device holds and what that adds."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import restorable, weights
from dashboard.data.stored import RunRecord
from dashboard.data.weights import NUM_CHIPS, SlicedWeight, bits_of
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Control, Number, sigma_d_control
from dashboard.widgets.crossbar_card import crossbar_card
from dashboard.widgets.guards import alone
from dashboard.widgets.network_picker import layer_control, pick_network, say_why_not
from dashboard.widgets.page_link import page_link
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

FREE, STORED = "any", "stored"
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16)
SIGMA_DS = tuple(round(0.01 * step, 2) for step in range(41))
DEFAULT_SIGMA_D = 0.1
DEFAULT_WEIGHT = -0.5
TABLE = {
    columns.SLICE: st.column_config.NumberColumn("j", help="Slice; 0 is the least significant."),
    "bits": st.column_config.TextColumn("Bits", help="The K bits that the device holds."),
    columns.SIGNIFICANCE: st.column_config.NumberColumn("2^(jK)", help="What a level counts for in the code."),
    columns.LEVEL: st.column_config.NumberColumn("g_j", help="The level that is asked for."),
    columns.LEVEL_STD: st.column_config.NumberColumn("std of Δg_j", format="%.3f", help="In levels."),
    columns.LEVEL_ERROR: st.column_config.NumberColumn("Δg_j", format="%+.3f", help="This chip's error, in levels."),
    columns.WEIGHT_ERROR: st.column_config.NumberColumn("adds to W_p", format="%+.4f", help="In weight units."),
    columns.VARIANCE_SHARE: st.column_config.NumberColumn("share", format="percent", help="Of the variance of W_p."),
}
LEVEL_DEFINITION = r"""
**Eq. 4** ([Qin2025]): a weight is a sign and an $M$-bit code $|W|/w_{max}\,(2^M-1)$, rounded.
$L = M/K$ devices hold $K$ bits each: the device of slice $j$ holds level $g_j$. The sign is kept apart, on a second
crossbar.

**Eq. 5**: every device misses by a Gaussian $\Delta g_j$ of its own, drawn once per chip. $\sigma_d$ is relative to a
device's *maximal* conductance, so $\mathrm{std}(\Delta g_j) = \sigma_d\,(2^K-1)\,s(g_j)$ levels, where $s$ is the
technology's factor for that level (1 for RRAM1).
"""
SHARE_DEFINITION = r"""
The device of slice $j$ adds $\Delta g_j\,2^{jK}\,w_{max}/(2^M-1)$ to the weight, so its share of the variance is
$\displaystyle\frac{(\mathrm{std}(\Delta g_j)\,2^{jK})^2}{\sum_i (\mathrm{std}(\Delta g_i)\,2^{iK})^2}$.
With equal stds each slice brings $4^K$ times the variance of the one below it.
"""
DISTRIBUTION_DEFINITION = r"""
Bars: $W_p = W_d + s\,\frac{w_{max}}{2^M-1}\sum_j \Delta g_j\,2^{jK}$ ([Qin2025], Eq. 5) over 2,000 chips, device by
device. Dashed: the Gaussian of the closed form, with the variance that the slices add up to. A sum of independent
Gaussians is Gaussian: that is why an evaluation may draw one number per weight instead of one per device.

These chips are the microscope's own; chip 7 is the same draw for every weight, and scales with $\sigma_d$.
"""


def page() -> None:
    """Draw the page."""
    st.title("What becomes of one weight?")
    try:
        with st.sidebar:
            record, weight, w_max, where = _pick_weight()
            technologies = weights.devices_of(record)
            device, weight_bits, device_bits = _pick_devices(technologies)
            sigma_d = _pick_sigma_d()
            chip = _pick_chip()
        sliced = weights.slice_on(
            device, weight=weight, w_max=w_max, weight_bits=weight_bits, device_bits=device_bits, sigma_d=sigma_d
        )
    except NeftError as error:
        say_why_not(error)
        return
    rows = sliced.slices(chip)
    _finding(sliced, rows, chip, where, technologies[device])
    left, right = st.columns(2)
    with left:
        crossbar_card(rows, sign=sliced.sign, max_level=sliced.max_level)
        _equations(sliced, rows, chip)
        _levels(sliced, rows, chip)
    with right:
        _distribution(sliced, chip)
        _shares(sliced, rows)
    _table(sliced, rows, chip)
    page_link(Page.CHIP, "A whole chip: which images it flips")


def _pick_weight() -> tuple[RunRecord | None, float, float, str]:
    """The run it is of, if any; W, w_max, and where it comes from in words."""
    runs = restorable.candidates()
    control = Control(
        key=address.WEIGHT_FROM,
        label="Weight of",
        options={FREE: "Any value"} | ({STORED: "A stored network"} if runs else {}),
        stays=True,
        help="Any value in a layer whose largest weight is 1, or a weight of a network that kept its weights.",
    )
    source = control.draw()
    if source != STORED:
        weight = st.slider(
            "Weight W",
            min_value=-1.0,
            max_value=1.0,
            value=DEFAULT_WEIGHT,
            step=0.01,
            key=address.WEIGHT_VALUE,
            bind="query-params",
            persist_state="session",
            help="In a layer whose largest weight, w_max, is 1.",
        )
        return None, float(weight), 1.0, "in a layer whose largest weight is 1"
    record = pick_network(runs)
    sizes = weights.layer_sizes(record)
    layer = layer_control(list(sizes)).draw()
    last = sizes[layer] - 1
    number = Number(key=address.WEIGHT_NUMBER, label="Weight number", last=last, help=f"0 to {last}, output by output.")
    found = weights.layer_weight(record, layer, number.draw())
    place = ", ".join(map(str, found.place))
    return (
        record,
        found.value,
        found.w_max,
        f"weight [{place}] of {layer}, whose largest weight is {found.w_max:.4g}",
    )


def _pick_devices(technologies: dict[str, str]) -> tuple[str, int, int]:
    control = Control(
        key=address.SLICED_DEVICE,
        label="Device technology",
        options=technologies,
        kind="list",
        stays=True,
        help="How far each level misses: RRAM1 alike in every level, the others further in the middle ones.",
    )
    device = control.draw()
    fitting = [bits for bits in BITS if weights.device_bits_of(device, bits)]
    of_weight = Control(
        key=address.WEIGHT_BITS,
        label="Bits of a weight, M",
        options={str(bits): str(bits) for bits in fitting},
        default="8",
        kind="slider",
        stays=True,
        help="Of the magnitude; the sign comes on top.",
    )
    weight_bits = int(of_weight.draw())
    of_device = Control(
        key=address.DEVICE_BITS,
        label="Bits of a device, K",
        options={str(bits): str(bits) for bits in weights.device_bits_of(device, weight_bits)},
        default="2",
        kind="list",
        stays=True,
        help="M must be a multiple of it. Devices with factors of their own are defined for 2 bits.",
    )
    device_bits = int(of_device.draw())
    return device, weight_bits, device_bits


def _pick_sigma_d() -> float:
    control = sigma_d_control(
        address.SLICED_SIGMA_D,
        f"Device variation {SIGMA_D}",
        SIGMA_DS,
        near=DEFAULT_SIGMA_D,
        help="Std of a device's error over its maximal conductance.",
    )
    return float(control.draw())


def _pick_chip() -> int:
    def next_chip() -> None:
        st.session_state[address.SLICED_CHIP] = (int(st.session_state[address.SLICED_CHIP]) + 1) % NUM_CHIPS

    number = Number(
        key=address.SLICED_CHIP,
        label="Chip",
        last=NUM_CHIPS - 1,
        stays=True,
        help="Its number decides every draw: the same chip comes back with the same address.",
    )
    chip = number.draw()
    st.button("Draw the next chip", on_click=next_chip, icon=":material/casino:", key="next_chip")
    return chip


def _finding(sliced: SlicedWeight, rows: pd.DataFrame, chip: int, where: str, device: str) -> None:
    most = rows.iloc[int(rows[columns.VARIANCE_SHARE].to_numpy().argmax())]
    programmed = float(sliced.programmed[chip])
    at = f"at device variation {SIGMA_D} = {sigma_d_text(sliced.sigma_d)}"
    held = (
        f"**W = {_short(sliced.weight)}**, {where}, lies on {sliced.num_slices} {device} "
        f"device{'' if sliced.num_slices == 1 else 's'} as code {sliced.code}"
    )
    if sliced.std == 0:
        st.markdown(f"{held} and comes back as {_signed(sliced.target)} on every chip: {at} nothing misses.")
        return
    off = programmed - sliced.target
    st.markdown(
        f"{held}; {at} **chip {chip} holds {_signed(programmed)}**, {abs(off) / sliced.std:.2g} standard deviations "
        f"{'above' if off > 0 else 'below'} its target {_signed(sliced.target)}. Slice {int(most[columns.SLICE])} "
        f"alone brings {100 * most[columns.VARIANCE_SHARE]:.1f} % of the variance."
    )


def _equations(sliced: SlicedWeight, rows: pd.DataFrame, chip: int) -> None:
    with st.container(border=True, key="card_equations"):
        st.markdown("## How does the number come about?")
        st.markdown(f"**Eq. 4**: sign, code, levels of {sliced.num_slices} devices, most significant first.")
        # in the line: a displayed equation that scrolls cannot be reached with the keyboard
        st.markdown(f"${weights.target_equation(sliced, rows)}$")
        st.markdown(f"**Eq. 5**: what chip {chip} adds to it, device by device.")
        st.markdown(f"${weights.programmed_equation(sliced, rows, chip)}$")


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


@alone
def _levels(sliced: SlicedWeight, rows: pd.DataFrame, chip: int) -> None:
    card = Card(
        key="device_levels",
        question="What does each device hold?",
        caption=(
            "Upright lines: the level asked for; dots: what this chip's device holds; bands: ± 2 std. How far a device "
            "misses depends on the technology and its level, not on what its slice counts for."
        ),
        definition=LEVEL_DEFINITION,
        alt=f"Asked and held levels of {len(rows)} devices on chip {chip}.",
    )
    chart_card(card, charts.device_levels(rows, max_level=sliced.max_level, mode=theme_mode()), rows)


@alone
def _shares(sliced: SlicedWeight, rows: pd.DataFrame) -> None:
    card = Card(
        key="slice_errors",
        question="Which device spoils the weight?",
        caption="Bars: the device's share of the weight's variance; beside it what it adds on this chip, in w_max.",
        definition=SHARE_DEFINITION,
        alt=f"Share of the weight's variance that each of {len(rows)} devices brings.",
    )
    if sliced.std == 0:
        empty_card(card, "Nothing misses: there is no variance to share.")
        return
    chart_card(card, charts.slice_errors(rows, w_max=sliced.w_max, mode=theme_mode()), rows)


@alone
def _distribution(sliced: SlicedWeight, chip: int) -> None:
    card = Card(
        key="programmed_weight",
        question="What is it on many chips?",
        caption=f"{NUM_CHIPS:,} chips; std by the closed form {sliced.std:.4g}, sampled {sliced.sampled_std:.4g}.",
        definition=DISTRIBUTION_DEFINITION,
        alt=f"Histogram of the programmed weight over {NUM_CHIPS} chips with its Gaussian.",
    )
    if sliced.std == 0:
        empty_card(card, "Nothing misses: every chip holds the target.")
        return
    histogram = sliced.histogram()
    marks = pd.DataFrame(
        {
            "label": ["target W<sub>d</sub>", f"chip {chip}", "W"],
            "value": [sliced.target, float(sliced.programmed[chip]), sliced.weight],
            "dash": ["dash", "solid", "dot"],
        }
    )
    chart_card(card, charts.weight_distribution(histogram, marks, mode=theme_mode()), histogram)


@alone
def _table(sliced: SlicedWeight, rows: pd.DataFrame, chip: int) -> None:
    bits = [bits_of(int(level), sliced.device_bits) for level in rows[columns.LEVEL]]
    with st.container(border=True, key="card_slices_table"):
        st.markdown("## The same in numbers")
        shown_table(
            rows.assign(bits=bits),
            key="slices_table",
            title="A weight's slices",
            column_order=list(TABLE),
            column_config=TABLE,
            hide_index=True,
        )
        st.caption(
            f"Chip {chip}. Code {sliced.code} of {sliced.max_code} is {' '.join(bits)} in bits; the sign "
            f"({'−' if sliced.sign < 0 else '+'}) is kept on a second crossbar."
        )


page()
