"""Two chips that must agree."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod
from neft.methods.perturbations import divergence


class Consistency(SinglePassMethod):
    """CE + lambda KL(p1 || p2) of two chips on the same batch, CE the mean of both, all of logits over T.

    *Reconstruction* of a form that several works use; which of them was first is not settled here.
    """

    name: Literal["consistency"] = "consistency"
    label: ClassVar[str] = "Consistency"
    source: ClassVar[str] = "two chips that must agree, as in R-Drop's two dropout masks [Liang2021]"
    order: ClassVar[int] = 11
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"strength": (1.0, 0.3, 3.0)}

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
        """One a chip."""
        return 2

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """Of two fresh chips; the first one's logits are counted."""
        first, second = forward(sigma_d=sigma_d), forward(sigma_d=sigma_d)
        errors = sum(cross_entropy(logits / self.temperature, labels) for logits in (first, second)) / 2
        return errors + self.strength * divergence(first, second, temperature=self.temperature), first
