"""What a metric is: one number for one chip, from its predictions on a split; of several chips, a number each."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MOST_ACROSS = 64
"""Classes that fill no register of any processor are fewer."""
REGISTERS = 64
"""Images that fill whole registers of any processor, in float32."""


@dataclass(frozen=True)
class Predictions:
    """Outputs on a split of one chip, or side by side of several, in the forms metrics need; each is computed once."""

    log_probabilities: Float[Tensor, "*chips images classes"]
    labels: Int[Tensor, " images"]
    confidence: Float[Tensor, "*chips images"]
    """The largest probability."""
    correct: Bool[Tensor, "*chips images"]
    lost: Bool[Tensor, "*chips images"]
    """Whether an image's logits were no numbers that give probabilities."""

    @classmethod
    def from_logits(
        cls,
        logits: Float[Tensor, "*chips images classes"],
        labels: Int[Tensor, " images"],
        *,
        temperature: float | Float[Tensor, "*chips"] = 1.0,
    ) -> "Predictions":
        """Softmax of the logits over a temperature, which may be each chip's own.

        Logits that give no probabilities (one is NaN or +infinity, or all are -infinity) count as wrong, and as likely
        as any for each class. A single -infinity is a class that cannot be.
        """
        divisor = temperature[..., None, None] if isinstance(temperature, Tensor) else temperature
        log_probabilities = _log_softmax(logits.float() / divisor)
        lost = log_probabilities.sum(dim=-1).isnan()
        log_probabilities = log_probabilities.masked_fill(lost[..., None], -math.log(max(logits.shape[-1], 1)))
        top, predicted = log_probabilities.max(dim=-1)
        return cls(
            log_probabilities=log_probabilities,
            labels=labels,
            confidence=top.exp(),
            correct=(predicted == labels) & ~lost,
            lost=lost,
        )


def are_lost(logits: Float[Tensor, "*images classes"]) -> Bool[Tensor, " *images"]:
    """Whether logits give no probabilities, as `Predictions` counts them: one is NaN or +infinity, or all -infinity."""
    logits = logits.float()
    return ((logits.isnan() | logits.isposinf()).any(dim=-1)) | logits.isneginf().all(dim=-1)


def _log_softmax(logits: Float[Tensor, "*chips images classes"]) -> Float[Tensor, "*chips images classes"]:
    """Over the classes.

    A CPU takes few classes one by one. Across images it takes many at once: five times as fast, and to the same bits
    where the classes do not fill a register, and the images fill whole ones.
    """
    *chips, images, classes = logits.shape
    if not logits.is_cpu or classes > MOST_ACROSS or not _across_is_same(classes):
        return torch.log_softmax(logits, dim=-1)
    count = math.prod(chips) * images
    rows = logits.new_zeros(classes, math.ceil(count / REGISTERS) * REGISTERS)
    rows[:, :count] = logits.reshape(count, classes).T
    return torch.log_softmax(rows, dim=0)[:, :count].reshape(classes, *chips, images).movedim(0, -1)


@cache
def _across_is_same(num_classes: int) -> bool:
    """Whether this processor computes so many classes to the same bits across images: tried once."""
    probe = 9 * torch.arange(float(4096 * num_classes)).square().cos().view(num_classes, 4096)  # any numbers
    return torch.equal(torch.log_softmax(probe, dim=0).T, torch.log_softmax(probe.T.contiguous(), dim=-1))


@dataclass(frozen=True)
class Metric:
    """A metric with what a page needs to show it."""

    name: str
    label: str
    unit: str
    description: str
    compute: Callable[[Predictions], Tensor]
    """Taken over the last axis, that of the images: a tensor of the chips' axes, 0-d of one chip, so that nothing waits
    for the host."""
    calibrated: bool = False
    """Whether it is taken of the logits over the calibration temperature (`neft.evaluation.calibration`)."""
    unlucky_percentile: int = 1
    """The percentile over chips at which the unlucky ones lie: 99 where more is worse."""
