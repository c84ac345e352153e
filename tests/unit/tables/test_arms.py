"""Experiments as rows: chips in their places, points, contrasts."""

from math import isnan, log

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.runs.plans import PlanRecord
from neft.tables import (
    POINT_COLUMNS,
    contrast,
    convergence,
    differences_to_arm,
    differences_to_series,
    experiment_chips,
    setting_points,
    validation_choice,
)
from neft.tables.arms import ArmChips, contrast_values
from tests.stored_experiments import Arm, Runs, a_record, an_experiment


def chips_of(*given: Arm, experiment: str = "beta") -> pd.DataFrame:
    plan, runs = an_experiment(experiment, *given)
    return experiment_chips(plan.entries, runs, experiment)


def choice(plan: PlanRecord, runs: Runs) -> pd.DataFrame:
    return validation_choice(plan.entries, {run_id: record for run_id, (record, _) in runs.items()}, "beta")


def chosen(plan: PlanRecord, runs: Runs) -> set[tuple[str, str]]:
    rows = choice(plan, runs)
    rows = rows[rows["chosen"]]
    return set(zip(rows[c.VARIANT], rows[c.SETTING], strict=True))


# ---------------------------------------------------------------- chips in their places
def test_chips_are_read_at_their_places_sigma_d_alone() -> None:
    chips = chips_of(Arm("ovf", "a", {0: [0.5, 0.6]}, sigma_d=0.1), Arm("ovf", "b", {0: [0.7]}, sigma_d=0.2))

    rows = chips[[c.SETTING, c.SIGMA_D, c.INSTANCE, c.ACCURACY]]
    assert rows.to_numpy().tolist() == [["a", 0.1, 0, 0.5], ["a", 0.1, 1, 0.6], ["b", 0.2, 0, 0.7]]


def test_chips_carry_their_place() -> None:
    chips = chips_of(Arm("irs", "0.1", {7: [0.5]}, position=3.0))

    (row,) = chips.to_dict("records")
    assert (row[c.VARIANT], row[c.SETTING], row[c.POSITION], row[c.SEED]) == ("irs", "0.1", 3.0, 7)


def test_run_in_two_places_is_read_in_both() -> None:
    plan, runs = an_experiment("beta", Arm("ovf", "a", {0: [0.5]}))
    twice = (*plan.entries, plan.entries[0].model_copy(update={"series": "irs", "setting": "b"}))

    assert ArmChips(experiment_chips(twice, runs, "beta")).arms == {("ovf", "a"), ("irs", "b")}


def test_what_is_missing_and_what_stands_in_other_experiments_is_left_out() -> None:
    plan, runs = an_experiment("beta", Arm("ovf", "a", {0: [0.5], 1: [0.6]}))
    other = plan.entries[0].model_copy(update={"experiment": "devices"})
    del runs[plan.entries[1].run_id]

    assert list(experiment_chips((*plan.entries, other), runs, "beta")[c.SEED]) == [0]
    assert experiment_chips(plan.entries, runs, "accuracy").empty
    assert experiment_chips(plan.entries, {}, "beta").empty


# ---------------------------------------------------------------- points
def test_point_is_the_mean_over_seeds_and_chips_with_its_crossed_interval() -> None:
    # the table of test_tables.py: mean 4.5, half-width 32.0074
    (point,) = setting_points(chips_of(Arm("ovf", "a", {0: [1.0, 2.0, 3.0], 1: [5.0, 6.0, 10.0]}))).to_dict("records")

    assert point[c.MEAN] == 4.5
    assert point[c.CI95] == pytest.approx(32.0074, abs=1e-3)
    assert (point[c.LOWER], point[c.UPPER]) == pytest.approx((4.5 - 32.0074, 4.5 + 32.0074), abs=1e-3)
    assert (point[c.NUM_SEEDS], point[c.NUM_INSTANCES]) == (2, 3)
    assert point[c.RUN_IDS] == ("digits-mlp4x128-x-seed0-00000000", "digits-mlp4x128-x-seed1-00000001")


def test_points_are_in_the_order_of_series_and_position() -> None:
    chips = chips_of(
        Arm("ovf", "late", {0: [0.5]}, position=2.0),
        Arm("irs", "only", {0: [0.5]}, position=9.0),
        Arm("ovf", "early", {0: [0.5]}, position=-1.0),
    )

    points = setting_points(chips)

    assert points[[c.VARIANT, c.SETTING]].to_numpy().tolist() == [["irs", "only"], ["ovf", "early"], ["ovf", "late"]]


def test_series_of_one_variant_depart_each_in_its_own_way() -> None:
    plan, runs = an_experiment("accuracy", *(Arm("ovf", f"s{place}", {0: [0.5, 0.6]}, place) for place in (0.0, 1.0)))
    first, second = plan.entries
    entries = [first.model_copy(update={"series": "a"}), second.model_copy(update={"series": "b"})]

    points = setting_points(experiment_chips(entries, runs, "accuracy"), c.ACCURACY)

    assert len(set(points[c.METHOD_RANK])) == 1
    assert points[c.DEPARTURE].tolist() == ["", "b"]


