"""Converters value by value: rounding, saturation and ties; layers between them; where ranges come from."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typing_extensions import override

from neft.networks.converters import CONVERTED, Converters, Ranges, convert_layers
from neft.networks.converters.calibration import TRIED, calibrate, range_use
from neft.networks.converters.rounding import convert
from tests.independent.naive import converters as naive

FIELDS = {"dac_bits", "adc_bits", "converter_ranges", "scaling", "scaling_penalty"}
REACH = 1.7


def values(bits: int, sides: int) -> list[float]:
    """Random ones, those beyond the range, its ends, and every tie between two levels of a converter of few bits."""
    levels = naive.num_levels(bits, sides)
    ties = [(k + 0.5) / levels * REACH for k in range(min(levels, 40))]
    rng = np.random.default_rng(bits)
    found = [*(1.5 * REACH * rng.normal(size=60)).tolist(), *ties, *(-tie for tie in ties)]
    return [*found, 0.0, REACH, -REACH, 10 * REACH, -10 * REACH]


def test_every_converter_has_an_independent_form() -> None:
    assert {layer.__name__ for layer in CONVERTED} == naive.KINDS, "write it in tests/independent/naive/converters.py"
    assert set(Converters.model_fields) == FIELDS, "a setting that no test here knows"
    assert set(get_args(Converters.model_fields["scaling"].annotation)) == {"layer", "uniform"}
    assert set(get_args(Converters.model_fields["converter_ranges"].annotation)) == {"calibrated", "learned"}


@pytest.mark.parametrize("sides", [-1, 0, 1])
@pytest.mark.parametrize("bits", range(2, 17))
def test_conversion(bits: int, sides: int) -> None:
    """R round(n clip(v / R)) / n, n = 2^b - 1 on one side, 2^(b-1) - 1 on both; of two as near levels the even one."""
    given = values(bits, sides)
    levels = naive.num_levels(bits, sides)
    found = convert(
        torch.tensor(given, dtype=torch.float64),
        torch.tensor(REACH, dtype=torch.float64),
        bits=bits,
        sides=torch.tensor(float(sides)),
    ).tolist()

    for value, converted in zip(given, found, strict=True):
        expected = naive.convert(value, REACH, bits, sides)
        is_tie = abs(abs(value / REACH * levels) % 1 - 0.5) < 1e-9
        # what is a tie on paper may lie on either side of it once divided: then either neighbour is as near
        assert converted == pytest.approx(expected, abs=1.0001 * REACH / levels if is_tie else 1e-12)
        assert abs(converted - value) <= REACH / levels / 2 * 1.0001 or not -REACH < value < REACH or sides * value < 0


@pytest.mark.parametrize("is_trained", [False, True])
def test_ties_that_binary_numbers_hold(is_trained: bool) -> None:
    """n = 3 levels of a range of 3: 0.5, 1.5 and 2.5 are ties without any rounding, and go to 0, 2 and 2."""
    ties = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], dtype=torch.float64, requires_grad=is_trained)
    with torch.set_grad_enabled(is_trained):
        found = convert(ties, torch.tensor(3.0, dtype=torch.float64), bits=3, sides=torch.tensor(0.0))

    assert found.tolist() == [naive.convert(tie, 3.0, 3, 0) for tie in ties.tolist()] == [0, 2, 2, 0, -2, -2]


@pytest.mark.parametrize("sides", [-1, 0, 1])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_gradients(bits: int, sides: int) -> None:
    """LSQ (Esser et al. 2020), Eq. 3: 1 in v inside and 0 outside; in R the rounding error, or the clipped end."""
    for value in values(bits, sides)[:60]:
        given = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        reach = torch.tensor(REACH, dtype=torch.float64, requires_grad=True)
        convert(given, reach, bits=bits, sides=torch.tensor(float(sides))).backward()
        assert given.grad is not None
        assert reach.grad is not None
        expected = naive.gradients(value, REACH, bits, sides)
        assert (float(given.grad), float(reach.grad)) == pytest.approx(expected, abs=1e-9)


# ---------------------------------------------------------------- layers between converters
def converted(layer: nn.Module, settings: Converters) -> tuple[nn.Module, Ranges]:
    """One layer between converters with ranges of their own choice, in float64."""
    network = nn.Sequential(layer).double()
    ranges = Ranges(settings, ["0.weight"]).double()
    convert_layers(network, ranges)
    with torch.no_grad():
        if settings.dac_bits:
            _ = ranges.input_ranges.fill_(math.log(1.3))
        if settings.adc_bits:
            _ = ranges.output_ranges.fill_(math.log(2.1))
    return network.eval(), ranges


def between(product: list[float], bias: float, reach: float, bits: int | None) -> list[float]:
    """What a layer's ADC reads of one output channel, and the digital bias behind it."""
    return [(p if bits is None else naive.convert(p, reach, bits, 0)) + bias for p in product]


