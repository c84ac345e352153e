"""What a setting's word on the command line may be, checked before anything is imported that takes long.

Only the word alone is looked at; what several settings are together is the config's business. A type keeps nothing but
plain values, so that it can be remembered (`neft.cli.remembered`).
"""

import math
from dataclasses import dataclass

import click
from typing_extensions import override

from neft.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class NumberType(click.ParamType[object]):
    """A number within bounds."""

    where: str
    """The option and its symbol: `--sigma-d (train σ_d)`."""
    whole: bool
    allowed: str
    """The bounds in words, as `[0, 1] bits`; empty where there are none."""
    ge: float | int | None = None
    gt: float | int | None = None
    le: float | int | None = None
    lt: float | int | None = None

    name = "number"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The word as it was given.

        Raises:
            ConfigError: it is no number, or lies beyond the bounds.
        """
        if not isinstance(value, str):  # what a bare option means
            return value
        number = _number(value, whole=self.whole)
        if number is None:
            near = value.replace(",", ".", 1)
            hint = f" Did you mean {near}?" if near != value and _number(near, whole=self.whole) is not None else ""
            message = f"{self.where} must be a {'whole ' if self.whole else ''}number; got '{value}'.{hint}"
            raise ConfigError(message)
        if not math.isfinite(number):
            message = f"{self.where} must be a finite number; got '{value}'."
            raise ConfigError(message)
        if not self._holds(number):
            message = f"{self.where} must lie in {self.allowed}; got '{value}'."
            raise ConfigError(message)
        return value

    def _holds(self, number: float) -> bool:
        return (
            (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )


@dataclass(frozen=True)
class WordType(click.ParamType[object]):
    """One of a few words."""

    where: str
    words: tuple[str, ...]

    name = "word"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The word as it was given.

        Raises:
            ConfigError: it is none of them.
        """
        if value in self.words:
            return value
        *first, last = (f"'{word}'" for word in self.words)
        message = f"{self.where} must be {', '.join(first)} or {last}; got '{value}'."
        raise ConfigError(message)


@dataclass(frozen=True)
class ComponentType(click.ParamType[object]):
    """The name of a method, a backbone, a device and the like."""

    family: str
    names: tuple[str, ...]

    name = "component"

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The name as it was given.

        Raises:
            ConfigError: nothing is called so.
        """
        if value not in self.names:
            raise unknown_name(self.family, str(value), self.names)
        return value


SettingType = NumberType | WordType | ComponentType
TYPES: dict[str, type[SettingType]] = {"number": NumberType, "word": WordType, "component": ComponentType}


def _number(text: str, *, whole: bool) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if whole and not (number.is_integer() and "e" not in text.lower()) else number
