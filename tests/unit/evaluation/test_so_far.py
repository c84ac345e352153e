"""What the chips so far say of a curve."""

import pytest

from neft.evaluation.so_far import SoFar


def test_means_are_those_of_all_rows_however_they_came() -> None:
    rows = [{"sigma_d": s, "accuracy": a} for s, a in ((0.0, 1.0), (0.1, 0.8), (0.0, 0.5), (0.1, 0.4), (0.1, 0.3))]
    so_far = SoFar()
    for end in (0, 2, 2, 5):
        so_far.add(rows[:end])

    assert so_far.means() == {"0": pytest.approx(0.75), "0.1": pytest.approx(0.5)}
