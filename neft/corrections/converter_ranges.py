"""Ranges of converters, calibrated on images: before a training that learns them, or once it has ended."""

from collections.abc import Callable, Mapping
from typing import cast

import pandas as pd
import torch
from torch import Tensor
from torch.func import functional_call

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData, Split
from neft.errors import ConfigError
from neft.networks.backbones import BaseBackbone
from neft.networks.converters import Converters
from neft.networks.converters.calibration import calibrate, range_use
from neft.networks.network import RANGES, InputShape, Network, build_network

MOST_IMAGES = 1024
BATCH = 256


def calibrate_converters(network: Network, data: ImageData, split: Split, weights: Mapping[str, Tensor]) -> None:
    """Set the ranges of a network's converters by what passes them, at the weights given; nothing where it has none.

    Args:
        network: its ranges are changed; BatchNorm works as it is set, and its statistics stay.
        data: how images are normalised.
        split: whose images; at most 1,024 of them, evenly spread.
        weights: what the devices hold, by layer, without variation.
    """
    if network.ranges is not None:
        network.follow(weights)
        calibrate(network.ranges, _passes(network, data, split, weights))


def converter_use(network: Network, data: ImageData, law: ChipLaw) -> pd.DataFrame | None:
    """How much of its converters' ranges a deployed network uses on validation images, and what they clip.

    Args:
        network: the deployed network.
        data: its validation images are used.
        law: how weights are mapped to devices; passes are those of the chip that misses nothing.

    Returns:
        As of `range_use`; None where there are no converters.
    """
    if network.ranges is None:
        return None
    return range_use(network.ranges, _passes(network.eval(), data, data.validation, _targets(network, law)))


def with_converters(
    network: Network,
    converters: Converters,
    *,
    backbone: BaseBackbone,
    shape: InputShape,
    data: ImageData,
    law: ChipLaw,
) -> Network:
    """A deployed network with these converters in the place of its own, calibrated on validation images.

    Args:
        network: is left alone, and is what is returned where nothing is to be calibrated.
        converters: calibrated ranges are calibrated anew, as the law may be another; learned ones are the network's.
        backbone: the network's.
        shape: what it was built for.
        data: its validation images are used.
        law: how weights are mapped to devices; ranges are those of the chip that misses nothing.

    Raises:
        ConfigError: learned ranges that the network does not hold.
    """
    own = Converters() if network.ranges is None else network.ranges.settings
    if own == converters and (own.is_none or own.are_learned):
        return network
    if converters.are_learned:
        message = (
            "converter_ranges are 'learned', but these weights come without the ranges that were: evaluate the run "
            "that was trained, or calibrate them (converter_ranges 'calibrated')."
        )
        raise ConfigError(message)
    made = build_network(backbone, shape, converters=converters)
    kept = {name: value for name, value in network.state_dict().items() if not name.startswith(RANGES)}
    _ = made.load_state_dict(kept, strict=False)
    calibrate_converters(made.eval(), data, data.validation, _targets(made, law))
    return made


def _targets(network: Network, law: ChipLaw) -> Mapping[str, Tensor]:
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    return law.deploy_gaussian(weights).targets


def _passes(network: Network, data: ImageData, split: Split, weights: Mapping[str, Tensor]) -> Callable[[], None]:
    images = split.images[:: max(1, len(split) // MOST_IMAGES)][:MOST_IMAGES]

    @torch.no_grad()
    def run() -> None:
        for batch in images.split(BATCH):
            held = dict(weights) | {name: buffer.clone() for name, buffer in network.named_buffers()}
            _ = cast("Tensor", functional_call(network, held, (data.normalise(batch),)))

    return run
