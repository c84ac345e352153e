"""Mean confidence."""

from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions


def mean_confidence(predictions: Predictions) -> Float[Tensor, "*chips"]:
    """The largest softmax probability, averaged over all images."""
    return predictions.confidence.mean(dim=-1)


MEAN_CONFIDENCE = Metric(
    "mean_confidence",
    "Mean confidence",
    "fraction",
    "The largest softmax probability, averaged over all test images.",
    mean_confidence,
)
