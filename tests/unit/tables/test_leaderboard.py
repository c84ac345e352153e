"""Leaderboards: a row per method and constraint, its numbers worked out by hand."""

import time
from collections.abc import Sequence
from dataclasses import replace
from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.errors import ConfigError
from neft.seeding import numpy_generator
from neft.tables.boards import board_places, budget_words, entries_of
from neft.tables.intervals import crossed_interval, student_t
from neft.tables.leaderboard import (
    BOARD_COLUMNS,
    default_reference,
    leaderboard_table,
    pairs_told_apart,
    published_words,
)
from neft.tables.percentiles import percentile_over_trainings
from neft.tables.races import race_percentile
from tests.stored_experiments import CLEAN
from tests.stored_leaderboards import BoardRow, a_leaderboard
from tests.stored_races import a_race

PLAIN = BoardRow({0: [0.5, 0.7], 1: [0.6, 0.8]}, worst={0: 0.1, 1: 0.3}, seconds=2.0)
CLIPPED = BoardRow({0: [0.92, 0.94], 1: [0.9, 0.96]}, constraint="clip", worst={0: 0.7, 1: 0.7})
VANILLA = BoardRow({0: [0.1, 0.2], 1: [0.2, 0.1]}, method="vanilla")
RACED = (c.RACED_PERCENTILE_1, c.RACED_PERCENTILE_1_LOWER, c.RACED_PERCENTILE_1_UPPER)
IRS = BoardRow({0: [0.55, 0.75], 1: [0.62, 0.82]}, method="irs")


def board_of(*rows: BoardRow, sigma_d: float = 0.2, reference: str | None = None) -> pd.DataFrame:
    plan, runs = a_leaderboard(*rows)
    return leaderboard_table(plan.entries, runs, sigma_d=sigma_d, reference=reference)


def row_of(board: pd.DataFrame, series: str) -> dict[str, object]:
    (row,) = board[board[c.VARIANT] == series].to_dict("records")
    return {str(name): value for name, value in row.items()}


def column(board: pd.DataFrame, name: str) -> list[object]:
    return board[name].tolist()


# ---------------------------------------------------------------- rows
def test_rows_stand_by_their_mean_accuracy() -> None:
    board = board_of(VANILLA, PLAIN, CLIPPED)

    assert tuple(board.columns) == BOARD_COLUMNS
    assert column(board, c.VARIANT) == ["noise_injection+clip", "noise_injection+none", "vanilla+none"]
    assert column(board, c.RANK) == [1, 2, 3]
    assert column(board, c.MEAN) == pytest.approx([0.93, 0.65, 0.15])


def test_rows_of_one_mean_share_a_rank() -> None:
    same = BoardRow(PLAIN.chips, method="irs")

    assert column(board_of(PLAIN, same, VANILLA), c.RANK) == [1, 1, 3]


def test_mean_has_the_interval_over_seeds_and_chips() -> None:
    row = row_of(board_of(PLAIN, CLIPPED), "noise_injection+none")

    # seeds 0.6, 0.7; chips 0.55, 0.75; nothing is left in the cells: MS_seeds 0.01, MS_chips 0.04, t_1 = 12.7062
    half = 12.7062 * sqrt((0.01 + 0.04) / 4)
    assert row[c.MEAN] == pytest.approx(0.65)
    assert row[c.CI95] == pytest.approx(half, rel=1e-4)
    assert (row[c.LOWER], row[c.UPPER]) == (pytest.approx(0.65 - half, rel=1e-4), pytest.approx(0.65 + half, rel=1e-4))
    assert (row[c.NUM_SEEDS], row[c.NUM_INSTANCES]) == (2, 2)


