"""What a metric is: one number for one chip, from its predictions on a split."""

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

    @classmethod
    def from_logits(
        cls, logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"], *, temperature: float = 1.0
    ) -> "Predictions":
        """Softmax of the logits over a temperature."""
        log_probabilities = torch.log_softmax(logits.float() / temperature, dim=1)
        top, predicted = log_probabilities.max(dim=1)
        return cls(
            log_probabilities=log_probabilities, labels=labels, confidence=top.exp(), correct=predicted == labels
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
