"""What the lowest chips alone tell is what all chips tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft import columns as c
from neft.runs.races import RaceQuestion, RaceRecord
from neft.seeding import numpy_generator
from neft.tables.percentiles import chips_for_limits, last_rank, percentile_of_lowest, percentile_with_limits
from neft.tables.races import percentile_over_races, race_chips, race_percentile, race_percentile_row, race_still_in


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


def record(
    accuracies: tuple[float, ...], num_instances: int = 300, still_in: tuple[tuple[int, int], ...] = ()
) -> RaceRecord:
    asked = RaceQuestion(weights="0" * 64, chips="0" * 16, sigma_d=0.1, num_instances=num_instances, percentile=1)
    return RaceRecord(
        run_id="x",
        asked=asked,
        instances=tuple(range(len(accuracies))),
        accuracies=accuracies,
        num_images=100,
        num_whole=40,
        passes=5000,
        still_in=still_in,
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


def test_a_chip_stands_at_its_share_of_all_that_were_raced() -> None:
    assert race_chips(record((0.1, 0.2, 0.7)))[c.SHARE].tolist() == pytest.approx([1 / 300, 2 / 300])


def test_the_percentile_in_a_row_is_the_percentile() -> None:
    one = record((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7))

    (row,) = race_percentile_row(one).to_dict("records")

    assert (row[c.VALUE], row[c.LOWER], row[c.UPPER]) == race_percentile(one)
    assert (row[c.PERCENTILE], row[c.NUM_INSTANCES]) == (1, 300)


def test_chips_still_in_are_told_by_the_images_they_met() -> None:
    told = race_still_in(record((0.1, 0.2, 0.7), still_in=((64, 300), (100, 40))))

    assert told[[c.NUM_IMAGES, c.NUM_INSTANCES]].to_numpy().tolist() == [[64, 300], [100, 40]]
    assert race_still_in(record((0.1, 0.2, 0.7))).empty


def test_over_trainings_it_is_the_mean_of_each_ones_percentile_and_limits() -> None:
    one = record((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7))
    other = record((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))

    found = percentile_over_races(["a", "b"], {"a": one, "b": other})

    assert found == pytest.approx((0.499, 0.2, 0.8))


def test_of_a_row_with_a_training_that_was_not_raced_none_is_known() -> None:
    one = record((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7))

    assert np.isnan(percentile_over_races(["a", "b"], {"a": one})).all()
    assert np.isnan(percentile_over_races([], {})).all()
