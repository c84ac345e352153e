"""The metrics there are. To add one: a file with its `Metric`, and its line in `METRICS`.

One number of one chip each; means and intervals over chips are in `neft.tables`.
"""

from neft.metrics.accuracy import ACCURACY
from neft.metrics.base import Metric, Predictions
from neft.metrics.calibration_error import CALIBRATION_ERROR
from neft.metrics.ekl import CALIBRATED_EKL, EKL
from neft.metrics.mean_confidence import MEAN_CONFIDENCE

__all__ = ["METRICS", "Metric", "Predictions"]

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (ACCURACY, EKL, MEAN_CONFIDENCE, CALIBRATION_ERROR, CALIBRATED_EKL)
}
