from functools import partial
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neft import columns as c
from neft.metrics import METRICS
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.tables import (
    RUN_COLUMNS,
    crossed_interval,
    decay_differences,
    differences_to,
    gather,
    layer_label,
    layer_table,
    metric_curves,
    metric_quantiles,
    runs_table,
    scaled_deviations,
    select_protocol,
    summarise,
    summary_table,
)
from neft.tables.intervals import Spread, spread


def chips(accuracies: list[float], *, sigma_d: float = 0.1, **facts: Any) -> pd.DataFrame:
    """Gathered rows of one run at one sigma_d, a chip each."""
    known: dict[str, Any] = {
        c.RUN_ID: "a-run",
        c.METHOD: "ovf",
        c.VARIANT: "ovf",
        c.LABEL: "OVF",
        c.METHOD_RANK: 3,
        c.DEPARTURE: "",
        c.USES_NOISE: True,
        c.HAS_FEEDBACK: True,
        c.IS_CONTROL: False,
        c.TRAIN_SIGMA_D: 0.1,
        c.SEED: 0,
        c.DECAY: "paper",
        c.NUM_FEEDBACK: 3,
    }
    frame = pd.DataFrame({c.SIGMA_D: sigma_d, c.INSTANCE: range(len(accuracies)), c.ACCURACY: accuracies})
    return frame.assign(**dict.fromkeys(METRICS, frame[c.ACCURACY]), **(known | facts))


@pytest.fixture(scope="session")
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


# ---------------------------------------------------------------- one run
def test_summary_of_a_hundred_and_one_chips() -> None:
    # accuracies 0, 0.01 … 1: mean 0.5; std sqrt(n (n + 1)/12)/100 for n = 101, sqrt(101 * 102/12)/100 = 0.293002;
    # the 1st percentile is the second value, the 5th the sixth; t(100) = 1.983972
    (summary,) = summarise(chips([step / 100 for step in range(101)]), METRICS)

    accuracy = summary.metrics[c.ACCURACY]
    assert summary.sigma_d == 0.1
    assert (accuracy.mean, accuracy.std) == (pytest.approx(0.5), pytest.approx(0.293002, abs=1e-6))
    assert accuracy.ci95 == pytest.approx(1.983972 * 0.293002 / sqrt(101), abs=1e-6)
    assert (accuracy.percentile_1, accuracy.percentile_5) == (pytest.approx(0.01), pytest.approx(0.05))
    assert accuracy.num_instances == 101


def test_percentiles_lie_between_chips() -> None:
    # of 0.2, 0.4, 0.6 the 5th percentile lies at 0.05 * 2 = 0.1 of the way to the second: 0.2 + 0.1 * 0.2
    (summary,) = summarise(chips([0.6, 0.2, 0.4]), METRICS)

    assert summary.metrics[c.ACCURACY].percentile_5 == pytest.approx(0.22)


def test_chips_without_a_value_are_left_out() -> None:
    (summary,) = summarise(chips([0.2, nan, 0.4]), METRICS)

    assert summary.metrics[c.EKL].mean == pytest.approx(0.3)
    assert summary.metrics[c.EKL].num_instances == 2


def test_no_value_at_all_is_none() -> None:
    (summary,) = summarise(chips([nan, nan]), METRICS)

    assert summary.metrics[c.EKL].mean is None
    assert summary.metrics[c.EKL].num_instances == 0


def test_one_chip_says_nothing_of_spread() -> None:
    (summary,) = summarise(chips([0.3]), METRICS)

    assert summary.metrics[c.ACCURACY].std is summary.metrics[c.ACCURACY].ci95 is None


def test_one_summary_for_each_sigma_d() -> None:
    both = pd.concat([chips([0.1], sigma_d=0.2), chips([0.9], sigma_d=0.0)])

    assert [row.sigma_d for row in summarise(both, METRICS)] == [0.0, 0.2]


