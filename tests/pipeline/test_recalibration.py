"""BatchNorm statistics gathered anew."""

import copy
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from neft.chips.deployed import ChipLaw
from neft.chips.sampling import quantised
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.corrections.batchnorm import recalibrate_batchnorm
from neft.datasets.base import ImageData
from neft.datasets.digits import Digits
from neft.devices import Rram1
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import Ovf
from neft.networks.backbones import Vgg8
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.pipeline import Settings, reevaluate, run
from neft.runs.store import RunStore, Stores
from neft.seeding import generator

LAW = ChipLaw(device=Rram1(), mapping=BitSlicing())
FIRST = "backbone.stages.0"
STATISTICS = ("running_mean", "running_var")


@pytest.fixture
def wrecked() -> Network:
    """A network whose BatchNorm statistics have nothing to do with its images."""
    network = build_network(Vgg8(width=1 / 32), InputShape(num_channels=1, image_size=8, num_classes=10))
    rng = generator(0, "wrecked")
    initialise(network, rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.data.uniform_(5, 50, generator=rng)
    return network.eval()


def statistics(network: Network) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in network.state_dict().items() if name.endswith(STATISTICS)}


def first_layer(data: ImageData, weight: Tensor, num_batches: int) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance of the first convolution's output, averaged over equal batches."""
    outputs = [conv2d(data.normalise(batch), weight, padding=1) for batch in data.train.images.chunk(num_batches)]
    means = [output.mean(dim=(0, 2, 3)) for output in outputs]
    variances = [output.transpose(0, 1).flatten(1).var(dim=1, correction=1) for output in outputs]
    return torch.stack(means).mean(dim=0), torch.stack(variances).mean(dim=0)


def test_first_layers_statistics_are_means_over_equal_batches(wrecked: Network, digits: ImageData) -> None:
    renewed = recalibrate_batchnorm(wrecked, digits, LAW)

    # 1,000 training images in batches of at most 512 are two of 500
    assert len(digits.train) == 1000
    weight = wrecked.state_dict()[f"{FIRST}.conv.weight"]
    mean, variance = first_layer(digits, quantised(weight, LAW.mapping), 2)
    found = renewed.state_dict()
    torch.testing.assert_close(found[f"{FIRST}.norm.running_mean"], mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[f"{FIRST}.norm.running_var"], variance, rtol=1e-4, atol=1e-5)


def test_statistics_are_gathered_at_the_weights_that_are_aimed_at(wrecked: Network, few_digits: ImageData) -> None:
    coarse = replace(LAW, mapping=BitSlicing(weight_bits=2, device_bits=2))
    weight = wrecked.state_dict()[f"{FIRST}.conv.weight"]

    for law, target in ((coarse, quantised(weight, coarse.mapping)), (replace(coarse, quantise=False), weight)):
        mean, _ = first_layer(few_digits, target, 1)
        found = recalibrate_batchnorm(wrecked, few_digits, law).state_dict()[f"{FIRST}.norm.running_mean"]
        torch.testing.assert_close(found, mean, rtol=1e-4, atol=1e-5)


def test_every_norm_ends_with_features_that_have_its_own_mean(wrecked: Network, few_digits: ImageData) -> None:
    """In evaluation mode, on the images on which its statistics were gathered: its bias."""
    renewed = recalibrate_batchnorm(wrecked, few_digits, replace(LAW, quantise=False))
    norms = [module for module in renewed.modules() if isinstance(module, nn.BatchNorm2d)]
    means: list[Tensor] = []

    def keep(_norm: nn.Module, _inputs: object, output: Tensor) -> None:
        means.append(output.mean(dim=(0, 2, 3)))

    for norm in norms:
        norm.register_forward_hook(keep)
    with torch.no_grad():
        renewed(few_digits.normalise(few_digits.train.images))

    assert len(means) == len(norms) == 6
    for norm, mean in zip(norms, means, strict=True):
        # running_var is the unbiased one, so that later layers see features smaller by a share of about 1/150
        torch.testing.assert_close(mean, norm.bias.detach(), rtol=0.05, atol=0.05)


def test_network_handed_in_is_left_alone(wrecked: Network, few_digits: ImageData) -> None:
    before = copy.deepcopy(wrecked.state_dict())

    renewed = recalibrate_batchnorm(wrecked, few_digits, LAW)

    assert all(torch.equal(tensor, before[name]) for name, tensor in wrecked.state_dict().items())
    assert not renewed.training
    assert not wrecked.training


def test_nothing_but_the_statistics_is_renewed(wrecked: Network, few_digits: ImageData) -> None:
    renewed = recalibrate_batchnorm(wrecked, few_digits, LAW)

    before, after = wrecked.state_dict(), renewed.state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in after if name.endswith((*STATISTICS, "num_batches_tracked"))}
    momenta = [[m.momentum for m in one.modules() if isinstance(m, nn.BatchNorm2d)] for one in (wrecked, renewed)]
    assert momenta[0] == momenta[1]


def test_renewing_again_changes_nothing(wrecked: Network, few_digits: ImageData) -> None:
    once = recalibrate_batchnorm(wrecked, few_digits, LAW)
    twice = recalibrate_batchnorm(once, few_digits, LAW)

    assert all(torch.equal(tensor, statistics(twice)[name]) for name, tensor in statistics(once).items())


def test_training_anew_with_renewed_statistics_equals_renewing_those_of_a_stored_run(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    settings = Settings(
        store=store,
        pretrained_stores=Stores(own=store, shipped=store),
        unfinished_root=tmp_path / "unfinished",
        weights="codes",
    )
    plain = RunConfig(
        dataset=Digits(max_train=200),
        backbone=Vgg8(width=1 / 32),
        method=Ovf(num_feedback=1),
        training=TrainingConfig(epochs=2, validation_instances=1),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3, max_test=100),
    )
    evaluation = plain.evaluation.model_copy(update={"recalibrate_batchnorm": True})
    renewed = plain.model_copy(update={"evaluation": evaluation})

    stored = run(plain, settings)
    again = reevaluate(stored, renewed, settings)
    elsewhere = RunStore(tmp_path / "elsewhere")
    scratch = run(renewed, replace(settings, store=elsewhere))

    pd.testing.assert_frame_equal(store.instances(again), elsewhere.instances(scratch))
    assert not store.instances(again).equals(store.instances(stored))
    ours, theirs = store.weights(again), elsewhere.weights(scratch)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
