"""What training promises, on networks that train in a blink."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neft import columns
from neft.config import RunConfig, TrainingConfig
from neft.constraints import BaseConstraint, Clip
from neft.datasets.base import ImageData, Split
from neft.errors import ConfigError, RunCorruptError, StoppedError, StoreError
from neft.methods import BaseMethod, Irs, NoiseInjection, TaughtMethod, Vanilla
from neft.metrics import METRICS, Predictions
from neft.networks.backbones import BaseBackbone, Mlp, Vgg8
from neft.networks.network import HEADS
from neft.runs import unfinished
from neft.seeding import generator
from neft.training import loop
from neft.training.loop import Hooks, Trained, TrainingState, learning_rate, shuffled_batches

SMALL = Mlp(hidden_layers=2, hidden_units=16)
BATCHES = 3
"""Steps of an epoch: 150 images in batches of 64."""


def a_config(method: BaseMethod | None = None, backbone: BaseBackbone = SMALL, **training: object) -> RunConfig:
    settings = {"epochs": 3, "batch_size": 64, "validation_instances": 2} | training
    return RunConfig.make(backbone=backbone, method=method or Vanilla(), training=settings)


def same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    return list(ours) == list(theirs) and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def close(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    """Equal but for the steps of 1e-30 that a rate of almost nothing takes from 0."""
    return list(ours) == list(theirs) and all(torch.allclose(ours[n], theirs[n], rtol=0, atol=1e-20) for n in ours)


def same_training(ours: Trained, theirs: Trained) -> bool:
    """Equal to the last bit, but for the seconds it took."""
    histories = [[{**row, columns.SECONDS: 0} for row in one.history] for one in (ours, theirs)]
    return (
        same(ours.network.state_dict(), theirs.network.state_dict())
        and histories[0] == histories[1]
        and ours.selected_epoch == theirs.selected_epoch
    )


def train(config: RunConfig, data: ImageData, **options: Any) -> Trained:
    """A training; of a method that learns from another network, with one of an epoch."""
    if isinstance(config.method, TaughtMethod):
        options["teacher"] = loop.train(a_config(Vanilla(), epochs=1), data).network
    return loop.train(config, data, **options)


def states_of(config: RunConfig, data: ImageData) -> tuple[Trained, list[TrainingState]]:
    states: list[TrainingState] = []
    trained = train(config, data, hooks=Hooks(on_epoch=lambda state: states.append(copy.deepcopy(state))))
    return trained, states


# ---------------------------------------------------------------- reproducible, and resumed
def test_same_seed_gives_the_same_training(method: BaseMethod, few_digits: ImageData) -> None:
    config = a_config(method, epochs=2)

    assert same_training(train(config, few_digits), train(config, few_digits))


def test_another_seed_gives_another_training(few_digits: ImageData) -> None:
    ours, theirs = (train(a_config(seed=seed, epochs=1), few_digits) for seed in (0, 1))

    assert not same(ours.network.state_dict(), theirs.network.state_dict())


def test_resumed_training_ends_as_the_uninterrupted_one(
    method: BaseMethod, few_digits: ImageData, tmp_path: Path
) -> None:
    """To the last bit, from every epoch on, through the file it is kept in."""
    config = a_config(method)
    whole, states = states_of(config, few_digits)

    for state in states:
        unfinished.save(config, state, tmp_path)
        resumed = train(config, few_digits, state=unfinished.load(config, tmp_path))
        assert same_training(resumed, whole)


def test_resumed_training_keeps_batchnorm_and_momenta(few_digits: ImageData, tmp_path: Path) -> None:
    config = a_config(Irs(num_feedback=2), Vgg8(width=1 / 32), epochs=2)
    whole, states = states_of(config, few_digits)

    unfinished.save(config, states[0], tmp_path)

    assert same_training(train(config, few_digits, state=unfinished.load(config, tmp_path)), whole)


def test_stop_raises_with_the_last_whole_epoch_kept(few_digits: ImageData) -> None:
    config = a_config()
    steps = iter(range(100))
    kept: list[TrainingState] = []
    hooks = Hooks(
        on_epoch=lambda state: kept.append(copy.deepcopy(state)), should_stop=lambda: next(steps) == 2 * BATCHES + 1
    )

    with pytest.raises(StoppedError, match="Stopped in epoch 3 of 3; 2 whole epochs are kept") as caught:
        train(config, few_digits, hooks=hooks)

    assert caught.value.epoch == kept[-1].epoch == 2
    assert same_training(train(config, few_digits, state=kept[-1]), train(config, few_digits))


def test_resumed_training_under_a_constraint_ends_as_the_uninterrupted_one(
    constraint: BaseConstraint, few_digits: ImageData, tmp_path: Path
) -> None:
    config = a_config(NoiseInjection()).model_copy(update={"constraint": constraint})
    whole, states = states_of(config, few_digits)

    for state in states:
        unfinished.save(config, state, tmp_path)
        assert same_training(train(config, few_digits, state=unfinished.load(config, tmp_path)), whole)


# ---------------------------------------------------------------- weight constraints
def test_a_constraint_comes_after_the_optimiser_and_leaves_its_moments_alone(few_digits: ImageData) -> None:
    """After one step on the same gradients, moments are those of the free training, weights its weights clamped.

    Those of snapshot heads too; biases and BatchNorm, which are digital, are free.
    """
    config = a_config(Irs(num_feedback=2), Vgg8(width=1 / 32), epochs=1, batch_size=150)
    held = config.model_copy(update={"constraint": Clip(alpha=1.2)})
    free, clipped = (states_of(one, few_digits)[1][0] for one in (config, held))
    expected = {name: weight.clone() for name, weight in free.weights.items()}
    Clip(alpha=1.2).hold({name: weight for name, weight in expected.items() if weight.dim() > 1})

    assert same(clipped.optimiser, free.optimiser)
    assert same(clipped.weights, expected)
    assert not same(clipped.weights, free.weights)


# ---------------------------------------------------------------- splits
def test_training_never_looks_at_the_test_split(method: BaseMethod, few_digits: ImageData) -> None:
    config = a_config(method, epochs=2)
    garbage = Split(images=255 - few_digits.test.images, labels=torch.zeros_like(few_digits.test.labels))
    nothing = Split(images=few_digits.test.images[:0], labels=few_digits.test.labels[:0])
    honest = train(config, few_digits)

    assert same_training(train(config, replace(few_digits, test=garbage)), honest)
    assert same_training(train(config, replace(few_digits, test=nothing)), honest)


def test_validation_split_moves_no_weight(few_digits: ImageData) -> None:
    """It chooses the epoch, and that alone."""
    config = a_config(keep_best=False, epochs=2)
    other = replace(few_digits, validation=few_digits.test)

    ours, theirs = (train(config, data).network.state_dict() for data in (few_digits, other))

    assert same(ours, theirs)


def test_best_epoch_on_validation_is_kept(few_digits: ImageData) -> None:
    config = a_config(NoiseInjection(), epochs=8, learning_rate=0.03, sigma_d=0.5)
    trained, states = states_of(config, few_digits)
    accuracies = [row[columns.VALIDATION_ACCURACY] for row in trained.history]

    # so much noise makes the accuracy go up and down; of equals the later epoch
    best = max(range(8), key=lambda index: (accuracies[index], index))
    assert trained.selected_epoch == best + 1 != 8
    assert same(trained.network.state_dict(), states[best].weights)


def test_last_epoch_is_kept_where_asked(few_digits: ImageData) -> None:
    config = a_config(NoiseInjection(), epochs=8, learning_rate=0.03, sigma_d=0.5, keep_best=False)
    trained, states = states_of(config, few_digits)

    assert trained.selected_epoch == 8
    assert same(trained.network.state_dict(), states[-1].weights)


def test_of_equally_good_epochs_the_last_is_kept(few_digits: ImageData) -> None:
    """At a rate of (almost) nothing all epochs are equally good."""
    assert train(a_config(learning_rate=1e-30), few_digits).selected_epoch == 3


def test_history_reports_validation_clean_and_on_chips(few_digits: ImageData) -> None:
    quiet = train(a_config(), few_digits)
    noisy = train(a_config(RunConfig().method, sigma_d=0.5), few_digits)

    assert [row[columns.EPOCH] for row in quiet.history] == [1, 2, 3]
    for row in quiet.history:
        assert row[columns.VALIDATION_ACCURACY] == row[columns.VALIDATION_CLEAN_ACCURACY]
    assert any(row[columns.VALIDATION_ACCURACY] != row[columns.VALIDATION_CLEAN_ACCURACY] for row in noisy.history)


# ---------------------------------------------------------------- what is deployed
def test_heads_are_dropped_from_the_deployed_network(few_digits: ImageData) -> None:
    trained, states = states_of(a_config(Irs(num_feedback=2), epochs=1), few_digits)

    assert any(name.startswith(HEADS) for name in states[-1].weights)
    assert not any(name.startswith(HEADS) for name in trained.network.state_dict())
    assert not trained.network.training


def test_vanilla_trains_alike_at_any_sigma_d(few_digits: ImageData) -> None:
    ours, theirs = (train(a_config(sigma_d=sigma_d), few_digits) for sigma_d in (0.0, 0.3))

    assert same_training(ours, theirs)


def test_methods_start_from_the_same_weights(few_digits: ImageData) -> None:
    """A rate of (almost) nothing leaves the start as it was."""
    ours, theirs = (
        train(a_config(method, epochs=1, learning_rate=1e-30), few_digits).network.state_dict()
        for method in (Vanilla(), Irs(num_feedback=2))
    )

    assert close(ours, theirs)


# ---------------------------------------------------------------- pretrained
def test_training_starts_from_pretrained_weights(few_digits: ImageData) -> None:
    weights = train(a_config(), few_digits).network.state_dict()

    started = train(a_config(seed=5, epochs=1, learning_rate=1e-30), few_digits, initial_weights=weights)

    assert close(started.network.state_dict(), weights)


def test_heads_start_fresh_beside_pretrained_weights(few_digits: ImageData) -> None:
    weights = train(a_config(epochs=1), few_digits).network.state_dict()

    started = train(a_config(Irs(num_feedback=2), epochs=1, learning_rate=1e-30), few_digits, initial_weights=weights)

    assert close(started.network.state_dict(), weights)


@pytest.mark.parametrize(
    "other", [Mlp(hidden_layers=2, hidden_units=8), Mlp(hidden_layers=3, hidden_units=16), Vgg8(width=1 / 32)]
)
def test_pretrained_weights_of_another_network_are_refused(other: BaseBackbone, few_digits: ImageData) -> None:
    weights = train(a_config(backbone=other, epochs=1), few_digits).network.state_dict()

    with pytest.raises(ConfigError, match="pretrained_run: its weights do not fit this network"):
        train(a_config(), few_digits, initial_weights=weights)


# ---------------------------------------------------------------- steps
def test_every_image_is_seen_once_an_epoch_in_another_order(few_digits: ImageData) -> None:
    few = Split(images=few_digits.train.images[:10], labels=torch.arange(10))
    orders = [
        torch.cat([labels for _, labels in shuffled_batches(few, few_digits, 4, generator(0, "order", epoch))]).tolist()
        for epoch in (1, 2)
    ]

    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_every_epoch_sees_fresh_chips(few_digits: ImageData) -> None:
    """All images in one batch and weights that stand still: only the chip can change the loss."""
    config = a_config(NoiseInjection(), batch_size=150, learning_rate=1e-30, sigma_d=0.3)

    losses = [row[columns.LOSS] for row in train(config, few_digits).history]

    assert len(set(losses)) == 3


def test_every_epoch_is_batched_anew(few_digits: ImageData) -> None:
    """Without noise and with weights that stand still, only who shares a batch can change BatchNorm's statistics."""
    config = a_config(backbone=Vgg8(width=1 / 32), learning_rate=1e-30)

    losses = [row[columns.LOSS] for row in train(config, few_digits).history]

    assert len(set(losses)) == 3


