"""One chip per image gives the mean accuracy that many real chips give."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.chips.sampling import Weights, draw_normals
from neft.datasets.base import ImageData, Split
from neft.devices import Fefet2, Rram1
from neft.effects import Effects
from neft.errors import ConfigError
from neft.evaluation.local_reparametrisation import _chance_of_being_largest, _Geometry, _NoisyConv, _State
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.preview import Preview, Previewer, refusal
from neft.input_kinds import IMAGES
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.networks.backbones import BaseBackbone, Cnn1d, Mlp
from neft.networks.device_layers import layer_name
from neft.networks.network import Network, build_network, initialise
from neft.programming import Residual
from neft.seeding import generator
from neft.training.loop import input_shape
from tests.input_shapes import data_for

LAW = ChipLaw(Rram1(), BitSlicing())
SIGMA_DS = (0.0, 0.05, 0.15)
REAL_CHIPS = 150
LAYER_SIGMA_D = 0.3
LAYER_CHIPS = 60


@pytest.fixture(scope="module")
def network(backbone: BaseBackbone, few_digits: ImageData) -> Network:
    if IMAGES not in backbone.takes:
        pytest.skip("a series has no chip of its own, and is tried in groups below")
    found = build_network(backbone, input_shape(few_digits))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture(scope="module")
def small(few_digits: ImageData) -> Network:
    found = build_network(Mlp(hidden_layers=2, hidden_units=16), input_shape(few_digits))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture(scope="module")
def learned(network: Network, few_digits: ImageData) -> ImageData:
    """Digits whose labels are what the clean network says, so that accuracy falls from 1."""
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAW)
        deployed.program(sigma_d=0.0)
        said = deployed.logits(few_digits.normalise(few_digits.test.images)).argmax(dim=1)
    return replace(few_digits, test=Split(images=few_digits.test.images, labels=said.clone()))


@pytest.fixture(scope="module")
def real(network: Network, learned: ImageData) -> pd.DataFrame:
    """Real chips."""
    return evaluate(network, learned, LAW, sigma_ds=SIGMA_DS, num_instances=REAL_CHIPS, seed=0)


@pytest.mark.parametrize("disjoint", [False, True], ids=["reparametrised", "disjoint"])
def test_the_mean_is_that_of_real_chips(
    network: Network, learned: ImageData, real: pd.DataFrame, disjoint: bool
) -> None:
    """Within five standard errors of both estimates together."""
    by_sigma = real.groupby(columns.SIGMA_D)[columns.ACCURACY]

    *_, last = Previewer(network, learned, LAW).curve(SIGMA_DS, seed=5, max_passes=12, disjoint=disjoint)

    found = last.curve
    errors = (found[columns.CI95].to_numpy() / 1.96) ** 2 + by_sigma.var().to_numpy() / REAL_CHIPS
    differences = found[columns.MEAN].to_numpy() - by_sigma.mean().to_numpy()
    assert abs(differences[0]) < 1e-6
    assert (abs(differences[1:]) < 5 * errors[1:] ** 0.5).all()
    assert found[columns.MEAN].iloc[-1] < 0.97


def test_scales_by_channel_are_previewed_without_groups(network: Network, learned: ImageData) -> None:
    """Within five standard errors of real chips."""
    law = ChipLaw(Rram1(), Mapping(scale="channel"))
    chips = evaluate(network, learned, law, sigma_ds=SIGMA_DS, num_instances=REAL_CHIPS, seed=0)
    by_sigma = chips.groupby(columns.SIGMA_D)[columns.ACCURACY]
    previewer = Previewer(network, learned, law)

    *_, last = previewer.curve(SIGMA_DS, seed=5, max_passes=12)

    assert previewer.refusal is None
    found = last.curve
    errors = (found[columns.CI95].to_numpy() / 1.96) ** 2 + by_sigma.var().to_numpy() / REAL_CHIPS
    differences = found[columns.MEAN].to_numpy() - by_sigma.mean().to_numpy()
    assert abs(differences[0]) < 1e-6
    assert (abs(differences[1:]) < 5 * errors[1:] ** 0.5).all()


GEOMETRIES: dict[str, dict[str, Any]] = {
    "plain": {"kernel_size": 3, "padding": 1},
    "strided": {"kernel_size": 3, "padding": 1, "stride": 2},
    "projection": {"kernel_size": 1, "stride": 2},
    "dilated": {"kernel_size": 3, "padding": 2, "dilation": 2},
    "unequal": {"kernel_size": (3, 1), "padding": (1, 0), "stride": (1, 2)},
}


@pytest.mark.parametrize("size", [(2, 2), (5, 4)], ids=["as one matrix", "as a convolution"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_patches_and_their_gram_matrix_are_those_of_the_convolution(name: str, size: tuple[int, int]) -> None:
    layer = nn.Conv2d(3, 6, **GEOMETRIES[name])
    features = torch.randn(7, 3, *size, generator=torch.Generator().manual_seed(0))
    geometry = _Geometry(layer.requires_grad_(requires_grad=False), size)
    pixels = features.permute(0, 2, 3, 1).contiguous()

    expected = layer(features)
    patches = nn.functional.unfold(features, **({"padding": 0} | GEOMETRIES[name]))

    assert geometry.output_size == expected.shape[2:]
    torch.testing.assert_close(geometry.means(pixels), expected.flatten(2).mT, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(geometry.gram(pixels), patches.mT @ patches, rtol=1e-4, atol=1e-4)
    found = geometry.patches(pixels)
    torch.testing.assert_close(found @ found.mT, patches.mT @ patches, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("own_weights", [True, False], ids=["weights of its own", "gram matrix"])
def test_a_layers_noise_has_the_covariance_of_drawn_weights(own_weights: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20,000 draws: every entry within five standard errors of s^2 x the Gram matrix of the patches."""

    def prefers_weights(_geometry: _Geometry, _rows: int) -> bool:
        return own_weights

    monkeypatch.setattr(_Geometry, "prefers_weights", prefers_weights)
    layer = nn.Conv2d(4, 1, 3, padding=1, bias=False).requires_grad_(requires_grad=False)
    features = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    draws, std, sigma_d = 20_000, 0.3, 0.5
    state = _State()
    state.begin(draws, torch.Generator().manual_seed(1))
    state.sigma_ds = torch.tensor([[sigma_d]])
    noisy = _NoisyConv(layer, state, 0, torch.tensor([std]))

    with torch.inference_mode():
        deviations = (noisy(features.expand(draws, -1, -1, -1)) - layer(features)).flatten(1).double()
        patches = nn.functional.unfold(features, 3, padding=1)[0].double()

    expected = (sigma_d * std) ** 2 * patches.T @ patches
    sampled = deviations.T @ deviations / draws
    variance = expected.diagonal()
    errors = ((variance[:, None] * variance[None, :] + expected**2) / draws).sqrt()
    assert ((sampled - expected).abs() < 5 * errors + 1e-4 * variance.mean()).all()