def test_single_chip_has_an_interval_of_no_width() -> None:
    (point,) = setting_points(chips_of(Arm("ovf", "a", {0: [0.5]}))).to_dict("records")

    assert isnan(point[c.CI95])
    assert point[c.LOWER] == point[c.UPPER] == point[c.MEAN] == 0.5


def test_no_chips_make_no_points_but_the_columns() -> None:
    points = setting_points(pd.DataFrame())

    assert points.empty
    assert tuple(points) == POINT_COLUMNS


# ---------------------------------------------------------------- contrasts
def test_difference_is_taken_seed_by_seed_and_chip_by_chip() -> None:
    # ovf - irs is 0.1 and 0.2 on seed 0, 0.3 and 0.4 on seed 1: mean 0.25. Seeds' means 0.15 and 0.35, chips' 0.2 and
    # 0.3, no rest. MS_seeds = 2 * 0.02 = 0.04, MS_chips = 2 * 0.005 = 0.01, MS_rest = 0, and t(1) = 12.7062:
    # half-width 12.7062 * sqrt((0.04 + 0.01)/4) = 1.420597
    chips = chips_of(Arm("ovf", "a", {0: [0.6, 0.9], 1: [0.8, 0.5]}), Arm("irs", "a", {0: [0.5, 0.7], 1: [0.5, 0.1]}))

    interval = contrast(chips, {("ovf", "a"): 1.0, ("irs", "a"): -1.0})

    assert (interval.mean, interval.ci95) == (pytest.approx(0.25), pytest.approx(1.420597, abs=1e-5))


def test_contrast_is_over_the_seeds_and_chips_that_all_arms_have() -> None:
    chips = chips_of(
        Arm("ovf", "a", {0: [0.6, 0.6, 9.0], 1: [0.7, 0.7, 9.0], 5: [9.0, 9.0, 9.0]}),
        Arm("irs", "a", {2: [-9.0, -9.0], 1: [0.5, 0.5], 0: [0.5, 0.5]}),
    )

    values = contrast_values(ArmChips(chips), {("ovf", "a"): 1.0, ("irs", "a"): -1.0})

    np.testing.assert_allclose(values, [[0.1, 0.1], [0.2, 0.2]])


def test_contrast_weighs_each_arm() -> None:
    chips = chips_of(*(Arm("ovf", setting, {0: [value]}) for setting, value in (("a", 0.5), ("b", 0.7), ("c", 0.1))))

    values = contrast_values(ArmChips(chips), {("ovf", "a"): 1.0, ("ovf", "b"): 0.5, ("ovf", "c"): -2.0})

    assert values == pytest.approx(np.array([[0.5 + 0.35 - 0.2]]))


def test_logarithmic_contrast_is_a_ratio() -> None:
    chips = chips_of(Arm("ovf", "a", {0: [0.1, 0.3]}), Arm("irs", "a", {0: [0.2, 0.6]}))

    values = contrast_values(ArmChips(chips), {("irs", "a"): 1.0, ("ovf", "a"): -1.0}, c.EKL, logarithmic=True)

    np.testing.assert_allclose(values, [[log(2), log(2)]])


def test_logarithm_of_nothing_leaves_the_chip_out() -> None:
    chips = chips_of(Arm("ovf", "a", {0: [0.1, 0.0], 1: [0.1, 0.1]}), Arm("irs", "a", {0: [0.2, 0.2], 1: [0.2, 0.2]}))

    interval = contrast(chips, {("irs", "a"): 1.0, ("ovf", "a"): -1.0}, c.EKL, logarithmic=True)

    assert (interval.mean, interval.num_instances) == (pytest.approx(log(2)), 1)


def test_contrast_of_nothing_has_no_number() -> None:
    chips = chips_of(Arm("ovf", "a", {0: [0.1, 0.2]}))

    assert isnan(contrast(chips, {}).mean)
    assert isnan(contrast(chips, {("ovf", "a"): 1.0, ("irs", "a"): -1.0}).mean)


def test_differences_are_to_one_arm_and_leave_it_out() -> None:
    chips = chips_of(
        Arm("control", "none", {0: [0.5, 0.6]}),
        Arm("ovf", "a", {0: [0.6, 0.7]}, position=1.0),
        Arm("ovf", "b", {0: [0.4, 0.5]}, position=2.0),
    )

    rows = differences_to_arm(chips, ("control", "none"))

    assert rows[[c.VARIANT, c.SETTING, c.NUM_SEEDS, c.NUM_INSTANCES]].to_numpy().tolist() == [
        ["ovf", "a", 1, 2],
        ["ovf", "b", 1, 2],
    ]
    assert list(rows[c.MEAN]) == pytest.approx([0.1, -0.1])


def test_differences_are_in_the_order_of_the_points() -> None:
    chips = chips_of(
        Arm("ovf", "late", {0: [0.5]}, position=2.0),
        Arm("vanilla", "none", {0: [0.5]}),
        Arm("irs", "only", {0: [0.5]}, position=9.0),
        Arm("ovf", "early", {0: [0.5]}, position=-1.0),
    )
    place = [c.VARIANT, c.SETTING, c.POSITION]

    rows, points = differences_to_arm(chips, ("vanilla", "none")), setting_points(chips)

    assert rows[place].to_numpy().tolist() == points.loc[points[c.VARIANT] != "vanilla", place].to_numpy().tolist()
    assert list(rows[c.SETTING]) == ["only", "early", "late"]


