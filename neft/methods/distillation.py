"""Learning from a network that was trained without variation."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod, TaughtMethod
from neft.methods.perturbations import divergence


class Distillation(TaughtMethod, SinglePassMethod):
    """(1 - lambda) CE(O / T, y) + lambda tau^2 KL(softmax(O_teacher / tau) || softmax(O / tau)), O on a chip.

    [Zhou2020]. The teacher is a stored run's network, run without variation and in evaluation mode.
    """

    name: Literal["distillation"] = "distillation"
    label: ClassVar[str] = "Distillation"
    source: ClassVar[str] = "[Zhou2020]"
    order: ClassVar[int] = 14
    is_cross_entropy: ClassVar[bool] = False
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"teacher_share": (0.5, 0.9), "softening": (4.0, 2.0, 8.0)}

    teacher_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="teacher's share",
        description="How much of the loss is agreement with the teacher; the rest is cross entropy with the labels.",
        json_schema_extra={"variant": ["share", "teacher's share ="]},
    )
    softening: float = Field(
        default=4.0,
        ge=1,
        le=1024,
        title="τ",
        description="Divides both networks' logits where they are compared.",
        json_schema_extra={"noun": "temperature of the comparison", "variant": ["tau", "τ ="]},
    )

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass, and the teacher's."""
        logits = forward(sigma_d=sigma_d)
        right = cross_entropy(logits / self.temperature, labels)
        agreement = self.softening**2 * divergence(forward.teacher(), logits, temperature=self.softening)
        return (1 - self.teacher_share) * right + self.teacher_share * agreement, logits
