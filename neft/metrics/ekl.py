"""Expected Kullback-Leibler divergence."""

from jaxtyping import Float
from torch import Tensor

from neft.metrics.base import Metric, Predictions


def ekl(predictions: Predictions) -> Float[Tensor, "*chips"]:
    """KL(one-hot || softmax) = -ln p_y, averaged over *correct* predictions, in nats ([Qin2025], section 4.2).

    NaN where no prediction is correct. Since only correct predictions count, a chip may look more certain by being
    right only where it is easy: read it beside the accuracy.
    """
    hits = predictions.correct
    labels = predictions.labels.expand(hits.shape)
    picked = predictions.log_probabilities.gather(-1, labels[..., None])[..., 0]
    # a wrong image's -ln p may be infinite, which no factor of 0 takes away
    return -picked.where(hits, 0.0).sum(dim=-1) / hits.sum(dim=-1)


CALIBRATED_EKL = Metric(
    "calibrated_ekl",
    "Calibrated EKL",
    "nats",
    "EKL after temperature calibration: the logits are divided by one temperature, fitted on validation images at the "
    "same σ_d, so that a network is not called certain for the scale of its logits.",
    ekl,
    calibrated=True,
    unlucky_percentile=99,
)

EKL = Metric(
    "ekl",
    "EKL",
    "nats",
    "Expected KL divergence of correct predictions: the mean of -ln p of the true class over images predicted right.",
    ekl,
    unlucky_percentile=99,
)
