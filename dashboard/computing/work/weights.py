"""Weights of stored networks, and single weights on their devices."""

import numpy as np
import pandas as pd

from dashboard.computing.answers import LayerWeight
from dashboard.computing.work import restored
from neft.devices import Measured, device_from_text
from neft.errors import ConfigError
from neft.inspection.magnitudes import magnitude_histograms
from neft.inspection.microscope import slice_weight
from neft.inspection.sliced_weight import SlicedWeight
from neft.mapping.stack import Mapping as WeightMapping
from neft.networks.device_layers import device_weights, layer_name
from neft.tables import layer_label


def layer_sizes(run_id: str, checksum: str) -> dict[str, int]:
    """Weights of each layer that lies in devices, as pages call it, from the input down.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    weights = device_weights(restored.stored(run_id, checksum).network)
    return {layer_label(layer_name(name)): weight.numel() for name, weight in weights.items()}


def layer_weight(run_id: str, checksum: str, layer: str, number: int) -> LayerWeight:
    """One weight of a stored network, by its number in the layer, output by output."""
    weights = device_weights(restored.stored(run_id, checksum).network)
    wanted = restored.layer_called(run_id, checksum, layer)
    weight = next(tensor for name, tensor in weights.items() if layer_name(name) == wanted).detach()
    place = tuple(int(index) for index in np.unravel_index(number, weight.shape))
    return LayerWeight(value=float(weight[place]), w_max=float(weight.abs().amax()), place=place)


def own_device(run_id: str, checksum: str) -> tuple[str, str] | None:
    """The user's own device that a run was tested on: its short name and its label; None for a published one."""
    tested = restored.stored(run_id, checksum).config.test_device
    return (tested.short_name, tested.full_label) if isinstance(tested, Measured) else None


def sliced(
    device: str, *, weight: float, w_max: float, weight_bits: int, device_bits: int, sigma_d: float
) -> SlicedWeight:
    """A weight on the devices of a technology, on many chips.

    Raises:
        ConfigError: the weight, the bits and the device do not fit.
    """
    mapping = WeightMapping(weight_bits=weight_bits, device_bits=device_bits)
    return slice_weight(weight, w_max=w_max, device=device_from_text(device), mapping=mapping, sigma_d=sigma_d)


def device_bits_of(device: str, most: int) -> list[int]:
    """How many bits a device may hold, up to so many: those that the technology knows."""
    return [bits for bits in range(1, most + 1) if _knows(device, bits)]


def magnitudes(run_id: str, checksum: str) -> pd.DataFrame:
    """How the weights of a stored network are spread over magnitudes, layer by layer.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return magnitude_histograms(restored.stored(run_id, checksum).network)


def _knows(device: str, device_bits: int) -> bool:
    try:
        _ = device_from_text(device).level_stds(device_bits)
    except ConfigError:
        return False
    return True
