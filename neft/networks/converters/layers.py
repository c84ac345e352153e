"""Layers between converters: the same weights under the same names, and y = ADC(W DAC(x)) + b."""

from typing import Any, cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear
from typing_extensions import override

from neft.networks.converters.ranges import INPUTS, OUTPUTS, Ranges


class _Converted(nn.Module):
    """A layer whose inputs and outputs are converted; the bias is digital."""

    bias: Tensor | None
    place: tuple[Ranges, int]
    """Whose converters they are, and which; in a tuple, as they are the network's module rather than the layer's."""

    @override
    def forward(self, input: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        ranges, layer = self.place
        product = self.product(ranges.passed(INPUTS, layer, input))
        read = ranges.passed(OUTPUTS, layer, product)
        if self.factor is not None:
            read = read * self.factor
        return read if self.bias is None else read + self.bias.reshape(-1, *(1,) * self.trailing)

    factor: Tensor | None = None
    """What outputs are multiplied by behind the ADC, digitally; they are left alone where None."""
    trailing: int = 0
    """Axes of an output behind its channels'."""

    def product(self, inputs: Tensor) -> Tensor:
        """W x, without bias."""
        raise NotImplementedError


class ConvertedLinear(_Converted, nn.Linear):
    """A fully connected layer between converters."""

    @override
    def product(self, inputs: Tensor) -> Tensor:
        return linear(inputs, self.weight)


class ConvertedConv1d(_Converted, nn.Conv1d):
    """A convolution of series between converters."""

    trailing = 1

    @override
    def product(self, inputs: Tensor) -> Tensor:
        return self._conv_forward(inputs, self.weight, None)


class ConvertedConv2d(_Converted, nn.Conv2d):
    """A convolution of images between converters."""

    trailing = 2

    @override
    def product(self, inputs: Tensor) -> Tensor:
        return self._conv_forward(inputs, self.weight, None)


CONVERTED: dict[type[nn.Module], type[_Converted]] = {
    nn.Linear: ConvertedLinear,
    nn.Conv1d: ConvertedConv1d,
    nn.Conv2d: ConvertedConv2d,
}
"""The layers that converters are known for, and what each becomes."""


def convert_layers(network: nn.Module, ranges: Ranges) -> None:
    """Put these converters around the layers they are of, in place: parameters stay, and keep their names.

    Raises:
        TypeError: a kind of layer that converters are not known for.
    """
    for index, name in enumerate(ranges.layers):
        layer = network.get_submodule(name.removesuffix(".weight"))
        if type(layer) not in CONVERTED:
            message = f"No converters are known for a {type(layer).__name__}."
            raise TypeError(message)
        # as torch's own parametrisations do; a new module would have to take over hooks, flags and sizes
        cast("Any", layer).__class__ = CONVERTED[type(layer)]
        cast("_Converted", layer).place = (ranges, index)


def without_converters(network: nn.Module) -> None:
    """Take all converters out of a network, in place; its layers are what they were."""
    kinds = {converted: kind for kind, converted in CONVERTED.items()}
    for module in network.modules():
        if isinstance(module, _Converted):
            cast("Any", module).__class__ = kinds[type(module)]


def with_factor(layer: nn.Module, factor: Tensor) -> None:
    """Give a layer between converters a digital factor."""
    cast("_Converted", layer).factor = factor
