"""Example files, one a layout that laboratories and simulators write: drawn at random with the stds of a published fit.

Each is read again as the device that it was drawn from; a user may fill in measurements of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neft.devices.presets import PRESETS, USUAL
from neft.reference.citations import cite

Floats = NDArray[np.float64]
SPREAD = PRESETS[USUAL]
BITS = 2
COUNT = 60
"""Measurements a level."""
LOWEST = 0.1
"""The least conductive level, over g_max: at none at all a resistance would be infinite."""
VOLTS = 0.2
CODES = 63
"""Of an ADC, for g_max."""
TIMES = (0.0, 1.0, 10.0, 100.0, 1000.0)
GROWTH = 0.2
"""Of a std, a decade of time, in the example of retention."""
FAILS = 0.03
"""Of cells, in the example of write-verify."""


@dataclass(frozen=True)
class Example:
    """A file in one layout."""

    label: str
    file_name: str
    text: Callable[[], str]

    def content(self) -> bytes:
        """The file."""
        return self.text().encode()


def true_stds() -> tuple[float, ...]:
    """What the examples' levels were drawn with, over g_max."""
    return SPREAD.relative_stds(BITS)


def true_targets() -> Floats:
    """What they aim at, over g_max."""
    return np.linspace(LOWEST, 1, 2**BITS)


def _drawn(count: int = COUNT, *, seed: int = 0, grown: float = 1.0) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Each row's level, target and measurement, in µS; no conductance is negative."""
    rng = np.random.default_rng(seed)
    levels = np.tile(np.arange(2**BITS), count)
    targets = (true_targets() * SPREAD.g_max)[levels]
    stds = (np.array(true_stds()) * SPREAD.g_max)[levels] * grown
    return levels, targets, np.abs(rng.normal(targets, stds))


def _raw() -> str:
    rows = [f"{level},{target:.3f},{read:.3f}" for level, target, read in zip(*_drawn(), strict=True)]
    return "\n".join((_note(), "level,target (µS),measured (µS)", *rows)) + "\n"


def _per_level() -> str:
    pairs = zip(true_targets(), true_stds(), strict=True)
    siemens = 1e-6 * SPREAD.g_max
    rows = [f"{level},{target * siemens:.4e},{std * siemens:.4e}" for level, (target, std) in enumerate(pairs)]
    return "\n".join(("states,mean,std", *rows)) + "\n"


def _per_cent() -> str:
    rows = [f"{level};{100 * std:.3f}".replace(".", ",") for level, std in enumerate(true_stds())]
    return "\n".join(("sep=;", "level;std (%)", *rows)) + "\n"


def _resistances() -> str:
    levels, targets, reads = _drawn()
    highest = int(levels.max())
    cells = zip(levels, targets, reads, strict=True)
    rows = [f"{highest - level};{1e3 / target:.4f};{1e3 / read:.4f}".replace(".", ",") for level, target, read in cells]
    return "\n".join(("level;target (kΩ);measured (kΩ)", *rows)) + "\n"


def _currents() -> str:
    rows = [f"{target:.3f} {read * VOLTS:.4f}" for _, target, read in zip(*_drawn(), strict=True)]
    return "\n".join((f"# target_µS current_µA@{VOLTS:g}V", *rows)) + "\n"


def _windows() -> str:
    """Tabs and no header: address, pulses, resistance, window, success."""
    rng = np.random.default_rng(1)
    _, targets, reads = _drawn()
    half = 2 * np.array(true_stds()).max() * SPREAD.g_max
    rows: list[str] = []
    for address, (target, read) in enumerate(zip(targets, reads, strict=True)):
        failed = rng.random() < FAILS
        ends = 1e6 / (target + half), 1e6 / max(target - half, 0.02 * SPREAD.g_max)
        found = 1e6 / (read if not failed else SPREAD.g_max * rng.uniform(0.05, 1.3))
        cells = (f"{10000 + address}", f"{rng.integers(1, 90)}", f"{found:.3f}", *(f"{end:.0f}" for end in ends))
        rows.append("\t".join((*cells, f"{int(not failed)}")))
    return "\n".join(rows) + "\n"


def _codes(reads: Floats) -> NDArray[np.int64]:
    return np.round(reads / SPREAD.g_max * CODES).astype(np.int64)


def _retention() -> str:
    """ADC codes of the same cells at several times, with a write's window."""
    half = 3
    rows: list[str] = []
    for place, time in enumerate(TIMES):
        grown = 1 + GROWTH * (np.log10(time) if time else 0)
        _, targets, reads = _drawn(seed=place, grown=grown)
        for address, (aim, code) in enumerate(zip(_codes(targets), _codes(reads), strict=True)):
            rows.append(f"{len(rows)},{address},{time:g},{code},{aim - half},{aim + half}")
    return "\n".join((",addr,time (s),read,tmin,tmax", *rows)) + "\n"


def _in_turn() -> str:
    return "\n".join(f"{1e6 / read:.3f}" for read in _drawn()[2]) + "\n"


def _lists() -> str:
    _, targets, reads = _drawn()
    half = 3
    rows: list[str] = []
    for level in range(2**BITS):
        aim = int(_codes(targets)[level])
        codes = _codes(reads)[level :: 2**BITS][: COUNT - level]  # as many as there were
        rows.append(",".join(str(value) for value in (aim - half, aim + half, *codes)))
    return "\n".join(("tmin,tmax,", *rows)) + "\n"


def _side_by_side() -> str:
    """Tabs and no header: address, clock, and a word line's readings as ADC codes."""
    codes = _codes(_drawn()[2])
    width = 4 * 2**BITS
    lines = codes[: len(codes) // width * width].reshape(-1, width)
    rows = [[str(17200 + place), f"{1.7e9 + place / 2:.1f}", *map(str, line)] for place, line in enumerate(lines)]
    return "\n".join("\t".join(row) for row in rows) + "\n"


def _note() -> str:
    return f"# An example, drawn at random with the stds of a published fit: {cite(SPREAD.source)}"


EXAMPLES: dict[str, Example] = {
    "raw": Example("Level, target and measured, µS", "measurements.csv", _raw),
    "mean_and_std": Example("Mean and std by level, as NeuroSim's", "mem_states.csv", _per_level),
    "per_cent": Example("Std by level in %, as Excel writes it", "stds_in_percent.csv", _per_cent),
    "resistances": Example("Resistances in kΩ, levels numbered by resistance", "resistances.csv", _resistances),
    "currents": Example("Currents at a read voltage, by numpy.savetxt", "currents.txt", _currents),
    "write_verify": Example("A write-verify log: windows, success, no header", "write_verify.tsv", _windows),
    "retention": Example("ADC codes at several times after a write", "retention.csv", _retention),
    "in_turn": Example("One column, levels in turn", "readings.txt", _in_turn),
    "lists": Example("A window and a list of readings a row", "lists.csv", _lists),
    "side_by_side": Example("A word line's readings side by side, no header", "word_lines.tsv", _side_by_side),
}
"""By name."""