def test_row_is_told_by_method_and_constraint_what_it_was_tuned_to_stands_beside() -> None:
    row = row_of(board_of(PLAIN, CLIPPED), "noise_injection+clip")

    assert row[c.LABEL] == "Noise injection, clipped weights"
    assert (row[c.METHOD_LABEL], row[c.CONSTRAINT], row[c.CONSTRAINT_LABEL]) == (
        "Noise injection",
        "clip",
        "Clipped weights",
    )
    assert row[c.DEPARTURE] == "_clip"
    assert row[c.SETTINGS] == "Noise injection, clip α = 1.5, learning rate 0.003, 30 epochs"
    assert row_of(board_of(PLAIN), "noise_injection+none")[c.DEPARTURE] == ""


def test_rows_that_share_a_label_are_told_from_each_other() -> None:
    plan, runs = a_leaderboard(PLAIN, CLIPPED)
    entries = [
        entry.model_copy(update={"series": "noise_injection+clip_channel"}) if index < 2 else entry
        for index, entry in enumerate(plan.entries[2:] * 2)
    ]
    board = leaderboard_table(entries, runs, sigma_d=0.2)

    assert set(column(board, c.LABEL)) == {
        "Noise injection, clipped weights (noise_injection+clip)",
        "Noise injection, clipped weights (noise_injection+clip_channel)",
    }


def test_clean_accuracy_is_read_without_variation() -> None:
    row = row_of(board_of(PLAIN), "noise_injection+none")

    assert row[c.CLEAN_ACCURACY] == pytest.approx(CLEAN)
    assert row[c.CLEAN_CI95] == pytest.approx(0, abs=1e-12)


def test_worst_case_is_over_seeds() -> None:
    board = board_of(PLAIN, CLIPPED, VANILLA)
    row = row_of(board, "noise_injection+none")

    # 0.1 and 0.3: std 0.141421, over the root of 2, times t_1
    assert row[c.WORST_CASE] == pytest.approx(0.2)
    assert row[c.WORST_CASE_CI95] == pytest.approx(12.7062 * 0.1, rel=1e-4)
    assert isnan(float(str(row_of(board, "vanilla+none")[c.WORST_CASE])))


def test_worst_case_of_another_budget_is_not_read() -> None:
    plan, runs = a_leaderboard(PLAIN)

    (row,) = leaderboard_table(plan.entries, runs, sigma_d=0.2, th_g=0.05).to_dict("records")
    assert isnan(row[c.WORST_CASE])


def test_training_takes_as_long_as_the_fastest_at_any_sigma_d() -> None:
    # 2 and 3 seconds
    assert row_of(board_of(PLAIN), "noise_injection+none")[c.TRAINING_SECONDS] == pytest.approx(2)

    plan, runs = a_leaderboard(PLAIN)
    fast, slow = plan.entries
    elsewhere = [fast.model_copy(update={"sigma_d": 0.4}), slow]
    (row,) = leaderboard_table(elsewhere, runs, sigma_d=0.2).to_dict("records")
    assert (row[c.TRAINING_SECONDS], row[c.NUM_SEEDS]) == (pytest.approx(2), 1)


def test_ekl_has_its_interval_before_and_after_calibration() -> None:
    row = row_of(board_of(PLAIN), "noise_injection+none")

    # the store's metrics are all alike
    for mean, ci95 in ((c.EKL, c.EKL_CI95), (c.CALIBRATED_EKL, c.CALIBRATED_EKL_CI95)):
        assert (row[mean], row[ci95]) == (pytest.approx(0.65), pytest.approx(row[c.CI95]))


def test_metric_that_no_run_has_is_not_a_number() -> None:
    plan, runs = a_leaderboard(PLAIN)
    older = {run_id: (record, chips.drop(columns=c.CALIBRATED_EKL)) for run_id, (record, chips) in runs.items()}

    assert leaderboard_table(plan.entries, older, sigma_d=0.2)[c.CALIBRATED_EKL].isna().all()


