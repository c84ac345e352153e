"""One device variation in the four ways in which papers count it.

sigma_d is the std of a device's error over its maximal conductance. In µS it is sigma_d g_max; of the range that levels
lie in, sigma_d / (1 - 1/r) with the on/off ratio r; and a weight whose devices all miss so misses by
std(W_p - W_d) = c sqrt(sets) factor sigma_d w_max, which depends on how weights sit on devices: c is the bit slicing's
(`BitSlicing.closed_form_factor`), the factor the sign's, the range's and the copies' (`Mapping.error_factor`).
"""

from dataclasses import dataclass
from math import isfinite, sqrt

from neft.errors import ConfigError, unknown_name
from neft.mapping.signs import SIGNS
from neft.mapping.stack import Mapping

UNITS = {
    "sigma_d": "σ_d",
    "weight": "std/w_max",
    "microsiemens": "µS",
    "range": "% of range",
}
"""How a device variation can be counted, by name; `Conversion` has each as a field."""
_WRITTEN = {"": "sigma_d", "σ_d": "sigma_d", "std/w_max": "weight", "w_max": "weight"} | {
    "µS": "microsiemens",
    "μS": "microsiemens",
    "uS": "microsiemens",
    "%": "range",
    "% of range": "range",
}


@dataclass(frozen=True)
class Conversion:
    """One device variation in every unit."""

    sigma_d: float
    weight: float
    """std(W_p - W_d) over w_max, where all levels miss alike."""
    microsiemens: float
    range: float
    """In %."""


def converted(value: float | int, unit: str, *, g_max: float | int, mapping: Mapping | None = None) -> Conversion:
    """A device variation in every unit.

    Args:
        value: the std.
        unit: in which it is given, a key of `UNITS`.
        g_max: the device's maximal conductance, in µS.
        mapping: how weights sit on devices; the default if not given.

    Raises:
        ConfigError: a negative or infinite std, no positive g_max, or an unknown unit.

    >>> found = converted(2, "microsiemens", g_max=40)
    >>> found.sigma_d, round(found.weight, 4), found.range
    (0.05, 0.0389, 5.0)
    """
    if unit not in UNITS:
        kind = "unit"
        raise unknown_name(kind, unit, UNITS)
    if not (isfinite(value) and value >= 0):
        message = f"A std must be a number >= 0; got {value:g} {UNITS[unit]}."
        raise ConfigError(message)
    if not (isfinite(g_max) and g_max > 0):
        message = f"g_max must be a positive conductance in µS; got {g_max:g}."
        raise ConfigError(message)
    chosen = mapping or Mapping()
    sets = SIGNS[chosen.sign].errors_a_weight
    factors = {
        "sigma_d": 1.0,
        "weight": chosen.closed_form_factor * chosen.error_factor * sqrt(sets),
        "microsiemens": g_max,
        "range": 100 / (1 - chosen.lowest),
    }
    sigma_d = value / factors[unit]
    return Conversion(**{name: sigma_d * factor for name, factor in factors.items()})


def std_from_text(text: str) -> tuple[float, str]:
    """A std and its unit as they are written: `0.1`, `2 µS`, `5 %`, `0.08 w_max`.

    Raises:
        ConfigError: no number, or an unknown unit.

    >>> std_from_text("2 µS"), std_from_text("5%"), std_from_text("0.1")
    ((2.0, 'microsiemens'), (5.0, 'range'), (0.1, 'sigma_d'))
    """
    given = text.strip()
    size = len(given)
    while size and not _is_number(given[:size]):
        size -= 1
    unit = given[size:].strip()
    if not size or unit not in _WRITTEN:
        message = f"A std must be like '0.1' (σ_d), '2 µS', '5 %' (of the range) or '0.08 w_max'; got '{text}'."
        raise ConfigError(message)
    return float(given[:size]), _WRITTEN[unit]


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