def test_stored_summary_is_that_of_the_stored_chips(filled_store: RunStore, record: RunRecord) -> None:
    assert record.summary.test == summarise(filled_store.instances(record), METRICS)
    assert list(summary_table(record)[c.SIGMA_D]) == [0.0, 0.1]


def test_run_is_a_row_with_its_accuracies(record: RunRecord) -> None:
    (row,) = runs_table([record]).to_dict("records")

    clean, own = (record.summary.at(sigma_d) for sigma_d in (0.0, 0.1))
    assert clean is not None
    assert own is not None
    assert tuple(row) == RUN_COLUMNS
    assert row["clean_accuracy"] == clean.metrics[c.ACCURACY].mean
    assert row["accuracy_at_train_sigma_d"] == own.metrics[c.ACCURACY].mean
    assert runs_table([]).empty


# ---------------------------------------------------------------- the interval
def test_interval_of_one_seed_is_students_t() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.1, (1, 30))

    interval = crossed_interval(values)

    lower, upper = stats.t.interval(0.95, 29, loc=values.mean(), scale=stats.sem(values.ravel()))
    assert (interval.mean, interval.ci95) == (pytest.approx(values.mean()), pytest.approx((upper - lower) / 2))
    assert (interval.num_seeds, interval.num_instances) == (1, 30)


def test_interval_of_one_chip_is_over_seeds() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.1, (5, 1))

    assert crossed_interval(values).ci95 == pytest.approx(stats.t.ppf(0.975, 4) * stats.sem(values.ravel()))


def test_interval_of_a_two_by_three_table() -> None:
    # seeds' means 2 and 7, chips' 3, 4 and 6.5, in all 4.5; the rest is ±(0.5, 0.5, -1).
    # MS_seeds = 3 * 12.5 = 37.5 (1 degree of freedom), MS_chips = 2 * 3.25 = 6.5 (2), MS_rest = 3/2 = 1.5 (2).
    # h^2 = (t(1)^2 * 37.5 + t(2)^2 * (6.5 - 1.5))/6 = (12.7062^2 * 37.5 + 4.30265^2 * 5)/6 = 1024.475
    interval = crossed_interval(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 10.0]]))

    assert interval == (4.5, pytest.approx(32.0074, abs=1e-3), 2, 3)


def test_spread_says_the_half_width_over_any_number_of_seeds() -> None:
    # the same table: var_chips = (6.5 - 1.5)/2; with 13 seeds t(12)^2 * 37.5/39 + t(2)^2 * 2.5/3 = 4.56464 + 15.42735
    known = spread(np.array([[1.0, 2.0, 3.0], [5.0, 6.0, 10.0]]))

    assert known == Spread(ms_seeds=37.5, var_chips=2.5, ms_rest=1.5, num_chips=3)
    assert known.half_width(2) == pytest.approx(32.0074, abs=1e-3)
    assert known.half_width(13) == pytest.approx(sqrt(19.99199), abs=1e-5)


def test_spread_of_a_single_chip_is_that_of_seeds() -> None:
    values = np.array([[1.0], [2.0], [6.0]])

    assert spread(values) == Spread(ms_seeds=7.0, var_chips=0.0, ms_rest=0.0, num_chips=1)
    assert spread(values).half_width(3) == pytest.approx(crossed_interval(values).ci95)


def test_equal_values_have_no_spread() -> None:
    assert crossed_interval(np.full((3, 4), 0.7)) == (pytest.approx(0.7), pytest.approx(0, abs=1e-12), 3, 4)


def test_chips_that_lack_a_seeds_value_are_left_out() -> None:
    whole = np.random.default_rng(0).normal(size=(3, 10))
    holed = np.hstack([whole, [[1.0], [nan], [1.0]]])

    assert crossed_interval(holed) == crossed_interval(whole)


@pytest.mark.parametrize("values", [np.empty((0, 0)), np.full((2, 3), nan), np.empty((2, 0))])
def test_no_values_have_no_mean(values: np.ndarray) -> None:
    interval = crossed_interval(values)

    assert np.isnan(interval.mean)
    assert np.isnan(interval.ci95)
    assert interval.num_instances == 0


