"""Single weights on their devices: which weights and devices there are, and NeFT's Eq. 4 and 5 with their numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard import networks
from dashboard.data import RunRecord
from neft import columns
from neft.device_layers import device_weights, layer_name
from neft.devices import PUBLISHED, Measured, device_from_text
from neft.errors import ConfigError
from neft.mapping import BitSlicing
from neft.microscope import NUM_CHIPS, SlicedWeight, bits_of, slice_weight
from neft.store import WEIGHTS

__all__ = ["NUM_CHIPS", "SlicedWeight", "bits_of"]

TERMS_A_LINE = 2
"""Of a sum in an equation: narrow pages have room for no more."""


@dataclass(frozen=True)
class LayerWeight:
    """One weight of a layer."""

    value: float
    w_max: float
    place: tuple[int, ...]
    """Its index in the layer's tensor."""


def layer_sizes(record: RunRecord) -> dict[str, int]:
    """Weights of each layer that lies in devices, from the input down.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    network = networks.stored(record.id, record.files[WEIGHTS].sha256).network
    return {layer_name(name): weight.numel() for name, weight in device_weights(network).items()}


def layer_weight(record: RunRecord, layer: str, number: int) -> LayerWeight:
    """One weight of a stored network, by its number in the layer, output by output."""
    network = networks.stored(record.id, record.files[WEIGHTS].sha256).network
    weight = next(tensor for name, tensor in device_weights(network).items() if layer_name(name) == layer).detach()
    place = tuple(int(index) for index in np.unravel_index(number, weight.shape))
    return LayerWeight(value=float(weight[place]), w_max=float(weight.abs().amax()), place=place)


def devices_of(record: RunRecord | None) -> dict[str, str]:
    """The technologies a weight can be put on, with their labels: the published ones, and a run's own device."""
    labels = {name: device.label for name, device in PUBLISHED.items()}
    if record is not None:
        tested = networks.stored(record.id, record.files[WEIGHTS].sha256).config.test_device
        if isinstance(tested, Measured):
            labels[tested.short_name] = tested.full_label
    return labels


def slice_on(
    device: str, *, weight: float, w_max: float, weight_bits: int, device_bits: int, sigma_d: float
) -> SlicedWeight:
    """Put a weight on the devices of a technology.

    Raises:
        ConfigError: the weight, the bits and the device do not fit.
    """
    mapping = BitSlicing(weight_bits=weight_bits, device_bits=device_bits)
    return slice_weight(weight, w_max=w_max, device=device_from_text(device), mapping=mapping, sigma_d=sigma_d)


def device_bits_of(device: str, weight_bits: int) -> list[int]:
    """Which numbers of bits a device may hold: those that divide the weight's, and that the technology knows."""
    return [bits for bits in range(1, min(weight_bits, 8) + 1) if weight_bits % bits == 0 and _knows(device, bits)]


def _knows(device: str, device_bits: int) -> bool:
    try:
        _ = device_from_text(device).level_stds(device_bits)
    except ConfigError:
        return False
    return True


def target_equation(sliced: SlicedWeight, rows: pd.DataFrame) -> str:
    """Eq. 4 in LaTeX: the weight as its devices' levels, most significant first.

    Args:
        sliced: the weight.
        rows: its devices (`SlicedWeight.slices`).
    """
    sign, scale = _sign(sliced), _scale(sliced)
    terms = [
        rf"{level}\cdot {significance}"
        for level, significance in zip(rows[columns.LEVEL], rows[columns.SIGNIFICANCE], strict=True)
    ]
    return (
        rf"\begin{{aligned}}W_d &= s\,\tfrac{{w_{{max}}}}{{2^M-1}}\textstyle\sum_j g_j 2^{{jK}} \\ "
        rf"&= {sign}{scale}\,({_lines(terms, ' + ')}) \\ "
        rf"&= {sign}{scale}\cdot {sliced.code} = {sliced.target:.4f}\end{{aligned}}"
    )


def programmed_equation(sliced: SlicedWeight, rows: pd.DataFrame, chip: int) -> str:
    """Eq. 5 in LaTeX: what the devices of one chip add to the weight.

    Args:
        sliced: the weight.
        rows: its devices on that chip (`SlicedWeight.slices`).
        chip: its number.
    """
    errors = zip(rows[columns.LEVEL_ERROR], rows[columns.SIGNIFICANCE], strict=True)
    terms = [rf"{error:+.3f}\cdot {significance}" for error, significance in errors]
    return (
        rf"\begin{{aligned}}W_p &= W_d + s\,\tfrac{{w_{{max}}}}{{2^M-1}}\textstyle\sum_j \Delta g_j 2^{{jK}} \\ "
        rf"&= {sliced.target:.4f} \\ &\quad {_sign(sliced)}{_scale(sliced)}\,({_lines(terms, ' ')}) \\ "
        rf"&= {float(sliced.programmed[chip]):.4f}\end{{aligned}}"
    )


def _sign(sliced: SlicedWeight) -> str:
    return "-" if sliced.sign < 0 else "+"


def _scale(sliced: SlicedWeight) -> str:
    return rf"\tfrac{{{sliced.w_max:.4g}}}{{{sliced.mapping.max_code}}}"


def _lines(terms: list[str], joined: str) -> str:
    """The terms of a sum, a few a line of an aligned equation."""
    lines = [joined.join(terms[start : start + TERMS_A_LINE]) for start in range(0, len(terms), TERMS_A_LINE)]
    return rf"{joined}\\ &\quad ".join(lines)