SETTINGS = [
    Converters(dac_bits=4),
    Converters(adc_bits=3),
    Converters(dac_bits=5, adc_bits=4),
    Converters(dac_bits=4, adc_bits=4, scaling="uniform"),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_fully_connected_layer_between_converters(settings: Converters) -> None:
    """y = ADC(W DAC(x)) + b; with uniform scaling the ADC's range is R_y w_max."""
    layer = nn.Linear(4, 3)
    network, ranges = converted(layer, settings)
    ranges.follow({"0.weight": layer.weight.detach()})
    weight, bias = layer.weight.tolist(), layer.bias.tolist()
    top = max(abs(w) for row in weight for w in row) if settings.scaling == "uniform" else 1.0
    inputs = torch.tensor(np.random.default_rng(0).normal(size=(6, 4)))

    found = network(inputs).tolist()

    for given, outputs in zip(inputs.tolist(), found, strict=True):
        seen = [x if settings.dac_bits is None else naive.convert(x, 1.3, settings.dac_bits, 0) for x in given]
        products = naive.linear(weight, seen)
        expected = [between([p], b, 2.1 * top, settings.adc_bits)[0] for p, b in zip(products, bias, strict=True)]
        assert outputs == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_convolution_between_converters(settings: Converters, axes: int) -> None:
    """Likewise at every position; a series is an image of one row."""
    rng = np.random.default_rng(axes)
    layer = nn.Conv1d(2, 3, 3, padding=1) if axes == 1 else nn.Conv2d(2, 3, 3, stride=2, padding=1)
    network, ranges = converted(layer, settings)
    ranges.follow({"0.weight": layer.weight.detach()})
    weight = layer.weight.tolist() if axes == 2 else [[[taps] for taps in kernel] for kernel in layer.weight.tolist()]
    bias = layer.bias.tolist() if layer.bias is not None else []
    top = float(layer.weight.detach().abs().max()) if settings.scaling == "uniform" else 1.0
    images = torch.tensor(rng.normal(size=(2, 2, *(5,) * axes)))
    bits = settings.dac_bits

    found = network(images)

    for image, outputs in zip(images, found, strict=True):
        values = [x if bits is None else naive.convert(x, 1.3, bits, 0) for x in image.flatten().tolist()]
        seen = torch.tensor(values, dtype=torch.float64).reshape(image.shape)
        if axes == 2:
            products = naive.conv2d(weight, seen.tolist(), stride=2, padding=1)
        else:  # a kernel of one row meets a row of zeros above and below, and the series between
            planes = naive.conv2d(weight, [[row] for row in seen.tolist()], stride=1, padding=1)
            products = [[plane[1]] for plane in planes]
        for channel, plane in enumerate(products):
            expected = [between(line, bias[channel], 2.1 * top, settings.adc_bits) for line in plane]
            assert outputs[channel].reshape(len(plane), -1).tolist() == pytest.approx(np.array(expected), abs=1e-9)


# ---------------------------------------------------------------- where ranges come from
class TwoLayers(nn.Module):
    """Between them a ReLU, so that the second layer's inputs have one sign; in float64, with their converters."""

    def __init__(self, settings: Converters) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 5).double(), nn.Linear(5, 3).double()
        rng = np.random.default_rng(3)
        with torch.no_grad():
            for layer in (self.first, self.second):
                _ = layer.weight.copy_(torch.tensor(rng.normal(size=tuple(layer.weight.shape))))
        self.ranges = Ranges(settings, ["first.weight", "second.weight"]).double()
        convert_layers(self, self.ranges)
        self.ranges.follow({name: value.detach() for name, value in self.named_parameters() if "weight" in name})

    @override
    def forward(self, images: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(images)))

    def largest(self) -> list[float]:
        """w_max of both."""
        return [float(layer.weight.detach().abs().max()) for layer in (self.first, self.second)]


