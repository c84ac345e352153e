"""Kernels that are kept near orthogonal: what the NeFT authors' code takes for CorrectNet."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod


def distance_from_orthogonal(matrices: Float[Tensor, "... rows columns"], *, scale: float = 1.0) -> Float[Tensor, ""]:
    """Sum over the matrices of |W'W - scale^2 I|^2, in the Frobenius norm.

    The smaller of W'W and WW' is computed: the terms differ by a constant, scale^4 times columns - rows.
    """
    rows, columns = matrices.shape[-2:]
    gram = matrices.mT @ matrices if columns <= rows else matrices @ matrices.mT
    target = scale**2 * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    lacking = scale**4 * max(columns - rows, 0) * (matrices.numel() // (rows * columns))
    return (gram - target).square().sum() + lacking


def kernel_term(weights: Iterable[Tensor]) -> Float[Tensor, ""]:
    """Sum over layers of |W'W - I|^2 over a weight's last two dimensions: of a convolution, kernel by kernel."""
    return torch.stack([distance_from_orthogonal(weight) for weight in weights]).sum()


class Orthogonality(SinglePassMethod):
    """CE(O / T, y) + 5e-4 sum |W'W - I|^2 over the last two dimensions: what the NeFT code calls CorrectNet.

    On top of noise injection, without the Lipschitz constant and without compensation layers.
    """

    name: Literal["orthogonality"] = "orthogonality"
    label: ClassVar[str] = "Orthogonal kernels"
    source: ClassVar[str] = "[Qin2025], released code, which calls it CorrectNet"
    order: ClassVar[int] = 8
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"strength": (5e-4, 5e-3, 5e-5)}

    strength: float = Field(
        default=5e-4,
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
        return loss + self.strength * kernel_term(forward.weights.values()), logits
