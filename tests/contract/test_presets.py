"""What the named experiments plan."""

from collections import Counter

import pytest

from neft.backbones import Mlp, Vgg8
from neft.config import EvaluationConfig, RunConfig
from neft.methods import FeedbackMethod
from neft.presets import PRESETS, SEEDS, first_look, smoke


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_no_run_is_planned_twice(name: str) -> None:
    ids = [planned.config.run_id for planned in PRESETS[name].plan()]

    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_planned_config_is_valid_and_survives_json_text(name: str) -> None:
    for planned in PRESETS[name].plan():
        assert RunConfig.from_json(planned.config.to_json()) == planned.config


def test_first_look_is_186_runs() -> None:
    # without noise: 2 backbones x 3 seeds = 6
    # against sigma_d: 2 backbones x 3 sigma_d x 4 methods x 3 seeds = 72
    # decay factors: 2 backbones x 2 methods x (1 + 3 N x 3 schedules) x 3 seeds = 120, less the 2 x 2 x 3 = 12 of the
    # papers' own N = 3, which are among the 72
    assert len(first_look()) == 6 + 72 + 120 - 12 == 186


def test_first_look_compares_all_methods_on_both_backbones() -> None:
    kept = [planned.config for planned in first_look() if planned.keep_weights]
    counts = Counter((config.backbone.short_name, config.method.variant, config.train_sigma_d) for config in kept)

    variants = ("noise_injection", "noise_injection_t4", "ovf", "irs")
    expected = {("mlp4x128", variant, sigma_d) for variant in variants for sigma_d in (0.1, 0.2, 0.3)}
    expected |= {("vgg8w4", variant, sigma_d) for variant in variants for sigma_d in (0.05, 0.1, 0.2)}
    expected |= {("mlp4x128", "vanilla", 0.0), ("vgg8w4", "vanilla", 0.0)}
    assert counts == dict.fromkeys(expected, len(SEEDS))


def test_first_look_has_every_number_of_terms_and_schedule_at_sigma_01() -> None:
    found = {
        (
            config.backbone.short_name,
            config.method.name,
            config.method.num_feedback,
            config.method.decay,
            config.training.seed,
        )
        for config in (planned.config for planned in first_look())
        if isinstance(config.method, FeedbackMethod) and config.train_sigma_d == 0.1
    }

    cells = [(1, "paper"), *((n, decay) for n in (2, 3, 4) for decay in ("paper", "reversed", "constant"))]
    assert found == {
        (backbone, method, *cell, seed)
        for backbone in ("mlp4x128", "vgg8w4")
        for method in ("ovf", "irs")
        for cell in cells
        for seed in SEEDS
    }


def test_first_look_meets_the_same_chips_everywhere() -> None:
    evaluations = [planned.config.evaluation for planned in first_look()]

    assert {(evaluation.seed, evaluation.num_instances) for evaluation in evaluations} == {(0, 200)}
    assert {evaluation.sigma_ds for evaluation in evaluations} == {EvaluationConfig().sigma_ds, (0.0, 0.1)}


def test_first_look_shows_the_papers_networks_narrowed() -> None:
    assert {planned.config.backbone.short_name for planned in first_look()} == {
        Mlp().short_name,
        Vgg8(width=0.25).short_name,
    }


def test_smoke_is_two_short_runs() -> None:
    assert [planned.config.training.epochs for planned in smoke()] == [2, 2]
