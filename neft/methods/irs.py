"""Intermediate representation snapshot ([Qin2025], section 3.3, Algorithm 2)."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.methods.base import FeedbackMethod, NoisyForward


class Irs(FeedbackMethod):
    """Heads on N intermediate features feed back against the backbone; they are dropped after training.

    gamma_n = 10^(1-n): the shallowest snapshot weighs 1.
    """

    name: Literal["irs"] = "irs"
    label: ClassVar[str] = "IRS"
    order: ClassVar[int] = 4
    rising_gamma: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"beta": (1e-2, 1e-3, 1e-1)}

    beta: float = Field(
        default=1e-2,
        ge=0,
        le=1,
        title="β",
        description="Feedback coefficient.",
        json_schema_extra={"noun": "feedback coefficient", "variant": ["b", "β ="]},
    )
    classifier_noise: bool = Field(
        default=True,
        title="classifier noise",
        description="Whether the snapshot heads' weights lie in devices too while training.",
        json_schema_extra={"variant": ["cn", "classifier noise =", "noise-free heads"]},
    )

    @property
    @override
    def num_snapshots(self) -> int:
        """N heads."""
        return self.num_feedback

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass, with its snapshots."""
        logits, snapshots = forward.with_snapshots(sigma_d=sigma_d, classifier_noise=self.classifier_noise)
        return self.combine(logits, snapshots, labels), logits
