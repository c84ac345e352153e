"""What hardware costs need of a network and a mapping: the layers' shapes, and what of a mapping decides."""

from collections.abc import Mapping as Table

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neft.errors import ConfigError
from neft.hardware.costs import LayerShape, Layout
from neft.mapping.rows import Rows
from neft.mapping.signs import SIGNS
from neft.mapping.stack import Mapping
from neft.networks.device_layers import LAYERS, device_weights, layer_name, transposed_groups


def layer_shapes(network: nn.Module, image: Tensor) -> tuple[LayerShape, ...]:
    """The layers in devices, in their order; found by one pass of a blank image.

    Args:
        network: the deployed network, also on the device `meta`, which computes nothing.
        image: [1, channels, height, width], where the network is; its values do not matter.

    Raises:
        ConfigError: a weight belongs to no linear or convolution layer, so that its products cannot be counted.
    """
    weights, groups = device_weights(network), transposed_groups(network)
    products = _products(network, image, weights, groups)
    return tuple(
        LayerShape(
            name=layer_name(name),
            num_outputs=(outputs := Rows(tuple(weight.shape), groups.get(name)).num_outputs),
            num_inputs=weight.numel() // outputs,
            num_products=products.get(name, 0),
        )
        for name, weight in weights.items()
    )


def layout_of(mapping: Mapping) -> Layout:
    """What of a mapping decides costs."""
    sign = SIGNS[mapping.sign]
    of_one_sign, of_both = (sign.device_sets(torch.tensor(weights)) for weights in ([1.0], [-1.0, 1.0]))
    return Layout(
        num_slices=mapping.num_slices,
        copies=mapping.copies,
        devices_a_magnitude=of_one_sign,
        subtracts=of_one_sign > 1 or sign.offset != 0,
        holds_both_signs=sign.holds_both_signs and of_one_sign == of_both,
    )


@torch.no_grad()
def _products(
    network: nn.Module, image: Tensor, weights: Table[str, Tensor], groups: Table[str, int]
) -> dict[str, int]:
    found: dict[str, int] = {}
    modules = dict(network.named_modules())

    def note(name: str, weight: Tensor) -> RemovableHandle:
        owner = modules[name.rpartition(".")[0]]
        if not isinstance(owner, LAYERS):
            message = (
                f"{name} is a weight of a {type(owner).__name__}; hardware costs are known of linear and convolution "
                "layers alone."
            )
            raise ConfigError(message)
        outputs = Rows(tuple(weight.shape), groups.get(name)).num_outputs

        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            found[name] = found.get(name, 0) + output[0].numel() // outputs

        return owner.register_forward_hook(hook)

    was_training = network.training
    hooks = [note(name, weight) for name, weight in weights.items()]
    try:
        _ = network.eval()(image)
    finally:
        _ = network.train(was_training)
        for hook in hooks:
            hook.remove()
    return found
