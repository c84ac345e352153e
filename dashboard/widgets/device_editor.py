"""The editor of a user's own device: from a known one, from a file of measurements, or level by level.

The address holds the device: its level stds as one line, σ_d and a title. Table, file and starting points write these.
"""

import streamlit as st

from dashboard import address
from dashboard.data import own_devices
from dashboard.data.foreign import foreign
from dashboard.data.own_devices import OwnDevice, WeightsOnDevice
from dashboard.widgets.component_form import PREFIX
from dashboard.widgets.device_file import FILE, G_MAX, upload, uploaded, uploaded_name
from dashboard.widgets.guards import alone
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import ConfigError

__all__ = ["FILE", "G_MAX", "START", "choose_device", "file_card", "form_address", "uploaded"]

START, BITS, EDITOR = "own_start", "own_bits", "own_table"
MIN_SIGMA_D, MAX_SIGMA_D, USUAL_SIGMA_D = 1e-6, 1.0, 0.1
"""All that runs keep apart: no file's σ_d is cut."""


def choose_device() -> tuple[OwnDevice, float] | None:
    """Draw the editor; the device and its σ_d, or None where the address describes none, which is then said."""
    _set_out()
    with st.container(border=True, key="card_editor"):
        st.markdown("## Which device?")
        table = st.container()
        device = _line()
        sigma_d = _sigma_and_title()
        with table:
            _table(device, sigma_d)
    return None if device is None else (device, sigma_d)


def file_card() -> None:
    """Draw where a file is dropped and how it is read; the device of one that can be read is taken over."""
    upload(_take_file)


def _set_out() -> None:
    """Where no device is given yet: one that was measured."""
    if not _is_given(address.OWN_LEVELS):
        _take_start(own_devices.usual_start(), own_devices.DEFAULT_BITS)
    elif not _is_given(address.OWN_SIGMA_D):
        st.session_state[address.OWN_SIGMA_D] = USUAL_SIGMA_D


def _is_given(key: str) -> bool:
    return key in st.session_state or key in st.query_params


def _take(levels: tuple[float, ...], sigma_d: float | None, title: str, file_sha256: str = "") -> None:
    """Write a device into the fields; before they are drawn."""
    st.session_state[address.OWN_LEVELS] = own_devices.levels_text(levels)
    st.session_state[address.OWN_TITLE] = title
    st.session_state[address.OWN_FILE] = file_sha256
    if sigma_d is not None:
        st.session_state[address.OWN_SIGMA_D] = min(max(sigma_d, MIN_SIGMA_D), MAX_SIGMA_D)


def _take_file() -> None:
    """The device of the uploaded file, where it can be read and misses at all."""
    measured = uploaded()
    if measured is None or measured.never_misses:
        return
    stds, sigma_d = own_devices.brief(measured.level_stds), own_devices.rounded(measured.sigma_d)
    _take(stds, sigma_d, uploaded_name(), measured.checksum)


def _take_start(name: str, bits: int) -> None:
    chosen = own_devices.start(name, bits)
    _take(chosen.stds, chosen.sigma_d, chosen.label)


def form_address(device: OwnDevice, weights: WeightsOnDevice, sigma_d: float) -> dict[str, str]:
    """The address of the Train page with this device in its form."""
    return {
        f"{PREFIX}device": device.name,
        f"{PREFIX}level_stds_{device.name}": own_devices.levels_text(device.stds),
        f"{PREFIX}device_title_{device.name}": device.title,
        f"{PREFIX}device_file_sha256_{device.name}": device.file_sha256,
        f"{PREFIX}sigma_d": f"{sigma_d:g}",
        f"{PREFIX}device_bits": str(weights.device_bits),
        f"{PREFIX}weight_bits": str(weights.weight_bits),
    }


# ---------------------------------------------------------------- fields that the address holds
def _line() -> OwnDevice | None:
    text = st.text_input(
        "Level stds in one line",
        key=address.OWN_LEVELS,
        bind="query-params",
        persist_state="session",
        on_change=_forget_title,
        help="Over σ_d × maximal conductance, from level 0 up: 2, 4, 8 or 16 numbers, as in the address and on the "
        "command line.",
    )
    title, file_sha256 = _given(address.OWN_TITLE), _given(address.OWN_FILE)
    try:
        return own_devices.own_device(text or "", title, file_sha256)
    except ConfigError as error:
        st.error(foreign(str(error)), icon=":material/error:")
    st.button(
        "Start again",
        icon=":material/undo:",
        on_click=_take_start,
        args=(own_devices.usual_start(), own_devices.DEFAULT_BITS),
    )
    return None


