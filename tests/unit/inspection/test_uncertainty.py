"""What chips say of images: golden numbers worked out by hand."""

from math import log, sqrt

import numpy as np
import pytest
import torch

from neft import columns as c
from neft.inspection.image_outcomes import chip_outcome
from neft.inspection.uncertainty import (
    NUM_RIGHT,
    ChipOutcome,
    image_quantiles,
    mean_calibration_error,
    mean_confidences,
    middle_confidences,
    per_image,
    reliability,
)
from neft.metrics import METRICS, Predictions

T1 = 12.7062
"""Student's t of one degree of freedom, two-sided 95 %."""


def chip(
    confidence: list[float], correct: list[bool], nats: list[float] | None = None, ece: float = 0.0
) -> ChipOutcome:
    return ChipOutcome(
        confidence=np.array(confidence),
        nats=np.array(nats if nats is not None else [1.0] * len(confidence)),
        correct=np.array(correct),
        calibration_error=ece,
    )


# ---------------------------------------------------------------- one chip
def test_outcome_of_logits_is_what_the_metrics_count() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]))
    labels = torch.tensor([0, 1, 2])

    found = chip_outcome(logits, labels)

    np.testing.assert_allclose(found.confidence, [0.5, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_allclose(found.nats, [-log(0.5), -log(0.8), -log(0.1)], rtol=1e-6)
    assert found.correct.tolist() == [True, True, False]
    predictions = Predictions.from_logits(logits, labels)
    assert found.nats[found.correct].mean() == pytest.approx(float(METRICS["ekl"].compute(predictions)), rel=1e-6)
    assert found.calibration_error == pytest.approx(float(METRICS["calibration_error"].compute(predictions)))


def test_a_temperature_divides_the_logits() -> None:
    # probabilities ∝ sqrt(0.8), sqrt(0.2) = 2 : 1
    found = chip_outcome(torch.log(torch.tensor([[0.8, 0.2]])), torch.tensor([1]), temperature=2.0)

    assert found.confidence[0] == pytest.approx(2 / 3)
    assert found.nats[0] == pytest.approx(log(3))


# ---------------------------------------------------------------- per image
def test_ekl_of_an_image_is_over_the_chips_that_get_it_right() -> None:
    # image 0: right twice at 1 and 3 nats; image 1: right once, at 2; image 2: never
    chips = [
        chip([0.5, 0.5, 0.5], [True, True, False], [1.0, 2.0, 4.0]),
        chip([0.5, 0.5, 0.5], [True, False, False], [3.0, 6.0, 8.0]),
    ]

    found = per_image(chips)

    np.testing.assert_allclose(found[c.EKL], [2.0, 2.0, np.nan])
    assert found[NUM_RIGHT].tolist() == [2, 1, 0]
    np.testing.assert_allclose(found["nats"], [2.0, 4.0, 6.0])
    np.testing.assert_allclose(found[c.ACCURACY], [1.0, 0.5, 0.0])
    # values 1 and 3: std sqrt(2), half-width t_1 * sqrt(2)/sqrt(2)
    assert found[c.CI95][0] == pytest.approx(T1, rel=1e-4)
    assert found[c.CI95][1:].isna().all()


def test_images_that_no_chip_gets_right_are_in_no_distribution() -> None:
    found = image_quantiles(per_image([chip([0.5, 0.5, 0.5], [True, True, False], [1.0, 3.0, 9.0])]))

    assert found[c.VALUE].iloc[0] == 1
    assert found[c.VALUE].iloc[-1] == 3
    assert found[c.VALUE].iloc[100] == pytest.approx(2)
    assert set(found[c.NUM_INSTANCES]) == {2}
    assert image_quantiles(per_image([chip([0.5], [False])])).empty


# ---------------------------------------------------------------- reliability
def test_bins_of_equal_width_hold_their_predictions() -> None:
    # two bins; below 0.5: 0.2 (wrong) and 0.4 (right); above: 0.6, 0.8 (right), 1.0 (wrong)
    (low, high) = reliability([chip([0.2, 0.4, 0.6, 0.8, 1.0], [False, True, True, True, False])], num_bins=2).to_dict(
        "records"
    )

    assert (low[c.MEAN_CONFIDENCE], low[c.ACCURACY], low["num_predictions"]) == (pytest.approx(0.3), 0.5, 2)
    assert (high[c.MEAN_CONFIDENCE], high[c.ACCURACY]) == (pytest.approx(0.8), pytest.approx(2 / 3))
    assert high[c.SHARE] == pytest.approx(0.6)
    assert np.isnan(high[c.LOWER])


def test_bins_of_equal_counts_share_the_predictions() -> None:
    found = reliability([chip([0.1, 0.2, 0.9, 0.95], [True, False, True, True])], binning="count", num_bins=2)

    assert found["num_predictions"].tolist() == [2, 2]
    np.testing.assert_allclose(found[c.ACCURACY], [0.5, 1.0])


def test_equal_confidences_share_a_bin() -> None:
    found = reliability([chip([1.0] * 4, [True, False, True, True])], binning="count", num_bins=3)

    assert found["num_predictions"].tolist() == [4]
    assert found[c.ACCURACY].tolist() == [0.75]


def test_interval_of_a_bin_is_over_chips() -> None:
    # hits 1 of 2 and 2 of 2: ratio 3/4; residuals 1 - 1.5 and 2 - 1.5; variance 2/1 * 0.5/16 = 1/16, times t_1
    chips = [chip([0.9, 0.9], [True, False]), chip([0.9, 0.9], [True, True])]

    row = reliability(chips, num_bins=1).iloc[0]

    assert row[c.ACCURACY] == 0.75
    assert row[c.LOWER] == max(0.75 - T1 / 4, 0)
    assert row[c.UPPER] == 1


def test_interval_of_a_bin_with_many_chips_by_hand() -> None:
    # four chips with 8, 9, 9, 10 right of 10: ratio 0.9, residuals -1, 0, 0, 1; sqrt(4/3 * 2)/40 * t_3 (3.182446)
    chips = [chip([0.9] * 10, [place < hits for place in range(10)]) for hits in (8, 9, 9, 10)]

    row = reliability(chips, num_bins=1).iloc[0]

    assert row[c.UPPER] == pytest.approx(min(0.9 + 3.182446 * sqrt(8 / 3) / 40, 1), abs=1e-6)
    assert row[c.LOWER] == pytest.approx(0.9 - 3.182446 * sqrt(8 / 3) / 40, abs=1e-6)


def test_calibration_error_is_a_mean_over_chips() -> None:
    found = mean_calibration_error([chip([0.5], [True], ece=0.1), chip([0.5], [True], ece=0.3)])

    # std sqrt(0.02), over sqrt(2): 0.1
    assert found.mean == pytest.approx(0.2)
    assert found.ci95 == pytest.approx(0.1 * T1, rel=1e-4)
    assert found.num_instances == 2


# ---------------------------------------------------------------- confidence
def test_confidence_of_right_and_wrong_predictions() -> None:
    chips = [chip([0.9, 0.7, 0.5], [True, True, False]), chip([0.6, 0.8, 0.4], [True, True, True])]

    found = mean_confidences(chips)

    assert found.right.mean == pytest.approx((0.8 + 0.6) / 2)
    assert found.wrong.mean == pytest.approx(0.5)  # the second chip gets nothing wrong
    assert found.wrong.num_instances == 1
    assert found.every.mean == pytest.approx((0.7 + 0.6) / 2)


def test_middle_of_the_confidences() -> None:
    found = middle_confidences([chip([value / 10 for value in range(11)], [True] * 11)])

    assert found["right"] == (pytest.approx(0.1), pytest.approx(0.9))
    assert np.isnan(found["wrong"]).all()
