"""From a laboratory's file to a device: what each level misses by, and how surely that is known.

A table with or without a header, separated by commas, semicolons, tabs or blanks (`neft.devices.lab_files.tables`), in
one of two shapes:

- per level: a std for each level, of the maximal conductance or in a unit, perhaps with the mean or the target;
- raw: a measurement a row (or many), with its level, its target or the window that it had to hit, or in turn.

Which column is what is guessed from names and numbers, and can be said (`FileOptions`). Units are converted:
conductances, resistances (inverted), currents at a read voltage, ADC codes, %.

The model (`neft.devices.base`): the errors of level l are independent Gaussians around the target l / (2^K - 1) x g_max
with std sigma_d x level_stds[l] x g_max. Stds are about the level's own mean. What else a file tells (a mean beside its
target, cells that failed, stds that grow with time) is reported as `effects` and not modelled.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from neft import columns
from neft.component import build
from neft.devices.lab_files import by_level, raw, units
from neft.devices.lab_files.effects import Effects
from neft.devices.lab_files.found import GivenTop
from neft.devices.lab_files.levels import choose, listed, shape_words
from neft.devices.lab_files.refusals import refuse, refuse_networks
from neft.devices.lab_files.roles import Roles, chosen, unread
from neft.devices.lab_files.tables import Table, read_table
from neft.devices.lab_files.unfolding import unfolded
from neft.devices.measured import MAX_BITS, Measured
from neft.devices.spreads import rounded, scaled
from neft.errors import ConfigError
from neft.sigma_d import DECIMALS

Kind = Literal["per level", "raw"]
BIN_EDGE = 4.0
"""Histograms reach this many stds either side of a level's mean."""
MIN_BINS, MAX_BINS = 8, 40
UNEVEN = 0.01
"""Targets further than this share of g_max from even steps are worth a word."""
FINEST = 1e-4
"""A sigma_d below it loses digits where it is stored."""
LARGE = 0.5
"""A sigma_d above it is worth a question."""


@dataclass(frozen=True)
class FileOptions:
    """How a file is read, where it is not guessed."""

    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    """By role (`neft.devices.lab_files.roles.ROLES`), the column's name or its place from 1; empty for none."""
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    """By role, the unit: over the header's."""
    cycle: int | None = None
    """Rows go through so many levels in turn; 1 where all are of one state."""
    g_max_unit: str = ""
    """Of the maximal conductance that is given; the file's if empty."""
    read_voltage: float | None = None
    """In volts, for currents."""
    at_time: float | None = None
    """In seconds: the levels as they are then; at the earliest time if not given."""
    choice: str = "auto"
    """Which levels of the file are the device's (`neft.devices.lab_files.levels.CHOICES`)."""
    device_bits: int | None = None
    """K of the device; as many as the file has levels for, if not given."""
    max_bits: int = MAX_BITS
    """At most so many then."""


