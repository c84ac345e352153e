"""What series gain over a reference as training lengthens: budgets, choices of a learning rate, paired differences."""

from math import isnan, nan

import pandas as pd
import pytest

from neft import columns as c
from neft.datasets.base import ImageData
from neft.runs.records import RunRecord
from neft.seeding import generator
from neft.tables import (
    BUDGET_COLUMNS,
    Budget,
    Taken,
    advantage_by_budget,
    experiment_chips,
    taken_at,
    taken_by_validation,
    trained_words,
)
from neft.training.loop import shuffled_batches
from tests.stored_experiments import Arm, Runs, a_record, an_experiment

EXPERIMENT = "training_budget"
PLAIN, CONTROL = "noise_injection", "noise_injection_t4"
SHORT_LOW, SHORT_HIGH, LONG_LOW, LONG_HIGH = "short_low", "short_high", "long_low", "long_high"
BUDGETS = {
    SHORT_LOW: Budget(0.001, epochs=60, images=1000, batch_size=128),
    SHORT_HIGH: Budget(0.01, epochs=60, images=1000, batch_size=128),
    LONG_LOW: Budget(0.001, epochs=240, images=1000, batch_size=128),
    LONG_HIGH: Budget(0.01, epochs=240, images=1000, batch_size=128),
}
POSITIONS = {setting: float(position) for position, setting in enumerate(BUDGETS)}


def arm(series: str, setting: str, chips: dict[int, list[float]], **others: object) -> Arm:
    return Arm(series, setting, chips, position=POSITIONS[setting], **others)  # pyright: ignore[reportArgumentType]


def taken_of(*arms: Arm) -> Taken:
    plan, runs = an_experiment(EXPERIMENT, *arms)
    return taken_by_validation(plan.entries, records_of(runs), BUDGETS)


def records_of(runs: Runs) -> dict[str, RunRecord]:
    return {run_id: record for run_id, (record, _) in runs.items()}


def rows_of(*arms: Arm, taken: Taken) -> pd.DataFrame:
    plan, runs = an_experiment(EXPERIMENT, *arms)
    chips = experiment_chips(plan.entries, runs, EXPERIMENT)
    return advantage_by_budget(chips, taken, BUDGETS, reference=PLAIN)


# ---------------------------------------------------------------- lengths of training
def test_a_budget_counts_steps_and_images() -> None:
    # 1,000 images are 7 batches of 128 and one of 104: 8 steps an epoch
    assert (BUDGETS[SHORT_LOW].num_steps, BUDGETS[LONG_LOW].num_steps) == (480, 1920)
    assert (BUDGETS[SHORT_LOW].num_presentations, BUDGETS[LONG_LOW].num_presentations) == (60_000, 240_000)


@pytest.mark.parametrize("batch_size", [7, 8, 16, 100])
def test_steps_are_those_that_a_training_makes(few_digits: ImageData, batch_size: int) -> None:
    """Among them the batch size that leaves a single image over, on which no step is made."""
    split = few_digits.train
    batches = list(shuffled_batches(split, few_digits, batch_size, generator(0, "order")))

    budget = Budget(0.1, epochs=3, images=len(split), batch_size=batch_size)

    assert budget.num_steps == 3 * len(batches)
    assert budget.num_presentations == 3 * sum(len(labels) for _, labels in batches)


# ---------------------------------------------------------------- the learning rate
@pytest.mark.parametrize(
    ("trainings", "said"),
    [
        ([(60, 0.001), (60, 0.001)], "60 epochs at learning rate 0.001"),
        ([(60, 0.01), (240, 0.001)], "60 to 240 epochs at learning rates 0.001 to 0.01"),
        ([], ""),
    ],
)
def test_trainings_are_said_by_their_epochs_and_learning_rates(trainings: list[tuple[int, float]], said: str) -> None:
    one = a_record("one")
    records = [
        one.model_copy(
            update={
                "config": {**one.config, "training": {"learning_rate": rate}},
                "summary": one.summary.model_copy(update={"num_epochs": epochs}),
            }
        )
        for epochs, rate in trainings
    ]

    assert trained_words(records) == said


