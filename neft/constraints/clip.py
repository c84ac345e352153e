"""Weight clipping: no weight of a layer may be much larger than the layer's typical one."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.component import number_text
from neft.constraints.base import BaseConstraint


class Clip(BaseConstraint):
    """W <- clamp(W, -alpha RMS(W), alpha RMS(W)) after every step, RMS of the layer or of each output channel.

    Deviations are relative to w_max, so a layer whose largest weights are near its typical ones suffers least. Where we
    depart from the source: the RMS rather than the standard deviation (they are the same where weights have mean 0,
    and it makes the range symmetric), of the weights as the step left them. The sources use alpha near 2.5; near 1,
    where all weights end near +-w_max, is our own trial. Below 1 no layer could stand: every step would shrink it.
    """

    name: Literal["clip"] = "clip"
    label: ClassVar[str] = "Clipped weights"
    source: ClassVar[str] = "[Joshi2020]; IBM aihwkit, 2.5 standard deviations"

    searched: ClassVar[Mapping[str, Sequence[float]]] = {"alpha": (2.5, 1.5, 1.1)}

    alpha: float = Field(
        default=2.5,
        ge=1,
        le=100,
        title="α",
        description="No weight may be larger than so many times the root mean square of its layer's weights.",
        json_schema_extra={"noun": "clipping factor"},
    )
    per_channel: bool = Field(
        default=False,
        title="clip by output channel",
        description="Take the root mean square of each output channel rather than of the whole layer.",
    )

    @property
    @override
    def kind(self) -> str:
        """`clip`, `clip_channel`."""
        return f"{self.name}{'_channel' if self.per_channel else ''}"

    @property
    @override
    def kind_label(self) -> str:
        """`Clipped weights`, and by what if not by layer."""
        return f"{self.label}{' by channel' if self.per_channel else ''}"

    @property
    @override
    def variant(self) -> str:
        """`clip1.1`, `clip1.1_channel`."""
        return f"{self.name}{number_text(self.alpha)}{'_channel' if self.per_channel else ''}"

    @property
    @override
    def variant_label(self) -> str:
        """`clip α = 1.1`, and by what if not by layer."""
        return f"clip α = {number_text(self.alpha)}{' by channel' if self.per_channel else ''}"

    @override
    def hold(self, weights: Mapping[str, Tensor]) -> None:
        """Clamp every layer."""
        for weight in weights.values():
            limit = self.alpha * self._rms(weight)
            _ = weight.clamp_(min=-limit, max=limit)

    def _rms(self, weight: Float[Tensor, "outputs ..."]) -> Tensor:
        """Of the layer, a scalar; or of each output channel, in a shape that broadcasts."""
        axes = tuple(range(1 if self.per_channel else 0, weight.dim()))
        return weight.square().mean(dim=axes, keepdim=self.per_channel).sqrt()
