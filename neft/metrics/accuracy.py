"""Accuracy."""

from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions


def accuracy(predictions: Predictions) -> Float[Tensor, "*chips"]:
    """Share of images predicted right."""
    return predictions.correct.float().mean(dim=-1)


ACCURACY = Metric("accuracy", "Accuracy", "fraction", "Share of test images that a chip predicts right.", accuracy)