def test_one_learning_rate_is_taken_at_every_length() -> None:
    plan, _ = an_experiment(
        EXPERIMENT, *(arm(series, setting, {0: [0.5]}) for series in (PLAIN, "irs") for setting in BUDGETS)
    )

    assert taken_at(0.01, plan.entries, BUDGETS) == {
        (series, epochs): setting
        for series in (PLAIN, "irs")
        for epochs, setting in ((60, SHORT_HIGH), (240, LONG_HIGH))
    }
    assert taken_at(0.02, plan.entries, BUDGETS) == {}


def test_validation_averaged_over_seeds_chooses_for_every_series_and_length() -> None:
    # IRS, 60 epochs: 0.001 has (0.9 + 0.5)/2 = 0.7, 0.01 has (0.8 + 0.8)/2 = 0.8; at 240 epochs 0.001 is ahead
    seeds = {0: [0.5], 1: [0.5]}

    assert taken_of(
        arm("irs", SHORT_LOW, seeds, validation={0: 0.9, 1: 0.5}),
        arm("irs", SHORT_HIGH, seeds, validation={0: 0.8, 1: 0.8}),
        arm("irs", LONG_LOW, seeds, validation={0: 0.9, 1: 0.9}),
        arm("irs", LONG_HIGH, seeds, validation={0: 0.8, 1: 0.8}),
        arm(PLAIN, SHORT_LOW, seeds, validation={0: 0.6, 1: 0.6}),
        arm(PLAIN, SHORT_HIGH, seeds, validation={0: 0.5, 1: 0.5}),
    ) == {("irs", 60): SHORT_HIGH, ("irs", 240): LONG_LOW, (PLAIN, 60): SHORT_LOW}


def test_choice_is_the_same_whatever_test_chips_say() -> None:
    found = [
        taken_of(
            arm("irs", SHORT_LOW, {0: [low]}, validation={0: 0.9}),
            arm("irs", SHORT_HIGH, {0: [high]}, validation={0: 0.8}),
        )
        for low, high in ((0.2, 0.9), (0.9, 0.2))
    ]

    assert found == [{("irs", 60): SHORT_LOW}] * 2


def test_of_equal_learning_rates_the_smaller_is_taken() -> None:
    equal = [arm("irs", setting, {0: [0.5]}, validation={0: 0.7}) for setting in (SHORT_HIGH, SHORT_LOW)]

    assert taken_of(*equal) == {("irs", 60): SHORT_LOW}


def test_choice_is_over_the_seeds_that_all_learning_rates_have() -> None:
    """Seed 1, which only the larger rate has yet, would make it the worse: (0.8 + 0.1)/2 < 0.7 < 0.8."""
    low = arm("irs", SHORT_LOW, {0: [0.5]}, validation={0: 0.7})
    high = arm("irs", SHORT_HIGH, {0: [0.5], 1: [0.5]}, validation={0: 0.8, 1: 0.1})
    apart = arm("irs", SHORT_HIGH, {1: [0.5]}, validation={1: 0.1})

    assert taken_of(low, high) == {("irs", 60): SHORT_HIGH}
    assert taken_of(low, apart) == {}


