"""Converters: what they pass, where their ranges come from, and one triple for all layers."""

import math

import pytest
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.config import RunConfig
from neft.corrections.converter_ranges import converter_use, with_converters
from neft.datasets.base import DataAccess, ImageData
from neft.datasets.digits import Digits
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.preview import refusal
from neft.mapping.stack import Mapping
from neft.networks.backbones import Mlp, Vgg8
from neft.networks.converters import Converters
from neft.networks.converters.exported import export_uniform
from neft.networks.converters.rounding import convert
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.options import make_config
from neft.seeding import generator
from neft.training.loop import train

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
BOTH = torch.tensor(0.0)
POSITIVE = torch.tensor(1.0)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    return Digits().load(DataAccess(tmp_path_factory.mktemp("none")))


def law(**mapping: object) -> ChipLaw:
    return ChipLaw(device=Rram1(), mapping=Mapping.model_validate(mapping))


def a_network(converters: Converters, data: ImageData, backbone: Mlp | Vgg8 | None = None) -> Network:
    """One of random weights, calibrated."""
    backbone = backbone or Mlp(hidden_units=6, hidden_layers=2)
    network = build_network(backbone, SHAPE)
    initialise(network, generator(3, "weights"))
    return with_converters(network.eval(), converters, backbone=backbone, shape=SHAPE, data=data, law=law())


def test_values_are_rounded_to_the_levels_of_both_sides_by_hand() -> None:
    # 3 bits with a sign: 2^2 - 1 = 3 levels up to R = 3, so steps of 1
    values = torch.tensor([-4.0, -1.4, 0.4, 0.6, 2.5, 9.0])

    assert convert(values, torch.tensor(3.0), bits=3, sides=BOTH).tolist() == [-3, -1, 0, 1, 2, 3]


def test_a_converter_that_sees_one_side_has_twice_the_levels_there() -> None:
    # 2^3 - 1 = 7 levels up to R = 7
    values = torch.tensor([-1.0, 0.4, 5.6, 8.0])

    assert convert(values, torch.tensor(7.0), bits=3, sides=POSITIVE).tolist() == [0, 0, 6, 7]
    assert convert(-values, torch.tensor(7.0), bits=3, sides=-POSITIVE).tolist() == [0, 0, -6, -7]


def test_gradients_go_straight_through_inside_and_to_the_range_outside() -> None:
    values = torch.tensor([0.6, 5.0, -5.0], requires_grad=True)
    reach = torch.tensor(3.0, requires_grad=True)

    convert(values, reach, bits=3, sides=BOTH).sum().backward()

    assert values.grad is not None
    assert reach.grad is not None
    assert values.grad.tolist() == [1, 0, 0]
    # inside round(u n) / n - u = 1/3 - 0.2; outside +1 and -1 cancel
    assert float(reach.grad) == pytest.approx(1 / 3 - 0.2)


def test_with_and_without_gradients_values_are_the_same_to_the_bit() -> None:
    values = torch.randn(1000, generator=generator(0, "values"), requires_grad=True)
    reach = torch.tensor(1.7)
    with torch.no_grad():
        plain = convert(values, reach, bits=5, sides=BOTH)

    assert torch.equal(convert(values, reach, bits=5, sides=BOTH), plain)