def _given(key: str) -> str:
    """What the session holds, or else the address."""
    return str(st.session_state.get(key, st.query_params.get(key, "")))


def _forget_title() -> None:
    """A device that was edited is no longer the published one, nor its file's."""
    st.session_state[address.OWN_FILE] = ""
    if own_devices.start_called(st.session_state.get(address.OWN_TITLE, "")) is not None:
        st.session_state[address.OWN_TITLE] = ""


def _sigma_and_title() -> float:
    left, right = st.columns(2)
    with left:
        sigma_d = st.number_input(
            f"Its {SIGMA_D}",
            min_value=MIN_SIGMA_D,
            max_value=MAX_SIGMA_D,
            step=0.005,
            format="%g",
            key=address.OWN_SIGMA_D,
            bind="query-params",
            persist_state="session",
            help="The scale of its stds: std of a level = σ_d × level std × maximal conductance.",
        )
    with right:
        st.text_input(
            "Title",
            key=address.OWN_TITLE,
            bind="query-params",
            persist_state="session",
            max_chars=40,
            placeholder="Your device",
            help="What charts and lists call it.",
        )
    if _given(address.OWN_FILE):
        st.text_input(
            "SHA-256 of its file",
            key=address.OWN_FILE,
            bind="query-params",
            persist_state="session",
            disabled=True,
            help="Kept with every run on this device. Edited levels are no longer the file's, and lose it.",
        )
    return float(sigma_d or USUAL_SIGMA_D)


# ---------------------------------------------------------------- table
@alone
def _table(device: OwnDevice | None, sigma_d: float) -> None:
    bits = own_devices.DEFAULT_BITS if device is None else device.device_bits
    left, right = st.columns(2)
    with left:
        labels = own_devices.start_labels()
        st.selectbox(
            "Start from",
            list(labels),
            index=None,
            format_func=labels.__getitem__,
            placeholder="a known technology",
            key=START,
            on_change=_started,
            args=(bits,),
            help="Fits of measured devices at evenly spaced levels, and the devices of NeFT's released configuration.",
        )
    with right:
        st.session_state[BITS] = bits
        st.segmented_control(
            "Bits a device K",
            list(range(1, own_devices.MAX_BITS + 1)),
            key=BITS,
            required=True,
            on_change=_rebit,
            args=(() if device is None else device.stds,),
            help="2^K levels. Another K takes the levels over on straight lines between those given.",
        )
    if device is None:
        return
    measured = uploaded()
    same = measured if measured is not None and own_devices.is_as_measured(device, measured) else None
    key = f"{EDITOR}_{own_devices.levels_text(device.stds)}_{sigma_d:g}"
    st.data_editor(
        own_devices.editor_table(device, sigma_d, same),
        key=key,
        hide_index=True,
        disabled=[columns.LEVEL, columns.STD, own_devices.INTERVAL, columns.BIAS],
        on_change=_edited,
        args=(key, device.stds),
        alt="Every level's std, to be edited.",
        column_config={
            columns.LEVEL: st.column_config.NumberColumn("Level", width="small"),
            columns.LEVEL_STD: st.column_config.NumberColumn(
                "Level std ✎", min_value=0.0, max_value=1000.0, step=1e-9, format="%g", help="Over σ_d × g_max."
            ),
            columns.STD: st.column_config.NumberColumn(
                "% of g_max", format="%.3g", help="Std over the maximal conductance."
            ),
            own_devices.INTERVAL: st.column_config.TextColumn(
                "95 %", help="The std's 95 % interval (χ²), in % of g_max."
            ),
            columns.BIAS: st.column_config.NumberColumn(
                "Bias", format="%.2g", help="Mean minus target, in % of g_max; not modelled."
            ),
        },
    )


def _started(bits: int) -> None:
    name = st.session_state.get(START)
    if name is not None:
        _take_start(name, bits)
        st.session_state[START] = None  # so that the same one can be chosen again


def _rebit(stds: tuple[float, ...]) -> None:
    bits = st.session_state.get(BITS)
    if bits is None:
        return
    name = own_devices.start_called(st.session_state.get(address.OWN_TITLE, ""))
    if name is not None and own_devices.has_bits(name, bits):
        _take_start(name, bits)
        return
    _forget_title()
    levels = own_devices.resampled(stds or (1.0, 1.0), bits)
    _take(levels, None, st.session_state.get(address.OWN_TITLE, ""))


def _edited(key: str, stds: tuple[float, ...]) -> None:
    _forget_title()
    levels = own_devices.edited(stds, st.session_state[key]["edited_rows"])
    _take(levels, None, st.session_state.get(address.OWN_TITLE, ""))
