"""What a file looks like that does not say how far devices miss: one sentence each, with what would be needed."""

import re

import numpy as np

from neft.devices.lab_files import units
from neft.devices.lab_files.roles import NAMES
from neft.devices.lab_files.tables import Column, Table
from neft.errors import ConfigError

NEEDED = "What is needed: what many devices were aimed at and what each ended up with, or a std by level."
NETWORK = (b"num_weights", b"num_layers", b"layer_name")
HEAD = 4096
"""Bytes in which a network's export says that it is one."""
VOLTAGES = r"v|voltage|v_?(?:d|g|ds|gs|app|bias|in|out)|volts?|bias"
CURRENTS = r"i|current|i_?(?:d|ds|meas)|amps?"
AXES = r"x_axis|time|t|t_s|time_s|sec(?:onds)?"
PULSES = r"(?:num_)?pulses?(?:_(?:no|nr|number|index))?|up|down|ltp|ltd|potentiation|depression"
ERRORS = r"ber|.*_ber|bit_error_rate|error_rate"
STEADY = 1e-3
"""A clock's steps differ by no more than this part."""


def refuse_networks(content: bytes) -> None:
    """Let pass what is no export of a network's layers, which is no table either.

    Raises:
        ConfigError: it is one.
    """
    if any(word in content[:HEAD].lower() for word in NETWORK):
        message = (
            "The file looks like the conductances of a network's layers: what was aimed at, not what devices ended up "
            f"with. {NEEDED}"
        )
        raise ConfigError(message)


def refuse(table: Table) -> None:
    """Let pass what may be device data.

    Raises:
        ConfigError: what the file looks like instead.
    """
    looks_like = _looks_like(table)
    if looks_like is not None:
        message = f"The file looks like {looks_like}. {NEEDED}"
        raise ConfigError(message)


def _looks_like(table: Table) -> str | None:
    if _has(table, ERRORS):
        return "bit error rates: how often reads fail, not by how much"
    if any(_has(table, NAMES[role]) for role in ("std", "level", "target")):
        return None
    return _signal(table)


def _signal(table: Table) -> str | None:
    """Currents, volts or one device's conductance along a sweep, a clock or pulses."""
    axis = next((column for column in table.columns if _is(column, AXES, "time")), None)
    has_volts = _has(table, VOLTAGES, "voltage")
    if has_volts and _has(table, CURRENTS, "current"):
        return "an I–V sweep: current against a swept voltage"
    if axis is not None and has_volts:
        return "an oscilloscope's waveform: volts against time"
    if _has(table, PULSES) or (not table.has_header and _is_pulse_train(table)):
        return "the response to a train of pulses: how conductance moves, not how far a programmed level misses"
    if _is_trace(table, axis):
        return "one device read over time: its spread is of reads or drift, not of devices"
    return None


def _has(table: Table, names: str, kind: str = "") -> bool:
    return any(_is(column, names, kind) for column in table.columns)


def _is(column: Column, names: str, kind: str) -> bool:
    unit = units.find(column.unit) if column.unit else None
    return (unit is not None and unit.kind == kind) or re.fullmatch(names, column.key) is not None


def _is_pulse_train(table: Table) -> bool:
    """Two columns, each on both sides of zero, that drift along the file: no conductances."""
    if len(table.columns) != 2 or table.num_rows < 8:
        return False
    rows = np.arange(table.num_rows)
    return all(
        len(column.known) == table.num_rows
        and column.known.min() < 0 < column.known.max()
        and abs(float(np.corrcoef(rows, column.known)[0, 1])) > 0.5
        for column in table.columns
    )


def _is_trace(table: Table, axis: Column | None) -> bool:
    """A clock, without a name where it goes in even steps from row to row, beside one or two columns."""
    if len(table.columns) not in (2, 3) or table.num_rows < 8:
        return False
    first = axis or table.columns[0]
    steps = np.diff(first.known)
    if len(first.known) < table.num_rows or not (steps > 0).all():
        return False
    even = float(np.ptp(steps)) <= STEADY * float(steps.mean())
    whole = np.array_equal(first.known, np.round(first.known))
    return axis is not None or (not table.has_header and even and not whole)