def literal_layer(
    inputs: Tensor, weight: Tensor, bias: Tensor, *, dac: tuple[float, int, float], adc: tuple[float, int, float]
) -> Tensor:
    """One layer as its crossbar computes it, in float64, device by device and level by level.

    Codes of the inputs are voltages; every weight is M = 4 bits on two devices of K = 2 bits, its sign a second
    crossbar's; currents add up along a column, slices by their significance, and the ADC gives a whole number.
    """
    dac_range, dac_bits, dac_sides = dac
    adc_range, adc_bits, adc_sides = adc
    dac_levels = 2**dac_bits - 1 if dac_sides else 2 ** (dac_bits - 1) - 1
    adc_levels = 2**adc_bits - 1 if adc_sides else 2 ** (adc_bits - 1) - 1
    largest = float(weight.abs().max())
    out = torch.zeros(len(inputs), len(weight), dtype=torch.float64)
    for image, vector in enumerate(inputs.double()):
        for column, row in enumerate(weight.double()):
            current = 0.0
            for value, target in zip(vector.tolist(), row.tolist(), strict=True):
                lowest, highest = (0 if dac_sides > 0 else -1), (0 if dac_sides < 0 else 1)
                code = round(min(max(value / dac_range, lowest), highest) * dac_levels)
                magnitude = round(abs(target) / largest * 15)
                devices = (magnitude % 4, magnitude // 4)
                sign = math.copysign(1, target)
                for slice_, level in enumerate(devices):
                    current += code * sign * level * 4**slice_
            product = current / dac_levels * dac_range / 15 * largest
            lowest, highest = (0 if adc_sides > 0 else -1), (0 if adc_sides < 0 else 1)
            read = round(min(max(product / adc_range, lowest), highest) * adc_levels)
            out[image, column] = read / adc_levels * adc_range + float(bias[column])
    return out


def test_deployed_network_computes_what_a_literal_crossbar_does(digits: ImageData) -> None:
    network = a_network(Converters(dac_bits=4, adc_bits=5), digits)
    ranges = network.ranges
    assert ranges is not None
    images = digits.normalise(digits.test.images[:12])
    deployed = DeployedNetwork(network, law(weight_bits=4, device_bits=2))
    deployed.draw(0, 0)
    deployed.program(sigma_d=0.0)
    with torch.inference_mode():
        logits = deployed.logits(images)

    features = images.flatten(1).double()
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    for index, layer in enumerate(layers):
        ends = [
            (float(ranges.reach(end, index).detach()), ranges.bits(end) or 0, float(ranges.sides(end, index)))
            for end in ("inputs", "outputs")
        ]
        features = literal_layer(features, layer.weight.detach(), layer.bias.detach(), dac=ends[0], adc=ends[1])
        features = features.relu() if index < len(layers) - 1 else features
    # in float32 a sum may round to the level beside it, where it lies on the border between two: hardly ever
    close = torch.isclose(logits.double(), features, atol=1e-5).all(dim=1)
    assert close.double().mean() > 0.8


def test_many_bits_change_nothing_that_is_seen(digits: ImageData) -> None:
    backbone = Vgg8(width=1 / 32)
    plain, fine = (a_network(one, digits, backbone) for one in (Converters(), Converters(dac_bits=16, adc_bits=16)))
    images = digits.normalise(digits.test.images[:64])

    with torch.no_grad():
        same = torch.isclose(plain(images), fine(images), atol=0.01).all(dim=1)
    assert same.double().mean() > 0.9  # the others have a value beyond all that was calibrated on


def test_calibrated_ranges_clip_more_the_fewer_bits_there_are(digits: ImageData) -> None:
    used = [converter_use(a_network(Converters(adc_bits=bits), digits), digits, law()) for bits in (3, 12)]
    assert used[0] is not None
    assert used[1] is not None

    assert (used[0][columns.OUTPUT_RANGE] < used[1][columns.OUTPUT_RANGE]).all()
    assert used[1][columns.OUTPUT_CLIPPED].max() < 0.001


def test_inputs_behind_relu_are_converted_on_one_side(digits: ImageData) -> None:
    ranges = a_network(Converters(dac_bits=4), digits).ranges
    assert ranges is not None

    assert [float(ranges.sides("inputs", layer)) for layer in range(3)] == [0, 1, 1]


def test_network_of_one_sign_has_adcs_of_one_side(digits: ImageData) -> None:
    backbone = Mlp(hidden_units=6, hidden_layers=2)
    network = build_network(backbone, SHAPE)
    initialise(network, generator(3, "weights"))
    with torch.no_grad():
        for weight in network.device_weights().values():
            _ = weight.abs_()
    made = with_converters(
        network.eval(), Converters(adc_bits=4), backbone=backbone, shape=SHAPE, data=digits, law=law()
    )
    assert made.ranges is not None

    assert [float(made.ranges.sides("outputs", layer)) for layer in range(3)] == [-1, 1, 1]  # most pixels are -1


@pytest.mark.parametrize("backbone", [Mlp(hidden_units=6, hidden_layers=2), Vgg8(width=1 / 32)])
def test_exported_network_has_one_triple_and_computes_the_same(backbone: Mlp | Vgg8, digits: ImageData) -> None:
    network = a_network(Converters(dac_bits=8, adc_bits=8, scaling="uniform"), digits, backbone)
    images = digits.normalise(digits.test.images)
    exported = export_uniform(network)

    assert isinstance(exported.network, Network)
    assert exported.network.ranges is not None
    largest = [float(weight.detach().abs().max()) for weight in exported.network.device_weights().values()]
    layers = range(len(largest))
    triples = {
        (float(ranges.reach("inputs", layer).detach()), largest[layer], float(ranges.reach("outputs", layer).detach()))
        for layer in layers
        if (ranges := exported.network.ranges)
    }
    assert triples == {exported.triple}
    with torch.no_grad():
        same = torch.isclose(network(images), exported.network(images), atol=1e-4).all(dim=1)
    assert same.double().mean() > 0.95  # of the others a value lay on the border between two levels
    assert not [name for name in exported.digital_factors if name.endswith("conv.weight")]


def test_network_with_ranges_of_its_own_layers_has_no_triple(digits: ImageData) -> None:
    with pytest.raises(ConfigError, match="uniform"):
        _ = export_uniform(a_network(Converters(adc_bits=8), digits))


@pytest.mark.parametrize("scaling", ["layer", "uniform"])
def test_learned_ranges_move_while_training_and_are_deployed(scaling: str, digits: ImageData) -> None:
    config = make_config(
        {
            "dataset": "digits",
            "max_train": 100,
            "backbone": "mlp",
            "hidden_units": 8,
            "hidden_layers": 2,
            "dac_bits": 4,
            "adc_bits": 4,
            "converter_ranges": "learned",
            "scaling": scaling,
            "epochs": 1,
            "keep_best": False,
        }
    )
    first = train(config, digits).network
    later = train(config.model_copy(update={"training": config.training.model_copy(update={"epochs": 3})}), digits)
    ranges, moved = first.ranges, later.network.ranges
    assert ranges is not None
    assert moved is not None

    count = 1 if scaling == "uniform" else 3
    assert ranges.get_parameter("output_ranges").shape == (count,)
    assert not torch.equal(ranges.get_parameter("output_ranges"), moved.get_parameter("output_ranges"))
    largest = torch.stack([weight.abs().max() for weight in later.network.device_weights().values()])
    assert scaling == "layer" or torch.equal(moved.get_buffer("largest_weights"), largest)


def test_penalty_by_hand() -> None:
    converters = Converters(adc_bits=4, scaling="uniform", converter_ranges="learned", scaling_penalty=0.5)
    network = build_network(Mlp(hidden_units=1, hidden_layers=1), SHAPE, converters=converters)
    assert network.ranges is not None
    with torch.no_grad():
        for parameter in network.device_weights().values():
            _ = parameter.fill_(1.0)
    network.follow(network.device_weights())
    _ = network.ranges.passed("outputs", 0, torch.tensor([[3.0]]))
    _ = network.ranges.passed("outputs", 1, torch.tensor([[0.5]]))

    # R_y = 1 and w_max = 1: 0.5 ((3 - 1)^2 + (0.5 - 1)^2)
    assert float(torch.as_tensor(network.ranges.penalty()).detach()) == pytest.approx(0.5 * 4.25)
    assert float(torch.as_tensor(network.ranges.penalty()).detach()) == 0


def test_default_is_none_and_leaves_every_key_as_it_was() -> None:
    assert RunConfig().converters.is_none
    assert "converters" not in RunConfig().decisive


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scaling": "uniform"}, "there are none"),
        ({"adc_bits": 8, "scale": "channel"}, "scale must be 'layer'; got 'channel'"),
        ({"adc_bits": 8, "rotation": "hadamard"}, "rotation must be 'none'"),
        ({"adc_bits": 8, "test_mapping": "copies=2"}, "copies must be '1'; got '2'"),
        ({"adc_bits": 8, "read_noise_each": 0.01}, "read_noise_each"),
        ({"test_converters": "adc_bits=8,converter_ranges=learned"}, "cannot be learned now"),
        ({"adc_bits": 1}, "adc_bits (ADC bits) must lie in [2, 16] bits; got 1"),
    ],
)
def test_what_does_not_go_with_converters_is_refused_in_a_sentence(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _ = make_config(values)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_preview_refuses_converters_in_words(digits: ImageData) -> None:
    assert "converters" in str(refusal(a_network(Converters(adc_bits=8), digits), law()))


def test_test_converters_may_differ_from_those_of_the_training() -> None:
    config = make_config({"adc_bits": 8, "converter_ranges": "learned", "test_converters": "adc_bits=4"})

    assert config.train_converters.adc_bits == 8
    assert config.test_converters == Converters(adc_bits=4)
