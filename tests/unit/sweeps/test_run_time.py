"""How long runs take, from hand-made records of what runs took."""

import math
from typing import Any

import pytest

from neft.config import RunConfig
from neft.options import make_config
from neft.runs.records import RunRecord
from neft.sweeps import run_time
from neft.sweeps.run_time import Estimate, Past
from tests.stored_experiments import a_record

SECONDS_A_PASS, SECONDS_A_MULTIPLICATION = 2e-3, 5e-11
"""What the machine of these records needs."""


def a_config(**values: Any) -> RunConfig:
    return make_config({"backbone": "vgg8", "width": 0.125, "method": "ovf", "epochs": 5, "num_instances": 20} | values)


def true_seconds(config: RunConfig) -> dict[str, float]:
    """What a machine takes that knows passes and multiplications alone."""
    found: dict[str, float] = {}
    for phase in run_time.PHASES:
        counted = run_time.work(config, phase)
        assert counted is not None
        found[phase] = SECONDS_A_PASS * counted.passes + SECONDS_A_MULTIPLICATION * counted.multiplications
    return found


def a_run(config: RunConfig, *, slower: float = 1.0, created: str = "2026-01-01T00:00:00+00:00") -> RunRecord:
    """A record of a run on that machine, or on one that is slower by a factor."""
    record = a_record(config.run_id)
    seconds = {f"{phase}_seconds": slower * taken for phase, taken in true_seconds(config).items()}
    provenance = record.provenance.model_copy(update={**seconds, "created": created})
    return record.model_copy(update={"config": config.model_dump(mode="json"), "provenance": provenance})


def many() -> list[RunRecord]:
    """Runs of several sizes, enough of each method."""
    return [
        a_run(a_config(width=width, method=method, epochs=epochs, max_test=max_test))
        for width in (0.125, 0.0625)
        for method in ("ovf", "irs", "noise_injection")
        for epochs in (5, 10, 15)
        for max_test in (100, 300)
    ]


def estimated(config: RunConfig, records: list[RunRecord], own: set[str] | None = None) -> Estimate:
    found = run_time.estimate(config, run_time.past(records, own or set()))
    assert found is not None
    return found


# ---------------------------------------------------------------- counting
def test_multiplications_are_those_of_the_layers() -> None:
    config = a_config(
        backbone="mlp", width=None, hidden_layers=2, hidden_units=16, num_instances=3, test_sigma_d="0,0.1"
    )

    counted = run_time.work(config, "evaluation")

    one_image = 64 * 16 + 16 * 16 + 16 * 10
    assert counted is not None
    # 397 test images without variation and on 3 chips; 400 validation images on the 8 chips of the calibration
    assert counted.multiplications == one_image * (397 * (1 + 3) + 400 * 8)
    assert counted.passes == 1 + 3 + 8


def test_training_counts_epochs_feedback_passes_and_validation() -> None:
    config = a_config(
        backbone="mlp", width=None, hidden_layers=2, hidden_units=16, num_feedback=3, validation_instances=5
    )

    counted = run_time.work(config, "training")

    one_image, steps, chips = 64 * 16 + 16 * 16 + 16 * 10, 8, 1 + 5
    assert counted is not None
    assert counted.passes == 5 * (4 * steps + chips)
    assert counted.multiplications == 5 * one_image * (3 * 4 * 1000 + chips * 400)


@pytest.mark.parametrize(
    ("changed", "phase"),
    [
        ({"epochs": 10}, "training"),
        ({"num_feedback": 4}, "training"),
        ({"width": 0.25}, "training"),
        ({"image_size": 16}, "training"),
        ({"width": 0.25}, "evaluation"),
        ({"num_instances": 40}, "evaluation"),
        ({"test_sigma_d": "0:0.5:0.05"}, "evaluation"),
    ],
)
def test_more_of_anything_takes_longer(changed: dict[str, Any], phase: run_time.Phase) -> None:
    little, much = run_time.work(a_config(), phase), run_time.work(a_config(**changed), phase)

    assert little is not None
    assert much is not None
    assert much.multiplications > little.multiplications


def test_fewer_images_take_less() -> None:
    little, much = run_time.work(a_config(max_train=200), "training"), run_time.work(a_config(), "training")

    assert little is not None
    assert much is not None
    assert little.multiplications < much.multiplications


def test_vanilla_training_draws_no_noise() -> None:
    counted = run_time.work(a_config(method="vanilla"), "training")

    assert counted is not None
    assert counted.draws == 0


