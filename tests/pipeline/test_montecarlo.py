"""What Monte Carlo promises."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from neft import columns
from neft.backbones import BaseBackbone, Mlp
from neft.datasets.base import ImageData
from neft.devices import BaseDevice, Rram1
from neft.errors import StoppedError
from neft.mapping import BitSlicing
from neft.metrics import METRICS
from neft.montecarlo import ChipLaw, DeployedNetwork, evaluate, layer_deviations, plain_logits
from neft.network import InputShape, Network, build_network, initialise
from neft.noise import Sampler
from neft.seeding import generator

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
LAW = ChipLaw(device=Rram1(), mapping=BitSlicing())
IMAGES = torch.randn(16, 1, 8, 8, generator=generator(0, "images"))


def lively(backbone: BaseBackbone, seed: int = 0) -> Network:
    """A network as after some training: BatchNorm's statistics and factors are not the first ones."""
    network = build_network(backbone, SHAPE)
    rng = generator(seed, "lively")
    initialise(network, rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.data.uniform_(0.5, 1.5, generator=rng)
    return network.eval()


@pytest.fixture(scope="module")
def network() -> Network:
    return lively(Mlp(hidden_layers=2, hidden_units=16))


@pytest.mark.parametrize("sampler", ["exact", "one_factor"])
@pytest.mark.parametrize("quantise", [True, False], ids=["codes", "real"])
def test_fast_path_equals_the_plain_one(
    backbone: BaseBackbone, device: BaseDevice, sampler: Sampler, quantise: bool
) -> None:
    network = lively(backbone)
    law = ChipLaw(device=device, mapping=BitSlicing(), sampler=sampler, quantise=quantise)
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law)
        deployed.draw(3, 7)
        for sigma_d in (0.0, 0.1, 0.3, 0.1):  # programming leaves nothing behind
            deployed.program(sigma_d=sigma_d)
            fast = deployed.logits(IMAGES)
            plain = plain_logits(network, IMAGES, law, sigma_d=sigma_d, seed=3, instance=7)
            torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


def test_evaluation_leaves_the_network_alone(network: Network, few_digits: ImageData) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    evaluate(network, few_digits, LAW, sigma_ds=(0.1,), num_instances=2, seed=0)

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_one_row_for_each_sigma_d_and_instance(network: Network, few_digits: ImageData) -> None:
    rows = evaluate(network, few_digits, LAW, sigma_ds=(0.0, 0.1, 0.2), num_instances=4, seed=0)

    assert list(rows.columns) == [columns.SIGMA_D, columns.INSTANCE, *METRICS]
    cells = rows[[columns.SIGMA_D, columns.INSTANCE]].to_numpy().tolist()
    assert cells == [[sigma_d, instance] for sigma_d in (0.0, 0.1, 0.2) for instance in range(4)]
    assert rows[columns.ACCURACY].between(0, 1).all()


def test_chips_without_variation_are_all_alike(network: Network, few_digits: ImageData) -> None:
    rows = evaluate(network, few_digits, LAW, sigma_ds=(0.0, 0.2), num_instances=5, seed=0)

    quiet, noisy = (rows[rows[columns.SIGMA_D] == sigma_d][list(METRICS)] for sigma_d in (0.0, 0.2))
    assert len(quiet.drop_duplicates()) == 1
    assert len(noisy.drop_duplicates()) == 5


def test_instance_is_the_same_chip_however_many_are_drawn(network: Network, few_digits: ImageData) -> None:
    few = evaluate(network, few_digits, LAW, sigma_ds=(0.2,), num_instances=8, seed=0)
    many = evaluate(network, few_digits, LAW, sigma_ds=(0.1, 0.2), num_instances=12, seed=0)

    shared = many[(many[columns.SIGMA_D] == 0.2) & (many[columns.INSTANCE] < 8)].reset_index(drop=True)
    pd.testing.assert_frame_equal(few, shared)


def test_another_chip_seed_gives_other_chips(network: Network, few_digits: ImageData) -> None:
    ours, theirs = (evaluate(network, few_digits, LAW, sigma_ds=(0.2,), num_instances=3, seed=seed) for seed in (0, 1))

    assert not ours.equals(theirs)


