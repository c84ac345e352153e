"""How a file's conductances are counted: units converted, resistances inverted, currents at a read voltage."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neft.devices.lab_files import units
from neft.devices.lab_files.roles import LISTS, WIDE, Role, Roles, column_of, readings
from neft.devices.lab_files.tables import Table
from neft.devices.lab_files.units import Unit
from neft.errors import ConfigError

Floats = NDArray[np.float64]
CONDUCTANCES: tuple[Role, ...] = ("target", "window_low", "window_high", "measured", "mean")
IMPLIED: dict[str, Unit] = {
    r"r|rf|r_.*|.*_r|resist.*|.*_?resistance|rlo|rhi|rmin|rmax": Unit("resistance", 1.0, "Ω"),
    r"i_.*|.*current.*": Unit("current", 1.0, "A"),
}
"""What a name says of its numbers where no unit stands beside it."""
VOLTAGES = r"v_?(?:read|r)?|voltage|read_voltage|v_?(?:bl|ds)"
"""Of columns that may hold the read voltage."""
LIKELY_OHMS = 500.0
"""Without a header, readings whose median is larger are resistances: no conductance is, in siemens or in codes."""
SHOWN_UNIT = Unit("conductance", 1e-6, "µS")
"""For what was given as a resistance, or as a current at a read voltage."""


@dataclass(frozen=True)
class Scale:
    """How a file's conductances are counted."""

    unit: Unit
    """That of everything below; plain where none is given."""
    units: Mapping[Role, Unit]
    """Of each column."""
    volts: float | None
    notes: tuple[str, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether conductances are shares of the maximal one already."""
        return self.unit.kind == "share"

    def converted(self, role: Role, values: Floats) -> Floats:
        """A column's numbers as conductances in `unit`."""
        own = self.units[role]
        if own.kind == self.unit.kind:
            return values * (own.factor / self.unit.factor)
        if own.kind == "resistance":
            with np.errstate(divide="ignore"):
                return np.where(values >= 0, 1 / (values * own.factor), np.nan) / self.unit.factor
        volts = own.volts or self.volts
        assert volts is not None  # noqa: S101 - scale_of saw to it
        return values * (own.factor / volts / self.unit.factor)


def scale_of(table: Table, roles: Roles, *, read_voltage: float | None) -> Scale:
    """How the conductances of a file are counted.

    Raises:
        ConfigError: units that do not go together, a current beside a conductance without a read voltage, or a read
            voltage that is none.
    """
    if read_voltage is not None and not 0 < read_voltage < float("inf"):
        message = f"The read voltage must be greater than 0 V; got {read_voltage:g}."
        raise ConfigError(message)
    notes: list[str] = []
    told = _units(table, roles, notes)
    kinds = {unit.kind for unit in told.values()}
    volts = read_voltage or next((unit.volts for unit in told.values() if unit.volts), None)
    if "current" in kinds and volts is None:
        volts = _volts_of_column(table, roles, notes)
    if "current" in kinds and len(kinds) > 1 and volts is None:
        message = (
            "Some columns are currents, others conductances or resistances: say the read voltage, or write it beside "
            "the current as '(µA at 0.2 V)'."
        )
        raise ConfigError(message)
    if kinds & {"code", "share", "plain"} and len(kinds) > 1:
        shown = " and in ".join(sorted({unit.text or "no unit" for unit in told.values()}))
        message = f"Columns in {shown} do not go together: say their units."
        raise ConfigError(message)
    return Scale(_counted_in(told, kinds, volts), told, volts, tuple(notes))


def _units(table: Table, roles: Roles, notes: list[str]) -> dict[Role, Unit]:
    """Each column's unit; where none stands beside one, that of the others."""
    found: dict[Role, Unit | None] = {
        role: _unit_of(table, roles, role, notes) for role in CONDUCTANCES if roles.of(role)
    }
    known = [unit for unit in found.values() if unit is not None]
    first = known[0] if known else _likely(table, roles, notes)
    untold = [roles.of(role) for role, unit in found.items() if unit is None] if known else []
    notes += [f"Column '{name}' has no unit: taken in {first.text or 'the same'} as the others." for name in untold]
    return {role: unit or first for role, unit in found.items()}


def _counted_in(told: Mapping[Role, Unit], kinds: set[str], volts: float | None) -> Unit:
    conductances = [unit for unit in told.values() if unit.kind == "conductance"]
    if conductances:
        return conductances[0]
    if "resistance" in kinds or ("current" in kinds and volts is not None):
        return SHOWN_UNIT
    return next(iter(told.values()), Unit("plain", 1.0, ""))


def _unit_of(table: Table, roles: Roles, role: Role, notes: list[str]) -> Unit | None:
    name = roles.of(role)
    column = None if name in (LISTS, WIDE) else column_of(table, name)
    if re.match(r"log|ln\b", name, re.IGNORECASE):
        message = f"Column '{name}' looks like logarithms: give the conductances or resistances themselves."
        raise ConfigError(message)
    volts = _volts_in(name)
    text = roles.units.get(role, "" if column is None else column.unit)
    if text or role in roles.units:
        unit = _conductance_like(units.required(text, where=f"Column '{name}'"), name, notes)
        return replace(unit, volts=unit.volts or volts) if unit.kind == "current" else unit
    if column is None or not table.has_header:
        return None
    if volts is not None:
        return Unit("current", 1.0, "A", volts)
    implied = next((unit for names, unit in IMPLIED.items() if re.fullmatch(names, column.key)), None)
    if implied is not None:
        notes.append(f"Column '{name}' has no unit: taken in {implied.text}, by its name.")
    return implied


def _volts_of_column(table: Table, roles: Roles, notes: list[str]) -> float | None:
    """The read voltage, where a column of voltages holds one alone."""
    for column in table.columns:
        unit = units.find(column.unit) if column.unit else None
        is_voltage = (unit is not None and unit.kind == "voltage") or re.fullmatch(VOLTAGES, column.key) is not None
        known = np.unique(column.known)
        if is_voltage and column.name not in roles.columns.values() and len(known) == 1 and known[0] != 0:
            volts = abs(float(known[0])) * (unit.factor if unit is not None else 1.0)
            notes.append(f"Currents are taken at {volts:g} V, by column '{column.name}'.")
            return volts
    return None


def _volts_in(name: str) -> float | None:
    """The read voltage in a column's name, as `I @ 0.2 V`."""
    found = re.search(r"(?:@|\bat)\s*(\d*\.?\d+)\s*(m?)V\b", name)
    return None if found is None else float(found[1]) * (1e-3 if found[2] else 1.0)


def _conductance_like(unit: Unit, name: str, notes: list[str]) -> Unit:
    if unit.kind == "time" and unit.text.endswith("s"):  # small letters: no conductance is a time
        taken = units.required(unit.text[:-1] + "S", where=f"Column '{name}'")
        notes.append(f"Column '{name}': '{unit.text}' is read as {taken.text}.")
        return taken
    if unit.kind in ("time", "voltage"):
        message = f"Column '{name}' is in {unit.text}, which is neither a conductance nor a resistance or a current."
        raise ConfigError(message)
    return unit


def _likely(table: Table, roles: Roles, notes: list[str]) -> Unit:
    name = roles.of("measured")
    if table.has_header or not name or name == LISTS:
        return Unit("plain", 1.0, "")
    known = readings(table, roles)
    known = known[np.isfinite(known)]
    if len(known) and np.median(known) > LIKELY_OHMS:
        notes.append("Readings are taken as resistances in Ω, by their size; say their unit where that is wrong.")
        return Unit("resistance", 1.0, "Ω")
    return Unit("plain", 1.0, "")


def conductances(table: Table, roles: Roles, scale: Scale, role: Role) -> Floats:
    """A column of targets or means, none missing.

    Raises:
        ConfigError: naming the cell that is none.
    """
    column = column_of(table, roles.of(role))
    found = scale.converted(role, table.numbers(column, lowest=0.0 if role == "target" else -np.inf))
    none = np.flatnonzero(~np.isfinite(found))
    if len(none):
        raise ConfigError(table.wrong(column, int(none[0]), "must be a resistance > 0"))
    return found
