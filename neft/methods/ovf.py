"""Oriented variational forward ([Qin2025], section 3.2, Algorithm 1)."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.methods.base import FeedbackMethod, NoisyForward


class Ovf(FeedbackMethod):
    """N more passes of the same weights with fresh noise at sigma_d + n delta_sigma feed back against the backbone's.

    gamma_n = 10^(n-N): the noisiest pass weighs 1. Gradients flow through all passes.
    """

    name: Literal["ovf"] = "ovf"
    label: ClassVar[str] = "OVF"
    order: ClassVar[int] = 3
    rising_gamma: ClassVar[bool] = True

    delta_sigma: float = Field(
        default=0.05,
        ge=-1,
        le=1,
        title="Δσ",
        description="How much more device variation each further pass has; where it is negative, σ_d ends at 0.",
        json_schema_extra={"noun": "noise step", "variant": ["d", "Δσ ="]},
    )
    feedback_moves_batchnorm: bool = Field(
        default=True,
        title="feedback moves BatchNorm",
        description="Whether the further, noisier passes update BatchNorm's statistics, as in the released code.",
        json_schema_extra={"variant": ["bn", "BatchNorm moved by feedback =", "first pass moves BatchNorm"]},
    )

    raised_layers: Literal["all", "first_and_last"] = Field(
        default="all",
        title="Δσ in",
        description=(
            "Which layers see σ_d + n Δσ in the further passes: all, as the paper says, or the first and the last "
            "alone, as the released ResNet-18 code does (its blocks keep their own copy of σ_d)."
        ),
        json_schema_extra={"variant": ["", "Δσ in ="]},
    )

    @property
    @override
    def num_passes(self) -> int:
        """N + 1."""
        return self.num_feedback + 1

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass at sigma_d, N at sigma_d + n delta_sigma."""
        logits = forward(sigma_d=sigma_d)
        feedback = [
            forward(sigma_d=self._raised(forward.weights, sigma_d, n), moves_batchnorm=self.feedback_moves_batchnorm)
            for n in range(1, self.num_feedback + 1)
        ]
        return self.combine(logits, feedback, labels), logits

    def _raised(self, layers: Iterable[str], sigma_d: float, n: int) -> float | dict[str, float]:
        """sigma_d + n delta_sigma, of all layers or, sigma_d elsewhere, of the first and the last."""
        raised = max(0.0, sigma_d + n * self.delta_sigma)
        if self.raised_layers == "all":
            return raised
        first, *inner, last = layers
        return {first: raised} | dict.fromkeys(inner, sigma_d) | {last: raised}
