"""Votes of many chips on one input, by hand."""

import numpy as np
import pytest

from neft import columns
from neft.inspection.votes import contested, tally, votes


def test_a_chip_votes_for_its_largest_output_with_its_probability() -> None:
    found = votes(np.array([[0.0, np.log(3)], [np.log(4), 0.0]]))

    assert found[columns.PREDICTED_CLASS].tolist() == [1, 0]
    assert found[columns.PROBABILITY].tolist() == pytest.approx([0.75, 0.8])


def test_votes_are_counted_with_wilsons_interval_beside_the_mean_probability() -> None:
    logits = np.array([[np.log(3), 0.0]] * 8 + [[0.0, np.log(3)]] * 2)

    found = tally(logits)

    assert found[columns.NUM_VOTES].tolist() == [8, 2]
    assert found[columns.SHARE].tolist() == pytest.approx([0.8, 0.2])
    # (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) with p = 0.8, n = 10, z = 1.95996
    assert found[columns.LOWER][0] == pytest.approx(0.49016, abs=1e-5)
    assert found[columns.UPPER][0] == pytest.approx(0.94332, abs=1e-5)
    assert found[columns.PROBABILITY].tolist() == pytest.approx([0.8 * 0.75 + 0.2 * 0.25, 0.8 * 0.25 + 0.2 * 0.75])


def test_the_most_contested_image_comes_first_and_near_ties_by_mean_probabilities() -> None:
    sure, unsure = 9.0, 0.5
    # image 0: all say 0, surely; image 1: split; image 2: all say 0, hardly
    one = np.array([[sure, 0.0], [sure, 0.0], [unsure, 0.0]])
    other = np.array([[sure, 0.0], [0.0, sure], [unsure, 0.0]])

    found = contested(np.stack([one, other]), np.array([1, 0, 0]))

    assert found[columns.IMAGE].tolist() == [1, 2, 0]
    assert found[columns.SHARE].tolist() == [0.5, 1.0, 0.0]
    assert found[columns.TRUE_CLASS].tolist() == [0, 0, 1]