def test_first_percentile_is_the_mean_of_the_trainings() -> None:
    values = numpy_generator(0, "first percentile").uniform(0.5, 0.9, size=(3, 400))
    row = row_of(board_of(BoardRow(dict(enumerate(values.tolist())))), "noise_injection+none")

    each = [np.sort(training) for training in values]
    assert row[c.PERCENTILE_1] == pytest.approx(np.mean([np.quantile(training, 0.01) for training in each]))
    assert row[c.PERCENTILE_1_LOWER] == pytest.approx(percentile_over_trainings(values, 0.01).lower)
    # the lowest chips of 400: at least one, at most a handful lie below the percentile
    assert np.mean([training[0] for training in each]) <= float(str(row[c.PERCENTILE_1_LOWER]))
    assert float(str(row[c.PERCENTILE_1_UPPER])) <= np.mean([training[12] for training in each])


def test_a_raced_percentile_is_that_of_rows_whose_every_training_was_raced() -> None:
    plan, runs = a_leaderboard(
        BoardRow({0: [0.9, 0.8], 1: [0.7, 0.8]}), BoardRow({0: [0.5, 0.4], 1: [0.3, 0.2]}, method="vanilla")
    )
    raced = [entry.run_id for entry in plan.entries][:3]  # of vanilla one of two

    board = leaderboard_table(plan.entries, runs, sigma_d=0.2, races={run_id: a_race(run_id) for run_id in raced})

    noisy, vanilla = row_of(board, "noise_injection+none"), row_of(board, "vanilla+none")
    found = race_percentile(a_race(raced[0]))
    assert [noisy[name] for name in RACED] == pytest.approx(list(found))
    assert all(isnan(float(str(vanilla[name]))) for name in RACED)
    assert (noisy[c.NUM_RACED], vanilla[c.NUM_RACED]) == (2, 1)
    assert noisy[c.PERCENTILE_1] != noisy[c.RACED_PERCENTILE_1]


def test_too_few_chips_set_the_percentile_no_lower_limit() -> None:
    assert isnan(float(str(row_of(board_of(PLAIN), "noise_injection+none")[c.PERCENTILE_1_LOWER])))


@pytest.mark.parametrize(
    ("row", "published"),
    [(PLAIN, True), (VANILLA, True), (IRS, True), (CLIPPED, False)],
)
def test_published_figure_stands_beside_the_same_method_without_a_constraint(row: BoardRow, published: bool) -> None:
    (value,) = column(board_of(row), c.PUBLISHED_ACCURACY)

    assert isnan(float(str(value))) != published


# ---------------------------------------------------------------- differences
def test_difference_is_taken_seed_by_seed_and_chip_by_chip() -> None:
    row = row_of(board_of(PLAIN, IRS), "irs+none")

    # 5, 5 and 2, 2 points: chips do not differ, seeds 5 and 2: MS_seeds = 2 * 4.5
    assert row[c.DIFFERENCE] == pytest.approx(0.035)
    assert row[c.DIFFERENCE_CI95] == pytest.approx(12.7062 * 0.015, rel=1e-4)


def test_difference_is_to_the_chosen_row() -> None:
    board = board_of(PLAIN, IRS, CLIPPED, reference="noise_injection+clip")

    assert row_of(board, "noise_injection+none")[c.DIFFERENCE] == pytest.approx(0.65 - 0.93)
    assert isnan(float(str(row_of(board, "noise_injection+clip")[c.DIFFERENCE])))


def test_difference_counts_the_seeds_that_both_have() -> None:
    longer = BoardRow({**IRS.chips, 2: [0.0, 0.0]}, method="irs")

    assert row_of(board_of(PLAIN, longer), "irs+none")[c.DIFFERENCE] == pytest.approx(0.035)


def test_plainest_row_that_met_noise_is_what_others_are_held_against() -> None:
    assert default_reference(board_of(VANILLA, IRS, CLIPPED, PLAIN)) == "noise_injection+none"
    assert default_reference(board_of(VANILLA, CLIPPED)) == "vanilla+none"


