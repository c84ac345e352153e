"""Single weights on their devices: which weights and devices there are, and NeFT's Eq. 4 and 5 with their numbers."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import LayerWeight
from dashboard.data import restorable
from dashboard.data.stored import RunRecord
from neft import columns
from neft.inspection.sliced_weight import NUM_CHIPS, SlicedWeight, bits_of

if TYPE_CHECKING:
    from dashboard.computing.work import weights as work
else:
    work = process.remote("dashboard.computing.work.weights")

__all__ = ["NUM_CHIPS", "LayerWeight", "SlicedWeight", "bits_of"]

TERMS_A_LINE = 2
"""Of a sum in an equation: narrow pages have room for no more."""
MOST_DEVICE_BITS = 8


def layer_sizes(record: RunRecord) -> dict[str, int]:
    """Weights of each layer that lies in devices, from the input down.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _layer_sizes(record.id, restorable.checksum(record))


def layer_weight(record: RunRecord, layer: str, number: int) -> LayerWeight:
    """One weight of a stored network, by its number in the layer, output by output."""
    return work.layer_weight(record.id, restorable.checksum(record), layer, number)


def devices_of(record: RunRecord | None) -> dict[str, str]:
    """The technologies a weight can be put on, with their labels: the published ones, and a run's own device."""
    own = None if record is None else _own_device(record.id, restorable.checksum(record))
    return restorable.published_devices() if own is None else restorable.published_devices() | dict([own])


@st.cache_resource(max_entries=64, show_spinner="Programming one weight on many chips …")
def slice_on(
    device: str, *, weight: float, w_max: float, weight_bits: int, device_bits: int, sigma_d: float
) -> SlicedWeight:
    """Put a weight on the devices of a technology.

    Raises:
        ConfigError: the weight, the bits and the device do not fit.
    """
    return work.sliced(
        device, weight=weight, w_max=w_max, weight_bits=weight_bits, device_bits=device_bits, sigma_d=sigma_d
    )


def device_bits_of(device: str, weight_bits: int) -> list[int]:
    """Which numbers of bits a device may hold: those that divide the weight's, and that the technology knows."""
    return [bits for bits in _device_bits(device) if weight_bits % bits == 0]


@st.cache_resource(max_entries=32, show_spinner=False)
def _layer_sizes(run_id: str, checksum: str) -> dict[str, int]:
    return work.layer_sizes(run_id, checksum)


@st.cache_resource(max_entries=32, show_spinner="Reading the network …")
def _own_device(run_id: str, checksum: str) -> tuple[str, str] | None:
    return work.own_device(run_id, checksum)


@st.cache_resource(max_entries=64, show_spinner=False)
def _device_bits(device: str) -> list[int]:
    return work.device_bits_of(device, MOST_DEVICE_BITS)


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
    return rf"\tfrac{{{sliced.w_max:.4g}}}{{{sliced.max_code}}}"


def _lines(terms: list[str], joined: str) -> str:
    """The terms of a sum, a few a line of an aligned equation."""
    lines = [joined.join(terms[start : start + TERMS_A_LINE]) for start in range(0, len(terms), TERMS_A_LINE)]
    return rf"{joined}\\ &\quad ".join(lines)
