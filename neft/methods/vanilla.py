"""Training that knows nothing of device variation."""

from typing import ClassVar, Literal

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod


class Vanilla(SinglePassMethod):
    """Cross entropy of the noise-free network, whatever sigma_d the training was given."""

    name: Literal["vanilla"] = "vanilla"
    label: ClassVar[str] = "Vanilla"
    source: ClassVar[str] = "[Qin2025], figures: the baseline without noise"
    order: ClassVar[int] = 0
    uses_noise: ClassVar[bool] = False

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """CE(O / T, y) at sigma_d = 0."""
        del sigma_d
        return super().loss(forward, labels, sigma_d=0.0)
