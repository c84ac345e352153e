"""Drift: a conductance falls with time, g(t) = g ((t + t0) / t0)^-nu, with a nu of every device's own.

A device's factor is lognormal, so that a weight's deviation is no Gaussian at long times. Laws of nu over x = g /
g_max: PCM from [Nandakumar2019], as in IBM's aihwkit; one device of IBM's Hermes chip, as in the same.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

DriftLaw = Literal["pcm", "hermes", "given"]
START = 20.0
"""t0, seconds after programming."""
SMALLEST = 1e-6
"""x below this counts as this, where a law takes its logarithm."""


def exponents(
    conductance: Float[Tensor, "..."], law: DriftLaw, *, mean: float, std: float
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """Mean and std of nu.

    Args:
        conductance: x, what devices aim at.
        law: whose.
        mean: of the given law.
        std: of the given law.
    """
    if law == "given":
        return torch.full_like(conductance, mean), torch.full_like(conductance, std)
    x = conductance.clamp_min(SMALLEST)
    log = x.log()
    if law == "pcm":
        return (-0.0155 * log + 0.0244).clamp(0.049, 0.1), (-0.0125 * log - 0.0059).clamp(0.008, 0.045)
    low = (-0.0387 * log - 0.0182).clamp(0.072, 0.13)
    high = -0.0436 * x.square() - 0.0126 * x + 0.0736
    low_std = (-0.0120 * log - 0.0023).clamp(0.0124, 0.04)
    high_std = -0.0165 * x.square() + 0.0116 * x + 0.0104
    return torch.where(x < 0.0945, low, high), torch.where(x < 0.3039, low_std, high_std)


def factors(
    mean: Float[Tensor, "..."], std: Float[Tensor, "..."], normals: Float[Tensor, "..."], *, seconds: float
) -> Float[Tensor, "..."]:
    """What every device's conductance is multiplied by."""
    return torch.exp(-(mean + std * normals) * _log_time(seconds))


def factor_moments(
    mean: Float[Tensor, "..."], std: Float[Tensor, "..."], *, seconds: float
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """E[F] and E[F^2] of that factor, which is lognormal."""
    log = _log_time(seconds)
    spread = (std * log).square()
    return torch.exp(-mean * log + spread / 2), torch.exp(-2 * mean * log + 2 * spread)


def _log_time(seconds: float) -> float:
    return math.log((seconds + START) / START)