@dataclass(frozen=True)
class MeasuredLevels:
    """What a file of measurements says of a device."""

    kind: Kind
    levels: pd.DataFrame
    """A row per level of the device: level, num_measurements, target, mean, bias, std, lower, upper (95 % of std),
    skewness, p_value.

    Conductances are over g_max; what the file does not tell is NaN."""
    values: pd.DataFrame
    """A row per measurement: level, value (conductance over g_max); empty per level."""
    g_max: float
    """The maximal conductance in the file's unit; 1 where stds were relative to it."""
    unit: str
    """The file's unit; empty where it tells none."""
    roles: Roles
    """Which column was taken for what."""
    names: tuple[str, ...]
    """The file's columns."""
    file_levels: pd.DataFrame
    """A row per level of the file, by conductance, as `levels`."""
    effects: Effects
    checksum: str
    """The file's SHA-256."""
    notes: tuple[str, ...]
    """What a reader should know, in sentences."""
    shape: str = ""
    """Whether the measurements look Gaussian, in a sentence; empty per level."""

    @property
    def relative_stds(self) -> tuple[float, ...]:
        """Std over the maximal conductance, by level."""
        return tuple(float(value) for value in self.levels[columns.STD])

    @property
    def never_misses(self) -> bool:
        """Whether every std is 0, as where a simulator's file stands for ideal devices."""
        return not any(self.relative_stds)

    @property
    def sigma_d(self) -> float:
        """The RMS of the levels' stds over the maximal conductance (`neft.devices.spreads.scaled`)."""
        return 0.0 if self.never_misses else scaled(self.relative_stds)[0]

    @property
    def level_stds(self) -> tuple[float, ...]:
        """The levels' stds over sigma_d x maximal conductance; ones for devices that never miss."""
        return (1.0,) * len(self.levels) if self.never_misses else scaled(self.relative_stds)[1]

    @property
    def asked_effects(self) -> dict[str, object]:
        """What the file tells besides stds, as an evaluation's effects: biases, and failed cells as stuck ones.

        Cells that failed are taken to be stuck at level 0; of a level without a target there is no bias.
        """
        bias = tuple(0.0 if np.isnan(value) else rounded(value) for value in self.effects.bias)
        told: dict[str, object] = {"level_bias": bias} if any(bias) else {}
        return told | ({"stuck_low": rounded(self.effects.failed_share)} if self.effects.num_failed else {})

    def effects_at(self, seconds: float) -> dict[str, object]:
        """`asked_effects`, and the file's own retention so long after programming.

        Levels' stds are taken as they were programmed; the law a + b log10(t) is of their RMS, and adds alike to all.

        Raises:
            ConfigError: the file tells no such law, or no time is given.
        """
        if not 0 < seconds < float("inf"):
            message = f"The time after programming must be greater than 0 s; got {seconds:g}."
            raise ConfigError(message)
        law = self.effects.retention
        if law is None:
            message = (
                "The file tells no law of retention: that takes a time column with at least two times after 0 s. "
                "Leave the time out, or say which column is the time."
            )
            raise ConfigError(message)
        if law.b <= 0 or law.a < 0:
            message = (
                f"The file's stds do not grow with time ({100 * law.a:.3g} + {100 * law.b:.2g} × log10(t/s) % of "
                "g_max): there is no spread to apply. Leave the time out."
            )
            raise ConfigError(message)
        own: dict[str, object] = {
            "retention_seconds": float(seconds),
            "retention_law": "given",
            "retention_std": rounded(law.a),
            "retention_growth": rounded(law.b),
            "retention_programmed": rounded(self.sigma_d),
        }
        return self.asked_effects | own

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """A row per level and bin: bin_left, bin_right (over g_max), share of measurements, a Gaussian's share.

        Bins are as wide as the level's std allows, so that a Gaussian is as high in every level.
        """
        found = [
            _histogram(int(row[columns.LEVEL]), values)
            for row in self.levels.to_dict("records")
            if row[columns.STD] > 0 and len(values := self._of(int(row[columns.LEVEL])))
        ]
        heads = [columns.LEVEL, columns.BIN_LEFT, columns.BIN_RIGHT, columns.SHARE, columns.GAUSSIAN_SHARE]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=heads)

    def _of(self, level: int) -> np.ndarray:
        return self.values.loc[self.values[columns.LEVEL] == level, columns.VALUE].to_numpy()


def device_of(found: MeasuredLevels, *, title: str = "") -> Measured:
    """The device that a file describes, with the file's checksum.

    Raises:
        ConfigError: a title that cannot be.
    """
    stds = tuple(rounded(std) for std in found.level_stds)
    return build(Measured, {"stds": stds, "title": title, "file_sha256": found.checksum})


def read_measurements(
    content: bytes, *, g_max: float | None = None, options: FileOptions | None = None
) -> MeasuredLevels:
    """A laboratory's file of either shape.

    Args:
        content: the file; gzip is unpacked.
        g_max: the maximal conductance in the file's unit (in µS where it holds resistances). Without one, stds without
            a unit are relative to it already, and others take the highest target, or where no targets are given the
            highest level's mean.
        options: how it is read; guessed if not given.

    Raises:
        ConfigError: what is wrong, in which line and column, what was given and what is allowed; or what the file looks
            like, where it holds no such data.
    """
    if g_max is not None and not 0 < g_max < float("inf"):
        message = f"g_max must be a positive conductance in the file's unit; got {g_max:g}."
        raise ConfigError(message)
    asked = options or FileOptions()
    refuse_networks(content)
    table = unfolded(read_table(content))
    if not asked.columns and asked.cycle is None:
        refuse(table)
    roles = chosen(table, columns=asked.columns, units=asked.units, cycle=asked.cycle)
    read = by_level.read if roles.is_per_level else raw.read
    found = read(
        table, roles, g_max=_top(g_max, asked.g_max_unit), read_voltage=asked.read_voltage, at_time=asked.at_time
    )
    taken = choose(found.levels, choice=asked.choice, device_bits=asked.device_bits, max_bits=asked.max_bits)
    has_targets = bool(roles.of("target") or roles.of("window_low") or taken.levels[columns.BIAS].notna().any())
    levels = taken.levels if has_targets or len(found.levels) == 1 else _biased(taken.levels)
    values = _of_places(found.values, taken.places)
    bias = tuple(levels[columns.BIAS].tolist()) if has_targets and levels[columns.BIAS].notna().any() else ()
    notes = [*roles.guesses, *found.notes, taken.note, *_target_words(levels, asked.choice, has_targets=has_targets)]
    result = MeasuredLevels(
        kind="per level" if roles.is_per_level else "raw",
        levels=levels,
        values=values,
        g_max=found.g_max,
        unit=found.unit,
        roles=roles,
        names=table.names,
        file_levels=found.levels,
        effects=replace(found.effects, bias=bias),
        checksum=hashlib.sha256(content).hexdigest(),
        notes=(),
        shape="" if roles.is_per_level else shape_words(levels),
    )
    return _with_notes(result, [note for note in notes if note], table)


