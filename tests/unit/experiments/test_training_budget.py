"""What the experiment on the training budget plans."""

from collections import defaultdict
from dataclasses import replace

import pytest

from neft.config import RunConfig
from neft.constraints import Clip, NoConstraint
from neft.datasets.digits import Digits
from neft.datasets.image_folder import ImageFolder
from neft.errors import ConfigError
from neft.experiments.planning import Scale
from neft.experiments.presets import ABLATION_SCALE, PRESETS
from neft.experiments.questions import setting_values, setting_words
from neft.experiments.training_budget import EPOCH_FACTORS, SERIES, training_budget
from neft.methods import Irs, NoiseInjection, Ovf
from neft.tables import Budget

ONE_SEED = replace(ABLATION_SCALE, num_seeds=1)


def configs(scale: Scale = ONE_SEED) -> dict[tuple[str, str], RunConfig]:
    """What is trained, by series and setting."""
    return {
        (standing.series, standing.setting): one.config
        for one in training_budget(scale, lambda _run_id: None)
        for standing in one.standings
    }


def test_every_series_is_trained_at_every_learning_rate_and_length() -> None:
    lengths = [factor * ABLATION_SCALE.base.training.epochs for factor in EPOCH_FACTORS]
    wanted = {(rate, epochs) for rate in ABLATION_SCALE.learning_rates for epochs in lengths}
    found: dict[str, set[tuple[float, int]]] = defaultdict(set)
    for (series, _), config in configs().items():
        found[series].add((config.training.learning_rate, config.training.epochs))

    assert found == {series: wanted for series, _, _ in SERIES}
    assert len(configs()) == len(SERIES) * len(wanted)


def test_series_are_the_reference_the_temperatures_the_methods_and_clipped_weights() -> None:
    found = {series: (config.method, config.constraint) for (series, _), config in configs().items()}

    plain = NoConstraint()
    assert found == {
        "noise_injection": (NoiseInjection(), plain),
        "noise_injection_t4": (NoiseInjection(temperature=4), plain),
        "noise_injection_t16": (NoiseInjection(temperature=16), plain),
        "irs": (Irs(), plain),
        "ovf_first_pass": (Ovf(feedback_moves_batchnorm=False), plain),
        "noise_injection_t4_clip1.5": (NoiseInjection(temperature=4), Clip(alpha=1.5)),
    }


def test_learning_rate_epochs_and_images_are_read_off_the_key() -> None:
    for (_, setting), config in configs().items():
        rate, epochs, images = setting_values("training_budget", setting)
        assert (rate, epochs, images) == (config.training.learning_rate, config.training.epochs, 1000)
        assert setting_words("training_budget", setting) == f"lr {rate:g}, {epochs:g} epochs"


def test_all_are_tested_where_they_were_trained_and_keep_no_weights() -> None:
    for one in training_budget(ONE_SEED, lambda _run_id: None):
        assert one.config.training.sigma_d == 0.1
        assert one.config.evaluation.sigma_ds == (0.0, 0.1)
        assert not one.keep_weights


@pytest.mark.parametrize(("name", "batch_size"), [("training_budget", 128), ("training_budget_fashion", 64)])
def test_presets_make_480_steps_and_four_times_as_many(name: str, batch_size: int) -> None:
    budgets = {
        Budget(rate, int(epochs), int(images), one.config.training.batch_size)
        for one in PRESETS[name].plan()
        for standing in one.standings
        for rate, epochs, images in [setting_values("training_budget", standing.setting)]
    }

    assert {one.num_steps for one in budgets} == {480, 1920}
    assert {one.batch_size for one in budgets} == {batch_size}


@pytest.mark.parametrize("max_train", [100, 1500])
def test_images_are_those_that_an_epoch_has(max_train: int) -> None:
    base = ONE_SEED.base.model_copy(update={"dataset": Digits(max_train=max_train)})

    keys = {setting for _, setting in configs(replace(ONE_SEED, base=base))}

    assert {setting_values("training_budget", key)[2] for key in keys} == {min(max_train, 1000)}


def test_images_that_nobody_has_counted_are_asked_for() -> None:
    folder = ImageFolder(path="pictures")
    base = ONE_SEED.base.model_copy(update={"dataset": folder})
    counted = ONE_SEED.base.model_copy(update={"dataset": folder.model_copy(update={"max_train": 50})})

    with pytest.raises(ConfigError, match=r"counts training steps, .* 'image_folder' .* --max-train"):
        configs(replace(ONE_SEED, base=base))

    assert {setting_values("training_budget", key)[2] for _, key in configs(replace(ONE_SEED, base=counted))} == {50}