@pytest.mark.parametrize("stds", [(0.6, 0.6, 0.6, 0.6), (0.6, 0.2, 1.2, 0.4)], ids=["alike", "by channel"])
def test_the_last_layer_is_integrated(stds: tuple[float, ...]) -> None:
    """Against 200,000 draws, within five standard errors."""
    means = torch.tensor([[1.0, 0.4, -0.5, 0.9]])
    std = torch.tensor([stds])
    rng = torch.Generator().manual_seed(0)

    chances = [float(_chance_of_being_largest(means, std, torch.tensor([label]))) for label in range(4)]

    draws = means + std * torch.randn(200_000, 4, generator=rng)
    shares = torch.bincount(draws.argmax(dim=1), minlength=4) / len(draws)
    assert sum(chances) == pytest.approx(1, abs=1e-3)
    for chance, share in zip(chances, shares.tolist(), strict=True):
        assert abs(chance - share) < 5 * (chance * (1 - chance) / len(draws)) ** 0.5


def test_without_variation_the_answer_is_certain() -> None:
    chance = _chance_of_being_largest(torch.tensor([[1.0, 0.5]]), torch.zeros(1, 2), torch.tensor([0]))
    assert float(chance) == pytest.approx(1)


@pytest.fixture(scope="module")
def real_by_layer(network: Network, learned: ImageData) -> dict[str, Tensor]:
    """The accuracies of chips that miss in one layer alone, for a few layers of the network."""
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    deployment = LAW.deploy_gaussian(weights)
    images = learned.normalise(learned.test.images)
    chips = [draw_normals(weights, generator(4, "chip", chip)) for chip in range(LAYER_CHIPS)]

    def hits(levels: dict[str, float], chip: Weights) -> float:
        with torch.inference_mode():
            said = functional_call(network, deployment.chip(chip, sigma_d=levels), (images,)).argmax(dim=1)
        return float((said == learned.test.labels).double().mean())

    return {
        layer_name(name): torch.tensor(
            [hits(dict.fromkeys(weights, 0.0) | {name: LAYER_SIGMA_D}, chip) for chip in chips]
        )
        for name in list(weights)[:: max(1, len(weights) // 4)]
    }


@pytest.mark.parametrize("disjoint", [False, True], ids=["reparametrised", "disjoint"])
def test_the_mean_of_a_layer_is_that_of_chips_which_miss_there_alone(
    network: Network, learned: ImageData, real_by_layer: dict[str, Tensor], disjoint: bool
) -> None:
    """Within five standard errors of both estimates together, layer by layer."""
    previewer = Previewer(network, learned, LAW)

    *_, last = previewer.by_layer(LAYER_SIGMA_D, seed=1, max_passes=10, disjoint=disjoint)
    found = last.curve.set_index(columns.LAYER)

    assert list(found.index) == [*previewer.layers, columns.ALL_LAYERS]
    assert real_by_layer
    for layer, real in real_by_layer.items():
        error = (float(real.var()) / LAYER_CHIPS + (found[columns.CI95][layer] / 1.96) ** 2) ** 0.5
        assert abs(found[columns.MEAN][layer] - float(real.mean())) < 5 * error + 1e-3, layer


def test_variation_in_one_layer_costs_less_than_in_all(network: Network, learned: ImageData) -> None:
    previewer = Previewer(network, learned, LAW)
    *_, last = previewer.by_layer(0.15, seed=0, max_passes=4)
    *_, curve = previewer.curve((0.15,), seed=0, max_passes=4)
    means = last.curve[columns.MEAN]

    assert (means.iloc[:-1] > means.iloc[-1] - 0.05).all()
    assert means.max() <= 1
    both = (last.curve[columns.CI95].iloc[-1] ** 2 + curve.curve[columns.CI95].iloc[0] ** 2) ** 0.5
    assert abs(means.iloc[-1] - curve.curve[columns.MEAN].iloc[0]) < 2.5 * both + 1e-6


def test_a_preview_repeats_itself_and_narrows(network: Network, learned: ImageData) -> None:
    def passes() -> list[Preview]:
        previewer = Previewer(network, learned, LAW)
        return list(previewer.curve((0.15,), seed=0, max_passes=6, first_pass=10, images_a_pass=20))

    first, again = passes(), passes()

    assert [one.num_passes for one in first] == [1, 2, 3, 4, 5, 6]
    assert [one.num_images for one in first] == [10, 30, 50, 70, 90, 110]
    assert first[-1].curve.equals(again[-1].curve)
    assert first[-1].curve[columns.CI95].iloc[0] < first[0].curve[columns.CI95].iloc[0]


def test_without_variation_the_clean_accuracy_is_known(network: Network, few_digits: ImageData) -> None:
    first = next(Previewer(network, few_digits, LAW).curve((0.0, 0.1), seed=0, first_pass=10)).curve
    deployed = DeployedNetwork(network, LAW)
    with torch.inference_mode():
        deployed.program(sigma_d=0.0)
        said = deployed.logits(few_digits.normalise(few_digits.test.images)).argmax(dim=1)

    assert first[columns.MEAN][0] == pytest.approx(float((said == few_digits.test.labels).double().mean()))
    assert first[columns.CI95][0] == 0


def test_every_image_is_as_likely_as_any_other(small: Network, few_digits: ImageData) -> None:
    """Over 700 even starts, 10 of 70 images: each is chosen 100 times."""
    previewer = Previewer(small, few_digits, LAW)
    starts = [(index + 0.5) / 700 for index in range(700)]

    counts = torch.bincount(torch.cat([previewer._sample(10, start) for start in starts]), minlength=70)

    assert (counts - 100).abs().max() <= 1


def test_an_interval_holds_as_often_as_it_says(small: Network, few_digits: ImageData) -> None:
    """95 % of 200 first passes, between 90 and 100 %, of a network whose mean is known from many passes."""
    previewer = Previewer(small, few_digits, LAW)
    *_, known = previewer.curve((0.2,), seed=0, max_passes=150)
    truth = known.curve[columns.MEAN][0]

    firsts = [next(previewer.curve((0.2,), seed=seed)).curve for seed in range(1, 201)]

    held = [abs(one[columns.MEAN][0] - truth) <= one[columns.CI95][0] for one in firsts]
    assert 0.90 <= sum(held) / len(held) <= 1


def test_state_dependent_devices_are_refused_with_the_reason(network: Network, learned: ImageData) -> None:
    law = ChipLaw(Fefet2(), BitSlicing())
    assert "FeFET2" in (refusal(network, law) or "")
    with pytest.raises(ConfigError, match="more than one std"):
        next(Previewer(network, learned, law).curve((0.1,), seed=0))
    assert len(next(Previewer(network, learned, law).curve((0.1,), seed=0, disjoint=True)).curve) == 1


@pytest.mark.parametrize(
    "law",
    [
        ChipLaw(Fefet2(), Mapping(rotation="hadamard")),
        ChipLaw(Rram1(), Mapping(), programming=Residual()),
        ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise=0.1)),
    ],
    ids=["turned", "programming", "effect"],
)
def test_chips_that_the_reparametrised_way_does_not_hold_for_are_tried_in_groups(
    network: Network, learned: ImageData, law: ChipLaw
) -> None:
    previewer = Previewer(network, learned, law)

    assert previewer.refusal is not None
    with pytest.raises(ConfigError):
        next(previewer.curve((0.1,), seed=0))
    assert len(next(previewer.curve((0.1,), seed=0, disjoint=True)).curve) == 1


def test_series_are_tried_in_groups_and_their_mean_is_that_of_real_chips(few_digits: ImageData) -> None:
    """Within five standard errors of both estimates together; labels are what the clean network says."""
    backbone = Cnn1d(width=1 / 32)
    data = data_for(backbone, few_digits)
    network = build_network(backbone, input_shape(data))
    initialise(network, generator(3, "initial_weights"))
    with torch.no_grad():
        labels = network.eval()(data.normalise(data.test.images)).argmax(dim=1)
    data = replace(data, test=Split(images=data.test.images, labels=labels))
    real = evaluate(network, data, LAW, sigma_ds=(0.1,), num_instances=REAL_CHIPS, seed=0)[columns.ACCURACY]
    previewer = Previewer(network, data, LAW)

    assert "stages.0.conv is a convolution over a series" in (previewer.refusal or "")
    *_, last = previewer.curve((0.1,), seed=5, max_passes=12, disjoint=True)
    mean, ci95 = (float(last.curve[column].iloc[0]) for column in (columns.MEAN, columns.CI95))
    error = ((ci95 / 1.96) ** 2 + real.var() / REAL_CHIPS) ** 0.5
    assert abs(mean - real.mean()) <= 5 * error