def _top(g_max: float | None, unit: str) -> GivenTop | None:
    return None if g_max is None else GivenTop(g_max, units.required(unit, where="g_max") if unit else None)


def _with_notes(found: MeasuredLevels, notes: list[str], table: Table) -> MeasuredLevels:
    if found.never_misses:
        notes.append("Every std is 0, which is σ_d = 0: these devices never miss, and all chips are alike.")
    if found.sigma_d > LARGE:
        notes.append(
            f"σ_d = {found.sigma_d:.3g} is large: unverified devices have 0.1 to 0.4. Are the stds in %, or in a unit "
            "of conductance? Then say so."
        )
    if 0 < found.sigma_d < FINEST:
        notes.append(f"σ_d = {found.sigma_d:.4g}; runs keep it to {DECIMALS} decimals.")
    others = unread(table, found.roles)
    ignored = [f"Columns that are not read: {listed(others, 12)}."] if others else []
    return replace(found, notes=(*notes, *found.effects.notes, *found.effects.words, *ignored))


def _biased(levels: pd.DataFrame) -> pd.DataFrame:
    """Levels that aim at nothing known, counted from the even steps where the model puts them."""
    steps = np.linspace(0, 1, len(levels))
    return levels.assign(**{columns.BIAS: levels[columns.MEAN] - steps}) if columns.MEAN in levels else levels


def _of_places(values: pd.DataFrame, places: tuple[int, ...]) -> pd.DataFrame:
    """The measurements of the levels that were taken over, under their new numbers."""
    new = {old: level for level, old in enumerate(places)}
    kept = values[values[columns.LEVEL].isin(new)]
    return kept.assign(**{columns.LEVEL: kept[columns.LEVEL].map(new)}).reset_index(drop=True)


def _target_words(levels: pd.DataFrame, choice: str, *, has_targets: bool) -> list[str]:
    aimed = levels[columns.TARGET].to_numpy(dtype=float)
    steps = np.arange(len(aimed)) / (len(aimed) - 1)
    if (
        choice == "interpolate"
        or not levels[columns.STD].any()
        or np.isnan(aimed).any()
        or (np.abs(aimed - steps).max() <= UNEVEN)
    ):
        return []
    what = "targets" if has_targets else "levels' means"
    words = (
        f"The {what} are not evenly spaced from no conductance to g_max, as the model's are (lowest: "
        f"{100 * aimed[0]:.3g} % of g_max): only their spreads are taken over, level by level. Interpolated stds "
        "follow the conductance instead."
    )
    return [words]


def _histogram(level: int, values: np.ndarray) -> pd.DataFrame:
    mean, std = values.mean(), values.std(ddof=1)
    num_bins = int(np.clip(2 * np.sqrt(len(values)), MIN_BINS, MAX_BINS))
    scores = np.linspace(-BIN_EDGE, BIN_EDGE, num_bins + 1)
    counts, _ = np.histogram((values - mean) / std, bins=scores)
    return pd.DataFrame(
        {
            columns.LEVEL: level,
            columns.BIN_LEFT: mean + scores[:-1] * std,
            columns.BIN_RIGHT: mean + scores[1:] * std,
            columns.SHARE: counts / len(values),
            columns.GAUSSIAN_SHARE: np.diff(ndtr(scores)),
        }
    )