def test_one_value_has_no_interval() -> None:
    assert np.isnan(crossed_interval(np.array([[0.5]])).ci95)


@given(shift=st.floats(-10, 10), scale=st.floats(0.1, 10))
def test_interval_follows_the_units(shift: float, scale: float) -> None:
    values = np.random.default_rng(0).normal(size=(3, 8))
    plain, changed = crossed_interval(values), crossed_interval(shift + scale * values)

    assert changed.mean == pytest.approx(shift + scale * plain.mean)
    assert changed.ci95 == pytest.approx(scale * plain.ci95)


@pytest.mark.parametrize(
    ("seeds", "crossed", "rest"), [(0.0, 1.0, 0.3), (1.0, 0.0, 1.0), (1.0, 1.0, 1.0), (0.02, 1.0, 0.1), (5.0, 1.0, 1.0)]
)
def test_interval_covers_the_mean_about_as_often_as_it_says(seeds: float, crossed: float, rest: float) -> None:
    """Three seeds x 50 chips, both random, with these variances.

    3,000 tables gave 94.9 to 97.5 %. Of 2,000 tables the share has a standard error of sqrt(0.95 * 0.05/2000) = 0.0049;
    two of them below 95 % are 94.0 %.
    """
    rng = np.random.default_rng(0)
    num_tables = 2000
    tables = (
        sqrt(seeds) * rng.standard_normal((num_tables, 3, 1))
        + sqrt(crossed) * rng.standard_normal((num_tables, 1, 50))
        + sqrt(rest) * rng.standard_normal((num_tables, 3, 50))
    )

    covered = np.mean([abs(interval.mean) <= interval.ci95 for interval in map(crossed_interval, tables)])

    assert covered > 0.95 - 2 * sqrt(0.95 * 0.05 / num_tables)


# ---------------------------------------------------------------- several runs
def test_curve_has_a_row_for_each_variant_and_sigma_d() -> None:
    gathered = pd.concat([chips([0.9, 0.7], sigma_d=0.2), chips([1.0, 1.0], sigma_d=0.0), chips([0.5], variant="irs")])

    curves = metric_curves(gathered)

    assert curves[[c.VARIANT, c.SIGMA_D]].to_numpy().tolist() == [["irs", 0.1], ["ovf", 0.0], ["ovf", 0.2]]
    # two chips 0.9 and 0.7: mean 0.8, std 0.141421, t(1) = 12.7062: half-width 12.7062 * 0.141421/sqrt(2) = 1.270620
    last = curves.iloc[2]
    assert last[c.MEAN] == pytest.approx(0.8)
    assert last[c.CI95] == pytest.approx(1.270620, abs=1e-6)
    assert (last[c.LOWER], last[c.UPPER]) == pytest.approx((0.8 - 1.270620, 0.8 + 1.270620), abs=1e-6)
    assert last[c.PERCENTILE_5] == pytest.approx(0.7 + 0.05 * 0.2)
    assert (last[c.NUM_SEEDS], last[c.NUM_INSTANCES]) == (1, 2)


def test_single_chip_has_a_band_of_no_width() -> None:
    (row,) = metric_curves(chips([0.5])).to_dict("records")

    assert np.isnan(row[c.CI95])
    assert row[c.LOWER] == row[c.UPPER] == row[c.MEAN] == 0.5


def test_difference_is_taken_chip_by_chip() -> None:
    # ours - theirs is 0.1 and 0.2 on chips that themselves differ by 0.5: mean 0.15, std 0.0707107,
    # half-width 12.7062 * 0.0707107/sqrt(2) = 0.635310
    gathered = pd.concat([chips([0.9, 0.5]), chips([0.8, 0.3], variant="vanilla")])

    (difference,) = differences_to(gathered, "vanilla").to_dict("records")

    assert difference[c.VARIANT] == "ovf"
    assert difference[c.MEAN] == pytest.approx(0.15)
    assert difference[c.CI95] == pytest.approx(0.635310, abs=1e-6)


