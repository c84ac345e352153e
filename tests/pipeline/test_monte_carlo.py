"""What Monte Carlo promises."""

import copy
from dataclasses import replace
from itertools import product
from math import sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, plain_logits
from neft.chips.sampling import Sampler, draw_normals
from neft.config import RunConfig
from neft.datasets.base import ImageData, Split
from neft.devices import BaseDevice, Rram1
from neft.errors import StoppedError
from neft.evaluation import monte_carlo
from neft.evaluation.calibration import fit_temperature
from neft.evaluation.deviations import layer_deviations
from neft.evaluation.monte_carlo import CALIBRATION_INSTANCES, evaluate
from neft.mapping.bit_slicing import BitSlicing
from neft.metrics import METRICS
from neft.networks.backbones import BaseBackbone, Mlp
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.seeding import generator
from neft.training.loop import train
from tests.input_shapes import inputs_for, shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
LAW = ChipLaw(device=Rram1(), mapping=BitSlicing())
IMAGES = torch.randn(16, 1, 8, 8, generator=generator(0, "images"))


def lively(backbone: BaseBackbone, seed: int = 0) -> Network:
    """A network as after some training: BatchNorm's statistics and factors are not the first ones."""
    network = build_network(backbone, shape_for(backbone))
    rng = generator(seed, "lively")
    initialise(network, rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
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
    images = inputs_for(network, IMAGES)
    law = ChipLaw(device=device, mapping=BitSlicing(), sampler=sampler, quantise=quantise)
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law)
        deployed.draw(3, 7)
        for sigma_d in (0.0, 0.1, 0.3, 0.1):  # programming leaves nothing behind
            deployed.program(sigma_d=sigma_d)
            fast = deployed.logits(images)
            plain = plain_logits(network, images, law, sigma_d=sigma_d, seed=3, instance=7)
            torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


def test_evaluation_leaves_the_network_alone(network: Network, few_digits: ImageData) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    evaluate(network, few_digits, LAW, sigma_ds=(0.1,), num_instances=2, seed=0)

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_one_row_for_each_sigma_d_and_instance(network: Network, few_digits: ImageData) -> None:
    rows = evaluate(network, few_digits, LAW, sigma_ds=(0.0, 0.1, 0.2), num_instances=4, seed=0)

    assert list(rows.columns) == [columns.SIGMA_D, columns.INSTANCE, *METRICS, columns.CALIBRATION_TEMPERATURE]
    cells = rows[[columns.SIGMA_D, columns.INSTANCE]].to_numpy().tolist()
    assert cells == [[sigma_d, instance] for sigma_d in (0.0, 0.1, 0.2) for instance in range(4)]
    assert rows[columns.ACCURACY].between(0, 1).all()


