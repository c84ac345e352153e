"""Sharpness-aware minimisation: the gradient is taken uphill."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.methods.base import NoisyForward, SinglePassMethod
from neft.methods.perturbations import gradients, largest, length


class SharpnessAware(SinglePassMethod):
    """CE(O / T, y) at W + eps, eps = rho S^2 g / |S g|, g its gradient at W; both passes on the same chip.

    The second pass leaves BatchNorm's statistics alone.
    """

    is_cross_entropy: ClassVar[bool] = False

    rho: float
    """rho; each method has a default of its own."""

    @property
    @override
    def num_passes(self) -> int:
        """At W, and at W + eps."""
        return 2

    @abstractmethod
    def sizes(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor | float]:
        """S by layer, a scalar or of the layer's shape, without gradients."""

    def uphill(self, found: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The step eps of these gradients, by layer."""
        sizes = self.sizes(weights)
        scaled = {name: gradient * sizes[name] for name, gradient in found.items()}
        factor = self.rho / length(scaled.values())
        return {name: factor * sizes[name] * gradient for name, gradient in scaled.items()}

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """The logits that are counted are those of the first pass."""
        chip = forward.draw()
        logits = forward(sigma_d=sigma_d, chip=chip)
        found = gradients(cross_entropy(logits / self.temperature, labels), forward.weights)
        added = self.uphill(found, forward.weights)
        there = forward(sigma_d=sigma_d, chip=chip, added=added, moves_batchnorm=False)
        return cross_entropy(there / self.temperature, labels), logits


class Sam(SharpnessAware):
    """eps = rho g / |g| ([Foret2021]); or relative to each layer's largest weight, as deviations are."""

    name: Literal["sam"] = "sam"
    label: ClassVar[str] = "SAM"
    source: ClassVar[str] = "[Foret2021]; relative to a layer's range: [Mordido2022]"
    order: ClassVar[int] = 12
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"rho": (0.05, 0.2, 0.5)}

    rho: float = Field(
        default=0.05,
        ge=0,
        le=100,
        title="ρ",
        description="Length of the step uphill.",
        json_schema_extra={"noun": "radius", "variant": ["r", "ρ ="]},
    )
    relative: bool = Field(
        default=False,
        title="ρ over w_max",
        description="Measure the step uphill relative to each layer's largest weight.",
        json_schema_extra={"variant": ["rel", "ρ over w_max ="]},
    )

    @override
    def sizes(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor | float]:
        """1, or w_max."""
        return {name: largest(weight) if self.relative else 1.0 for name, weight in weights.items()}


class Asam(SharpnessAware):
    """eps = rho S^2 g / |S g| with S = abs(W): large weights may move further ([Kwon2021]).

    Where we depart: the paper adds 0.01 to S where it is small.
    """

    name: Literal["asam"] = "asam"
    label: ClassVar[str] = "ASAM"
    source: ClassVar[str] = "[Kwon2021]"
    order: ClassVar[int] = 13
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"rho": (0.5, 1.0, 2.0)}

    rho: float = Field(
        default=0.5,
        ge=0,
        le=100,
        title="ρ",
        description="Length of the step uphill.",
        json_schema_extra={"noun": "radius", "variant": ["r", "ρ ="]},
    )

    @override
    def sizes(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor | float]:
        """abs(W)."""
        return {name: weight.detach().abs() for name, weight in weights.items()}
