"""Metrics of three images, by hand."""

from math import log

import pytest
import torch

from neft.metrics import METRICS, Predictions


def measured(name: str, probabilities: list[list[float]], labels: list[int]) -> float:
    """A metric of a chip whose softmax is these probabilities."""
    logits = torch.tensor(probabilities).log() + 3  # a shift of the logits changes nothing
    return float(METRICS[name].compute(Predictions.from_logits(logits, torch.tensor(labels))))


THREE = [[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]
"""Predicted: 0, 1, 0."""


def test_accuracy() -> None:
    assert measured("accuracy", THREE, [0, 1, 1]) == pytest.approx(2 / 3)


def test_ekl_counts_correct_predictions_only() -> None:
    # images 0 and 1 are right: (-ln 0.5 - ln 0.8)/2 = (0.693147 + 0.223144)/2 = 0.458145
    assert measured("ekl", THREE, [0, 1, 1]) == pytest.approx((log(2) + log(1.25)) / 2, abs=1e-6)


def test_ekl_is_no_number_where_nothing_is_right() -> None:
    assert torch.tensor(measured("ekl", THREE, [1, 2, 2])).isnan()


def test_ekl_of_a_certain_and_right_network_is_zero() -> None:
    assert measured("ekl", [[1.0, 1e-30]], [0]) == 0


def test_mean_confidence() -> None:
    # (0.5 + 0.8 + 0.6)/3, whatever the labels
    assert measured("mean_confidence", THREE, [2, 2, 2]) == pytest.approx(1.9 / 3, abs=1e-6)


def test_calibration_error_of_images_in_bins_of_their_own() -> None:
    # confidences 0.5, 0.8, 0.65 lie in bins 7, 11 or 12, 9: (|1 - 0.5| + |1 - 0.8| + |0 - 0.65|)/3
    probabilities = [*THREE[:2], [0.65, 0.25, 0.1]]

    assert measured("calibration_error", probabilities, [0, 1, 1]) == pytest.approx(1.35 / 3, abs=1e-6)


def test_calibration_error_within_a_bin_cancels() -> None:
    # 0.5 (right) and 0.52 (wrong) share bin 7, [0.4667, 0.5333): |(1 - 0.5) + (0 - 0.52)|/2 = 0.01
    assert measured("calibration_error", [[0.5, 0.3, 0.2], [0.52, 0.28, 0.2]], [0, 1]) == pytest.approx(0.01, abs=1e-6)


def test_calibration_error_of_full_confidence() -> None:
    # confidence 1 belongs to the last bin; half of it is wrong
    assert measured("calibration_error", [[1.0, 1e-30], [1.0, 1e-30]], [0, 1]) == pytest.approx(0.5)
