"""Binary weights: the limit of weight clipping, where all of a layer are as large as its largest."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.constraints.base import BaseConstraint


class Binary(BaseConstraint):
    """W = m sign(V), m the mean of abs(V) over the layer or each output channel; gradients go straight through to V.

    [Courbariaux2015], with the scale of [Rastegari2016]. Where we depart: V is not clipped, and its gradient is that of
    W itself, in all of its range.
    """

    name: Literal["binary"] = "binary"
    label: ClassVar[str] = "Binary weights"
    source: ClassVar[str] = "[Courbariaux2015], scaled as in [Rastegari2016]"
    reparametrises: ClassVar[bool] = True

    scale_per_channel: bool = Field(
        default=False,
        title="scale by output channel",
        description="Give each output channel a magnitude of its own rather than one to the whole layer.",
    )

    @property
    @override
    def kind(self) -> str:
        """`binary`, `binary_channel`."""
        return self.variant

    @property
    @override
    def kind_label(self) -> str:
        """`Binary weights`, and by what if not by layer."""
        return f"{self.label}{' by channel' if self.scale_per_channel else ''}"

    @property
    @override
    def variant(self) -> str:
        """`binary`, `binary_channel`."""
        return f"{self.name}{'_channel' if self.scale_per_channel else ''}"

    @property
    @override
    def variant_label(self) -> str:
        """`binary`, and by what if not by layer."""
        return f"binary{' by channel' if self.scale_per_channel else ''}"

    @override
    def effective(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One magnitude, two signs; a weight of 0 counts as positive."""
        return {name: self._binary(weight) for name, weight in weights.items()}

    def _binary(self, weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        plain = weight.detach()
        axes = tuple(range(1 if self.scale_per_channel else 0, weight.dim()))
        magnitude = plain.abs().mean(dim=axes, keepdim=True)
        return weight + (torch.where(plain < 0, -magnitude, magnitude) - plain)
