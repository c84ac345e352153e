"""Accuracy class by class, and its mean over classes, which a frequent class cannot carry alone."""

from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions


def class_accuracies(predictions: Predictions, num_classes: int) -> Float[Tensor, "*chips classes"]:
    """Share of each class's images that are predicted right; NaN of a class without images."""
    correct = predictions.correct.float()
    right = correct.new_zeros(*correct.shape[:-1], num_classes).index_add_(-1, predictions.labels, correct)
    ones = correct.new_ones(len(predictions.labels))
    return right / correct.new_zeros(num_classes).index_add_(0, predictions.labels, ones)


def balanced_accuracy(predictions: Predictions) -> Float[Tensor, "*chips"]:
    """Mean of the classes' accuracies, over classes that have images ([Brodersen2010] for two classes)."""
    return class_accuracies(predictions, predictions.log_probabilities.shape[-1]).nanmean(dim=-1)


BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    "fraction",
    "Mean over classes of the share of a class's images that a chip predicts right.",
    balanced_accuracy,
)