def test_reference_that_is_not_there_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"Unknown row 'irs\+non'\. Did you mean 'irs\+none'\?"):
        board_of(PLAIN, IRS, reference="irs+non")


# ---------------------------------------------------------------- ranks
def test_rank_has_an_interval_and_pairs_are_counted() -> None:
    """200 points apart by seed and chip alike, so that every pair is told apart."""
    rows = [
        BoardRow({seed: [level + 0.001 * seed, level + 0.001] for seed in range(4)}, method=method)
        for method, level in (("vanilla", 0.1), ("noise_injection", 0.5), ("irs", 0.9))
    ]
    board = board_of(*rows)

    assert column(board, c.RANK_LOWER) == column(board, c.RANK_UPPER) == [1, 2, 3]
    assert column(board, c.RANK_LOWER_TOGETHER) == column(board, c.RANK_UPPER_TOGETHER) == [1, 2, 3]
    assert pairs_told_apart(board) == (3, 3)


def test_one_seed_ranks_nothing() -> None:
    board = board_of(*(BoardRow({0: row.chips[0]}, row.method, row.constraint) for row in (PLAIN, IRS, CLIPPED)))

    assert column(board, c.RANK_LOWER) == [1, 1, 1]
    assert column(board, c.RANK_UPPER) == [3, 3, 3]
    assert pairs_told_apart(board) == (0, 3)


def test_rank_lies_in_its_interval() -> None:
    board = board_of(PLAIN, IRS, CLIPPED, VANILLA)

    assert (board[c.RANK_LOWER] <= board[c.RANK]).all()
    assert (board[c.RANK] <= board[c.RANK_UPPER]).all()


def test_a_whole_leaderboard_takes_well_under_a_second() -> None:
    rng = numpy_generator(0, "a whole leaderboard")
    rows = [
        BoardRow({seed: (level + rng.normal(scale=0.01, size=400)).tolist() for seed in range(5)}, method, constraint)
        for method, level in (("vanilla", 0.3), ("noise_injection", 0.6), ("ovf", 0.7), ("irs", 0.8))
        for constraint in ("none", "clip", "saturating")
    ]
    plan, runs = a_leaderboard(*rows)
    start = time.perf_counter()
    board = leaderboard_table(plan.entries, runs, sigma_d=0.2)

    assert len(board) == 12
    # 0.2 s where it was measured; the tests may share their cores
    assert time.perf_counter() - start < 2


# ---------------------------------------------------------------- where they are
def test_a_ranking_is_at_one_sigma_d() -> None:
    other = BoardRow({0: [0.3, 0.4], 1: [0.3, 0.4]}, sigma_d=0.4)

    assert column(board_of(PLAIN, IRS, other, sigma_d=0.4), c.MEAN) == pytest.approx([0.35])
    assert column(board_of(PLAIN, IRS, other, sigma_d=0.1 + 0.1), c.RANK) == [1, 2]


def test_nothing_at_a_sigma_d_is_an_empty_board() -> None:
    board = board_of(PLAIN, sigma_d=0.3)

    assert board.empty
    assert tuple(board.columns) == BOARD_COLUMNS


def places_of(*rows: BoardRow) -> Sequence[object]:
    plan, runs = a_leaderboard(*rows)
    return board_places([plan], {run_id: record for run_id, (record, _) in runs.items()})


def test_place_says_what_it_was_run_on_and_at_which_sigma_ds() -> None:
    plan, runs = a_leaderboard(PLAIN, IRS, BoardRow(PLAIN.chips, sigma_d=0.4), BoardRow(PLAIN.chips, sigma_d=0.1))
    (place,) = board_places([plan], {run_id: record for run_id, (record, _) in runs.items()})

    assert (place.plan, place.key, place.words) == (
        "leaderboard",
        "digits8_mlp4x128",
        "Digits 8×8, MLP, 4 × 128, RRAM1",
    )
    assert place.sigma_ds == (0.1, 0.2, 0.4)
    assert place.command == "neft sweep leaderboard"