def test_another_split_may_be_asked_for(network: Network, few_digits: ImageData) -> None:
    rows = {
        name: evaluate(network, few_digits, LAW, sigma_ds=(0.0,), num_instances=1, seed=0, split=split)
        for name, split in (("default", None), ("test", few_digits.test), ("train", few_digits.train))
    }

    pd.testing.assert_frame_equal(rows["default"], rows["test"])
    assert not rows["train"].equals(rows["test"])


def test_watcher_hears_of_every_chip_and_may_stop(network: Network, few_digits: ImageData) -> None:
    heard: list[int] = []

    with pytest.raises(StoppedError, match="Stopped after 2 of 5 chips"):
        evaluate(
            network,
            few_digits,
            LAW,
            sigma_ds=(0.1,),
            num_instances=5,
            seed=0,
            on_instance=lambda done, _accuracy: heard.append(done),
            should_stop=lambda: len(heard) == 2,
        )

    assert heard == [1, 2]


# ---------------------------------------------------------------- deviations layer by layer
def test_layers_miss_as_far_as_the_closed_form_says(device: BaseDevice, network: Network) -> None:
    law = ChipLaw(device=device, mapping=BitSlicing())
    layers, _ = layer_deviations(network, law, seed=0)
    weights = network.device_weights()
    stds = law.deploy({name: weight.detach() for name, weight in weights.items()}).stds

    for row, (name, weight) in zip(layers.to_dict("records"), weights.items(), strict=True):
        relative = (stds[name] / weight.abs().max().item()).expand_as(weight).double()
        # the mean square ms of N independent normals of stds s_i has variance 2 mean(s^4)/N; its root 1/(4 ms) of it
        mean_square = float(relative.square().mean())
        error = sqrt(2 * float(relative.pow(4).mean()) / (8 * weight.numel()) / (4 * mean_square))
        assert row[columns.CLOSED_FORM_STD] == pytest.approx(sqrt(mean_square))
        assert abs(row[columns.REALISED_STD] - row[columns.CLOSED_FORM_STD]) < 5 * error


def test_uniform_devices_layers_all_miss_by_c(network: Network) -> None:
    layers, _ = layer_deviations(network, LAW, seed=0)

    assert layers[columns.CLOSED_FORM_STD].to_numpy() == pytest.approx(0.777628, abs=1e-6)


def test_layers_are_named_and_described(network: Network) -> None:
    layers, _ = layer_deviations(network, LAW, seed=0)
    first = network.device_weights()["backbone.stages.0.1.weight"].detach().double()

    assert list(layers[columns.LAYER]) == ["stages.0.1", "stages.1.0", "classifier"]
    assert list(layers[columns.NUM_WEIGHTS]) == [64 * 16, 16 * 16, 16 * 10]
    assert layers[columns.W_MAX][0] == pytest.approx(float(first.abs().max()))
    assert layers[columns.RMS_WEIGHT][0] == pytest.approx(float(first.square().mean().sqrt()))
    magnitude = first.abs() / first.abs().max()
    assert layers[columns.MIDDLE_SHARE][0] == pytest.approx(
        float(((magnitude > 0.25) & (magnitude < 0.75)).double().mean())
    )


def test_densities_integrate_to_one(device: BaseDevice, network: Network) -> None:
    _, histograms = layer_deviations(network, ChipLaw(device=device, mapping=BitSlicing()), seed=0)

    width = histograms[columns.BIN_RIGHT] - histograms[columns.BIN_LEFT]
    for density in (columns.DENSITY, columns.CLOSED_FORM_DENSITY):
        areas = (histograms[density] * width).groupby(histograms[columns.LAYER]).sum()
        # bins end at five of the layer's stds: of a mixture some more of the widest Gaussian lies beyond
        assert areas.between(0.985, 1 + 1e-9).all()


def test_sampled_density_follows_the_closed_form(device: BaseDevice, network: Network) -> None:
    layers, histograms = layer_deviations(network, ChipLaw(device=device, mapping=BitSlicing()), seed=0)
    samples = histograms[columns.LAYER].map(8 * layers.set_index(columns.LAYER)[columns.NUM_WEIGHTS])
    width = histograms[columns.BIN_RIGHT] - histograms[columns.BIN_LEFT]
    expected = histograms[columns.CLOSED_FORM_DENSITY] * width * samples

    counts = histograms[columns.DENSITY] * width * samples

    # a bin's count is a sum of independent hits: its variance is at most its mean; and a few in the empty tails
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 5).all()
