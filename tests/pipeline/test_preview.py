"""One chip per image gives the mean accuracy that many real chips give."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.chips.sampling import Weights, draw_normals
from neft.datasets.base import ImageData, Split
from neft.devices import Fefet2, Rram1
from neft.effects import Effects
from neft.errors import ConfigError
from neft.evaluation import preview
from neft.evaluation.local_reparametrisation import _chance_of_being_largest
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.preview import Preview, Previewer, refusal
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.networks.backbones import BaseBackbone, Mlp, Vgg8
from neft.networks.device_layers import layer_name
from neft.networks.network import Network, build_network, initialise
from neft.programming import Residual
from neft.seeding import generator
from neft.training.loop import input_shape
from tests.conftest import UNEVEN
from tests.input_shapes import data_for

LAW = ChipLaw(Rram1(), BitSlicing())
SIGMA_DS = (0.0, 0.05, 0.15)
REAL_CHIPS = 150
LAYER_SIGMA_D = 0.3
LAYER_CHIPS = 60


@pytest.fixture(scope="module")
def network(backbone: BaseBackbone, few_digits: ImageData) -> Network:
    found = build_network(backbone, input_shape(data_for(backbone, few_digits)))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture(scope="module")
def small(few_digits: ImageData) -> Network:
    found = build_network(Mlp(hidden_layers=2, hidden_units=16), input_shape(few_digits))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture(scope="module")
def learned(network: Network, backbone: BaseBackbone, few_digits: ImageData) -> ImageData:
    """Digits whose labels are what the clean network says, so that accuracy falls from 1."""
    data = data_for(backbone, few_digits)
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAW)
        deployed.program(sigma_d=0.0)
        said = deployed.logits(data.normalise(data.test.images)).argmax(dim=1)
    return replace(data, test=Split(images=data.test.images, labels=said.clone()))


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


LAWS = {
    "scale by channel": ChipLaw(Rram1(), Mapping(scale="channel")),
    "state-dependent": ChipLaw(Fefet2(), BitSlicing()),
    "state-dependent, by channel": ChipLaw(Fefet2(), Mapping(scale="channel")),
    "one factor a weight": ChipLaw(Fefet2(), BitSlicing(), sampler="one_factor"),
    "measured": ChipLaw(UNEVEN, BitSlicing()),
    "measured, in pairs": ChipLaw(UNEVEN, Mapping(sign="differential")),
    "turned": ChipLaw(Fefet2(), Mapping(rotation="hadamard")),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_mean_is_that_of_real_chips_however_weights_miss(network: Network, learned: ImageData, name: str) -> None:
    """Within five standard errors of both estimates together; every image on a chip of its own."""
    law = LAWS[name]
    chips = evaluate(network, learned, law, sigma_ds=SIGMA_DS, num_instances=REAL_CHIPS, seed=0)
    by_sigma = chips.groupby(columns.SIGMA_D)[columns.ACCURACY]
    previewer = Previewer(network, learned, law)

    *_, last = previewer.curve(SIGMA_DS, seed=5, max_passes=12)

    assert previewer.refusal is None
    assert previewer.unequal == ([] if law.device == Rram1() else previewer.layers)
    assert last.num_chips == last.num_images
    found = last.curve
    errors = (found[columns.CI95].to_numpy() / 1.96) ** 2 + by_sigma.var().to_numpy() / REAL_CHIPS
    differences = found[columns.MEAN].to_numpy() - by_sigma.mean().to_numpy()
    assert abs(found[columns.MEAN].iloc[0] - by_sigma.mean().iloc[0]) < 1e-6
    assert (abs(differences[1:]) < 5 * errors[1:] ** 0.5).all()
    assert found[columns.MEAN].iloc[-1] < 0.98


def test_images_that_do_not_fit_at_once_are_computed_in_parts(
    small: Network, few_digits: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On other draws; the means agree within both intervals."""
    whole = next(Previewer(small, few_digits, LAW).curve((0.0, 0.2), seed=0, first_pass=64)).curve
    monkeypatch.setattr(preview, "BYTES_AT_ONCE", 2 * 64 * 16)

    parts = next(Previewer(small, few_digits, LAW).curve((0.0, 0.2), seed=0, first_pass=64)).curve

    both = (whole[columns.CI95] ** 2 + parts[columns.CI95] ** 2) ** 0.5
    assert not parts.equals(whole)
    assert (abs(whole[columns.MEAN] - parts[columns.MEAN]) <= 2.5 * both).all()


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


def test_without_variation_the_clean_accuracy_is_known(
    network: Network, backbone: BaseBackbone, few_digits: ImageData
) -> None:
    data = data_for(backbone, few_digits)
    first = next(Previewer(network, data, LAW).curve((0.0, 0.1), seed=0, first_pass=10)).curve
    deployed = DeployedNetwork(network, LAW)
    with torch.inference_mode():
        deployed.program(sigma_d=0.0)
        said = deployed.logits(data.normalise(data.test.images)).argmax(dim=1)

    assert first[columns.MEAN][0] == pytest.approx(float((said == data.test.labels).double().mean()))
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


@pytest.mark.parametrize("name", ["state-dependent", "measured", "turned"])
def test_an_interval_holds_as_often_as_it_says_where_images_share_draws(few_digits: ImageData, name: str) -> None:
    """95 % of 120 first passes, between 90 and 100 %: what images share does not widen the spread of their mean."""
    network = build_network(Vgg8(width=1 / 16), input_shape(few_digits))
    initialise(network, generator(3, "initial_weights"))
    previewer = Previewer(network.eval(), few_digits, LAWS[name])
    assert previewer.drawn
    *_, known = previewer.curve((0.2,), seed=0, max_passes=120)
    truth = known.curve[columns.MEAN][0]

    firsts = [next(previewer.curve((0.2,), seed=seed)).curve for seed in range(1, 121)]

    held = [abs(one[columns.MEAN][0] - truth) <= one[columns.CI95][0] for one in firsts]
    assert 0.90 <= sum(held) / len(held) <= 1


@pytest.mark.parametrize(
    "law",
    [
        ChipLaw(Rram1(), Mapping(), programming=Residual()),
        ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise=0.1)),
        ChipLaw(Fefet2(), Mapping(), effects=Effects(stuck_low=0.02)),
    ],
    ids=["programming", "effect", "faults"],
)
def test_chips_that_miss_by_no_gaussian_are_tried_in_groups(network: Network, learned: ImageData, law: ChipLaw) -> None:
    previewer = Previewer(network, learned, law)

    assert "no Gaussian" in (previewer.refusal or "")
    assert refusal(network, law) == previewer.refusal
    assert previewer.unequal == []
    with pytest.raises(ConfigError, match="layer by layer here: These chips"):
        next(previewer.curve((0.1,), seed=0))
    found = next(previewer.curve((0.1,), seed=0, disjoint=True))
    assert len(found.curve) == 1
    assert found.num_chips < found.num_images
