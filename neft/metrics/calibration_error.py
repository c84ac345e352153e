"""Expected calibration error."""

import torch
from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions

NUM_BINS = 15


def calibration_error(predictions: Predictions) -> Float[Tensor, "*chips"]:
    """ECE over 15 equal bins of confidence: sum_b (n_b / n) |accuracy_b - confidence_b| ([Guo2017], Eq. 5)."""
    confidence = predictions.confidence
    bins = (confidence * NUM_BINS).long().clamp_max(NUM_BINS - 1)
    missed = predictions.correct.to(confidence) - confidence
    chips, images = confidence.shape[:-1], confidence.shape[-1]
    rows = bins.view(-1, images)
    own = (rows + NUM_BINS * torch.arange(len(rows), device=rows.device)[:, None]).flatten()  # each chip's own bins
    gaps = missed.new_zeros(NUM_BINS * len(rows)).index_add_(0, own, missed.flatten())
    return gaps.view(*chips, NUM_BINS).abs().sum(dim=-1) / images


CALIBRATION_ERROR = Metric(
    "calibration_error",
    "Calibration error",
    "fraction",
    "Expected calibration error: how far confidence and accuracy part, over 15 bins of confidence.",
    calibration_error,
    unlucky_percentile=99,
)
