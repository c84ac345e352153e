"""Training with right-censored Gaussian noise (TRICE, [Yan2023])."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.chips.laws import RightCensored
from neft.methods.base import NoisyForward, SinglePassMethod

NARROWEST = 1e-4
"""The search ends where its range of sigma_d is narrower ([Yan2023])."""
QUARTERS = (0.25, 0.5, 0.75)


class RightCensoredNoise(SinglePassMethod):
    """CE(O / T, y) at W + sigma_d std min(z, t): no weight is trained to be much too large.

    With `largest_sigma_d` the sigma_d of the training is searched while training, as in the paper: every epoch is
    trained three times, at the quarter points of a range that begins as [0, largest_sigma_d]; BatchNorm's statistics
    are gathered anew without noise, the copy of the best 1st percentile of accuracy over the validation chips goes on,
    and its half of the range is kept. *Reconstruction*: the optimiser's state goes on with the copy; the percentile is
    over the run's validation chips, and of few chips it is near their worst.
    """

    name: Literal["right_censored"] = "right_censored"
    label: ClassVar[str] = "Right-censored noise"
    source: ClassVar[str] = "[Yan2023]"
    order: ClassVar[int] = 6
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"limit": (1.0, 0.5, 2.0)}

    limit: float = Field(
        default=1.0,
        gt=0,
        le=10,
        title="t",
        description="No training deviation is above so many standard deviations.",
        json_schema_extra={"noun": "censoring limit", "variant": ["c", "t ="]},
    )
    largest_sigma_d: float | None = Field(
        default=None,
        gt=0,
        le=1,
        title="search up to σ_d",
        description=(
            "Search the training's σ_d from 0 to this one, while training, by the validation chips' 1st percentile; "
            "each epoch is then trained three times. Not searched if not given."
        ),
        json_schema_extra={"variant": ["search", "σ_d searched up to ="]},
    )

    @property
    @override
    def searches_sigma_d(self) -> bool:
        """Whether a largest one is given."""
        return self.largest_sigma_d is not None

    @override
    def candidates(self, sigma_d: float, chosen: Sequence[float]) -> Sequence[float]:
        """The quarter points of what is left of the range; its middle once it is narrow."""
        if self.largest_sigma_d is None:
            return (sigma_d,)
        start, end = 0.0, self.largest_sigma_d
        for winner in chosen:
            if end - start < NARROWEST:
                break
            width = end - start
            start, end = max(start, winner - width / 4), min(end, winner + width / 4)
        if end - start < NARROWEST:
            return ((start + end) / 2,)
        return tuple(start + share * (end - start) for share in QUARTERS)

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """One pass under the censored law."""
        logits = forward(sigma_d=sigma_d, chip=forward.draw(RightCensored(self.limit)))
        return cross_entropy(logits / self.temperature, labels), logits
