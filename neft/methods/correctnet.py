"""CorrectNet's training: layers that enlarge no error."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod
from neft.methods.orthogonality import distance_from_orthogonal


def lipschitz_term(weights: Iterable[Tensor], *, scale: float) -> Float[Tensor, ""]:
    """Sum over layers of |W'W - scale^2 I|^2, a layer as the matrix of its outputs by all of its inputs."""
    return torch.stack([distance_from_orthogonal(weight.flatten(1), scale=scale) for weight in weights]).sum()


class CorrectNet(SinglePassMethod):
    """CE(O / T, y) + lambda sum_l |W'W - k^2 I|^2: no layer may enlarge the errors of the one before ([Eldebiky2022]).

    *Reconstruction*: the paper bounds a layer's Lipschitz constant by 1 with weights that are multiplied by lognormal
    factors, of which it takes the mean plus three standard deviations. Here a weight at w_max is multiplied by
    1 + sigma_d z, so k = 1 / (1 + 3 sigma_d). The paper trains this term without noise; here it stands on top of noise
    injection. Its digital compensation layers are an option of the backbone (`compensation`).
    """

    name: Literal["correctnet"] = "correctnet"
    label: ClassVar[str] = "CorrectNet"
    source: ClassVar[str] = "[Eldebiky2022]"
    order: ClassVar[int] = 5
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"strength": (1e-3, 1e-2, 1e-4)}

    strength: float = Field(
        default=1e-3,
        ge=0,
        le=1000,
        title="λ",
        description="How much the second term weighs.",
        json_schema_extra={"noun": "weight of the second term", "variant": ["l", "λ ="]},
    )

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """Cross entropy on a chip, and the term of the noise-free weights."""
        loss, logits = super().loss(forward, labels, sigma_d=sigma_d)
        return loss + self.strength * lipschitz_term(forward.weights.values(), scale=1 / (1 + 3 * sigma_d)), logits