def test_difference_pairs_equal_seeds_and_chips_only() -> None:
    gathered = pd.concat(
        [
            chips([0.9, 0.5], seed=0),
            chips([0.7, 0.7], seed=1),
            chips([0.1, 0.1], seed=2),
            chips([0.8, 0.4, 0.0], seed=0, variant="vanilla"),
            chips([0.6, 0.6, 0.0], seed=1, variant="vanilla"),
        ]
    )

    (difference,) = differences_to(gathered, "vanilla").to_dict("records")

    # 0.1 for both seeds that both have, on both chips that both have
    assert difference[c.MEAN] == pytest.approx(0.1)
    assert difference[c.CI95] == pytest.approx(0, abs=1e-12)
    assert (difference[c.NUM_SEEDS], difference[c.NUM_INSTANCES]) == (2, 2)


def test_difference_of_variants_without_a_common_chip_is_no_number() -> None:
    gathered = pd.concat([chips([0.9, 0.5], seed=0), chips([0.8, 0.3], seed=1, variant="vanilla")])

    (difference,) = differences_to(gathered, "vanilla").to_dict("records")

    assert np.isnan(difference[c.MEAN])


def test_no_variant_differs_from_itself_or_from_an_absent_one() -> None:
    assert differences_to(chips([0.9, 0.5, 0.6]), "ovf").empty
    assert differences_to(chips([0.9, 0.5]), "irs").empty


def test_quantiles_rise_from_the_least_to_the_largest_value() -> None:
    quantiles = metric_quantiles(chips([3.0, 1.0, 2.0, nan]), c.EKL)

    values = quantiles[c.VALUE]
    assert (values.iloc[0], values.iloc[100], values.iloc[-1]) == (1, 2, 3)
    assert values.is_monotonic_increasing
    assert (quantiles[c.QUANTILE].iloc[0], quantiles[c.QUANTILE].iloc[-1]) == (0, 1)
    assert set(quantiles[c.NUM_INSTANCES]) == {3}


def test_variant_without_values_has_no_quantiles() -> None:
    assert metric_quantiles(chips([nan, nan]), c.EKL).empty


def test_decay_schedules_share_the_run_of_one_term() -> None:
    gathered = pd.concat(
        [
            chips([0.5], variant="ovf_n1", num_feedback=1),
            chips([0.6], variant="ovf_n2", num_feedback=2),
            chips([0.7], variant="ovf_n2_reversed", num_feedback=2, decay="reversed"),
            chips([0.9], variant="vanilla", method="vanilla", num_feedback=None, decay=None),
        ]
    )

    points = decay_differences(gathered, "vanilla")

    assert points[[c.DECAY, c.NUM_FEEDBACK]].to_numpy().tolist() == [
        ["constant", 1],
        ["paper", 1],
        ["paper", 2],
        ["reversed", 1],
        ["reversed", 2],
    ]
    np.testing.assert_allclose(points[c.MEAN].astype(float), [-0.4, -0.4, -0.3, -0.4, -0.2])


@pytest.mark.parametrize("table", [metric_curves, metric_quantiles, partial(decay_differences, reference="ovf")])
def test_no_runs_make_an_empty_table_with_its_columns(table) -> None:
    assert table(gather([])).empty
    assert c.VARIANT in table(gather([])).columns


PROTOCOL_ROWS = pd.concat(
    [chips([0.5], sigma_d=sigma_d, train_sigma_d=trained) for trained in (0.1, 0.2) for sigma_d in (0.0, 0.1, 0.2)]
    + [
        chips([0.5], sigma_d=s, train_sigma_d=0.0, method="vanilla", variant="vanilla", uses_noise=False)
        for s in (0.0, 0.1)
    ]
)


