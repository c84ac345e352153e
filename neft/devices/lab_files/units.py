"""Units as they are written beside column names, and what they make of a number: converted, never stripped."""

import re
from dataclasses import dataclass
from typing import Literal

from neft.errors import ConfigError

Kind = Literal["conductance", "resistance", "current", "code", "share", "time", "voltage", "plain"]
PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
BASES: dict[str, Kind] = {"S": "conductance", "Ohm": "resistance", "A": "current", "V": "voltage", "s": "time"}
SPELT = {
    "siemens": "S",
    "ohms": "Ohm",
    "ohm": "Ohm",
    "amperes": "A",
    "ampere": "A",
    "amps": "A",
    "amp": "A",
    "volts": "V",
    "volt": "V",
    "seconds": "s",
    "second": "s",
    "secs": "s",
    "sec": "s",
    "micro": "u",
    "nano": "n",
    "pico": "p",
    "milli": "m",
    "kilo": "k",
    "mega": "M",
    "giga": "G",
}
SIGNS = str.maketrans({"µ": "u", "μ": "u", "Ω": "Ohm", "\u2126": "Ohm", "℧": "S"})
TIMES = {"min": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hours": 3600.0, "d": 86400.0, "days": 86400.0}
SHARES = {"%": 0.01, "percent": 0.01, "‰": 1e-3, "ppm": 1e-6, "g_max": 1.0, "gmax": 1.0, "of g_max": 1.0}
CODES = ("code", "codes", "adc", "adc code", "adc codes", "lsb", "counts", "count", "dn")
PLAIN = ("", "a.u.", "au", "arb. u.", "arb. units", "1", "-", "normalized", "normalised", "norm.", "rel.")
KNOWN = (
    "%, S, mS, µS, nS, Ω, kΩ, MΩ, A … pA (also 'µA at 0.2 V'), ADC codes, a.u.; for times s, ms, µs, ns, min, h, days"
)


@dataclass(frozen=True)
class Unit:
    """What a unit measures, and its size in siemens, ohms, amperes, seconds or shares of g_max."""

    kind: Kind
    factor: float
    text: str
    """As it is shown."""
    volts: float | None = None
    """The read voltage that stands beside a current."""


def split_name(cell: str) -> tuple[str, str]:
    """A column's name and the unit beside it.

    >>> split_name("Measured (µS)"), split_name("R_kOhm"), split_name("std [%]"), split_name("level")
    (('Measured', 'µS'), ('R', 'kOhm'), ('std', '%'), ('level', ''))
    """
    text = cell.strip()
    inside = re.fullmatch(r"(.*?)[(\[]([^()\[\]]*)[)\]]", text)
    if inside:
        return inside[1].strip() or text, inside[2].strip()
    beside = re.fullmatch(r"(.+?)(?:\s*/\s*|\s+in\s+|[_ ])([^\s_/]+)", text)
    if beside and _is_beside(beside[2]):
        return beside[1].strip(), beside[2]
    return (text[:-1].strip(), "%") if text.endswith("%") and len(text) > 1 else (text, "")


def _is_beside(text: str) -> bool:
    """Whether the last word of a name is surely its unit: `R_kOhm` is, `cell_s` and `level_1` are not."""
    found = find(text)
    return found is not None and found.kind != "plain" and text not in TIMES and (len(text) > 1 or text in "%Ω")


def is_unit(text: str) -> bool:
    """Whether a text is a unit."""
    return find(text) is not None


def find(text: str) -> Unit | None:
    """The unit of this text; None where it is none.

    >>> find("kΩ").factor, find("uA at 0.2 V").volts, find("meter")
    (1000.0, 0.2, None)
    """
    plain = " ".join(text.split())
    low = plain.lower()
    for known, kind in ((SHARES, "share"), (TIMES, "time")):
        if low in known:
            return Unit(kind, known[low], plain)  # pyright: ignore[reportArgumentType]
    if low in CODES:
        return Unit("code", 1.0, "codes")
    if low in PLAIN:
        return Unit("plain", 1.0, "")
    at = re.fullmatch(r"(\S+)\s*(?:at|@|,)\s*([-+\d.eE]+)\s*(m?)V", plain)
    if at:
        return _read_at(at[1], at[2], at[3])
    return _with_prefix(plain)


def required(text: str, *, where: str) -> Unit:
    """The unit of this text.

    Raises:
        ConfigError: it is none that is known.
    """
    found = find(text)
    if found is None:
        message = (
            f"{where} has the unit '{text}', which is none that is known. Known: {KNOWN}. "
            "Say the unit, or write it into the header."
        )
        raise ConfigError(message)
    return found


def _read_at(current: str, number: str, milli: str) -> Unit | None:
    found = _with_prefix(current)
    try:
        volts = abs(float(number)) * (1e-3 if milli else 1.0)
    except ValueError:
        return None
    if found is None or found.kind != "current" or volts == 0:
        return None
    return Unit("current", found.factor, f"{found.text} at {volts:g} V", volts)


def _with_prefix(plain: str) -> Unit | None:
    text = plain.translate(SIGNS)
    for spelt, short in SPELT.items():
        text = re.sub(spelt, short, text, flags=re.IGNORECASE)
    for base, kind in BASES.items():
        if text.endswith(base) and text[: -len(base)] in PREFIXES:
            factor = PREFIXES[text[: -len(base)]]
            return Unit(kind, factor, text.replace("Ohm", "Ω").replace("u", "µ"))
    return None
