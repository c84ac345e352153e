"""Read noise at each read: its variance in closed form, drawn anew, the same for the same chip, or refused."""

from collections.abc import Callable
from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, UntouchedNetwork
from neft.datasets.base import ImageData
from neft.devices import Rram1
from neft.effects import Effects
from neft.errors import ConfigError
from neft.evaluation.monte_carlo import evaluate
from neft.mapping.stack import Mapping
from neft.networks.backbones import Mlp
from neft.networks.network import build_network, initialise
from neft.options import make_config
from neft.seeding import generator
from neft.training.loop import input_shape

NOISE = 0.1
READS = 4000
MAPPINGS = {
    "plain": Mapping(),
    "channel": Mapping(scale="channel"),
    "pair": Mapping(sign="differential", on_off_ratio=5),
    "offset": Mapping(sign="offset", copies=2),
    "turned": Mapping(rotation="hadamard", significance_base=1),
}


def a_convolution() -> nn.Sequential:
    """Two groups, stride and padding, and a BatchNorm that is folded."""
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False)
    layer.weight.data = torch.randn(layer.weight.shape, generator=generator(1))
    norm = nn.BatchNorm2d(6)
    norm.weight.data = torch.tensor([0.5, -1.0, 2.0, 1.0, 3.0, 0.1])
    return nn.Sequential(layer, norm, nn.Flatten()).eval()


def a_convolution_of_series() -> nn.Sequential:
    """The same over series."""
    layer = nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=False)
    layer.weight.data = torch.randn(layer.weight.shape, generator=generator(1))
    norm = nn.BatchNorm1d(6)
    norm.weight.data = torch.tensor([0.5, -1.0, 2.0, 1.0, 3.0, 0.1])
    return nn.Sequential(layer, norm, nn.Flatten()).eval()


SHAPES = {a_convolution: (4, 5, 5), a_convolution_of_series: (4, 9)}


def a_linear_layer() -> nn.Sequential:
    layer = nn.Linear(12, 5)
    layer.weight.data = torch.randn(layer.weight.shape, generator=generator(2))
    return nn.Sequential(layer).eval()


def deployed(network: nn.Module, mapping: Mapping, effects: Effects | None = None) -> DeployedNetwork:
    law = ChipLaw(Rram1(), mapping, effects=effects or Effects(read_noise_each=NOISE))
    with torch.inference_mode():
        found = DeployedNetwork(network, law)
        found.draw(0, 7)
        found.program(sigma_d=0.0)
    return found


@torch.inference_mode()
def reads(found: DeployedNetwork, image: Tensor) -> Tensor:
    return found.logits(image.expand(READS, *image.shape[1:]))


def by_frozen_reads(network: nn.Module, mapping: Mapping, image: Tensor) -> Tensor:
    """The std of each output over chips that are misread once, which is frozen: the same by definition."""
    frozen = deployed(network, mapping, Effects(read_noise=NOISE))
    outputs: list[Tensor] = []
    with torch.inference_mode():
        for chip in range(600):
            frozen.draw(0, chip)
            frozen.program(sigma_d=0.0)
            outputs.append(frozen.logits(image))
    return torch.cat(outputs).std(dim=0)


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=list(MAPPINGS))
@pytest.mark.parametrize("made", [a_linear_layer, a_convolution, a_convolution_of_series])
def test_one_image_s_reads_spread_as_chips_do_that_are_misread_once(
    made: Callable[[], nn.Sequential], mapping: Mapping
) -> None:
    network = made()
    image = torch.randn((1, *SHAPES.get(made, (12,))), generator=generator(3))

    stds = reads(deployed(network, mapping), image).std(dim=0)

    # both are sampled: five standard errors of the ratio of two stds
    allowed = 5 * sqrt(1 / (2 * READS) + 1 / (2 * 600))
    assert float((stds / by_frozen_reads(network, mapping, image) - 1).abs().max()) < allowed


def test_the_variance_of_an_output_is_that_of_its_inputs() -> None:
    # std = 0.1 c w_max |x| with c = 0.7776
    network, image = a_linear_layer(), torch.randn((1, 12), generator=generator(3))
    weight = next(network.parameters())

    stds = reads(deployed(network, Mapping()), image).std(dim=0)

    asked = NOISE * 0.777628 * float(weight.detach().abs().max()) * float(image.norm())
    assert float((stds / asked - 1).abs().max()) < 5 / sqrt(2 * READS)


def test_reads_are_independent_and_right_on_average() -> None:
    network, image = a_convolution(), torch.randn((1, 4, 5, 5), generator=generator(3))
    clean = deployed(network, Mapping(), Effects(read_noise_each=1e-9))

    found = reads(deployed(network, Mapping()), image)

    with torch.inference_mode():
        expected = clean.logits(image)
    errors = found.std(dim=0) / sqrt(READS)
    assert bool(((found.mean(dim=0) - expected).abs() < 5 * errors).all())
    between = torch.corrcoef(torch.cat([found[:-1, :6], found[1:, :6]], dim=1).T)
    assert float((between - torch.eye(12)).abs().max()) < 5 / sqrt(READS)


def test_a_chip_reads_the_same_again_and_another_one_otherwise() -> None:
    network, image = a_linear_layer(), torch.randn((3, 12), generator=generator(3))
    found = deployed(network, Mapping())
    with torch.inference_mode():
        first = found.logits(image)
        found.program(sigma_d=0.0)
        again = found.logits(image)
        found.draw(0, 8)
        found.program(sigma_d=0.0)
        other = found.logits(image)

    assert torch.equal(first, again)
    assert not torch.isclose(first, other).any()


def test_chips_are_evaluated_with_it_in_any_number_at_once(few_digits: ImageData) -> None:
    network = build_network(Mlp(hidden_layers=1, hidden_units=8), input_shape(few_digits))
    initialise(network, generator(3, "initial_weights"))
    law = ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise_each=0.3))

    once, many = (
        evaluate(network, few_digits, law, sigma_ds=(0.0, 0.1), num_instances=4, seed=0, chips_at_once=count)
        for count in (1, 4)
    )

    assert once.equals(many)
    at_zero = once[once[columns.SIGMA_D] == 0][columns.ACCURACY]
    assert at_zero.nunique() > 1


def test_it_is_a_setting_of_its_own() -> None:
    assert make_config({"read_noise_each": 0.1}).run_id != make_config({"read_noise": 0.1}).run_id
    assert Effects(read_noise_each=0.1).one_by_one() == (("read_noise_each", Effects(read_noise_each=0.1)),)


def test_what_it_does_not_go_with_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not go with drift_compensation"):
        make_config({"read_noise_each": 0.1, "drift_seconds": 10, "drift_compensation": True})
    law = ChipLaw(Rram1(), Mapping(), effects=Effects(read_noise_each=0.1))
    with pytest.raises(ConfigError, match="this package's networks alone"):
        UntouchedNetwork(a_linear_layer(), law)
    with pytest.raises(ConfigError, match="is none"):
        DeployedNetwork(nn.Sequential(nn.Conv3d(1, 1, 1)), law)
    with pytest.raises(ConfigError, match="one by one"):
        deployed(a_linear_layer(), Mapping()).logits_of_many(torch.zeros(1, 12), sigma_d=0.1)