def test_differences_to_a_series_are_taken_at_the_same_setting_where_it_has_it() -> None:
    chips = chips_of(
        Arm("control", "n_1", {0: [0.5]}, position=1.0),
        Arm("control", "n_2", {0: [0.7]}, position=2.0),
        Arm("ovf", "n_1", {0: [0.6]}, position=1.0),
        Arm("ovf", "n_2", {0: [0.9]}, position=2.0),
        Arm("ovf", "n_3", {0: [0.9]}, position=3.0),
    )

    rows = differences_to_series(chips, "control")

    assert rows[[c.VARIANT, c.SETTING]].to_numpy().tolist() == [["ovf", "n_1"], ["ovf", "n_2"]]
    assert list(rows[c.MEAN]) == pytest.approx([0.1, 0.2])
    assert differences_to_series(chips, "nobody").empty
    assert differences_to_arm(pd.DataFrame(), ("control", "n_1")).empty


# ---------------------------------------------------------------- failing trainings
def test_training_fails_more_than_five_points_below_its_methods_mean() -> None:
    # means over chips 0.90, 0.90, 0.80 and 0.60: in all 0.80, so below 0.75 a training failed
    chips = chips_of(
        Arm("ovf", "ovf", {0: [0.85, 0.95], 1: [0.9, 0.9], 2: [0.7, 0.9], 3: [0.5, 0.7]}),
        Arm("irs", "irs", {0: [0.6, 0.6], 1: [0.52, 0.52]}, position=1.0),
        experiment="convergence",
    )

    seeds, means = convergence(chips)

    assert seeds[[c.VARIANT, c.SEED, "failed"]].to_numpy().tolist() == [
        *(["ovf", seed, seed == 3] for seed in range(4)),
        ["irs", 0, False],
        ["irs", 1, False],
    ]
    assert list(seeds[c.ACCURACY]) == pytest.approx([0.9, 0.9, 0.8, 0.6, 0.6, 0.52])
    assert list(means[c.VARIANT]) == ["ovf", "irs"]
    assert list(means[c.MEAN]) == pytest.approx([0.8, 0.56])
    assert list(means["threshold"]) == pytest.approx([0.75, 0.51])
    assert means[["num_failed", c.NUM_SEEDS]].to_numpy().tolist() == [[1, 4], [0, 2]]


def test_no_trainings_have_no_failures() -> None:
    assert all(table.empty for table in convergence(pd.DataFrame()))


# ---------------------------------------------------------------- what validation chooses
def test_validation_accuracy_averaged_over_seeds_chooses_a_setting_of_each_series() -> None:
    # OVF: 0.1 has (0.9 + 0.5)/2 = 0.7, 0.01 has (0.8 + 0.8)/2 = 0.8
    seeds = {0: [0.5], 1: [0.5]}
    plan, runs = an_experiment(
        "beta",
        Arm("ovf", "0.1", seeds, position=0.0, validation={0: 0.9, 1: 0.5}),
        Arm("ovf", "0.01", seeds, position=1.0, validation={0: 0.8, 1: 0.8}),
        Arm("irs", "0.1", seeds, position=0.0, validation={0: 0.4, 1: 0.3}),
        Arm("irs", "0.01", seeds, position=1.0, validation={0: 0.3, 1: 0.3}),
        Arm("control", "0", seeds, position=2.0, validation={0: 0.9, 1: 0.9}),
    )

    found = choice(plan, runs)

    assert chosen(plan, runs) == {("ovf", "0.01"), ("irs", "0.1")}  # the control has no choice
    accuracies = found.set_index([c.VARIANT, c.SETTING])["validation_accuracy"]
    assert accuracies.to_dict() == pytest.approx(
        {("control", "0"): 0.9, ("irs", "0.1"): 0.35, ("irs", "0.01"): 0.3, ("ovf", "0.1"): 0.7, ("ovf", "0.01"): 0.8}
    )
    assert set(found[c.NUM_SEEDS]) == {2}


def test_choice_is_the_same_whatever_test_data_say() -> None:
    validation = ({0: 0.9}, {0: 0.8})
    tests = ([0.2], [0.9])
    pairs = [
        an_experiment(
            "beta",
            Arm("ovf", "0.1", {0: first}, validation=validation[0]),
            Arm("ovf", "0.01", {0: second}, position=1.0, validation=validation[1]),
        )
        for first, second in (tests, tests[::-1])
    ]

    assert [chosen(plan, runs) for plan, runs in pairs] == [{("ovf", "0.1")}] * 2


def test_runs_that_are_missing_choose_nothing() -> None:
    plan, _ = an_experiment("beta", Arm("ovf", "0.1", {0: [0.5]}))

    assert validation_choice(plan.entries, {}, "beta").empty
    assert validation_choice(plan.entries, {"other": a_record("other")}, "beta").empty
