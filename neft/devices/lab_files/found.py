"""What both shapes of a file come to: a row per level, over the maximal conductance, by conductance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from neft import columns
from neft.devices.lab_files.effects import Effects
from neft.devices.lab_files.levels import listed
from neft.devices.lab_files.scales import Scale
from neft.devices.lab_files.units import Unit
from neft.errors import ConfigError

MAX_RELATIVE_STD = 1.0


@dataclass(frozen=True)
class GivenTop:
    """A maximal conductance that a user gave."""

    value: float
    unit: Unit | None = None
    """None where it is in the file's."""

    def counted_in(self, own: Unit) -> float:
        """It in a file's unit.

        Raises:
            ConfigError: the two do not go together.
        """
        if self.unit is None:
            return self.value
        if self.unit.kind != own.kind:
            message = f"g_max is in {self.unit.text or 'no unit'}, the file in {own.text or 'no unit'}."
            raise ConfigError(message)
        return self.value * self.unit.factor / own.factor


@dataclass(frozen=True)
class Found:
    """What a file says, before levels are chosen."""

    levels: pd.DataFrame
    """A row per level of the file, by conductance, as `neft.devices.measurements.MeasuredLevels.levels`."""
    values: pd.DataFrame
    """A row per measurement: level, value; empty where stds are given."""
    g_max: float
    unit: str
    effects: Effects
    notes: tuple[str, ...]


def no_values() -> pd.DataFrame:
    """Where no measurements are given."""
    return pd.DataFrame({columns.LEVEL: np.array([], dtype=int), columns.VALUE: np.array([], dtype=float)})


def maximal(g_max: GivenTop | None, scale: Scale, *, targets: np.ndarray, means: np.ndarray) -> tuple[float, str]:
    """The maximal conductance in the scale's unit, and where it is from.

    Raises:
        ConfigError: it is not positive.
    """
    unit = f" {scale.unit.text}" if scale.unit.text else ""
    if g_max is not None:
        value = g_max.counted_in(scale.unit)
        return value, f"Conductances are over the given g_max = {value:g}{unit}."
    if scale.is_share:
        return 1 / scale.unit.factor, "Conductances are shares of g_max already."
    if np.isfinite(targets).any():
        found, where = float(np.nanmax(targets)), "the highest target"
        if np.isnan(targets).any():
            found = float(np.nanmax(np.where(np.isnan(targets), means, targets)))
            where = "the highest level's target or mean"
    else:
        found, where = float(means.max()), "the highest level's mean, which therefore has no bias"
    if found <= 0:
        message = f"The maximal conductance must be positive; {where} is {found:g}."
        raise ConfigError(message)
    return found, f"Conductances are over g_max = {found:.4g}{unit}, {where}."


def order_words(order: np.ndarray, labels: tuple[str, ...], *, by: str) -> tuple[str, ...]:
    """That levels are numbered anew, where the file's numbers do not rise with conductance."""
    if np.array_equal(order, np.arange(len(order))) or not labels:
        return ()
    shown = listed([labels[place] for place in order.tolist()], 8)
    return (f"Levels are put in the order of their {by}, from the least conductive on; in the file they are: {shown}.",)


def check_numbers(numbers: np.ndarray, *, noun: str) -> None:
    """Whole numbers without a gap, from 0 or 1 on.

    Raises:
        ConfigError: which are missing.
    """
    known = {int(number) for number in numbers}
    first = 1 if min(known) == 1 else 0
    missing = [number for number in range(first, max(known) + 1) if number not in known]
    if missing:
        message = (
            f"{noun}{'s' if len(missing) > 1 else ''} {listed(missing)} of {first} … {max(known)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; every level must be measured."
        )
        raise ConfigError(message)
