"""Laws of a device's deviation, as frozen values: how z of W + sigma_d std z is distributed.

A law makes its deviations of standard normals, so the same normals are comparable chips under every law.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override


class Law(ABC):
    """The interface."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Of z, in closed form."""

    @property
    @abstractmethod
    def std(self) -> float:
        """Of z, in closed form."""

    @abstractmethod
    def deviations(self, normals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """z, one of each standard normal."""


@dataclass(frozen=True)
class Gaussian(Law):
    """What devices are taken to do ([Qin2025], section 4.1)."""

    @property
    @override
    def mean(self) -> float:
        """0."""
        return 0.0

    @property
    @override
    def std(self) -> float:
        """1."""
        return 1.0

    @override
    def deviations(self, normals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The normals themselves."""
        return normals


@dataclass(frozen=True)
class RightCensored(Law):
    """min(z, t): no deviation is above t (TRICE, [Yan2023])."""

    limit: float
    """t, in stds."""

    @property
    @override
    def mean(self) -> float:
        """E[min(z, t)] = t (1 - Phi(t)) - phi(t)."""
        return self.limit * (1 - _cumulative(self.limit)) - _density(self.limit)

    @property
    @override
    def std(self) -> float:
        """E[min(z, t)^2] = Phi(t) - t phi(t) + t^2 (1 - Phi(t))."""
        below = _cumulative(self.limit)
        second = below - self.limit * _density(self.limit) + self.limit**2 * (1 - below)
        return math.sqrt(second - self.mean**2)

    @override
    def deviations(self, normals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """min(z, t)."""
        return normals.clamp(max=self.limit)


@dataclass(frozen=True)
class Truncated(Law):
    """z given that abs(z) <= t: what redrawing until a deviation is within t leaves (write-verify)."""

    limit: float
    """t, in stds, > 0."""

    def __post_init__(self) -> None:
        if not self.limit > 0:
            message = f"Truncated.limit (t) must be greater than 0; got {self.limit}."
            raise ValueError(message)

    @property
    @override
    def mean(self) -> float:
        """0."""
        return 0.0

    @property
    @override
    def std(self) -> float:
        """sqrt(1 - 2 t phi(t) / (2 Phi(t) - 1))."""
        inside = 2 * _cumulative(self.limit) - 1
        return math.sqrt(1 - 2 * self.limit * _density(self.limit) / inside)

    @override
    def deviations(self, normals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Phi^-1(Phi(-t) + Phi(z) (2 Phi(t) - 1)): the quantile that z is of the normal law, of this one."""
        lowest = _cumulative(-self.limit)
        quantiles = lowest + torch.special.ndtr(normals) * (1 - 2 * lowest)
        return torch.special.ndtri(quantiles).clamp(-self.limit, self.limit)


@dataclass(frozen=True)
class Shift(Law):
    """Every deviation is m: no chance, the mean of another law alone."""

    amount: float
    """m, in stds."""

    @property
    @override
    def mean(self) -> float:
        """The amount, m."""
        return self.amount

    @property
    @override
    def std(self) -> float:
        """0."""
        return 0.0

    @override
    def deviations(self, normals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The amount everywhere."""
        return torch.full_like(normals, self.amount)


GAUSSIAN = Gaussian()


def _density(t: float) -> float:
    """Of the standard normal law, phi(t)."""
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def _cumulative(t: float) -> float:
    """Of the standard normal law, Phi(t)."""
    return 0.5 * math.erfc(-t / math.sqrt(2))
