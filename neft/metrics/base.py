"""What a metric is: one number for one chip, from its predictions on a split."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Predictions:
    """A chip's outputs on a split, in the forms metrics need; each is computed once."""

    log_probabilities: Float[Tensor, "images classes"]
    labels: Int[Tensor, " images"]
    confidence: Float[Tensor, " images"]
    """The largest probability."""
    correct: Bool[Tensor, " images"]
    lost: Bool[Tensor, " images"]
    """Whether an image's logits were no numbers that give probabilities."""

    @classmethod
    def from_logits(
        cls, logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"], *, temperature: float = 1.0
    ) -> "Predictions":
        """Softmax of the logits over a temperature.

        Logits that give no probabilities (one is NaN or infinite) count as wrong, and as likely as any for each class.
        """
        log_probabilities = torch.log_softmax(logits.float() / temperature, dim=1)
        lost = log_probabilities.sum(dim=1).isnan()
        log_probabilities = log_probabilities.masked_fill(lost[:, None], -math.log(max(logits.shape[1], 1)))
        top, predicted = log_probabilities.max(dim=1)
        return cls(
            log_probabilities=log_probabilities,
            labels=labels,
            confidence=top.exp(),
            correct=(predicted == labels) & ~lost,
            lost=lost,
        )


@dataclass(frozen=True)
class Metric:
    """A metric with what a page needs to show it."""

    name: str
    label: str
    unit: str
    description: str
    compute: Callable[[Predictions], Tensor]
    """A 0-d tensor, so that nothing waits for the host."""
    calibrated: bool = False
    """Whether it is taken of the logits over the calibration temperature (`neft.evaluation.calibration`)."""
    unlucky_percentile: int = 1
    """The percentile over chips at which the unlucky ones lie: 99 where more is worse."""