def test_a_searched_sigma_d_is_trained_at_three_of_them_every_epoch() -> None:
    plain, searched = (
        run_time.work(a_config(method="right_censored", largest_sigma_d=largest), "training") for largest in (None, 0.4)
    )

    assert plain is not None
    assert searched is not None
    assert (searched.passes, searched.draws) == (3 * plain.passes, 3 * plain.draws)
    assert searched.multiplications == 3 * plain.multiplications


# ---------------------------------------------------------------- judging
@pytest.mark.parametrize(
    "changed",
    [{}, {"epochs": 60}, {"width": 0.25}, {"num_instances": 200}, {"backbone": "mlp", "width": None}],
    ids=str,
)
def test_machine_of_constant_speed_is_foretold(changed: dict[str, Any]) -> None:
    config = a_config(seed=9, **changed)

    found = estimated(config, many())

    seconds = true_seconds(config)
    assert found.training == pytest.approx(seconds["training"], rel=0.1)
    assert found.evaluation == pytest.approx(seconds["evaluation"], rel=0.1)
    assert found.low <= sum(seconds.values()) <= found.high


def test_range_is_the_spread_of_the_runs_most_alike() -> None:
    records = [a_run(a_config(seed=seed), slower=1.0 if seed % 2 else 3.0) for seed in range(10)]

    found = estimated(a_config(seed=11), records)

    typical = sum(true_seconds(a_config()).values())
    assert found.low == pytest.approx(typical, rel=0.05)
    assert found.high == pytest.approx(3 * typical, rel=0.05)
    assert (found.num_runs, found.like) == (10, "of this method on this backbone and data set")


@pytest.mark.parametrize(
    ("changed", "like"),
    [
        ({"method": "vanilla"}, "of this backbone on this data set"),
        ({"dataset": "mnist", "image_size": 8}, "of this backbone"),
        ({"width": 0.25}, "of this backbone at other widths"),
        ({"backbone": "mlp", "width": None}, "of other backbones"),
    ],
)
def test_less_alike_runs_are_asked_where_there_are_no_others(changed: dict[str, Any], like: str) -> None:
    assert estimated(a_config(**changed), many()).like == like


def test_own_runs_tell_how_fast_this_machine_is() -> None:
    own = a_run(a_config(seed=5), slower=4.0)
    config = a_config(seed=9)

    found = estimated(config, [*many(), own], {own.id})

    assert found.typical == pytest.approx(4 * sum(true_seconds(config).values()), rel=0.1)
    assert found.num_own == 1
    assert run_time.in_words(found).endswith("at the pace of your own run")


def test_enough_own_runs_are_asked_alone() -> None:
    own = [a_run(a_config(seed=20 + seed), slower=2.0) for seed in range(run_time.ENOUGH)]
    config = a_config(seed=9)

    found = estimated(config, [*many(), *own], {record.id for record in own})

    assert found.typical == pytest.approx(2 * sum(true_seconds(config).values()), rel=0.1)
    assert (found.num_runs, found.num_own) == (run_time.ENOUGH, run_time.ENOUGH)


def test_run_longer_than_all_others_has_a_wider_range() -> None:
    near, far = estimated(a_config(epochs=10, seed=9), many()), estimated(a_config(epochs=1000, seed=9), many())

    assert far.high / far.typical > 1.3 * near.high / near.typical
    assert far.typical / far.low > 1.3 * near.typical / near.low


def test_nothing_is_said_without_stored_runs_or_of_images_not_seen() -> None:
    assert run_time.estimate(a_config(), run_time.past([], set())) is None
    assert run_time.estimate(a_config(dataset="image_folder", path="x"), run_time.past(many(), set())) is None


def test_unreadable_configs_are_left_out() -> None:
    broken = a_record("digits-mlp4x128-x-seed0-00000000").model_copy(update={"config": {"method": {"name": "gone"}}})

    past: Past = run_time.past([*many(), broken], set())

    assert len(past.runs) == len(many())


def test_weights_that_are_only_evaluated_cost_no_training() -> None:
    found = run_time.estimate(a_config(seed=9), run_time.past(many(), set()), trains=False)

    assert found is not None
    assert found.training == 0
    assert found.high < estimated(a_config(seed=9), many()).high


def test_runs_share_the_workers() -> None:
    one = estimated(a_config(seed=9), many())

    found = run_time.together([one] * 6, workers=3)

    assert found is not None
    assert found.typical == pytest.approx(2 * one.typical)
    assert run_time.together([]) is None
    alone = run_time.together([one], workers=3)
    assert alone is not None
    assert math.isclose(alone.typical, one.typical)
