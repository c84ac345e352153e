"""One write a device, whatever comes of it: what the papers' noise model describes."""

from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from neft.programming.base import Aim, BaseProgramming, Effort, Written, spread


class OpenLoop(BaseProgramming):
    """g = target + N(0, (sigma_d s(level))^2)."""

    name: Literal["open_loop"] = "open_loop"
    label: ClassVar[str] = "Open loop"
    source: ClassVar[str] = "[Qin2025], section 4.1"
    is_open_loop: ClassVar[bool] = True

    @override
    def write(
        self,
        aim: Aim,
        errors: Float[Tensor, "slices ..."],
        reads: Float[Tensor, "slices ..."] | None,
        *,
        sigma_d: float,
    ) -> Written:
        """Target plus error."""
        return Written(aim.targets + spread(aim, sigma_d) * errors, aim.levels)

    @override
    def level_variance(
        self, level_stds: Float[Tensor, " levels"], *, sigma_d: float, verified: bool
    ) -> Float[Tensor, " levels"]:
        """(sigma_d s(level))^2."""
        return (level_stds * sigma_d).square()

    @override
    def effort(self, aim: Aim, *, sigma_d: float) -> Effort:
        """A pulse a device, no read."""
        return Effort(pulses=len(aim.levels), reads=0)
