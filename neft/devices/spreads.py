"""How far a conductance misses as a function of the conductance: std(g), both in one unit."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from neft.errors import ConfigError

Floats = NDArray[np.float64]
DIGITS = 4
"""Significant digits of what a device takes over: finer than it can be measured."""


class Spread(ABC):
    """The interface."""

    @property
    @abstractmethod
    def equation(self) -> str:
        """std(g) as TeX."""

    @property
    @abstractmethod
    def text(self) -> str:
        """std(g) in one line of plain text."""

    @abstractmethod
    def fit(self, conductance: Floats) -> Floats:
        """std(g) as it was fitted, which may fall below 0 far from where it was measured."""

    def stds(self, conductances: Sequence[float] | Floats) -> Floats:
        """std(g) of each; 0 where the fit falls below it."""
        return np.maximum(self.fit(np.asarray(conductances, dtype=np.float64)), 0.0)


@dataclass(frozen=True)
class Polynomial(Spread):
    """A polynomial of g / unit; with one coefficient, the same std everywhere."""

    coefficients: tuple[float, ...]
    """Of (g / unit)^0, (g / unit)^1, …"""
    unit: float = 1.0

    @property
    @override
    def equation(self) -> str:
        variable = "g" if self.unit == 1 else rf"(g/{self.unit:g})"
        return r"\sigma(g) = " + _terms(self.coefficients, variable, is_tex=True)

    @property
    @override
    def text(self) -> str:
        variable = "g" if self.unit == 1 else f"(g/{self.unit:g})"
        return f"σ(g) = {_terms(self.coefficients, variable, is_tex=False)}"

    @override
    def fit(self, conductance: Floats) -> Floats:
        scaled_to = conductance / self.unit
        return np.asarray(sum(factor * scaled_to**power for power, factor in enumerate(self.coefficients)))


@dataclass(frozen=True)
class TwoPolynomials(Spread):
    """One up to a conductance, another beyond it."""

    until: float
    low: Polynomial
    high: Polynomial

    @property
    @override
    def equation(self) -> str:
        low, high = (part.equation.partition("= ")[2] for part in (self.low, self.high))
        return rf"\sigma(g) = \begin{{cases}}{low} & g \le {self.until:g}\\ {high} & g > {self.until:g}\end{{cases}}"

    @property
    @override
    def text(self) -> str:
        high = self.high.text.partition("= ")[2]
        return f"{self.low.text} up to g = {self.until:g}, then {high}"

    @override
    def fit(self, conductance: Floats) -> Floats:
        return np.where(conductance <= self.until, self.low.fit(conductance), self.high.fit(conductance))


@dataclass(frozen=True)
class Saturating(Spread):
    """height (1 - exp(-g / scale))."""

    height: float
    scale: float

    @property
    @override
    def equation(self) -> str:
        return rf"\sigma(g) = {self.height:.7g}\,\left(1 - e^{{-g/{self.scale:.7g}}}\right)"

    @property
    @override
    def text(self) -> str:
        return f"σ(g) = {self.height:.7g} (1 − exp(−g/{self.scale:.7g}))"

    @override
    def fit(self, conductance: Floats) -> Floats:
        return self.height * -np.expm1(-conductance / self.scale)


def _terms(coefficients: Sequence[float], variable: str, *, is_tex: bool) -> str:
    minus, times = ("-", r"\,") if is_tex else ("−", " ")
    found = ""
    for exponent, factor in enumerate(coefficients):
        sign = f" {minus} " if factor < 0 else " + " if found else ""
        raised = f"^{{{exponent}}}" if is_tex else f"^{exponent}"
        of = "" if exponent == 0 else times + variable + (raised if exponent > 1 else "")
        found += sign + _number(abs(factor), is_tex=is_tex) + of
    return found.strip()


def _number(value: float, *, is_tex: bool) -> str:
    """With a power of ten where it is small.

    >>> _number(0.00178767, is_tex=False), _number(2.939751381126213e-05, is_tex=False)
    ('0.00178767', '2.9397514·10^-5')
    """
    digits, _, exponent = f"{value:.8g}".partition("e")
    if not exponent:
        return digits
    return rf"{digits}\cdot 10^{{{int(exponent)}}}" if is_tex else f"{digits}·10^{int(exponent)}"


def scaled(relative_stds: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """sigma_d and level stds of a device whose levels have these stds over the maximal conductance.

    sigma_d is their root mean square over levels, so that the level stds' is 1, as RRAM1's: where all codes are equally
    common, both devices move weights equally far (RMS) at equal sigma_d, for any number of levels. The published
    devices' n(s) is another convention, for 2-bit devices alone: it counts the middle levels as 40 % of the weights.

    Raises:
        ConfigError: no level misses.

    >>> sigma_d, level_stds = scaled([0.01, 0.07])
    >>> round(sigma_d, 6), [round(std, 6) for std in level_stds]
    (0.05, [0.2, 1.4])
    """
    sigma_d = sqrt(sum(std**2 for std in relative_stds) / len(relative_stds))
    if sigma_d == 0:
        message = "No level misses: every std is 0, which is σ_d = 0."
        raise ConfigError(message)
    return sigma_d, tuple(std / sigma_d for std in relative_stds)


def rounded(value: float) -> float:
    """As a device takes a number over, from a file, a preset, the command line and the page alike.

    >>> rounded(0.0748762)
    0.07488
    """
    return float(f"{value:.{DIGITS}g}")