def test_last_batch_of_one_image_is_left_out(few_digits: ImageData) -> None:
    nine = Split(images=few_digits.train.images[:9], labels=few_digits.train.labels[:9])

    assert [len(labels) for _, labels in shuffled_batches(nine, few_digits, 4, generator(0))] == [4, 4]


def test_rate_falls_by_half_a_cosine() -> None:
    config = a_config(learning_rate=0.1)

    # cos(pi/3) = 1/2: 0.1 * (1 + 1/2)/2 = 0.075
    rates = [learning_rate(config, progress) for progress in (0.0, 1 / 3, 1 / 2, 1.0)]

    assert rates == pytest.approx([0.1, 0.075, 0.05, 0])


def test_training_learns_digits(digits: ImageData) -> None:
    config = RunConfig(
        backbone=Mlp(hidden_layers=2, hidden_units=32),
        training=TrainingConfig(epochs=12, learning_rate=5e-3, batch_size=64),
    )
    network = train(config, digits).network

    with torch.no_grad():
        predictions = Predictions.from_logits(network(digits.normalise(digits.test.images)), digits.test.labels)

    # 397 images: five standard errors of an accuracy of 0.9 are 0.075
    assert float(METRICS["accuracy"].compute(predictions)) > 0.9 - 5 * sqrt(0.9 * 0.1 / 397)


