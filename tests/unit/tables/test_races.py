"""What the lowest chips alone tell is what all chips tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft import columns as c
from neft.runs.races import RaceQuestion, RaceRecord
from neft.seeding import numpy_generator
from neft.tables.percentiles import chips_for_limits, last_rank, percentile_of_lowest, percentile_with_limits
from neft.tables.races import race_chips, race_percentile


@given(st.integers(1, 50), st.integers(0, 2000), st.integers(0, 100))
def test_a_percentile_of_the_lowest_is_to_the_bit_that_of_all(percentile: int, more: int, seed: int) -> None:
    share = percentile / 100
    count = chips_for_limits(share) + more
    # many are equal, as accuracies on few images are
    values = np.float32(numpy_generator(seed, "accuracies").integers(0, 300, count) / 300).astype(float)

    lowest = np.sort(values)[: last_rank(share, count)]

    assert percentile_of_lowest(lowest, count, share) == percentile_with_limits(values, share)


def test_of_fewer_chips_a_percentile_is_refused() -> None:
    with pytest.raises(ValueError, match="takes the lowest 118; got 117"):
        _ = percentile_of_lowest(np.zeros(117), 10_000, 0.01)


def record(accuracies: tuple[float, ...], num_instances: int = 300) -> RaceRecord:
    asked = RaceQuestion(weights="0" * 64, chips="0" * 16, sigma_d=0.1, num_instances=num_instances, percentile=1)
    return RaceRecord(
        run_id="x",
        asked=asked,
        instances=tuple(range(len(accuracies))),
        accuracies=accuracies,
        num_images=100,
        num_whole=40,
        passes=5000,
        chance_of_error=0.01,
        created="2026-01-01T00:00:00+00:00",
        seconds=1.0,
    )


def test_a_race_tells_the_percentile_with_its_limits() -> None:
    # of 300 chips the 1st percentile lies at 299 / 100 = 2.99 from the lowest: 0.01 of the third, 0.99 of the fourth.
    # Its limits are the lowest chip and the seventh
    found = race_percentile(record((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)))

    assert found.value == pytest.approx(0.399)
    assert (found.lower, found.upper) == (0.1, 0.7)


def test_chips_as_good_as_the_last_are_left_out() -> None:
    table = race_chips(record((0.1, 0.2, 0.7, 0.7)))

    assert table[[c.RANK, c.INSTANCE]].to_numpy().tolist() == [[1, 0], [2, 1]]
    assert table[c.ACCURACY].tolist() == [0.1, 0.2]


def test_none_is_the_worst_where_all_are_alike() -> None:
    assert race_chips(record((0.7, 0.7))).empty
