"""One chip per image gives the mean accuracy that many real chips give."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from neft import columns
from neft.backbones import BaseBackbone
from neft.datasets.base import ImageData, Split
from neft.devices import Fefet2, Rram1
from neft.errors import ConfigError
from neft.mapping import BitSlicing
from neft.montecarlo import ChipLaw, DeployedNetwork, evaluate
from neft.network import Network, build_network, initialise
from neft.preview import (
    Preview,
    _chance_of_being_largest,
    _Noise,
    _NoisyConv,
    disjoint_curve,
    preview_curve,
    preview_layers,
    refusal,
)
from neft.seeding import generator
from neft.training import input_shape

LAW = ChipLaw(Rram1(), BitSlicing())
SIGMA_DS = (0.0, 0.05, 0.15)
REAL_CHIPS = 150


@pytest.fixture
def network(backbone: BaseBackbone, few_digits: ImageData) -> Network:
    found = build_network(backbone, input_shape(few_digits))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture
def learned(network: Network, few_digits: ImageData) -> ImageData:
    """Digits whose labels are what the clean network says, so that accuracy falls from 1."""
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAW)
        deployed.program(sigma_d=0.0)
        said = deployed.logits(few_digits.normalise(few_digits.test.images)).argmax(dim=1)
    return replace(few_digits, test=Split(images=few_digits.test.images, labels=said.clone()))


@pytest.mark.parametrize("curve", [preview_curve, disjoint_curve])
def test_the_mean_is_that_of_real_chips(
    network: Network, learned: ImageData, curve: Callable[..., Iterator[Preview]]
) -> None:
    """Within five standard errors of both estimates together."""
    real = evaluate(network, learned, LAW, sigma_ds=SIGMA_DS, num_instances=REAL_CHIPS, seed=0)
    by_sigma = real.groupby(columns.SIGMA_D)[columns.ACCURACY]

    *_, last = curve(network, learned, LAW, sigma_ds=SIGMA_DS, seed=5, max_passes=12)

    found = last.curve
    errors = (found[columns.CI95].to_numpy() / 1.96) ** 2 + by_sigma.var().to_numpy() / REAL_CHIPS
    differences = found[columns.MEAN].to_numpy() - by_sigma.mean().to_numpy()
    assert abs(differences[0]) < 1e-6
    assert (abs(differences[1:]) < 5 * errors[1:] ** 0.5).all()
    assert found[columns.MEAN].iloc[-1] < 0.97


@pytest.mark.parametrize("channels", [1, 24], ids=["weights of its own", "gram matrix"])
def test_a_layers_noise_has_the_covariance_of_drawn_weights(channels: int) -> None:
    """Of 20,000 draws: every entry within five standard errors of s^2 x the Gram matrix of the patches."""
    layer = nn.Conv2d(channels, 1, 3, padding=1, bias=False)
    features = torch.randn(1, channels, 3, 3, generator=torch.Generator().manual_seed(0))
    draws, std, sigma_d = 20_000, 0.3, 0.5
    noise = _Noise()
    noise.begin(torch.tensor([[sigma_d]]), draws, torch.Generator().manual_seed(1))
    noisy = _NoisyConv(layer, noise, 0, torch.tensor([std]))

    with torch.inference_mode():
        deviations = (noisy(features.expand(draws, -1, -1, -1)) - layer(features)).flatten(1).double()
        patches = nn.functional.unfold(features, 3, padding=1)[0].double()

    expected = (sigma_d * std) ** 2 * patches.T @ patches
    sampled = deviations.T @ deviations / draws
    variance = expected.diagonal()
    errors = ((variance[:, None] * variance[None, :] + expected**2) / draws).sqrt()
    assert ((sampled - expected).abs() < 5 * errors + 1e-4 * variance.mean()).all()


def test_the_last_layer_is_integrated() -> None:
    """Against 200,000 draws, within five standard errors."""
    means = torch.tensor([[1.0, 0.4, -0.5, 0.9]])
    std = torch.tensor([0.6])
    rng = torch.Generator().manual_seed(0)

    chances = [float(_chance_of_being_largest(means, std, torch.tensor([label]))) for label in range(4)]

    draws = means + std * torch.randn(200_000, 4, generator=rng)
    shares = torch.bincount(draws.argmax(dim=1), minlength=4) / len(draws)
    assert sum(chances) == pytest.approx(1, abs=1e-3)
    for chance, share in zip(chances, shares.tolist(), strict=True):
        assert abs(chance - share) < 5 * (chance * (1 - chance) / len(draws)) ** 0.5


def test_without_variation_the_answer_is_certain() -> None:
    chance = _chance_of_being_largest(torch.tensor([[1.0, 0.5]]), torch.tensor([0.0]), torch.tensor([0]))
    assert float(chance) == pytest.approx(1)


def test_variation_in_one_layer_costs_less_than_in_all(network: Network, learned: ImageData) -> None:
    layers = list(preview_layers(network, learned, LAW, sigma_d=0.15, seed=0, max_passes=4))[-1].curve
    everywhere = list(preview_curve(network, learned, LAW, sigma_ds=(0.15,), seed=0, max_passes=4))[-1].curve

    assert len(layers) == len(network.device_weights())
    assert (layers[columns.MEAN] > everywhere[columns.MEAN].iloc[0] - 0.05).all()
    assert layers[columns.MEAN].max() <= 1


def test_a_preview_repeats_itself_and_narrows(network: Network, learned: ImageData) -> None:
    first = list(preview_curve(network, learned, LAW, sigma_ds=(0.15,), seed=0, max_passes=6, images_a_pass=20))
    again = list(preview_curve(network, learned, LAW, sigma_ds=(0.15,), seed=0, max_passes=6, images_a_pass=20))

    assert [one.num_passes for one in first] == [1, 2, 3, 4, 5, 6]
    assert first[-1].curve.equals(again[-1].curve)
    assert first[-1].curve[columns.CI95].iloc[0] < first[0].curve[columns.CI95].iloc[0]


def test_state_dependent_devices_are_refused_with_the_reason(network: Network, learned: ImageData) -> None:
    law = ChipLaw(Fefet2(), BitSlicing())
    assert "FeFET2" in (refusal(network, law) or "")
    with pytest.raises(ConfigError, match="more than one std"):
        next(preview_curve(network, learned, law, sigma_ds=(0.1,), seed=0))
    assert len(next(disjoint_curve(network, learned, law, sigma_ds=(0.1,), seed=0)).curve) == 1
