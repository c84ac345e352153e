"""Residual programming: every slice aims at what the slices before it have left of the weight."""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.programming.base import Aim, BaseProgramming, Effort, Written


class Residual(BaseProgramming):
    """Slices are written from the most significant on; each is read once, and the next ones aim at what is left.

    While nothing saturates, only the last slice's error remains, with std (2^K - 1) / (2^M - 1) sigma_d w_max. Where
    the source leaves it open: a slice that others follow takes the level below what is left where corrections are
    positive alone, and the nearest one where they go both ways; a correction the other way is taken to lie on a device
    that counts negative, and its idle partner to miss nothing.
    """

    name: Literal["residual"] = "residual"
    label: ClassVar[str] = "Residual programming"
    source: ClassVar[str] = "[Song2024]; [LeGallo2022]"

    sides: Literal["one", "two"] = Field(
        default="two",
        title="sides",
        description="Whether corrections are positive alone, or go both ways.",
    )
    read_error: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="σ_r",
        description="Std of the error of reading a device, over the maximal conductance.",
        json_schema_extra={"noun": "reading error"},
    )

    @classmethod
    @override
    def compared(cls) -> tuple[BaseProgramming, ...]:
        """Corrections of one sign, and of both."""
        return cls(sides="one"), cls(sides="two")

    @property
    @override
    def num_reads(self) -> int:
        """One where reading errs."""
        return int(self.read_error > 0)

    @override
    def write(
        self,
        aim: Aim,
        errors: Float[Tensor, "slices ..."],
        reads: Float[Tensor, "slices ..."] | None,
        *,
        sigma_d: float,
    ) -> Written:
        """Slice by slice, the most significant first."""
        mapping = aim.mapping
        unit = mapping.max_level / (1 - mapping.lowest)  # levels that all of the range is
        left = aim.magnitude * mapping.max_code
        held: list[Tensor] = []
        levels: list[Tensor] = []
        sides: list[Tensor] = []
        for index in reversed(range(mapping.num_slices)):
            significance = mapping.significance[index]
            side, level = self._aimed(left / significance, mapping.max_level, is_last=index == 0)
            conductance = aim.conductance(level) + aim.level_stds[level] * sigma_d * errors[index]
            read = conductance if reads is None else conductance + self.read_error * reads[index]
            left = left - side * (read - mapping.lowest) * unit * significance
            held.append(conductance)
            levels.append(level)
            sides.append(side)
        return Written(torch.stack(held[::-1]), torch.stack(levels[::-1]), torch.stack(sides[::-1]))

    def _aimed(self, wanted: Tensor, max_level: int, *, is_last: bool) -> tuple[Tensor, Tensor]:
        """The side and the level of a slice."""
        if self.sides == "one":
            level = (wanted.round() if is_last else wanted.floor()).clamp(0, max_level)
            return torch.ones_like(wanted), level.long()
        return torch.where(wanted < 0, -1.0, 1.0).to(wanted), wanted.abs().round().clamp_max(max_level).long()

    @override
    def level_variance(
        self, level_stds: Float[Tensor, " levels"], *, sigma_d: float, verified: bool
    ) -> Float[Tensor, " levels"] | None:
        """Known by sampling alone: slices depend on each other, and saturate."""
        return None

    @override
    def effort(self, aim: Aim, *, sigma_d: float) -> Effort:
        """A pulse a device, and a read of each but the last."""
        return Effort(pulses=len(aim.levels), reads=len(aim.levels) - 1)
