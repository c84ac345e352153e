"""Training against weights that were perturbed to do the most harm."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod
from neft.methods.perturbations import divergence, gradients, largest


class AdversarialWeights(SinglePassMethod):
    """CE(f(W), y) + lambda KL(f(W) || f(W + eps)), eps the end of a few sign-gradient steps of that divergence.

    [Buchel2022]: every layer's eps stays within a share of w_max. Where we depart: W is on a chip, the same in all
    passes, where the paper may train without; the steps begin at a random point of the box, since at eps = 0 the
    divergence has no gradient; and they leave BatchNorm's statistics alone.
    """

    name: Literal["adversarial_weights"] = "adversarial_weights"
    label: ClassVar[str] = "Adversarial weights"
    source: ClassVar[str] = "[Buchel2022]"
    order: ClassVar[int] = 15
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"attack": (0.03, 0.1), "strength": (1.0, 0.3)}

    attack: float = Field(
        default=0.03,
        ge=0,
        le=1,
        title="th_g",
        description="Size of the attack's box, relative to each layer's largest weight.",
        json_schema_extra={"noun": "attack's size", "variant": ["a", "th_g ="]},
    )
    attack_steps: int = Field(
        default=2,
        ge=1,
        le=100,
        title="attack's steps",
        description="Sign-gradient steps of the attack.",
        json_schema_extra={"variant": ["steps", "attack's steps ="]},
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
        """At W, one a step, and at the end."""
        return self.attack_steps + 2

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass as it is, one at the end of the attack."""
        chip = forward.draw()
        logits = forward(sigma_d=sigma_d, chip=chip)
        added = self._attack(forward, chip, logits.detach(), sigma_d)
        harmed = forward(sigma_d=sigma_d, chip=chip, added=added, moves_batchnorm=False)
        agreement = divergence(logits, harmed, temperature=self.temperature)
        return cross_entropy(logits / self.temperature, labels) + self.strength * agreement, logits

    def _attack(
        self, forward: NoisyForward, chip: Mapping[str, Tensor], logits: Tensor, sigma_d: float
    ) -> dict[str, Tensor]:
        """The end of the steps, eps, by layer."""
        limits = {name: self.attack * largest(weight) for name, weight in forward.weights.items()}
        added = {
            name: limits[name] * (2 * torch.rand(weight.shape, generator=forward.rng) - 1).to(weight)
            for name, weight in forward.weights.items()
        }
        for _ in range(self.attack_steps):
            there = forward(sigma_d=sigma_d, chip=chip, added=added, moves_batchnorm=False)
            found = gradients(divergence(logits, there, temperature=self.temperature), forward.weights)
            for name, limit in limits.items():
                # steps that together cross half the box
                moved = added[name] + (limit / self.attack_steps) * found[name].sign()
                added[name] = torch.minimum(torch.maximum(moved, -limit), limit)
        return added
