"""Noise that grows over the training, beyond what is met."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod


class Ramped(SinglePassMethod):
    """CE(O / T, y) at sigma_d k r, where r rises from 0 to 1 in proportion to the training that is done.

    *Reconstruction*: a straight ramp over the whole training. [Jacobson2026] finds k > 1 best at large noise.
    """

    name: Literal["ramped"] = "ramped"
    label: ClassVar[str] = "Ramped noise"
    source: ClassVar[str] = "[Jacobson2026]"
    order: ClassVar[int] = 9
    is_cross_entropy: ClassVar[bool] = True
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"over": (1.5, 1.0, 2.0)}

    over: float = Field(
        default=1.5,
        ge=1,
        le=10,
        title="k",
        description="The noise that the training ends with, over its σ_d.",
        json_schema_extra={"noun": "over-noise factor", "variant": ["k", "k ="]},
    )

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass."""
        raised = sigma_d * self.over * forward.moment.progress
        logits = forward(sigma_d=raised, chip=forward.draw())
        return cross_entropy(logits / self.temperature, labels), logits
