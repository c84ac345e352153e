"""The unit costs: a table of constants, each with its unit and source, that a user's own file can replace."""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from neft.component import Component, build
from neft.errors import ConfigError, unknown_name
from neft.reference.citations import KEY, citations, cite

FILE = Path(__file__).with_name("constants.toml")
"""The constants that ship."""
VARIABLE = "NEFT_HARDWARE"
"""Of the environment: a file of constants to take instead."""


class Constant(Component):
    """One number with where it is from."""

    value: float = Field(ge=0)
    unit: str = Field(min_length=1)
    source: str = Field(min_length=1)
    """May hold keys of `neft.reference.citations`."""
    note: str = ""


def _in(unit: str, *, counts: bool = False) -> Any:
    """A field whose constant must be in this unit; what counts is a whole number of at least 1."""
    return Field(json_schema_extra={"unit": unit, "counts": counts})


class Constants(Component):
    """What one part costs, and how many columns or converters share it. Areas in µm², energies in pJ."""

    array_rows: Constant = _in("rows", counts=True)
    array_columns: Constant = _in("columns", counts=True)
    array_area: Constant = _in("µm²")
    array_energy: Constant = _in("pJ")
    dac_bits: Constant = _in("bits", counts=True)
    dac_area: Constant = _in("µm²")
    dac_energy: Constant = _in("pJ")
    hold_area: Constant = _in("µm²")
    hold_energy: Constant = _in("pJ")
    adc_bits: Constant = _in("bits", counts=True)
    adc_area: Constant = _in("µm²")
    adc_energy: Constant = _in("pJ")
    adc_growth: Constant = _in("times a bit")
    adc_columns: Constant = _in("columns", counts=True)
    shift_add_area: Constant = _in("µm²")
    shift_add_energy: Constant = _in("pJ")
    shift_add_adcs: Constant = _in("converters", counts=True)
    subtractor_area: Constant = _in("µm²")
    subtractor_energy: Constant = _in("pJ")

    @model_validator(mode="after")
    def _units_and_counts(self) -> "Constants":
        for name, field in type(self).model_fields.items():
            constant: Constant = getattr(self, name)
            extra: Any = field.json_schema_extra
            if constant.unit != extra["unit"]:
                message = f"{name}.unit must be '{extra['unit']}'; got '{constant.unit}'"
                raise ValueError(message)
            if extra["counts"] and (constant.value < 1 or constant.value != int(constant.value)):
                message = f"{name}.value must be a whole number of at least 1; got {constant.value:g}"
                raise ValueError(message)
        return self

    @property
    def cited(self) -> str:
        """Whose numbers they are, where the citations know them: `Shafiee et al. 2016`; else empty."""
        sources = " ".join(getattr(self, name).source for name in type(self).model_fields)
        keys = dict.fromkeys(key for key in KEY.findall(sources) if key in citations())
        return cite(", ".join(f"[{key}]" for key in keys))

    def in_words(self) -> dict[str, dict[str, Any]]:
        """Every constant with what a reader sees of its source: no keys of citations."""
        return {
            name: {part: _in_words(value) for part, value in entry.items()}
            for name, entry in self.model_dump(mode="json").items()
        }

    def count(self, name: str) -> int:
        """One that counts."""
        constant: Constant = getattr(self, name)
        return int(constant.value)

    def adc_factor(self, bits: int) -> float:
        """What a converter of so many bits costs over the one in the table: growth^(bits - its bits)."""
        return self.adc_growth.value ** (bits - self.adc_bits.value)


def _in_words(value: Any) -> Any:
    """A text with words for the keys it cites; of keys of a user's own nothing is known."""
    is_known = isinstance(value, str) and all(key in citations() for key in KEY.findall(value))
    return cite(value) if is_known else value


def load_constants(path: Path | None = None) -> Constants:
    """The constants of a file; without one those of the file that NEFT_HARDWARE names, else those that ship.

    Raises:
        ConfigError: it cannot be read, an entry is missing, unknown, negative, or in another unit.
    """
    chosen = named_file(path)
    # a file that changes is another one
    return _read(chosen, chosen.stat().st_mtime_ns if chosen.is_file() else 0)


def named_file(path: Path | None = None) -> Path:
    """The file that `load_constants` reads.

    Raises:
        ConfigError: NEFT_HARDWARE is empty.
    """
    named = os.environ.get(VARIABLE) if path is None else None
    if named is not None and not named.strip():
        message = f"{VARIABLE} is empty: name a file of constants, or unset it."
        raise ConfigError(message)
    return path or (Path(named) if named else FILE)


@cache
def _read(path: Path, _changed: int) -> Constants:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"The file of hardware constants '{path}' cannot be read: {error}. A model to copy: {FILE}."
        raise ConfigError(message) from None
    known = Constants.model_fields
    for name, entry in entries.items():
        if name not in known:
            kind = f"hardware constant in '{path}'"
            raise unknown_name(kind, name, known)
        _check(name, entry, path)
    missing = [name for name in known if name not in entries]
    if missing:
        message = f"'{path}' has no {', '.join(missing)}; every constant of {FILE} is needed."
        raise ConfigError(message)
    return build(Constants, entries)


def _check(name: str, entry: object, path: Path) -> None:
    if not isinstance(entry, dict):
        message = f"{name} in '{path}' must be a table of value, unit, source and note; got {entry!r}."
        raise ConfigError(message)
    try:
        _ = build(Constant, entry)
    except ConfigError as error:
        message = f"{name} in '{path}': {error}"
        raise ConfigError(message) from None
