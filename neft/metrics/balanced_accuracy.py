"""Accuracy class by class, and its mean over classes, which a frequent class cannot carry alone."""

import torch
from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions


def class_accuracies(predictions: Predictions, num_classes: int) -> Float[Tensor, " classes"]:
    """Share of each class's images that are predicted right; NaN of a class without images."""
    correct = predictions.correct.float()
    right, there = correct.new_zeros(2, num_classes)
    _ = there.index_add_(0, predictions.labels, torch.ones_like(correct))
    return right.index_add_(0, predictions.labels, correct) / there


def balanced_accuracy(predictions: Predictions) -> Float[Tensor, ""]:
    """Mean of the classes' accuracies, over classes that have images ([Brodersen2010] for two classes)."""
    return class_accuracies(predictions, predictions.log_probabilities.shape[1]).nanmean()


BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    "fraction",
    "Mean over classes of the share of a class's images that a chip predicts right.",
    balanced_accuracy,
)
