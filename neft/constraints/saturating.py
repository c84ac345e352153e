"""Weights behind a hyperbolic tangent: none can be larger than its layer's bound, most come to lie near it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.component import number_text
from neft.constraints.base import BaseConstraint

INVERTIBLE = 0.999
"""Weights nearer to the bound begin here, where the tangent still has a slope."""


class Saturating(BaseConstraint):
    """W = b tanh(V / b), V is trained; b is a fixed number a layer, `bound` times the std of its initial weights.

    *Reconstruction*: the bound is fixed, and follows from the layer's shape: Kaiming's std sqrt(2 / fan-out). Around 0
    the tangent's slope is 1, so a training begins like one without constraint.
    """

    name: Literal["saturating"] = "saturating"
    label: ClassVar[str] = "Saturating weights"
    source: ClassVar[str] = "our trial: the smooth form of weight clipping"
    reparametrises: ClassVar[bool] = True
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"bound": (1.0, 0.5, 0.25)}

    bound: float = Field(
        default=1.0,
        gt=0,
        le=100,
        title="bound",
        description="The largest weight that a layer can have, over the standard deviation of its initial weights.",
        json_schema_extra={"noun": "bound of the weights"},
    )

    @property
    @override
    def variant(self) -> str:
        """`saturating0.5`."""
        return f"{self.name}{number_text(self.bound)}"

    @property
    @override
    def variant_label(self) -> str:
        """`saturating at 0.5`."""
        return f"saturating at {number_text(self.bound)}"

    @override
    def effective(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """B tanh(V / b)."""
        return {
            name: self._limit(weight) * torch.tanh(weight / self._limit(weight)) for name, weight in weights.items()
        }

    @override
    def trainable(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """B artanh(W / b), of weights that are cut just below b."""
        return {
            name: self._limit(weight) * torch.atanh((weight / self._limit(weight)).clamp(-INVERTIBLE, INVERTIBLE))
            for name, weight in weights.items()
        }

    def _limit(self, weight: Float[Tensor, "outputs ..."]) -> float:
        """The bound b of a layer, from its shape."""
        fan_out = weight.shape[0] * weight[0, 0].numel()
        return self.bound * (2 / fan_out) ** 0.5