# ---------------------------------------------------------------- advantages
def test_advantage_is_paired_seed_by_seed_and_chip_by_chip() -> None:
    # the differences of test_arms.py: 0.1 and 0.2 on seed 0, 0.3 and 0.4 on seed 1: mean 0.25, half-width 1.420597;
    # the means: IRS (0.6 + 0.9 + 0.8 + 0.5)/4 = 0.7, plain (0.5 + 0.7 + 0.5 + 0.1)/4 = 0.45
    taken = {(PLAIN, 60): SHORT_LOW, ("irs", 60): SHORT_LOW}

    irs, plain = rows_of(
        arm("irs", SHORT_LOW, {0: [0.6, 0.9], 1: [0.8, 0.5]}),
        arm(PLAIN, SHORT_LOW, {0: [0.5, 0.7], 1: [0.5, 0.1]}),
        taken=taken,
    ).to_dict("records")

    assert (irs[c.VARIANT], plain[c.VARIANT]) == ("irs", PLAIN)
    assert (irs[c.MEAN], plain[c.MEAN]) == (pytest.approx(0.7), pytest.approx(0.45))
    assert (irs[c.DIFFERENCE], irs[c.DIFFERENCE_CI95]) == (pytest.approx(0.25), pytest.approx(1.420597, abs=1e-5))
    assert irs[c.DIFFERENCE_LOWER] == pytest.approx(0.25 - 1.420597, abs=1e-5)
    assert irs[c.DIFFERENCE_UPPER] == pytest.approx(0.25 + 1.420597, abs=1e-5)
    assert (irs[c.DIFFERENCE_SEEDS], irs[c.NUM_SEEDS], irs[c.NUM_INSTANCES]) == (2, 2, 2)
    assert isnan(plain[c.DIFFERENCE])
    assert (irs[c.NUM_STEPS], irs[c.NUM_PRESENTATIONS], irs[c.NUM_EPOCHS]) == (480, 60_000, 60)
    assert irs[c.RUN_IDS] == ("digits-mlp4x128-x-seed0-00000000", "digits-mlp4x128-x-seed1-00000001")


def test_each_at_its_own_best_rate_is_held_against_the_best_of_the_reference() -> None:
    # at 60 epochs IRS is best at 0.001 (0.8), plain at 0.01 (0.7): +0.1, though at equal rates it is +0.3 and 0
    arms = [
        arm("irs", SHORT_LOW, {0: [0.8, 0.8]}, validation={0: 0.9}),
        arm("irs", SHORT_HIGH, {0: [0.7, 0.7]}, validation={0: 0.8}),
        arm(PLAIN, SHORT_LOW, {0: [0.5, 0.5]}, validation={0: 0.4}),
        arm(PLAIN, SHORT_HIGH, {0: [0.7, 0.7]}, validation={0: 0.6}),
    ]

    row = rows_of(*arms, taken=taken_of(*arms)).query("variant == 'irs'").iloc[0]

    assert row[c.DIFFERENCE] == pytest.approx(0.1)
    assert (row[c.LEARNING_RATE], row[c.REFERENCE_LEARNING_RATE]) == (0.001, 0.01)


def test_rows_stand_in_the_order_of_their_steps_and_are_held_against_the_same_length() -> None:
    arms = [
        arm(CONTROL, LONG_LOW, {0: [0.9]}),
        arm(CONTROL, SHORT_LOW, {0: [0.8]}),
        arm(PLAIN, LONG_LOW, {0: [0.85]}),
        arm(PLAIN, SHORT_LOW, {0: [0.6]}),
    ]
    taken = {(series, epochs): key for series in (CONTROL, PLAIN) for epochs, key in ((240, LONG_LOW), (60, SHORT_LOW))}

    rows = rows_of(*arms, taken=taken).query(f"variant == '{CONTROL}'")

    assert list(rows[c.NUM_STEPS]) == [480, 1920]
    assert list(rows[c.DIFFERENCE]) == pytest.approx([0.2, 0.05])


@pytest.mark.parametrize("taken", [{("irs", 60): SHORT_LOW}, {("irs", 60): SHORT_LOW, (PLAIN, 60): SHORT_HIGH}])
def test_without_the_reference_there_is_an_accuracy_and_no_difference(taken: Taken) -> None:
    (row,) = rows_of(arm("irs", SHORT_LOW, {0: [0.5, 0.6]}), taken=taken).to_dict("records")

    assert row[c.MEAN] == pytest.approx(0.55)
    assert [row[name] for name in (c.DIFFERENCE, c.DIFFERENCE_CI95)] == pytest.approx([nan, nan], nan_ok=True)
    assert row[c.DIFFERENCE_SEEDS] == 0


def test_nothing_stored_makes_no_rows_but_the_columns() -> None:
    rows = advantage_by_budget(pd.DataFrame(), {("irs", 60): SHORT_LOW}, BUDGETS, reference=PLAIN)

    assert rows.empty
    assert tuple(rows) == BUDGET_COLUMNS
