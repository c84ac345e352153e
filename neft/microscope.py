"""One weight down to its devices: what Eq. 4 and Eq. 5 of NeFT do to a single number.

Eq. 4 gives a weight W a sign and an M-bit code, |W| / w_max rounded, spread over L = M/K devices; the device of slice j
holds the level g_j. Eq. 5 lets every device miss by a Gaussian dg_j of its own, with std sigma_d (2^K - 1) times the
level's std, and joins them again: W_p = W_d + s w_max / (2^M - 1) sum_j dg_j 2^{jK}.

Numbers are those of `neft.noise`, `neft.mapping` and `neft.devices`: nothing is computed here a second way.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from neft import columns
from neft.devices import BaseDevice
from neft.errors import ConfigError
from neft.mapping import BitSlicing
from neft.noise import sample_slices
from neft.seeding import generator

NUM_CHIPS = 2000
"""Chips on which a weight is looked at; each can be opened by its number."""
SEED = 0
"""Where those chips come from: the microscope's own, not those of any evaluation, which draw weights, not slices."""
NUM_BINS = 41
BIN_EDGE = 4.0
"""The histogram reaches this many stds either side of W_d."""


@dataclass(frozen=True)
class SlicedWeight:
    """One weight on its devices, on many chips."""

    mapping: BitSlicing
    sigma_d: float
    weight: float
    """W, as it was asked for."""
    w_max: float
    sign: int
    """-1 or 1 (also of 0); kept apart, on a second crossbar."""
    code: int
    """|W| / w_max (2^M - 1), rounded (Eq. 4)."""
    target: float
    """W_d."""
    std: float
    """std(W_p - W_d) by the closed form, in weight units."""
    levels: tuple[int, ...]
    """g_j, least significant first."""
    level_stds: tuple[float, ...]
    """std of each dg_j, in level units."""
    sampled: np.ndarray
    """g_j + dg_j, [slices, chips]."""

    @property
    def step(self) -> float:
        """The weight of one code, w_max / (2^M - 1)."""
        return self.w_max / self.mapping.max_code

    @property
    def programmed(self) -> np.ndarray:
        """W_p of every chip (Eq. 5)."""
        joined = self.mapping.join_levels(torch.from_numpy(self.sampled))
        return (self.sign * self.step * joined).numpy()

    @property
    def sampled_std(self) -> float:
        """RMS of W_p - W_d over the chips."""
        return float(np.sqrt(np.mean((self.programmed - self.target) ** 2)))

    def slices(self, chip: int) -> pd.DataFrame:
        """A row per device of one chip, most significant first.

        Args:
            chip: its number.

        Returns:
            slice (j), significance (2^{jK}), level (g_j), level_std, level_error (dg_j), weight_error (what that adds
            to W_p), variance_share (of the variance of W_p that the device brings).

        Raises:
            ConfigError: no such chip.
        """
        if not 0 <= chip < self.sampled.shape[1]:
            message = f"A chip's number must lie in [0, {self.sampled.shape[1] - 1}]; got {chip}."
            raise ConfigError(message)
        significance, stds = np.array(self.mapping.significance), np.array(self.level_stds)
        errors = self.sampled[:, chip] - np.array(self.levels)
        variance = (stds * significance) ** 2
        frame = pd.DataFrame(
            {
                columns.SLICE: range(self.mapping.num_slices),
                columns.SIGNIFICANCE: significance,
                columns.LEVEL: self.levels,
                columns.LEVEL_STD: stds,
                columns.LEVEL_ERROR: errors,
                columns.WEIGHT_ERROR: self.sign * self.step * errors * significance,
                columns.VARIANCE_SHARE: variance / variance.sum() if variance.any() else variance,
            }
        )
        return frame.iloc[::-1].reset_index(drop=True)

    def histogram(self) -> pd.DataFrame:
        """W_p over all chips (bin_left, bin_right, density), beside the density that the closed form gives each bin."""
        if self.std == 0:
            return pd.DataFrame(columns=[columns.BIN_LEFT, columns.BIN_RIGHT, columns.DENSITY])
        edges = self.target + self.std * np.linspace(-BIN_EDGE, BIN_EDGE, NUM_BINS + 1)
        counts, _ = np.histogram(self.programmed, bins=edges)
        width = edges[1] - edges[0]
        expected = torch.special.ndtr(torch.from_numpy((edges - self.target) / self.std)).numpy()
        return pd.DataFrame(
            {
                columns.BIN_LEFT: edges[:-1],
                columns.BIN_RIGHT: edges[1:],
                columns.DENSITY: counts / (self.sampled.shape[1] * width),
                columns.CLOSED_FORM_DENSITY: np.diff(expected) / width,
            }
        )


def slice_weight(
    weight: float,
    *,
    w_max: float,
    device: BaseDevice,
    mapping: BitSlicing,
    sigma_d: float,
    num_chips: int = NUM_CHIPS,
    seed: int = SEED,
) -> SlicedWeight:
    """Put one weight on its devices, and program them on many chips.

    Args:
        weight: W.
        w_max: the largest magnitude of its layer.
        device: the technology.
        mapping: the bit slicing.
        sigma_d: device variation, std over maximal conductance.
        num_chips: how many chips; number 7 stays the same while this does.
        seed: where they come from.

    Raises:
        ConfigError: |W| exceeds w_max; w_max is not positive; the device does not know so many bits.
    """
    if not (w_max > 0 and abs(weight) <= w_max):
        message = f"The weight W must lie in [-w_max, w_max], with w_max > 0; got W = {weight:g}, w_max = {w_max:g}."
        raise ConfigError(message)
    # the layer's largest weight stands beside it, so that w_max is what it is in the layer
    layer = torch.tensor([weight] * num_chips + [w_max], dtype=torch.float64)
    sampled = sample_slices(layer, device=device, mapping=mapping, sigma_d=sigma_d, rng=generator(seed, "microscope"))[
        :, :num_chips
    ]
    alone, maximum = layer[:1], layer[-1]
    codes = mapping.quantise(alone, maximum)
    levels = mapping.slice_levels(codes)[:, 0]
    level_stds = device.level_stds(mapping.device_bits)[levels.long()] * (sigma_d * mapping.max_level)
    return SlicedWeight(
        mapping=mapping,
        sigma_d=sigma_d,
        weight=weight,
        w_max=w_max,
        sign=-1 if weight < 0 else 1,
        code=int(codes),
        target=float(mapping.dequantise(codes, alone.sign(), maximum)),
        std=float(device.code_stds(mapping)[int(codes)]) * sigma_d * w_max,
        levels=_integers(levels),
        level_stds=tuple(level_stds.tolist()),
        sampled=sampled.numpy(),
    )


def bits_of(level: int, device_bits: int) -> str:
    """A level as its device's bits.

    >>> bits_of(2, 2)
    '10'
    """
    return f"{level:0{device_bits}b}"


def _integers(values: Tensor) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
