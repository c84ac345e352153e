"""One weight on its devices, on many chips: what `microscope` finds, and tables of it; torch is not needed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from neft import columns
from neft.errors import ConfigError

NUM_CHIPS = 2000
"""Chips on which a weight is looked at; each can be opened by its number."""
NUM_BINS = 41
BIN_EDGE = 4.0
"""The histogram reaches this many stds either side of W_d."""


@dataclass(frozen=True)
class SlicedWeight:
    """One weight on its devices, on many chips."""

    device_bits: int
    """K."""
    max_code: int
    """2^M - 1, the largest code."""
    max_level: int
    """2^K - 1, a device's highest level."""
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
    significance: tuple[int, ...]
    """2^{jK} of each slice j."""
    level_stds: tuple[float, ...]
    """std of each dg_j, in level units."""
    sampled: np.ndarray
    """g_j + dg_j, [slices, chips]."""
    programmed: np.ndarray
    """W_p of every chip (Eq. 5), [chips]."""

    @property
    def num_slices(self) -> int:
        """L, the devices that hold it."""
        return len(self.levels)

    @property
    def step(self) -> float:
        """The weight of one code, w_max / (2^M - 1)."""
        return self.w_max / self.max_code

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
        significance, stds = np.array(self.significance), np.array(self.level_stds)
        errors = self.sampled[:, chip] - np.array(self.levels)
        variance = (stds * significance) ** 2
        frame = pd.DataFrame(
            {
                columns.SLICE: range(self.num_slices),
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
        expected = ndtr((edges - self.target) / self.std)
        return pd.DataFrame(
            {
                columns.BIN_LEFT: edges[:-1],
                columns.BIN_RIGHT: edges[1:],
                columns.DENSITY: counts / (self.sampled.shape[1] * width),
                columns.CLOSED_FORM_DENSITY: np.diff(expected) / width,
            }
        )


def bits_of(level: int, device_bits: int) -> str:
    """A level as its device's bits.

    >>> bits_of(2, 2)
    '10'
    """
    return f"{level:0{device_bits}b}"
