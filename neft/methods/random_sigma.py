"""Noise whose size is drawn anew in every step."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod


class RandomSigma(SinglePassMethod):
    """CE(O / T, y) at a sigma_d of abs(N(sigma_d, theta)), drawn for every step (variance-aware noise training).

    *Reconstruction*: the paper's schedule was not to be had.
    """

    name: Literal["random_sigma"] = "random_sigma"
    label: ClassVar[str] = "Random σ_d"
    source: ClassVar[str] = "[Wang2025]"
    order: ClassVar[int] = 10
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"theta": (0.05, 0.1, 0.02)}

    theta: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="θ",
        description="Standard deviation of the steps' σ_d around the training's.",
        json_schema_extra={"noun": "spread of σ_d", "variant": ["th", "θ ="]},
    )

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass."""
        drawn = abs(sigma_d + self.theta * float(torch.randn((), generator=forward.rng)))
        logits = forward(sigma_d=drawn)
        return cross_entropy(logits / self.temperature, labels), logits