def cells(rows: pd.DataFrame) -> list[tuple[str, float, float]]:
    return sorted(rows[[c.METHOD, c.TRAIN_SIGMA_D, c.SIGMA_D]].itertuples(index=False, name=None))


VANILLA = [("vanilla", 0.0, 0.0), ("vanilla", 0.0, 0.1)]


def test_matched_protocol_tests_where_it_trained() -> None:
    chosen = select_protocol(PROTOCOL_ROWS, "matched")

    assert cells(chosen) == [("ovf", 0.1, 0.1), ("ovf", 0.2, 0.2), *VANILLA]


def test_fixed_protocol_tests_one_model_everywhere() -> None:
    chosen = select_protocol(PROTOCOL_ROWS, "fixed", train_sigma_d=0.2)

    assert cells(chosen) == [("ovf", 0.2, 0.0), ("ovf", 0.2, 0.1), ("ovf", 0.2, 0.2), *VANILLA]


def test_gathered_chips_carry_their_runs_facts(filled_store: RunStore, record: RunRecord) -> None:
    instances = filled_store.instances(record)
    plain = record.model_copy(update={"facts": record.facts.model_copy(update={"decay": "paper", "num_feedback": 2})})

    gathered = gather([(record, instances), (plain, instances)])

    assert len(gathered) == 2 * len(instances)
    assert set(gathered[c.VARIANT]) == {"noise_injection"}
    assert gathered[c.NUM_FEEDBACK].isna().sum() == len(instances)


# ---------------------------------------------------------------- deviations
@pytest.mark.parametrize("unit", ["w_max", "rms"])
def test_scaled_histograms_keep_their_area(filled_store: RunStore, record: RunRecord, unit) -> None:
    tables = filled_store.tables(record)

    scaled = scaled_deviations([(record, tables.layers, tables.deviations)], sigma_d=0.3, unit=unit)

    for density in (c.DENSITY, c.CLOSED_FORM_DENSITY):
        areas = [
            (frame[density] * (frame[c.BIN_RIGHT] - frame[c.BIN_LEFT])).groupby(frame[c.LAYER], sort=False).sum()
            for frame in (tables.deviations, scaled)
        ]
        assert areas[1].to_numpy() == pytest.approx(areas[0].to_numpy())


def test_deviations_are_shown_over_the_typical_weight(filled_store: RunStore, record: RunRecord) -> None:
    tables = filled_store.tables(record)
    edges = {
        unit: scaled_deviations([(record, tables.layers, tables.deviations)], sigma_d=0.1, unit=unit)[c.BIN_RIGHT].iloc[
            -1
        ]
        for unit in ("w_max", "rms")
    }

    last = tables.layers.iloc[-1]
    assert edges["rms"] / edges["w_max"] == pytest.approx(last[c.W_MAX] / last[c.RMS_WEIGHT])


def test_layers_are_shown_at_the_asked_sigma_d(filled_store: RunStore, record: RunRecord) -> None:
    layers = filled_store.tables(record).layers

    shown = layer_table([(record, layers)], sigma_d=0.2)

    assert shown[c.CLOSED_FORM_STD].to_numpy() == pytest.approx(0.2 * 0.777628, abs=1e-6)
    ratio = layers[c.W_MAX] / layers[c.RMS_WEIGHT]
    assert shown["deviation_to_weight"].to_numpy() == pytest.approx((0.2 * layers[c.REALISED_STD] * ratio).to_numpy())


@pytest.mark.parametrize(
    ("layer", "label"),
    [
        ("stages.0.1", "stage 1"),
        ("stages.0.conv", "stage 1 conv"),
        ("stages.4.1.second.conv", "stage 5 block 2 second"),
        ("stages.2.0.shortcut.conv", "stage 3 block 1 shortcut"),
        ("classifier", "classifier"),
        ("classifier.3", "classifier 3"),
    ],
)
def test_layers_are_named_by_where_they_stand(layer: str, label: str) -> None:
    assert layer_label(layer) == label
