"""Write, read, write again until a device is near enough."""

import math
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.programming.base import Aim, BaseProgramming, Effort, Written, spread

FINEST_TOLERANCE = 1e-4
"""Over the maximal conductance: finer than any device is read, and thousands of writes each."""


class WriteVerify(BaseProgramming):
    """Each write misses anew, as open loop does; a device keeps the first that is within epsilon.

    An error is then a Gaussian cut at +-epsilon: with a = epsilon / (sigma_d s(level)) it takes
    1 / (2 Phi(a) - 1) writes, and its variance is sigma^2 (1 - 2 a phi(a) / (2 Phi(a) - 1)). Derived; see also
    [Yan2022b].
    """

    name: Literal["write_verify"] = "write_verify"
    label: ClassVar[str] = "Write-verify"
    source: ClassVar[str] = "usual; cycles and residual variance derived"

    tolerance: float = Field(
        default=0.05,
        ge=FINEST_TOLERANCE,
        le=1,
        title="ε",
        description="A device is written again until its error over the maximal conductance is at most this.",
        json_schema_extra={"noun": "tolerance"},
    )

    @override
    def write(
        self,
        aim: Aim,
        errors: Float[Tensor, "slices ..."],
        reads: Float[Tensor, "slices ..."] | None,
        *,
        sigma_d: float,
    ) -> Written:
        """Target plus an error within epsilon."""
        missed = within(errors, spread(aim, sigma_d), self.tolerance)
        return Written(aim.targets + missed, aim.levels)

    @override
    def level_variance(
        self, level_stds: Float[Tensor, " levels"], *, sigma_d: float, verified: bool
    ) -> Float[Tensor, " levels"]:
        """sigma^2 (1 - 2 a phi(a) / (2 Phi(a) - 1))."""
        return variance_within(level_stds * sigma_d, self.tolerance)

    @override
    def effort(self, aim: Aim, *, sigma_d: float) -> Effort:
        """As many reads as writes."""
        writes = float((1 / share_within(spread(aim, sigma_d), self.tolerance)).sum(dim=0).mean())
        return Effort(pulses=writes, reads=writes)


def within(normals: Float[Tensor, "..."], std: Float[Tensor, "..."], tolerance: float) -> Float[Tensor, "..."]:
    """Errors of this std, given that none is larger than the tolerance: the quantile that each normal is."""
    limit = _limit(std, tolerance)
    lowest = torch.special.ndtr(-limit)
    quantile = lowest + torch.special.ndtr(normals.double()) * (1 - 2 * lowest)
    # far out a quantile is 1 in float64, and its error infinite
    found = torch.special.ndtri(quantile).clamp(-limit, limit) * std
    return torch.where(torch.isfinite(found), found, normals * std).to(normals)


def variance_within(std: Float[Tensor, "..."], tolerance: float) -> Float[Tensor, "..."]:
    """Of such errors."""
    limit = _limit(std, tolerance)
    density = torch.exp(-limit.square() / 2) / math.sqrt(2 * math.pi)
    cut = torch.where(torch.isfinite(limit), 2 * limit * density, 0.0) / share_within(std, tolerance)
    # a narrow band is nearly uniform, where the closed form subtracts equal numbers
    uniform = limit.square() / 3 * (1 - limit.square() * 2 / 15)
    return (std.double().square() * torch.where(limit < 0.01, uniform, 1 - cut)).to(std)


def share_within(std: Float[Tensor, "..."], tolerance: float) -> Float[Tensor, "..."]:
    """Of writes that are near enough: 2 Phi(a) - 1."""
    return torch.special.erf(_limit(std, tolerance) / math.sqrt(2))


def _limit(std: Tensor, tolerance: float) -> Tensor:
    """A = epsilon / sigma; infinite where nothing misses."""
    return tolerance / std.double()