def two_layers(settings: Converters) -> tuple[TwoLayers, Ranges, Tensor]:
    """A network, its converters and images."""
    network = TwoLayers(settings).eval()
    return network, network.ranges, torch.tensor(np.random.default_rng(9).normal(size=(20, 4)))


def passed(network: TwoLayers, images: Tensor) -> dict[str, list[list[float]]]:
    """What comes to each layer's converters, without any: inputs and products, all values of all images."""
    first, second = network.first, network.second
    inputs: list[list[float]] = [[], []]
    outputs: list[list[float]] = [[], []]
    for image in images.tolist():
        hidden = naive.linear(first.weight.tolist(), image)
        active = [max(h + b, 0.0) for h, b in zip(hidden, first.bias.tolist(), strict=True)]
        inputs[0] += image
        inputs[1] += active
        outputs[0] += hidden
        outputs[1] += naive.linear(second.weight.tolist(), active)
    return {"inputs": inputs, "outputs": outputs}


@pytest.mark.parametrize("scaling", ["layer", "uniform"])
def test_calibrated_ranges(scaling: str) -> None:
    """Of 64 ranges up to the largest magnitude that of the least square error over the power, by layer or in all."""
    settings = Converters(dac_bits=4, adc_bits=3, scaling="uniform" if scaling == "uniform" else "layer")
    network, ranges, images = two_layers(settings)
    seen = passed(network, images)
    tops = network.largest()
    calibrate(ranges, lambda: network(images))

    for end, bits in (("inputs", 4), ("outputs", 3)):
        layers = [(values, naive.sides_of(values)) for values in seen[end]]
        assert layers[1][1] == (1 if end == "inputs" else 0)
        if scaling == "layer":
            expected = [naive.best_range([layer], bits, TRIED) for layer in layers]
        else:
            units = tops if end == "outputs" else [1.0, 1.0]
            scaled = [([v / unit for v in values], sides) for (values, sides), unit in zip(layers, units, strict=True)]
            expected = [naive.best_range(scaled, bits, TRIED) * unit for unit in units]
        assert [float(ranges.reach(end, layer).detach()) for layer in (0, 1)] == pytest.approx(expected, rel=1e-5)
        assert [int(ranges.sides(end, layer)) for layer in (0, 1)] == [sides for _, sides in layers]


def test_use_of_ranges() -> None:
    """The peak over the range, and the share beyond it."""
    settings = Converters(dac_bits=8, adc_bits=16)  # so fine that what is seen behind them hardly changes
    network, ranges, images = two_layers(settings)
    with torch.no_grad():
        _ = ranges.input_ranges.copy_(torch.tensor([1.1, 20.0]).log())
        _ = ranges.output_ranges.fill_(math.log(50.0))
    table = range_use(ranges, lambda: network(images))
    first = [x for image in images.tolist() for x in image]

    assert float(table["input_used"].iloc[0]) == pytest.approx(max(abs(x) for x in first) / 1.1, rel=1e-6)
    assert float(table["input_clipped"].iloc[0]) == pytest.approx(sum(abs(x) > 1.1 for x in first) / len(first))
    assert float(table["output_clipped"].max()) == 0


def test_penalty_of_shared_ranges() -> None:
    """Lambda sum_l (max |x_l| / R_x - 1)^2 and likewise of y, R_y w_max the ADC's range (arXiv 1910.13850)."""
    settings = Converters(dac_bits=16, adc_bits=16, scaling="uniform", converter_ranges="learned", scaling_penalty=0.3)
    network, ranges, images = two_layers(settings)
    with torch.no_grad():
        _ = ranges.input_ranges.fill_(math.log(40.0))
        _ = ranges.output_ranges.fill_(math.log(50.0))
    seen = passed(network, images)
    tops = network.largest()
    _ = ranges.train()
    _ = network(images)

    expected = 0.0
    for layer, top in enumerate(tops):
        expected += (max(abs(v) for v in seen["inputs"][layer]) / 40.0 - 1) ** 2
        expected += (max(abs(v) for v in seen["outputs"][layer]) / (50.0 * top) - 1) ** 2
    assert float(torch.as_tensor(ranges.penalty()).detach()) == pytest.approx(0.3 * expected, rel=1e-3)
