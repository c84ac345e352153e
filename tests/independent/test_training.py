"""A whole training a second time: batches, chips, losses, gradients by differences, Adam's steps, the learning rate."""

import numpy as np
import pytest
import torch

from neft.config import RunConfig, TrainingConfig
from neft.datasets.base import ImageData, Split
from neft.networks.backbones import Mlp
from neft.networks.network import InputShape, build_network, initialise
from neft.training.loop import train
from tests.independent.naive import losses as naive
from tests.independent.naive.losses import Weights
from tests.independent.naive.training import Adam, initial_std, learning_rate
from tests.independent.test_losses import stds_of
from tests.independent.test_whole_chain import derived

SEED, EPOCHS, BATCH, RATE, SIGMA_D = 7, 3, 4, 0.01, 0.1
CLASSES, FEATURES, UNITS, COUNT = 3, 4, 9, 13
"""One image more than whole batches hold: a batch of one is left out.

So many units that no image leaves a whole layer silent: the next one, whose biases begin at 0, would stand at the kink
of its ReLUs, where a difference is no gradient.
"""


def data() -> ImageData:
    rng = np.random.default_rng(0)

    def split() -> Split:
        inputs = torch.tensor(rng.normal(size=(COUNT, FEATURES)), dtype=torch.float32)
        return Split(images=inputs, labels=torch.tensor(rng.integers(CLASSES, size=COUNT)))

    still, one = (0.0,) * FEATURES, (1.0,) * FEATURES
    return ImageData(split(), split(), split(), ("a", "b", "c"), maximum=1, mean=still, std=one)


def rng_of(*path: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(derived(SEED, *path))


def run(values: Weights, images: naive.Array) -> naive.Array:
    """Two hidden layers with ReLU."""
    for name in ("backbone.stages.0.1", "backbone.stages.1.0"):
        images = np.maximum(images @ values[f"{name}.weight"].T + values[f"{name}.bias"], 0.0)
    return images @ values["backbone.classifier.weight"].T + values["backbone.classifier.bias"]


def trained(start: Weights, split: Split) -> tuple[Weights, list[float]]:
    """Noise injection at T = 2 by hand: the values in the end, and the mean loss of each epoch."""
    values, adam, means = start, Adam(), []
    images, labels = split.images.double().numpy(), split.labels.numpy()
    for epoch in range(1, EPOCHS + 1):
        chips, total, seen = rng_of("training_chips", epoch), 0.0, 0
        for chosen in torch.randperm(COUNT, generator=rng_of("order", epoch)).split(BATCH):
            if len(chosen) < 2:
                continue
            layers = {name: value for name, value in values.items() if name.endswith("weight")}
            normals = {
                name: torch.randn(value.shape, generator=chips).double().numpy() for name, value in layers.items()
            }
            stds = stds_of(layers, "rram1")
            missed = {name: SIGMA_D * stds[name] * normals[name] for name in layers}
            batch, truth = images[chosen.numpy()], labels[chosen.numpy()].tolist()

            def loss(
                at: Weights, missed: Weights = missed, batch: naive.Array = batch, truth: list[int] = truth
            ) -> float:
                return naive.cross_entropy(run(naive.plus(at, missed), batch) / 2.0, truth)

            total, seen = total + loss(values) * len(truth), seen + len(truth)
            values = adam.step(values, naive.gradient(loss, values), learning_rate(RATE, epoch, EPOCHS))
        means.append(total / seen)
    return values, means


def test_a_training_of_the_same_draws() -> None:
    """NeFT, section 4: Adam and half a cosine, a fresh chip in every step, noise-free weights updated."""
    config = RunConfig.make(
        backbone=Mlp(hidden_layers=2, hidden_units=UNITS),
        method={"name": "noise_injection", "temperature": 2.0},
        training=TrainingConfig(
            epochs=EPOCHS,
            batch_size=BATCH,
            learning_rate=RATE,
            seed=SEED,
            sigma_d=SIGMA_D,
            keep_best=False,
            validation_instances=1,
        ),
    )
    network = build_network(config.backbone, InputShape(FEATURES, 1, CLASSES, num_axes=0))
    initialise(network, rng_of("initial_weights"))
    start = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    values, means = trained(start, data().train)

    found = train(config, data())

    assert [row["loss"] for row in found.history] == pytest.approx(means, rel=1e-5)
    assert [row["learning_rate"] for row in found.history] == pytest.approx(
        [learning_rate(RATE, epoch, EPOCHS) for epoch in range(1, EPOCHS + 1)]
    )
    for name, value in found.network.named_parameters():
        assert value.detach().numpy() == pytest.approx(values[name], abs=2e-5)
        if name.endswith("weight"):
            assert abs(values[name] - start[name]).max() > 0.01, "it was trained"


def test_initial_weights() -> None:
    """Kaiming-normal by fan-out; five standard errors of a std."""
    network = build_network(Mlp(hidden_layers=1, hidden_units=200), InputShape(100, 1, 10, num_axes=0))
    initialise(network, torch.Generator().manual_seed(0))

    for name, value in network.named_parameters():
        if name.endswith("bias"):
            assert not value.any()
        else:
            expected = initial_std(len(value))
            assert float(value.detach().std()) == pytest.approx(expected, rel=5 / (2 * value.numel()) ** 0.5)
