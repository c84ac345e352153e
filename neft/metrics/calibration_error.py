"""Expected calibration error."""

import torch
from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions

NUM_BINS = 15


def calibration_error(predictions: Predictions) -> Float[Tensor, ""]:
    """ECE over 15 equal bins of confidence: sum_b (n_b / n) |accuracy_b - confidence_b| ([Guo2017], Eq. 5)."""
    confidence = predictions.confidence
    bins = (confidence * NUM_BINS).long().clamp_max(NUM_BINS - 1)
    missed = predictions.correct.to(confidence) - confidence
    gaps = torch.zeros(NUM_BINS, device=confidence.device, dtype=confidence.dtype).index_add_(0, bins, missed)
    return gaps.abs().sum() / len(confidence)


CALIBRATION_ERROR = Metric(
    "calibration_error",
    "Calibration error",
    "fraction",
    "Expected calibration error: how far confidence and accuracy part, over 15 bins of confidence.",
    calibration_error,
    unlucky_percentile=99,
)