# ---------------------------------------------------------------- the state on disk
def test_nothing_unfinished_is_none(tmp_path: Path) -> None:
    assert unfinished.load(a_config(), tmp_path) is None
    assert not unfinished.exists(a_config(), tmp_path)


def test_state_survives_its_file(few_digits: ImageData, tmp_path: Path) -> None:
    config = a_config()
    _, states = states_of(config, few_digits)
    unfinished.save(config, states[1], tmp_path)

    loaded = unfinished.load(config, tmp_path)

    assert loaded is not None
    assert (loaded.epoch, loaded.best_epoch, loaded.history) == (2, states[1].best_epoch, states[1].history)
    for part in unfinished.PARTS:
        assert same(dict(sorted(getattr(loaded, part).items())), dict(sorted(getattr(states[1], part).items())))


def test_discarded_state_is_gone(tmp_path: Path) -> None:
    unfinished.save(a_config(), TrainingState(), tmp_path)
    unfinished.discard(a_config(), tmp_path)
    unfinished.discard(a_config(), tmp_path)

    assert not unfinished.exists(a_config(), tmp_path)


def test_state_that_cannot_be_read_is_corrupt(tmp_path: Path) -> None:
    unfinished.save(a_config(), TrainingState(), tmp_path)
    (unfinished.folder(a_config(), tmp_path) / unfinished.STATE).write_bytes(b"nothing")

    with pytest.raises(RunCorruptError, match="cannot be read as weights"):
        unfinished.load(a_config(), tmp_path)


def test_state_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        unfinished.save(a_config(), TrainingState(), tmp_path / "file")


def test_state_lies_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "mine"))

    assert unfinished.folder(a_config()) == tmp_path / "mine" / "unfinished" / a_config().run_id
