"""Adversarial training with right-censored noise (A-TRICE, [Yan2024])."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.chips.laws import RightCensored, Shift
from neft.methods.base import NoisyForward, SinglePassMethod
from neft.methods.perturbations import gradients, largest, margin


class ATrice(SinglePassMethod):
    """Two optimiser steps a batch: alpha CE where an attack from the mean deviation ends, CE under censored noise.

    The attack is one sign-gradient step of the margin f from dW_0 = m(t) sigma_d std, where m(t) is the mean of
    min(z, t). Deployed are W + m(t) sigma_d std: the weights that the censored noise was centred on. *Reconstruction*:
    the size of the attack's step, th_g w_max; the passes of the attack leave BatchNorm's statistics alone.
    """

    name: Literal["a_trice"] = "a_trice"
    label: ClassVar[str] = "A-TRICE"
    source: ClassVar[str] = "[Yan2024]"
    order: ClassVar[int] = 7
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"limit": (1.0, 0.5, 2.0), "attack": (0.03, 0.01)}

    limit: float = Field(
        default=1.0,
        gt=0,
        le=10,
        title="t",
        description="No training deviation is above so many standard deviations.",
        json_schema_extra={"noun": "censoring limit", "variant": ["c", "t ="]},
    )
    attack: float = Field(
        default=0.03,
        ge=0,
        le=1,
        title="th_g",
        description="Size of the attack's step, relative to each layer's largest weight.",
        json_schema_extra={"noun": "attack's size", "variant": ["a", "th_g ="]},
    )
    strength: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        title="λ",
        description="How much the second term weighs.",
        json_schema_extra={"noun": "weight of the second term", "variant": ["l", "λ ="]},
    )

    @property
    @override
    def num_passes(self) -> int:
        """The attack's, the one at its end, the one under noise."""
        return 3

    @override
    def losses(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> Iterator[tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]]:
        """The attacked step, then the noisy one."""
        mean = forward.draw(Shift(RightCensored(self.limit).mean))
        attacked = forward(sigma_d=sigma_d, chip=mean, moves_batchnorm=False)
        found = gradients(margin(attacked, labels), forward.weights)
        downhill = {
            name: -self.attack * largest(weight) * found[name].sign() for name, weight in forward.weights.items()
        }
        logits = forward(sigma_d=sigma_d, chip=mean, added=downhill, moves_batchnorm=False)
        yield self.strength * cross_entropy(logits / self.temperature, labels), logits
        yield self.loss(forward, labels, sigma_d=sigma_d)

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """CE(O / T, y) under right-censored noise."""
        logits = forward(sigma_d=sigma_d, chip=forward.draw(RightCensored(self.limit)))
        return cross_entropy(logits / self.temperature, labels), logits

    @override
    def deployed(self, weights: Mapping[str, Tensor], *, stds: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """W + m(t) sigma_d std."""
        mean = RightCensored(self.limit).mean
        return {name: weight + mean * stds[name] for name, weight in weights.items()}