def test_place_without_a_stored_run_is_none() -> None:
    plan, _ = a_leaderboard(PLAIN)

    assert board_places([plan], {}) == []


def test_places_of_one_plan_are_told_by_data_and_backbone() -> None:
    plan, runs = a_leaderboard(PLAIN, CLIPPED)
    records = {run_id: record for run_id, (record, _) in runs.items()}
    elsewhere = [entry.run_id for entry in plan.entries if entry.series == CLIPPED.series]
    for run_id in elsewhere:
        facts = records[run_id].facts.model_copy(update={"backbone": "vgg8w8", "backbone_label": "VGG-8, width 1/8"})
        records[run_id] = records[run_id].model_copy(update={"facts": facts})

    places = board_places([plan], records)

    assert [place.key for place in places] == ["digits8_mlp4x128", "digits8_vgg8w8"]
    assert {entry.run_id for entry in entries_of(places[1], plan, records)} == set(elsewhere)


def test_budget_is_said_in_words() -> None:
    _, runs = a_leaderboard(PLAIN, CLIPPED)

    words = budget_words([record for record, _ in runs.values()], num_trials=6)

    assert words == (
        "Every row: 30 epochs of all training images in batches of 128, 2 seeds × 2 chips; its settings are the best "
        "of 6 trials on validation data. Trained on cpu (1 thread)."
    )


def test_budget_that_differs_is_a_range() -> None:
    _, runs = a_leaderboard(PLAIN)
    records = [record for record, _ in runs.values()]
    configs = [{**records[0].config, "dataset": {"image_size": 8, "max_train": count}} for count in (5000, 10000)]
    changed = [
        record.model_copy(
            update={"config": config, "summary": record.summary.model_copy(update={"num_epochs": epochs})}
        )
        for record, config, epochs in zip(records, configs, (8, 16), strict=True)
    ]

    assert "8–16 epochs of 5,000–10,000 training images" in budget_words(changed, num_trials=6)


def test_training_in_several_places_is_told() -> None:
    _, runs = a_leaderboard(PLAIN)
    (first, second) = [record for record, _ in runs.values()]
    elsewhere = second.model_copy(update={"provenance": second.provenance.model_copy(update={"torch_device": "cuda"})})

    assert budget_words([first, elsewhere], num_trials=6).endswith(
        "Trained on cpu (1 thread) and cuda (1 thread): compare training seconds with care."
    )


def test_budget_counts_the_seeds_of_a_row() -> None:
    _, runs = a_leaderboard(PLAIN, BoardRow({2: [0.5, 0.7]}, constraint="clip"))

    assert "1–2 seeds × 2 chips" in budget_words([record for record, _ in runs.values()], num_trials=6)


def test_student_is_the_one_of_the_hand_worked_numbers() -> None:
    assert student_t(1) == pytest.approx(12.7062, abs=1e-4)
    assert crossed_interval(np.array([[0.5, 0.7], [0.6, 0.8]])).mean == pytest.approx(0.65)


def test_accuracies_beside_other_data_owe_a_share_to_the_test_images() -> None:
    board = board_of(PLAIN, VANILLA)
    known = board.assign(**{c.NUM_TEST_IMAGES: 400, c.MEAN: [0.9, 0.5], c.PUBLISHED_ACCURACY: [0.95, float("nan")]})

    # 1.96 sqrt(0.9 * 0.1/400) = 0.0294; the row without a published figure does not count
    assert published_words(known).endswith(
        "Beside other data our accuracies owe up to ± 2.9 points more to their 400 test images."
    )
    assert "test images" not in published_words(board)


