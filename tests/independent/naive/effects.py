"""What happens to one programmed device before it is read; and the moments of what it then conducts."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import exp, log, log10, pi, sqrt
from typing import Any

SWITCHES = {
    "drift_seconds",
    "drift_law",
    "drift_exponent",
    "drift_spread",
    "drift_compensation",
    "retention_seconds",
    "retention_law",
    "retention_std",
    "retention_growth",
    "retention_programmed",
    "read_noise",
    "read_noise_each",
    "stuck_low",
    "stuck_high",
    "common_mode",
    "common_to",
    "level_bias",
}
"""Every setting that is known here."""


def clamp(value: float, low: float, high: float) -> float:
    """Into the interval."""
    return min(max(value, low), high)


def _pcm(x: float) -> tuple[float, float]:
    """Nandakumar et al. 2019, as in IBM aihwkit."""
    return clamp(-0.0155 * log(x) + 0.0244, 0.049, 0.1), clamp(-0.0125 * log(x) - 0.0059, 0.008, 0.045)


def _hermes(x: float) -> tuple[float, float]:
    """One device of IBM's Hermes chip, as in aihwkit."""
    mean = clamp(-0.0387 * log(x) - 0.0182, 0.072, 0.13) if x < 0.0945 else -0.0436 * x**2 - 0.0126 * x + 0.0736
    std = clamp(-0.0120 * log(x) - 0.0023, 0.0124, 0.04) if x < 0.3039 else -0.0165 * x**2 + 0.0116 * x + 0.0104
    return mean, std


DRIFT_LAWS: dict[str, Callable[[float], tuple[float, float]]] = {"pcm": _pcm, "hermes": _hermes}


def exponent(aimed: float, settings: Mapping[str, Any]) -> tuple[float, float]:
    """Mean and std of a device's drift exponent nu, by what it aims at."""
    if settings["drift_law"] == "given":
        return settings["drift_exponent"], settings["drift_spread"]
    return DRIFT_LAWS[settings["drift_law"]](max(aimed, 1e-6))


EMBER = (
    (0.0, 0.019),
    (0.1, 0.022),
    (1.0, 0.027),
    (10.0, 0.033),
    (100.0, 0.039),
    (1e3, 0.044),
    (1e4, 0.049),
    (1e5, 0.054),
)
"""Seconds and std over the range: two EMBER chips with 64 levels, published data (MIT licence)."""


def _ember(settings: Mapping[str, Any], lowest: float) -> float:
    seconds = settings["retention_seconds"]
    for (before, low), (after, high) in pairwise(EMBER):
        if seconds <= after:
            passed = (
                seconds / after if before == 0 else (log10(seconds) - log10(before)) / (log10(after) - log10(before))
            )
            spread = low + (high - low) * passed
            return sqrt(spread**2 - EMBER[0][1] ** 2) * (1 - lowest)
    raise AssertionError


def _given(settings: Mapping[str, Any], _lowest: float) -> float:
    """A + b log10(t), of which devices have a part as programmed already."""
    spread = settings["retention_std"] + settings["retention_growth"] * log10(settings["retention_seconds"])
    programmed = settings["retention_programmed"]
    return sqrt(max(spread, programmed) ** 2 - programmed**2)


RETENTION_LAWS: dict[str, Callable[[Mapping[str, Any], float], float]] = {"ember": _ember, "given": _given}


def added_std(settings: Mapping[str, Any], lowest: float) -> float:
    """What retention adds to every level's spread."""
    return RETENTION_LAWS[settings["retention_law"]](settings, lowest) if settings["retention_seconds"] else 0.0


def conducted(
    held: float, level: int, aimed: float, lowest: float, settings: Mapping[str, Any], draws: Mapping[str, float]
) -> float:
    """What one device conducts when it is read: biased, spread, drifted, perhaps stuck, misread."""
    found = held
    if settings["level_bias"]:
        found += settings["level_bias"][level]
    if settings["retention_seconds"]:
        found += added_std(settings, lowest) * draws["retention"]
    if settings["drift_seconds"]:
        mean, std = exponent(aimed, settings)
        found *= ((settings["drift_seconds"] + 20.0) / 20.0) ** -(mean + std * draws["drift"])
    if settings["stuck_low"] + settings["stuck_high"] > 0:
        if draws["stuck"] < settings["stuck_low"]:
            found = lowest
        elif draws["stuck"] >= 1 - settings["stuck_high"]:
            found = 1.0
    if settings["read_noise"]:
        found += settings["read_noise"] * draws["read_noise"]
    return found


def common(z: float, shared: float, rho: float) -> float:
    """Sqrt(rho) of one draw that all devices share, sqrt(1 - rho) of its own."""
    return sqrt(rho) * shared + sqrt(1 - rho) * z


# ---------------------------------------------------------------- moments, by summing over a fine grid
STEPS = 4000
GRID = [-9 + 18 * (k + 0.5) / STEPS for k in range(STEPS)]
DENSITY = [exp(-z * z / 2) / sqrt(2 * pi) * 18 / STEPS for z in GRID]


def expected(function: Callable[[float], float]) -> float:
    """E f(z), z standard normal."""
    return sum(function(z) * weight for z, weight in zip(GRID, DENSITY, strict=True))


def moments(
    aimed: float, level: int, error: Sequence[float], lowest: float, settings: Mapping[str, Any]
) -> tuple[float, float]:
    """Mean and variance of what a device conducts, given mean and variance of its error as programmed.

    A sum of independent parts, times an independent lognormal factor, mixed with what is stuck.
    """
    first = aimed + error[0] + (settings["level_bias"][level] if settings["level_bias"] else 0.0)
    second = error[1] + added_std(settings, lowest) ** 2 + first**2
    if settings["drift_seconds"]:
        mean, std = exponent(aimed, settings)
        ratio = (settings["drift_seconds"] + 20.0) / 20.0
        first *= expected(lambda z: ratio ** -(mean + std * z))
        second *= expected(lambda z: ratio ** (-2 * (mean + std * z)))
    low, high = settings["stuck_low"], settings["stuck_high"]
    first = (1 - low - high) * first + low * lowest + high
    second = (1 - low - high) * second + low * lowest**2 + high
    return first, second - first**2 + settings["read_noise"] ** 2