def test_the_order_of_the_metrics_changes_no_number(
    network: Network, few_digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(precision: float | None) -> tuple[pd.DataFrame, list[tuple[int, float]]]:
        told: list[tuple[int, float]] = []
        rows = evaluate(
            network,
            few_digits,
            LAW,
            sigma_ds=(0.0, 0.2),
            num_instances=40,
            seed=0,
            precision=precision,
            min_instances=30,
            on_instance=lambda done, accuracy: told.append((done, accuracy)),
        )
        return rows, told

    for precision in (None, 0.05):
        expected, told = measured(precision)
        with monkeypatch.context() as changed:
            changed.setattr(monte_carlo, "METRICS", dict(reversed(METRICS.items())))
            rows, told_reversed = measured(precision)
        pd.testing.assert_frame_equal(rows[list(expected.columns)], expected, check_exact=True)
        assert told_reversed == told


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


# ---------------------------------------------------------------- calibration
@pytest.fixture(scope="module")
def trained(few_digits: ImageData) -> Network:
    """A network that has learned something: its logits have a temperature."""
    training = {"epochs": 10, "learning_rate": 0.01, "batch_size": 32, "validation_instances": 1}
    return train(RunConfig.make(backbone={"name": "mlp", "hidden_layers": 2}, training=training), few_digits).network


def louder(network: Network, factor: float) -> Network:
    """The same network with its logits multiplied."""
    scaled = copy.deepcopy(network)
    classifier = scaled.backbone.classifier
    assert isinstance(classifier, nn.Linear)
    classifier.weight.data *= factor
    classifier.bias.data *= factor
    return scaled


def calibration_logits(network: Network, images: Tensor, *, sigma_d: float, seed: int) -> Tensor:
    """Outputs on the chips that calibration has to itself, the plain way."""
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    deployment = LAW.deploy_gaussian(weights)
    chips = [
        deployment.chip(draw_normals(weights, generator(seed, "calibration_chip", instance)), sigma_d=sigma_d)
        for instance in range(CALIBRATION_INSTANCES)
    ]
    return torch.cat([functional_call(network, chip, (images,)) for chip in chips]).detach()


def test_calibrated_ekl_is_that_of_the_logits_over_the_temperature(trained: Network, few_digits: ImageData) -> None:
    rows = evaluate(trained, few_digits, LAW, sigma_ds=(0.0, 0.2), num_instances=3, seed=5)
    images, labels = few_digits.normalise(few_digits.test.images), few_digits.test.labels

    for row in rows.to_dict("records"):
        sigma_d, instance = row[columns.SIGMA_D], int(row[columns.INSTANCE])
        logits = plain_logits(trained, images, LAW, sigma_d=sigma_d, seed=5, instance=instance)
        right = logits.argmax(dim=1) == labels
        losses = cross_entropy(logits / row[columns.CALIBRATION_TEMPERATURE], labels, reduction="none")
        assert row[columns.CALIBRATED_EKL] == pytest.approx(float(losses[right].mean()), rel=1e-3)


def test_temperature_is_fitted_to_validation_images_on_chips_of_their_own(
    trained: Network, few_digits: ImageData
) -> None:
    rows = evaluate(trained, few_digits, LAW, sigma_ds=(0.2,), num_instances=2, seed=5)

    split = few_digits.validation
    logits = calibration_logits(trained, few_digits.normalise(split.images), sigma_d=0.2, seed=5)
    expected = fit_temperature(logits, split.labels.repeat(CALIBRATION_INSTANCES))
    assert rows[columns.CALIBRATION_TEMPERATURE].to_numpy() == pytest.approx(expected, rel=1e-3)


def test_test_images_have_no_part_in_the_temperature(trained: Network, few_digits: ImageData) -> None:
    garbage = Split(images=16 - few_digits.test.images, labels=few_digits.test.labels.flip(0))
    others = {
        "honest": few_digits,
        "other test images": replace(few_digits, test=garbage),
        "other validation images": replace(few_digits, validation=few_digits.train),
    }

    temperatures = {
        name: list(
            evaluate(trained, data, LAW, sigma_ds=(0.0, 0.2), num_instances=2, seed=0)[columns.CALIBRATION_TEMPERATURE]
        )
        for name, data in others.items()
    }

    assert temperatures["other test images"] == temperatures["honest"]
    assert temperatures["other validation images"] != temperatures["honest"]


def test_calibration_meets_none_of_the_test_chips(trained: Network) -> None:
    def outputs(purpose: str) -> list[Tensor]:
        with torch.inference_mode():
            deployed = DeployedNetwork(trained, LAW)
            found: list[Tensor] = []
            for instance in range(CALIBRATION_INSTANCES):
                deployed.draw(0, instance, purpose=purpose)
                deployed.program(sigma_d=0.2)
                found.append(deployed.logits(IMAGES))
        return found

    test, calibration = outputs("chip"), outputs("calibration_chip")

    assert not [1 for ours, theirs in product(test, calibration) if torch.equal(ours, theirs)]


def test_calibrated_ekl_does_not_see_the_scale_of_the_logits(trained: Network, few_digits: ImageData) -> None:
    plain, loud = (
        evaluate(network, few_digits, LAW, sigma_ds=(0.0, 0.2), num_instances=3, seed=0)
        for network in (trained, louder(trained, 4.0))
    )

    ratio = loud[columns.CALIBRATION_TEMPERATURE] / plain[columns.CALIBRATION_TEMPERATURE]
    assert ratio.to_numpy() == pytest.approx(4.0, rel=1e-3)
    assert loud[columns.CALIBRATED_EKL].to_numpy() == pytest.approx(plain[columns.CALIBRATED_EKL].to_numpy(), rel=1e-2)
    assert (loud[columns.EKL] < 0.9 * plain[columns.EKL]).all()
    assert loud[columns.ACCURACY].equals(plain[columns.ACCURACY])


def test_number_of_test_chips_does_not_move_the_temperature(trained: Network, few_digits: ImageData) -> None:
    few, many = (evaluate(trained, few_digits, LAW, sigma_ds=(0.2,), num_instances=count, seed=0) for count in (1, 9))

    assert set(few[columns.CALIBRATION_TEMPERATURE]) == set(many[columns.CALIBRATION_TEMPERATURE])


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


# ---------------------------------------------------------------- a precision instead of a count


def test_a_precision_stops_where_the_mean_is_known(trained: Network, few_digits: ImageData) -> None:
    """The chips that are tried are the first of those that a fixed count tries, each sigma_d by itself."""
    fixed = evaluate(trained, few_digits, LAW, sigma_ds=(0.0, 0.05, 0.3), num_instances=60, seed=0)
    frugal = evaluate(
        trained,
        few_digits,
        LAW,
        sigma_ds=(0.0, 0.05, 0.3),
        num_instances=60,
        seed=0,
        precision=0.02,
        min_instances=4,
    )

    counts = frugal.groupby(columns.SIGMA_D)[columns.INSTANCE].count()
    assert counts[0.0] == 4
    assert counts[0.0] <= counts[0.05] < counts[0.3] <= 60
    merged = frugal.merge(fixed, on=[columns.SIGMA_D, columns.INSTANCE], suffixes=("", "_fixed"))
    assert len(merged) == len(frugal)
    assert (merged[columns.ACCURACY] == merged[f"{columns.ACCURACY}_fixed"]).all()
