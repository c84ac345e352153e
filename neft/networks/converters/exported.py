"""A network with uniform scaling as it goes to the hardware: every layer fills one range, and one triple serves all."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neft.errors import ConfigError
from neft.networks.backbones import ConvNorm
from neft.networks.converters.layers import with_factor
from neft.networks.converters.ranges import INPUTS, OUTPUTS, R_W
from neft.networks.copying import copied
from neft.networks.folding import NORMS
from neft.networks.network import Network


@dataclass(frozen=True)
class Exported:
    """What the hardware is given."""

    network: nn.Module
    """Its layers' largest weights are all R_w, and it computes what the network did that it was made of."""
    triple: tuple[float, float, float]
    """(R_x, R_w, R_y) of all layers; infinite where there are no converters."""
    digital_factors: dict[str, float]
    """By weight, of layers that no BatchNorm follows: what their outputs count behind the ADC, in front of the bias."""


@torch.no_grad()
def export_uniform(network: Network) -> Exported:
    """Rescale every layer to R_w, and move the factor into the BatchNorm behind it.

    With f = w_max / R_w the layer becomes W / f, and BatchNorm's mean becomes mean / f and its factor gamma f, which is
    the same function of y / f as before of y. Where no BatchNorm follows, f stays one digital factor of the layer: the
    next layer cannot take it, as its inputs would leave the range that all share.

    Args:
        network: with converters whose ranges all layers share; it is left alone.

    Raises:
        ConfigError: it has none.
    """
    if network.ranges is None or not network.shares_ranges:
        message = "Only a network with uniform scaling has one triple; train or evaluate it with scaling 'uniform'."
        raise ConfigError(message)
    made = copied(network).eval()
    assert isinstance(made, Network)  # noqa: S101 - a copy of one
    ranges = made.ranges
    assert ranges is not None  # noqa: S101 - as of what it is a copy of
    norms = {
        f"{path}.conv.weight": module.norm
        for path, module in made.named_modules()
        if isinstance(module, ConvNorm) and isinstance(module.norm, NORMS)
    }
    factors: dict[str, float] = {}
    for name in ranges.layers:
        weight = made.get_parameter(name)
        factor = weight.abs().amax() / R_W
        if not factor:
            continue
        _ = weight.div_(factor)
        if name in norms:
            _take_over(norms[name], factor)
        else:
            with_factor(made.get_submodule(name.removesuffix(".weight")), factor)
            factors[name] = float(factor)
    made.follow(made.device_weights())
    reach = {
        end: float("inf") if ranges.bits(end) is None else float(ranges.reach(end, 0)) for end in (INPUTS, OUTPUTS)
    }
    return Exported(made, (reach[INPUTS], R_W, reach[OUTPUTS]), factors)


def _take_over(norm: nn.Module, factor: Tensor) -> None:
    """Have BatchNorm make of y / f what it made of y."""
    assert isinstance(norm, NORMS)  # noqa: S101 - as they were chosen
    if norm.running_mean is not None:
        _ = norm.running_mean.div_(factor)
    _ = norm.weight.mul_(factor)
