"""The editor of a user's own device: from a known one, from a file of measurements, or level by level.

The address holds the device: its level stds as one line, σ_d and a title. Table, file and starting points write these.
"""

import streamlit as st

from dashboard import address
from dashboard.data import own_devices
from dashboard.data.own_devices import Measurements, OwnDevice, WeightsOnDevice
from dashboard.widgets.component_form import PREFIX
from dashboard.widgets.upload_fix import reachable_uploads
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import ConfigError

START, BITS, FILE, G_MAX, EDITOR = "own_start", "own_bits", "own_file", "own_g_max", "own_table"
MIN_SIGMA_D, MAX_SIGMA_D, USUAL_SIGMA_D = 0.001, 0.5, 0.1
"""A curve goes to twice σ_d, and 1 is the most there is."""
FORMATS = """
A header and rows, separated by commas, semicolons or tabs. Either **per level**: `level,std` – the std of the
conductance over the maximal one, or in any unit with the maximal conductance given. Or **raw**, a row per device:
`level,measured`, `target,measured`, or all three. From raw data come each level's std with its 95 % interval, its bias,
and whether it looks Gaussian. The file stays on this machine.
"""


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
        _upload()
    return None if device is None else (device, sigma_d)


def uploaded() -> Measurements | None:
    """What the uploaded file says; None without one that can be read."""
    file = st.session_state.get(FILE)
    try:
        return None if file is None else own_devices.measurements(file.getvalue(), st.session_state.get(G_MAX))
    except ConfigError:
        return None  # the editor says why


def _set_out() -> None:
    """Where no device is given yet: one that was measured."""
    if not _is_given(address.OWN_LEVELS):
        _take_start(own_devices.DEFAULT, own_devices.DEFAULT_BITS)
    elif not _is_given(address.OWN_SIGMA_D):
        st.session_state[address.OWN_SIGMA_D] = USUAL_SIGMA_D


def _is_given(key: str) -> bool:
    return key in st.session_state or key in st.query_params


def _take(levels: tuple[float, ...], sigma_d: float | None, title: str) -> None:
    """Write a device into the fields; before they are drawn."""
    st.session_state[address.OWN_LEVELS] = own_devices.levels_text(levels)
    st.session_state[address.OWN_TITLE] = title
    if sigma_d is not None:
        st.session_state[address.OWN_SIGMA_D] = min(max(sigma_d, MIN_SIGMA_D), MAX_SIGMA_D)


def _take_start(name: str, bits: int) -> None:
    chosen = own_devices.start(name, bits)
    _take(chosen.stds, chosen.sigma_d, chosen.label)


def form_address(device: OwnDevice, weights: WeightsOnDevice, sigma_d: float) -> dict[str, str]:
    """The address of the Train page with this device in its form."""
    return {
        f"{PREFIX}device": device.name,
        f"{PREFIX}level_stds_{device.name}": own_devices.levels_text(device.stds),
        f"{PREFIX}device_title_{device.name}": device.title,
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
    title = str(st.session_state.get(address.OWN_TITLE, st.query_params.get(address.OWN_TITLE, "")))
    try:
        return own_devices.own_device(text or "", title)
    except ConfigError as error:
        st.error(str(error), icon=":material/error:")
    st.button(
        "Start again",
        icon=":material/undo:",
        on_click=_take_start,
        args=(own_devices.DEFAULT, own_devices.DEFAULT_BITS),
    )
    return None


def _forget_title() -> None:
    """A device that was edited is no longer the published one."""
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
    return float(sigma_d or USUAL_SIGMA_D)


# ---------------------------------------------------------------- table
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


# ---------------------------------------------------------------- file
def _upload() -> None:
    with st.expander(
        "From measurements (CSV)", icon=":material/upload_file:", expanded=bool(st.session_state.get(FILE))
    ):
        st.markdown(FORMATS)
        reachable_uploads()
        left, right = st.columns([3, 2])
        with left:
            st.file_uploader(
                "File of measurements",
                type=["csv", "tsv", "txt"],
                max_upload_size=2,
                key=FILE,
                on_change=_take_file,
                help="At most 2 MB; text in UTF-8.",
            )
        with right:
            st.number_input(
                r"$g_{max}$",
                value=None,
                min_value=0.0,
                format="%g",
                key=G_MAX,
                on_change=_take_file,
                placeholder="from the file",
                help="The maximal conductance in the file's unit. Without one, stds are over it already, and raw data "
                "take the highest target.",
            )
            st.download_button(
                "An example file",
                data=own_devices.example_csv,
                file_name="measurements.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                help="Raw measurements, drawn at random from a published fit.",
            )
        _say_file()


def _take_file() -> None:
    measured = uploaded()
    if measured is not None:
        name = st.session_state[FILE].name.rsplit(".", 1)[0][:40].strip()
        _take(own_devices.brief(measured.level_stds), own_devices.rounded(measured.sigma_d), name)


def _say_file() -> None:
    """Why the file cannot be read, or what should be known of it."""
    file = st.session_state.get(FILE)
    if file is None:
        return
    try:
        measured = own_devices.measurements(file.getvalue(), st.session_state.get(G_MAX))
    except ConfigError as error:
        st.error(str(error), icon=":material/error:")
        return
    if measured.sigma_d > MAX_SIGMA_D:
        st.warning(
            f"Its {SIGMA_D} is {measured.sigma_d:.3g}; this page tries devices up to {MAX_SIGMA_D}.",
            icon=":material/warning:",
        )
    st.markdown("\n".join(f"- {note}" for note in measured.notes) or "Read.")
    st.button("Take its levels again", icon=":material/replay:", on_click=_take_file)