# ---------------------------------------------------------------- mapping and programming
WRITTEN = BoardRow(PLAIN.chips, costs=(8, 4.0, 0.0))
VERIFIED = BoardRow({0: [0.9, 0.92], 1: [0.88, 0.9]}, scheme="~write_verify", costs=(8, 30.0, 30.0))
DEARER = BoardRow({0: [0.8, 0.82], 1: [0.8, 0.8]}, scheme="~copies=2~write_verify", costs=(16, 60.0, 60.0))
SCHEMES = (WRITTEN, VERIFIED, DEARER)


def test_row_of_a_scheme_has_its_costs_and_whether_it_is_on_the_front() -> None:
    board = board_of(*SCHEMES)

    rows = {str(series): row_of(board, str(series)) for series in column(board, c.VARIANT)}
    assert {series: tuple(row[name] for name in (c.DEVICES, c.PULSES, c.READS)) for series, row in rows.items()} == {
        "noise_injection+none": (8.0, 4.0, 0.0),
        "noise_injection+none~write_verify": (8.0, 30.0, 30.0),
        "noise_injection+none~copies=2~write_verify": (16.0, 60.0, 60.0),
    }
    # the third is dearer than the second and keeps less
    assert column(board, c.ON_FRONT) == [1.0, 0.0, 1.0]
    assert row_of(board, "noise_injection+none~copies=2~write_verify")[c.LABEL] == (
        "Noise injection; copies=2, write_verify"
    )


def test_differences_of_schemes_are_to_the_plain_training_on_usual_chips_without_published_figures() -> None:
    board = board_of(*SCHEMES)

    assert default_reference(board) == "noise_injection+none"
    # a published network was trained at the sigma_d at which it stands
    assert board[c.PUBLISHED_ACCURACY].isna().all()


def test_board_whose_rows_share_one_scheme_is_one_of_trainings() -> None:
    shared = "~residual"
    rows = [replace(row, scheme=shared) for row in (PLAIN, CLIPPED, VANILLA)]
    plan, runs = a_leaderboard(*rows)
    # as `neft sweep leaderboard --programming residual` plans them
    entries = [entry.model_copy(update={"series": entry.series.removesuffix(shared)}) for entry in plan.entries]
    board = leaderboard_table(entries, runs, sigma_d=0.2)

    assert default_reference(board) == "noise_injection+none"
    assert column(board, c.LABEL) == ["Noise injection, clipped weights", "Noise injection", "Vanilla"]
    assert board[c.PUBLISHED_ACCURACY].notna().any()
    (place,) = board_places(
        [plan.model_copy(update={"entries": tuple(entries)})], {run_id: record for run_id, (record, _) in runs.items()}
    )
    assert not place.has_schemes


def test_row_whose_costs_nobody_recorded_is_on_no_front() -> None:
    unknown = BoardRow({0: [0.99, 0.99], 1: [0.99, 0.99]}, method="irs")
    board = board_of(unknown, *SCHEMES)

    assert isnan(board[c.PULSES].iloc[0])
    assert isnan(board[c.ON_FRONT].iloc[0])
    assert column(board, c.ON_FRONT)[1:] == [1.0, 0.0, 1.0]


def test_rows_of_one_cost_have_no_front() -> None:
    assert board_of(PLAIN, CLIPPED)[c.ON_FRONT].isna().all()
    assert board_of(WRITTEN, BoardRow(CLIPPED.chips, constraint="clip", costs=(8, 4.0, 0.0)))[c.ON_FRONT].isna().all()


def test_place_of_schemes_is_one_of_its_own_and_counts_seeds_of_a_row() -> None:
    plan, runs = a_leaderboard(*SCHEMES, name="schemes_digits")
    (place,) = board_places([plan], {run_id: record for run_id, (record, _) in runs.items()})

    assert place.key.endswith("_schemes")
    assert place.words == "Digits 8×8, MLP, 4 × 128, RRAM1, under every mapping and programming"
    said = budget_words([record for record, _ in runs.values()], num_trials=6, has_schemes=True)
    assert "2 seeds × 2 chips; each training is one" in said
    assert "trials" not in said
