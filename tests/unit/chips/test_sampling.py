from math import sqrt

import pytest
import torch

from neft.chips.sampling import Sampler, draw_normals, program, quantised, rms
from neft.devices import BaseDevice, Rram1, Rram4
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.backbones import BaseBackbone
from neft.networks.network import build_network
from neft.seeding import generator
from tests.input_shapes import shape_for

SAMPLERS = ["exact", "one_factor"]
MAPPING = BitSlicing()


def a_layer(num_weights: int = 5000) -> torch.Tensor:
    return torch.randn(num_weights, generator=generator(1, "layer"))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("quantise", [True, False])
def test_gradients_reach_the_noise_free_weights_unchanged(device: BaseDevice, sampler: Sampler, quantise: bool) -> None:
    weight = a_layer(50).requires_grad_()
    chip = program(
        {"a": weight}, device=device, mapping=MAPPING, sigma_d=0.3, rng=generator(0), sampler=sampler, quantise=quantise
    )

    chip["a"].sum().backward()

    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.ones(50))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_chip_without_variation_holds_the_quantised_weights(device: BaseDevice, sampler: Sampler) -> None:
    weight = a_layer()

    chip = program({"a": weight}, device=device, mapping=MAPPING, sigma_d=0.0, rng=generator(0), sampler=sampler)

    assert torch.equal(chip["a"], quantised(weight, MAPPING))


def test_chip_without_variation_or_quantisation_holds_the_weights() -> None:
    weight = a_layer()

    chip = program({"a": weight}, device=Rram1(), mapping=MAPPING, sigma_d=0.0, rng=generator(0), quantise=False)

    assert torch.equal(chip["a"], weight)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_layer_of_zeros_stays_zero(device: BaseDevice, sampler: Sampler) -> None:
    zeros = torch.zeros(10)

    chip = program({"a": zeros}, device=device, mapping=MAPPING, sigma_d=0.3, rng=generator(0), sampler=sampler)

    assert torch.equal(chip["a"], zeros)


def test_deviations_grow_in_proportion_to_sigma_d(device: BaseDevice) -> None:
    weights = {"a": a_layer()}
    at = {
        sigma_d: program(weights, device=device, mapping=MAPPING, sigma_d=sigma_d, rng=generator(0))["a"]
        for sigma_d in (0.0, 0.1, 0.2)
    }

    torch.testing.assert_close(at[0.2] - at[0.0], 2 * (at[0.1] - at[0.0]), rtol=0, atol=1e-5)


def test_layers_of_a_chip_miss_independently() -> None:
    weight = a_layer()
    chip = program({"a": weight, "b": weight}, device=Rram1(), mapping=MAPPING, sigma_d=0.1, rng=generator(0))
    one, other = (chip[name] - quantised(weight, MAPPING) for name in "ab")

    correlation = float((one * other).mean() / (one.std() * other.std()))

    # the sample correlation of n independent pairs has a standard error of 1/sqrt(n)
    assert abs(correlation) < 5 / sqrt(len(weight))


def test_instances_miss_independently() -> None:
    weight = a_layer()
    one, other = (
        program({"a": weight}, device=Rram1(), mapping=MAPPING, sigma_d=0.1, rng=generator(0, "chip", instance))["a"]
        - quantised(weight, MAPPING)
        for instance in (0, 1)
    )

    correlation = float((one * other).mean() / (one.std() * other.std()))

    assert abs(correlation) < 5 / sqrt(len(weight))


def test_deviations_scale_with_the_layers_largest_weight() -> None:
    weight = a_layer()
    large, small = (
        program({"a": factor * weight}, device=Rram4(), mapping=MAPPING, sigma_d=0.1, rng=generator(0))["a"]
        for factor in (8.0, 1.0)
    )

    torch.testing.assert_close(large, 8 * small)


def test_only_weights_of_layers_lie_in_devices(backbone: BaseBackbone) -> None:
    network = build_network(backbone, shape_for(backbone), num_snapshots=1)
    digital = set(dict(network.named_parameters())) - set(network.device_weights())

    norms = {name for name in digital if ".norm." in name}
    assert all(name.endswith(".bias") for name in digital - norms)
    assert all(weight.dim() >= 2 for weight in network.device_weights().values())


def test_normals_are_drawn_layer_by_layer() -> None:
    """A chip of a network with heads begins with the chip of the network without."""
    plain = draw_normals({"a": torch.zeros(3)}, generator(0))
    longer = draw_normals({"a": torch.zeros(3), "head": torch.zeros(2)}, generator(0))

    assert torch.equal(plain["a"], longer["a"])


def test_rms_over_tensors() -> None:
    # sqrt((9 + 16 + 0 + 0)/4) = 2.5
    assert rms([torch.tensor([3.0, 4.0]), torch.zeros(2)]) == 2.5
    assert rms([]) == 0
