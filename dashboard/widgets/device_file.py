"""A file of measurements: uploaded, its columns told apart, and what it says of a device.

Which column is what is guessed; what a user says takes the guess's place, and the rest is guessed anew around it.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.data import own_devices
from dashboard.data.foreign import foreign
from dashboard.data.own_devices import FileChoices, FileColumns, Measurements
from dashboard.widgets.guards import alone
from dashboard.widgets.upload_fix import reachable_uploads
from neft import columns
from neft.errors import ConfigError

FILE, G_MAX, SAID, EXAMPLE, ALL_ROLES = "own_file", "own_g_max", "own_file_said", "own_example", "own_all_roles"
ROLE, UNIT = "own_role_", "own_unit_"
LATER = "own_later"
IN_TURN, VOLTAGE, AT_TIME, LEVELS, FILE_BITS = "own_turn", "own_volts", "own_at_time", "own_choice", "own_file_bits"
USUAL_ROLES = ("level", "target", "measured", "mean", "std")
"""Shown where a file cannot be read; the others where they are taken, or asked for."""
WITH_UNIT = ("target", "window_low", "window_high", "measured", "mean", "std", "time")
CHOICES = {"auto": "As they fit", "evenly": "Evenly", "quantile": "By quantile", "interpolate": "Interpolated"}
MAX_MB = 50
FORMATS = """
CSV or text with or without a header, separated by commas, semicolons, tabs or blanks, also gzipped: **a std for each
level**, or **a measurement a row** (or many) with its level, its target, or the window that it had to hit. Units in the
header are converted: %, S to nS, Ω to MΩ (inverted), A at a read voltage, ADC codes. What is what is guessed, and can
be said below. The file stays on this machine.
"""


def upload(on_take: Callable[[], None]) -> None:
    """Draw where a file is dropped, and how it is read.

    Args:
        on_take: takes the file's device over; called whenever it is read anew.
    """
    with st.expander("From a laboratory's file", icon=":material/upload_file:", expanded=_is_there()):
        left, right = st.columns(2)
        with left:
            st.markdown(FORMATS)
        with right:
            reachable_uploads()
            st.file_uploader(
                "File of measurements",
                type=["csv", "tsv", "txt", "dat", "gz"],
                max_upload_size=MAX_MB,
                key=FILE,
                on_change=_begin,
                args=(on_take,),
                help=f"At most {MAX_MB} MB of text.",
            )
            _examples()
        if not _is_there():
            return
        left, right = st.columns(2)
        with left:
            _mapping(on_take)
        with right:
            _say_file(on_take)


def uploaded() -> Measurements | None:
    """What the uploaded file says; None without one that can be read."""
    try:
        return _read() if _is_there() else None
    except ConfigError:
        return None  # the page says why


def uploaded_name() -> str:
    """The uploaded file's name without its ending, as a device's title."""
    return str(st.session_state[FILE].name).split(".")[0][:40].strip()


def _is_there() -> bool:
    return st.session_state.get(FILE) is not None


def _file_id() -> str:
    return str(st.session_state[FILE].file_id)


def _content() -> bytes:
    return st.session_state[FILE].getvalue()


def _read() -> Measurements:
    return own_devices.measurements(_content(), st.session_state.get(G_MAX), _choices())


def _choices() -> FileChoices:
    said: dict[str, Any] = st.session_state.get(SAID, {})

    def of(prefix: str) -> tuple[tuple[str, str], ...]:
        return tuple((key.removeprefix(prefix), value or "") for key, value in said.items() if key.startswith(prefix))

    return FileChoices(
        columns=of(ROLE),
        units=tuple((role, unit) for role, unit in of(UNIT) if unit),
        cycle=said.get(IN_TURN),
        read_voltage=said.get(VOLTAGE),
        at_time=said.get(AT_TIME),
        later=said.get(LATER),
        choice=said.get(LEVELS) or "auto",
        device_bits=said.get(FILE_BITS),
    )


def _begin(on_take: Callable[[], None]) -> None:
    """Another file: nothing is said of it yet."""
    st.session_state[SAID] = {}
    on_take()


def _say(key: str, on_take: Callable[[], None], file_id: str) -> None:
    """What was said of this very file: a browser may still tell of fields that stood there for the last one."""
    if not _is_there() or st.session_state[FILE].file_id != file_id:
        return
    st.session_state[SAID] = {**st.session_state.get(SAID, {}), key: st.session_state[key]}
    on_take()


def _examples() -> None:
    examples = {one.label: one for one in own_devices.examples()}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        chosen = st.selectbox(
            "An example in this layout",
            list(examples),
            key=EXAMPLE,
            help="Layouts that laboratories and simulators write; an example shows what a file may look like.",
        )
    with right:
        one = examples[chosen or next(iter(examples))]
        st.download_button(
            "Download",
            data=one.content,
            file_name=one.file_name,
            mime="text/plain",
            icon=":material/download:",
            on_click="ignore",
            help="Drawn at random with the stds of a published fit; drop it above, or fill in your own numbers.",
        )


# ---------------------------------------------------------------- which column is what
@alone
def _mapping(on_take: Callable[[], None]) -> None:
    """What each column is taken for, to be changed."""
    try:
        found = own_devices.file_columns(_content())
    except ConfigError:
        return  # said below
    measured = uploaded()
    st.markdown("## How is it read?")
    st.dataframe(found.first_rows, hide_index=True, alt="The file's first rows.")
    taken = dict(_choices().columns) | ({} if measured is None else measured.roles)
    words = own_devices.roles()
    asks_all = st.toggle("All roles", key=ALL_ROLES, help="Also those that no column was taken for.")
    for role in words:
        if asks_all or taken.get(role) or (measured is None and role in USUAL_ROLES):
            _role(role, words[role], found, taken.get(role, ""), on_take)
    _more(measured, on_take)


def _role(role: str, words: str, found: FileColumns, taken: str, on_take: Callable[[], None]) -> None:
    labels = {column.name: column.label for column in found.columns}
    names = ["", *labels, *([taken] if taken and taken not in labels else [])]
    left, right = st.columns([3, 1])
    key = f"{ROLE}{role}"
    st.session_state[key] = taken
    with left:
        st.selectbox(
            role.replace("_", " ").capitalize(),
            names,
            format_func=lambda name: labels.get(name, name) or "none",
            key=key,
            on_change=_say,
            args=(key, on_take, _file_id()),
            help=f"The column of {words}.",
        )
    if role in WITH_UNIT and taken:
        with right:
            unit = f"{UNIT}{role}"
            st.session_state[unit] = st.session_state.get(SAID, {}).get(unit, "")
            st.text_input(
                "Unit",
                key=unit,
                placeholder="the file's",
                on_change=_say,
                args=(unit, on_take, _file_id()),
                help="%, S, mS, µS, nS, Ω, kΩ, MΩ, A … pA, or 'µA at 0.2 V'; codes; s … days for times.",
            )


def _more(measured: Measurements | None, on_take: Callable[[], None]) -> None:
    """What no column says: g_max, levels in turn, the read voltage, the time, and which levels are taken over."""
    unit = f" ({measured.unit})" if measured is not None and measured.unit else ""
    said: dict[str, Any] = st.session_state.get(SAID, {})
    first, second, third = st.columns(3)
    with first:
        st.number_input(
            rf"$g_{{max}}${unit}",
            value=None,
            min_value=0.0,
            format="%g",
            key=G_MAX,
            on_change=on_take,
            placeholder="guessed",
            help="The maximal conductance, in the file's unit. Without one, stds without a unit are over it already, "
            "and others take the highest target, or the highest level's mean.",
        )
    with second:
        _number(IN_TURN, "Levels in turn", on_take, lowest=1, highest=256, tip="Rows without a level; 1: one state.")
    with third:
        _number(VOLTAGE, "Read voltage (V)", on_take, lowest=1e-3, highest=100.0, tip="At which currents were read.")
    left, right = st.columns(2)
    with left:
        st.session_state[LEVELS] = said.get(LEVELS) or "auto"
        st.selectbox(
            "Levels taken over",
            list(own_devices.level_choices()),
            format_func=lambda name: CHOICES.get(name, str(name)),
            key=LEVELS,
            on_change=_say,
            args=(LEVELS, on_take, _file_id()),
            help="A device has 2^K levels. Evenly: those nearest to even steps of conductance; by quantile: every "
            "so-many-th; interpolated: stds at even steps, on straight lines between measured ones.",
        )
    with right:
        _number(FILE_BITS, "Bits K of the device", on_take, lowest=1, highest=own_devices.MAX_BITS, tip="2^K levels.")
    _times(measured, said, on_take)


def _number(
    key: str,
    label: str,
    on_take: Callable[[], None],
    *,
    lowest: float,
    highest: float,
    tip: str,
    placeholder: str = "guessed",
) -> None:
    st.session_state[key] = st.session_state.get(SAID, {}).get(key)
    st.number_input(
        label,
        value=None,
        min_value=lowest,
        max_value=highest,
        step=1 if isinstance(lowest, int) else None,
        format=None if isinstance(lowest, int) else "%g",
        key=key,
        placeholder=placeholder,
        on_change=_say,
        args=(key, on_take, _file_id()),
        help=tip,
    )


def _times(measured: Measurements | None, said: dict[str, Any], on_take: Callable[[], None]) -> None:
    if measured is None or measured.times.empty:
        return
    times = measured.times[columns.TIME].tolist()
    st.session_state[AT_TIME] = said.get(AT_TIME, times[0])
    st.select_slider(
        "The levels as they are after",
        times,
        format_func=lambda seconds: f"{seconds:g} s",
        key=AT_TIME,
        on_change=_say,
        args=(AT_TIME, on_take, _file_id()),
        help="The file measured its levels again and again; their stds are taken as long after programming.",
    )
    _number(
        LATER,
        "Chips after (s)",
        on_take,
        lowest=1e-3,
        highest=1e10,
        tip="By the file's own law a + b log10(t): what stds grow by until then is an effect on chips, named below.",
        placeholder="as they are",
    )


# ---------------------------------------------------------------- what it says
def _say_file(on_take: Callable[[], None]) -> None:
    """Why the file cannot be read, or what should be known of it."""
    try:
        measured = _read()
    except ConfigError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return
    if measured.never_misses:
        st.info("Every std is 0: there is nothing to try.", icon=":material/info:")
    plain = [note for note in measured.notes if note not in measured.unmodelled]
    st.markdown("## What it says")
    st.markdown("\n".join(f"- {foreign(note)}" for note in plain) or "Read.")
    if measured.unmodelled:
        st.markdown("## What else it tells")
        st.markdown("\n".join(f"- {foreign(note)}" for note in measured.unmodelled))
    if measured.effect_options:
        st.markdown("Chips have it where `neft evaluate` asks for it; cells that failed as if stuck at level 0:")
        st.code(measured.effect_options, language=None, wrap_lines=True)
    st.button("Take its levels again", icon=":material/replay:", on_click=on_take)
