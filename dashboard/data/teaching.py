"""Numbers of the lessons beside the experiments' own: one weight's devices, unlucky chips; cached as in `data`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.data import stored
from dashboard.data.stored import RunRecord
from neft import columns, tables
from neft.inspection.sliced_weight import SlicedWeight
from neft.sigma_d import same_sigma_d
from neft.tables.percentiles import (
    Percentile,
    chip_histogram,
    chips_for_limits,
    estimates_by_chips,
    percentile_with_limits,
)

if TYPE_CHECKING:
    from dashboard.computing.work import weights as work
else:
    work = process.remote("dashboard.computing.work.weights")

__all__ = ["OneWeight", "Percentile"]

COUNTS = (5, 7, 10, 14, 20, 30, 40, 50, 70, 100, 140, 200, 300, 400, 500, 700, 1000)
"""Numbers of chips at which estimates are shown."""
SHOWN_CHIPS = 60


@dataclass(frozen=True)
class OneWeight:
    """A weight over w_max as sampled chips hold it."""

    target: float
    """W_d."""
    sign: int
    """-1 or 1."""
    devices: pd.DataFrame
    """A row per device of the first chip, most significant first (`SlicedWeight.slices`)."""
    max_level: int
    levels: pd.DataFrame
    """A row per device and chip, for the first chips: significance, instance, level (asked), value (programmed)."""
    histogram: pd.DataFrame
    """A row per bin of the programmed weight: bin_left, bin_right, density, closed_form_density."""
    shares: pd.DataFrame
    """A row per device: significance, its share of the weight's variance, sampled (mean) and asked (variance_share)."""
    realised_std: float
    """Of the sampled weights, around W_d."""
    closed_form_std: float
    num_chips: int


@st.cache_data(max_entries=64, show_spinner="Programming one weight on many chips …")
def one_weight(weight: float, sigma_d: float) -> OneWeight:
    """A weight (over w_max) on RRAM1, 8 bits on 2-bit devices, on sampled chips."""
    sliced = work.sliced("rram1", weight=weight, w_max=1.0, weight_bits=8, device_bits=2, sigma_d=sigma_d)
    return OneWeight(
        target=sliced.target,
        sign=sliced.sign,
        devices=sliced.slices(0),
        max_level=sliced.max_level,
        levels=_levels(sliced),
        histogram=sliced.histogram(),
        shares=_shares(sliced),
        realised_std=float(np.sqrt(np.mean((sliced.programmed - sliced.target) ** 2))),
        closed_form_std=sliced.std,
        num_chips=sliced.sampled.shape[1],
    )


def chips_of(record: RunRecord, sigma_d: float) -> "pd.Series[float]":
    """The accuracy of a run's chips at one sigma_d, by chip.

    Raises:
        StoreError: they cannot be read.
    """
    rows = stored.instances(record)
    at = rows[same_sigma_d(rows[columns.SIGMA_D], sigma_d)]
    return at.sort_values(columns.INSTANCE).set_index(columns.INSTANCE)[columns.ACCURACY]


def histogram(chips: "pd.Series[float]") -> pd.DataFrame:
    """How many chips lie in each bin of accuracy."""
    return chip_histogram(chips.to_numpy(dtype=float))


def percentile(chips: "pd.Series[float]", share: float) -> Percentile:
    """The accuracy that this share of chips lies below, with its limits."""
    return percentile_with_limits(chips.to_numpy(dtype=float), share)


def chips_for_a_lower_limit(share: float) -> int:
    """Chips before which a percentile has no lower limit."""
    return chips_for_limits(share)


def mean_over_chips(chips: "pd.Series[float]") -> stored.Interval:
    """The mean over one network's chips."""
    return tables.crossed_interval(chips.to_numpy(dtype=float)[None, :])


def estimates(chips: "pd.Series[float]", share: float) -> pd.DataFrame:
    """What the first n chips say of the mean and of a low percentile."""
    counts = [*(count for count in COUNTS if count < len(chips)), len(chips)]
    return estimates_by_chips(chips.to_numpy(dtype=float), share, counts)


def difference(ours: RunRecord, theirs: RunRecord, sigma_d: float) -> "pd.Series[float]":
    """Ours - theirs on common chips: the last row of `neft.tables.compare_runs`.

    Raises:
        NeftError: they cannot be compared, or read.
    """
    runs = [(record, stored.instances(record)) for record in (theirs, ours)]
    return tables.compare_runs(runs, sigma_ds=[sigma_d]).iloc[-1]


def _levels(sliced: SlicedWeight) -> pd.DataFrame:
    shown = sliced.sampled[:, :SHOWN_CHIPS]
    num_slices, count = shown.shape
    return pd.DataFrame(
        {
            columns.SIGNIFICANCE: np.repeat(sliced.significance, count),
            columns.INSTANCE: np.tile(np.arange(count), num_slices),
            columns.LEVEL: np.repeat(sliced.levels, count),
            columns.VALUE: shown.ravel(),
        }
    )


def _shares(sliced: SlicedWeight) -> pd.DataFrame:
    """Least significant first, as the sampled levels are."""
    significance = np.array(sliced.significance, dtype=float)
    asked = np.array(sliced.levels)[:, None]
    sampled = significance**2 * np.mean((sliced.sampled - asked) ** 2, axis=1)
    expected = sliced.slices(0).sort_values(columns.SIGNIFICANCE)[columns.VARIANCE_SHARE]
    return pd.DataFrame(
        {
            columns.SIGNIFICANCE: sliced.significance,
            columns.MEAN: sampled / sampled.sum(),
            columns.VARIANCE_SHARE: expected.to_numpy(),
        }
    )
