"""What chips say of unlucky ones, of where their spread comes from, and of differences at every sigma_d: by hand."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.tables import difference_curves, low_percentiles, read_out, variance_parts, worst_chips
from tests.variants import facts


def chips_of(variant: str, accuracies: np.ndarray | list[list[float]], *, sigma_d: float = 0.1) -> pd.DataFrame:
    """A table of seeds x chips as rows."""
    table = np.asarray(accuracies)
    seeds, instances = np.indices(table.shape)
    return pd.DataFrame(
        {
            c.VARIANT: variant,
            c.LABEL: variant.upper(),
            **facts(variant),
            c.SIGMA_D: sigma_d,
            c.SEED: seeds.ravel(),
            c.INSTANCE: instances.ravel(),
            c.ACCURACY: table.ravel(),
            c.RUN_ID: [f"{variant}-{seed}" for seed in seeds.ravel()],
        }
    )


# ---------------------------------------------------------------- percentiles
def test_percentile_of_one_training_lies_between_the_chips_of_its_binomial_ranks() -> None:
    # 200 chips 0.000, 0.005, …, 0.995: of 200 with 5 % each, P(at most 4 below) = 0.0264 and P(at most 5) = 0.0623, so
    # the 5th worst is the lower limit; P(at most 15 below) = 0.9556 >= 0.95 > 0.9219 = P(at most 14): the 16th worst
    chips = chips_of("ovf", (np.arange(200) / 200)[None, :])

    row = low_percentiles(chips).set_index(c.PERCENTILE).loc[5].to_dict()

    assert row[c.VALUE] == pytest.approx(0.05 * 199 / 200)
    assert row[c.LOWER] == pytest.approx(4 / 200)
    assert row[c.UPPER] == pytest.approx(15 / 200)


def test_two_hundred_chips_set_the_first_percentile_no_lower_limit() -> None:
    # P(none of 200 below) = 0.99^200 = 0.134 > 0.05
    row = low_percentiles(chips_of("ovf", (np.arange(200) / 200)[None, :])).set_index(c.PERCENTILE).loc[1].to_dict()

    assert np.isnan(row[c.LOWER])
    assert row[c.UPPER] == pytest.approx(5 / 200)


def test_trainings_on_the_same_chips_set_no_narrower_limits_than_one() -> None:
    one = (np.arange(200) / 200)[None, :]

    alone = low_percentiles(chips_of("ovf", one)).set_index(c.PERCENTILE)
    thrice = low_percentiles(chips_of("ovf", np.repeat(one, 3, axis=0))).set_index(c.PERCENTILE)

    assert thrice[c.LOWER][5] == alone[c.LOWER][5]
    assert thrice[c.UPPER][5] == alone[c.UPPER][5]
    assert thrice[c.NUM_SEEDS][5] == 3


def test_percentile_of_a_variant_is_over_chips_alone_not_over_how_trainings_differ() -> None:
    # each training's 5th percentile lies at 0.05 * 199 of its 200 steps; that of both together would be the lower one's
    one = np.arange(200) / 1000
    row = low_percentiles(chips_of("ovf", np.stack([one, one + 0.5]))).set_index(c.PERCENTILE).loc[5].to_dict()

    assert row[c.VALUE] == pytest.approx(0.00995 + 0.25)
    assert (row[c.LOWER], row[c.UPPER]) == (pytest.approx(0.254), pytest.approx(0.265))


def test_chips_of_a_percentile_are_those_of_the_training_that_met_the_fewest() -> None:
    short = chips_of("ovf", np.arange(598.0).reshape(2, 299))
    short = short[~((short[c.SEED] == 1) & (short[c.INSTANCE] == 7))]

    row = low_percentiles(short).set_index(c.PERCENTILE).loc[1].to_dict()

    assert row[c.NUM_INSTANCES] == 298
    assert np.isnan(row[c.LOWER])


def test_a_percentiles_row_knows_its_variant_and_sigma_d() -> None:
    chips = pd.concat([chips_of("ovf", [[0.5, 0.6]]), chips_of("irs", [[0.7, 0.8]], sigma_d=0.2)])

    found = low_percentiles(chips, percentiles=[50])

    assert list(zip(found[c.VARIANT], found[c.SIGMA_D], found[c.VALUE], strict=True)) == [
        ("irs", 0.2, pytest.approx(0.75)),
        ("ovf", 0.1, pytest.approx(0.55)),
    ]


# ---------------------------------------------------------------- spread
def test_spread_of_trainings_alone() -> None:
    # trainings 0.5 and 0.7 on every chip: no chip differs; MS_seeds = 3 * 0.02 = 0.06, variance 0.06 / 3 = 0.02
    row = variance_parts(chips_of("ovf", [[0.5, 0.5, 0.5], [0.7, 0.7, 0.7]])).iloc[0]

    assert row["std_seeds"] == pytest.approx(sqrt(0.02))
    assert row["std_chips"] == pytest.approx(0, abs=1e-9)
    assert row["share_seeds"] == pytest.approx(1)
    assert row[c.STD] == pytest.approx(sqrt(0.02))


def test_spread_of_chips_alone() -> None:
    # both trainings the same on each chip: variance of 0.5, 0.6, 0.7 is 0.01
    row = variance_parts(chips_of("ovf", [[0.5, 0.6, 0.7], [0.5, 0.6, 0.7]])).iloc[0]

    assert row["std_chips"] == pytest.approx(0.1)
    assert row["share_chips"] == pytest.approx(1)
    assert row["share_seeds"] == 0


def test_spread_of_a_chip_in_one_training() -> None:
    # [[1, 0], [0, 1]] x 0.1: row and column means are all 0.05; residuals 0.05, MS_rest = 4 * 0.0025 / 1 = 0.01
    row = variance_parts(chips_of("ovf", [[0.1, 0.0], [0.0, 0.1]])).iloc[0]

    assert row["std_rest"] == pytest.approx(0.1)
    assert row["share_rest"] == pytest.approx(1)


def test_one_training_has_a_spread_without_parts() -> None:
    row = variance_parts(chips_of("ovf", [[0.5, 0.7]])).iloc[0]

    assert row[c.STD] == pytest.approx(sqrt(0.02))
    assert np.isnan(row["std_seeds"])
    assert np.isnan(row["share_chips"])


# ---------------------------------------------------------------- differences
def test_difference_at_every_sigma_d_is_paired() -> None:
    # chip by chip + 0.1 at 0.1, and - 0.2 at 0.2, whatever the chips: no spread, so no interval
    base = [[0.5, 0.6], [0.7, 0.4]]
    chips = pd.concat(
        [
            *(chips_of("irs", base, sigma_d=at) for at in (0.1, 0.2)),
            *(chips_of("ovf", np.array(base) + by, sigma_d=at) for at, by in ((0.1, 0.1), (0.2, -0.2))),
        ]
    )

    found = difference_curves(chips, "irs").set_index(c.SIGMA_D)

    assert set(found[c.VARIANT]) == {"ovf"}
    assert found[c.MEAN][0.1] == pytest.approx(0.1)
    assert found[c.MEAN][0.2] == pytest.approx(-0.2)
    assert found[c.LOWER][0.2] == pytest.approx(-0.2)
    assert found[c.NUM_SEEDS][0.2] == 2


def test_difference_where_the_reference_was_not_tried_is_left_out() -> None:
    chips = pd.concat([chips_of("irs", [[0.5, 0.6]]), chips_of("ovf", [[0.5, 0.6]], sigma_d=0.3)])

    assert difference_curves(chips, "irs").empty


# ---------------------------------------------------------------- the table
def test_read_out_counts_trainings_that_failed() -> None:
    # means 0.9, 0.9, 0.3: their mean is 0.7, and only 0.3 lies below 0.65
    chips = chips_of("ovf", [[0.9, 0.9], [0.9, 0.9], [0.3, 0.3]])

    row = read_out(chips).iloc[0]

    assert row["num_failed"] == 1
    assert row[c.MEAN] == pytest.approx(0.7)
    assert row[c.PERCENTILE_5] == pytest.approx(0.7)
    assert np.isnan(row["percentile_1_lower"])


def test_nothing_gives_empty_tables() -> None:
    for table in (low_percentiles, variance_parts, read_out):
        assert table(pd.DataFrame()).empty
    assert difference_curves(pd.DataFrame(), "irs").empty


def test_the_worst_chip_at_each_sigma_d_is_named_and_of_equal_ones_the_first() -> None:
    chips = pd.DataFrame(
        {
            c.SIGMA_D: [0.1, 0.1, 0.1, 0.0, 0.0],
            c.INSTANCE: [0, 2, 1, 0, 1],
            c.ACCURACY: [0.9, 0.5, 0.5, 1.0, 1.0],
        }
    )
    assert worst_chips(chips).to_dict("records") == [
        {c.SIGMA_D: 0.0, c.ACCURACY: 1.0, c.INSTANCE: 0, c.NUM_INSTANCES: 2},
        {c.SIGMA_D: 0.1, c.ACCURACY: 0.5, c.INSTANCE: 1, c.NUM_INSTANCES: 3},
    ]
