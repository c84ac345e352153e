"""How much each weight matters: the loss's second derivative, by one backward pass.

As in SWIM ([Yan2022b]): with h the diagonal second derivatives, a layer y = W x passes h_x = (W^2)^T h_y on and has
h_W = h_y (x^2)^T; where several positions or inputs share a weight, theirs add up. ReLU and max pooling pass h as they
pass gradients, BatchNorm is folded in. Terms off the diagonal are left out: exact for the last layer, an approximation
before it. At the logits of cross entropy h = p (1 - p).
"""

import copy
import math
from dataclasses import replace
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, linear
from torch.nn.grad import conv1d_input, conv1d_weight, conv2d_input, conv2d_weight
from typing_extensions import override

from neft.chips.deployed import ChipLaw
from neft.chips.sampling import Weights
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.networks.converters import without_converters
from neft.networks.device_layers import device_weights
from neft.networks.folding import fold_batchnorm
from neft.networks.network import Network

MAX_IMAGES = 1024
BATCH = 256


def with_scores(law: ChipLaw, network: nn.Module, data: ImageData) -> ChipLaw:
    """The law, told how much each weight matters where its programming goes by that.

    Args:
        law: how chips are made.
        network: the deployed network.
        data: its training images are used, at most 1,024 of them.
    """
    if not law.programming.needs_scores:
        return law
    images = data.normalise(data.train.images[:MAX_IMAGES])
    return replace(law, scores=second_derivatives(network, images))


def second_derivatives(
    network: nn.Module, images: Float[Tensor, "images channels ..."]
) -> dict[str, Float[Tensor, "..."]]:
    """Of the mean cross entropy in every weight that lies in devices, by name; none is below 0.

    Args:
        network: in evaluation mode its BatchNorm can be folded; it is left alone.
        images: normalised.

    Raises:
        ConfigError: it has a layer that h cannot pass.
    """
    passed = copy.deepcopy(network).eval().cpu()
    if isinstance(passed, Network) and passed.ranges is not None:
        without_converters(passed)  # h passes them as gradients do, straight through
        passed.ranges = None
    names = list(device_weights(passed))
    folding = fold_batchnorm(passed, among=dict.fromkeys(names, torch.zeros(0)))
    with torch.no_grad():
        for name, factor in folding.factors.items():
            _ = passed.get_parameter(name).mul_(factor)
    _replace_layers(passed)
    weights = {name: passed.get_parameter(name) for name in names}
    for parameter in passed.parameters():
        parameter.grad = None
    for batch in images.cpu().split(BATCH):
        with torch.enable_grad():
            logits = cast("Tensor", passed(batch))
        probabilities = logits.detach().softmax(dim=1)
        _ = logits.backward(probabilities * (1 - probabilities) / len(images))
    found: Weights = {}
    for name, weight in weights.items():
        second = torch.zeros_like(weight) if weight.grad is None else weight.grad
        found[name] = second * folding.factors[name].square() if name in folding.factors else second
    return found


class _Convolution(torch.autograd.Function):
    """A convolution whose backward pass takes second derivatives along."""

    @staticmethod
    @override
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, settings: dict[str, Any]) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.settings = settings
        return (conv1d if weight.dim() == 3 else conv2d)(inputs, weight, **settings)

    @staticmethod
    @override
    def backward(ctx: Any, *seconds: Tensor) -> tuple[Tensor, Tensor, None]:
        inputs, weight = ctx.saved_tensors
        input_of, weight_of = (conv1d_input, conv1d_weight) if weight.dim() == 3 else (conv2d_input, conv2d_weight)
        of_inputs = input_of(inputs.shape, weight.square(), seconds[0], **ctx.settings)
        return of_inputs, weight_of(inputs.square(), weight.shape, seconds[0], **ctx.settings), None


class _Linear(torch.autograd.Function):
    """A product whose backward pass takes second derivatives along."""

    @staticmethod
    @override
    def forward(ctx: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return linear(inputs, weight)

    @staticmethod
    @override
    def backward(ctx: Any, *seconds: Tensor) -> tuple[Tensor, Tensor]:
        inputs, weight = ctx.saved_tensors
        return seconds[0] @ weight.square(), seconds[0].T @ inputs.square()


class _GlobalMean(torch.autograd.Function):
    """The mean over positions, likewise: each counts one over the positions squared."""

    @staticmethod
    @override
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.shape = inputs.shape
        return inputs.mean(dim=tuple(range(2, inputs.dim())), keepdim=True)

    @staticmethod
    @override
    def backward(ctx: Any, *seconds: Tensor) -> Tensor:
        return seconds[0].expand(ctx.shape) / math.prod(ctx.shape[2:]) ** 2


POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
_Layer = nn.Conv1d | nn.Conv2d | nn.Linear | nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d


class _Passing(nn.Module):
    """A layer in whose place h passes."""

    def __init__(self, layer: _Layer) -> None:
        super().__init__()
        self._layer = [layer]  # not a module of this one: its parameters are this one's
        if not isinstance(layer, POOLS):
            self.weight = layer.weight
            self.bias = layer.bias

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        layer = self._layer[0]
        if isinstance(layer, POOLS):
            return cast("Tensor", _GlobalMean.apply(inputs))
        if isinstance(layer, nn.Linear):
            found = cast("Tensor", _Linear.apply(inputs, self.weight))
            return found if self.bias is None else found + self.bias
        settings = {
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
            "groups": layer.groups,
        }
        found = cast("Tensor", _Convolution.apply(inputs, self.weight, settings))
        return found if self.bias is None else found + self.bias.view(-1, *(1,) * (inputs.dim() - 2))


PASSED_AS_GRADIENTS = (nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Identity, nn.ModuleList, nn.Sequential, _Passing)


def _replace_layers(network: nn.Module) -> None:
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear) or _is_global(module):
                setattr(parent, name, _Passing(cast("nn.Conv2d", module)))
            elif next(module.children(), None) is None and not isinstance(module, PASSED_AS_GRADIENTS):
                message = (
                    f"Second derivatives cannot be passed through a {type(module).__name__} ('{name}'); choose the "
                    "weights to verify by magnitude or random."
                )
                raise ConfigError(message)


def _is_global(module: nn.Module) -> bool:
    return isinstance(module, POOLS) and module.output_size in (1, (1,), (1, 1))
