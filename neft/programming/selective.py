"""Write-verify for the weights that matter most, one write for all others."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.errors import ConfigError
from neft.programming.base import Aim, Effort, Written, spread
from neft.programming.write_verify import WriteVerify, within
from neft.seeding import generator

Choice = Literal["second_derivative", "magnitude", "random"]


class Selective(WriteVerify):
    """A share of a network's weights is verified, the rest is not (SWIM).

    Which ones: by the second derivative of the loss, by the magnitude, or by chance, a control
    (`neft.evaluation.sensitivity`).
    """

    name: Literal["selective"] = "selective"  # pyright: ignore[reportIncompatibleVariableOverride]
    label: ClassVar[str] = "Selective write-verify"
    source: ClassVar[str] = "[Yan2022b]"
    budget_field: ClassVar[str] = "verified_share"
    choice_field: ClassVar[str] = "chosen_by"

    verified_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        title="p",
        description="Share of the network's weights whose devices are verified.",
        json_schema_extra={"noun": "share verified"},
    )
    chosen_by: Choice = Field(
        default="second_derivative",
        title="chosen by",
        description="Which weights are verified: those of the largest second derivative of the loss, the largest "
        "magnitude, or random ones.",
    )

    @property
    @override
    def needs_scores(self) -> bool:
        """For the second derivative."""
        return self.chosen_by == "second_derivative"

    @override
    def choose(
        self, weights: Mapping[str, Tensor], scores: Mapping[str, Tensor] | None
    ) -> dict[str, Bool[Tensor, "..."]]:
        """The share p of all weights with the largest scores, or magnitudes; of equal ones the larger weight's."""
        names = list(weights)
        magnitudes = torch.cat([weights[name].detach().abs().flatten() for name in names])
        if self.chosen_by == "random":
            order = torch.randperm(len(magnitudes), generator=generator(0, "selective", len(magnitudes)))
        else:
            order = torch.argsort(magnitudes, descending=True, stable=True)
        if self.needs_scores:
            if scores is None:
                message = (
                    "Selective write-verify by the second derivative needs a trained network and its data, which "
                    "training chips and networks of one's own have not; there chosen_by (chosen by) must be magnitude "
                    "or random."
                )
                raise ConfigError(message)
            known = torch.cat([scores[name].flatten() for name in names])
            order = order[torch.argsort(known[order], descending=True, stable=True)]
        chosen = torch.zeros(len(magnitudes), dtype=torch.bool)
        chosen[order[: round(self.verified_share * len(magnitudes))]] = True
        parts = chosen.split([weights[name].numel() for name in names])
        return {name: part.reshape(weights[name].shape) for name, part in zip(names, parts, strict=True)}

    @override
    def write(
        self,
        aim: Aim,
        errors: Float[Tensor, "slices ..."],
        reads: Float[Tensor, "slices ..."] | None,
        *,
        sigma_d: float,
    ) -> Written:
        """Errors within epsilon where a weight is chosen, any elsewhere."""
        std = spread(aim, sigma_d)
        chosen = torch.zeros_like(aim.magnitude, dtype=torch.bool) if aim.verified is None else aim.verified
        missed = torch.where(chosen, within(errors, std, self.tolerance), std * errors)
        return Written(aim.targets + missed, aim.levels)

    @override
    def level_variance(
        self, level_stds: Float[Tensor, " levels"], *, sigma_d: float, verified: bool
    ) -> Float[Tensor, " levels"]:
        """Of a verified weight's devices, or of another's."""
        if verified:
            return super().level_variance(level_stds, sigma_d=sigma_d, verified=True)
        return (level_stds * sigma_d).square()

    @override
    def effort(self, aim: Aim, *, sigma_d: float) -> Effort:
        """A pulse a device; for chosen weights as many pulses and reads as verifying takes."""
        if aim.verified is None or not bool(aim.verified.any()):
            return Effort(pulses=len(aim.levels), reads=0)
        held = Aim(aim.mapping, aim.level_stds, aim.magnitude[aim.verified], aim.levels[:, aim.verified])
        verifying = super().effort(held, sigma_d=sigma_d)
        part = float(aim.verified.double().mean())
        pulses = part * verifying.pulses + (1 - part) * len(aim.levels)
        return Effort(pulses=pulses, reads=part * verifying.reads)
