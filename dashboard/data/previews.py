"""Previews of stored networks: the mean accuracy of one chip per image, pass by pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import PreviewPass, PreviewWay
from dashboard.data import restorable, stored
from dashboard.data.stored import RunRecord
from neft import columns
from neft.sigma_d import rounded_sigma_d, same_sigma_d
from neft.tables import layer_label

if TYPE_CHECKING:
    from dashboard.computing.work import previews as work
else:
    work = process.remote("dashboard.computing.work.previews")

MAX_PASSES = 8
NUM_STEPS = 8
"""Device variations of a curve besides 0."""


@dataclass(frozen=True)
class LayerCosts:
    """Accuracy with variation in one layer at a time."""

    alone: pd.DataFrame
    """A row per layer, from the input to the output."""
    together: pd.DataFrame
    """The row of all layers."""
    clean: float
    """Without variation."""
    costliest: pd.DataFrame
    """The layer that costs the most by itself, with those that are not told apart from it, the dearest first.

    No row where none is told apart from no variation.
    """


class Stream:
    """A preview as far as it is computed; pages that show the same one share it."""

    def __init__(self, after: Callable[[int], PreviewPass]) -> None:
        self._after = after
        self.last = after(1)

    @property
    def clean(self) -> float:
        """Accuracy without variation."""
        return self.last.clean

    @property
    def seconds(self) -> float:
        """Spent on the passes so far."""
        return self.last.seconds

    @property
    def is_finished(self) -> bool:
        """Whether all passes are done."""
        return self.last.num_passes >= MAX_PASSES

    def advance(self) -> None:
        """Compute one more pass, if one is left."""
        if not self.is_finished:
            self.last = self._after(self.last.num_passes + 1)


def sigma_ds(largest: float) -> tuple[float, ...]:
    """The device variations of a curve, from 0 to the largest.

    >>> sigma_ds(0.4)[:3]
    (0.0, 0.05, 0.1)
    """
    return tuple(rounded_sigma_d(largest * step / NUM_STEPS) for step in range(NUM_STEPS + 1))


def own_device(record: RunRecord) -> str:
    """The device of a run's test chips, by its short name."""
    return record.facts.device.removesuffix(record.facts.chips)


@st.cache_resource(max_entries=64, show_spinner=False)
def device_label(device: str) -> str:
    """What a device is called, by its short name.

    Raises:
        ConfigError: its short name names none.
    """
    return work.device_label(device)


def way(record: RunRecord, device: str) -> PreviewWay:
    """How images come by their chips on a device, given by its short name.

    Raises:
        NeftError: the network, its data or the device do not fit, or are not there.
    """
    return _way(record.id, restorable.checksum(record), device)


def curve(record: RunRecord, device: str, largest: float) -> Stream:
    """The accuracy curve of a stored network on a device, given by its short name.

    Raises:
        NeftError: as `way`.
    """
    return _curve(record.id, restorable.checksum(record), device, largest)


def layers(record: RunRecord, device: str, sigma_d: float) -> Stream:
    """The accuracy of a stored network with variation in one layer at a time, and last in all.

    Raises:
        NeftError: as `way`.
    """
    return _layers(record.id, restorable.checksum(record), device, sigma_d)


def real_chips(record: RunRecord, device: str, largest: float) -> pd.DataFrame:
    """The stored evaluation's means on real chips up to a device variation; empty for another device than its own."""
    heads = [columns.SIGMA_D, columns.MEAN, columns.CI95, columns.LOWER, columns.UPPER]
    if device != own_device(record):
        return pd.DataFrame(columns=heads)
    rows = stored.results(record).rename(columns={columns.ACCURACY: columns.MEAN})
    half = rows[columns.CI95].astype(float).fillna(0)
    rows = rows.assign(**{columns.LOWER: rows[columns.MEAN] - half, columns.UPPER: rows[columns.MEAN] + half})
    kept = (rows[columns.SIGMA_D] < largest) | same_sigma_d(rows[columns.SIGMA_D], largest)
    return rows.loc[kept, heads].reset_index(drop=True)


def by_layer(stream: Stream) -> LayerCosts:
    """What a preview layer by layer has found so far."""
    frame = stream.last.curve
    is_all = frame[columns.LAYER] == columns.ALL_LAYERS
    frame = frame.assign(**{columns.LAYER: frame[columns.LAYER].map(layer_label)})
    alone = frame[~is_all]
    costly = alone[alone[columns.UPPER] < stream.clean]
    least = costly.nsmallest(1, columns.MEAN)[columns.UPPER].max()
    return LayerCosts(
        alone=alone,
        together=frame[is_all],
        clean=stream.clean,
        costliest=costly[costly[columns.LOWER] <= least].sort_values(columns.MEAN, kind="stable"),
    )


@st.cache_resource(max_entries=32, show_spinner="Reading the network …")
def _way(run_id: str, checksum: str, device: str) -> PreviewWay:
    return work.way(run_id, checksum, device)


@st.cache_resource(max_entries=32, show_spinner=False)
def _curve(run_id: str, checksum: str, device: str, largest: float) -> Stream:
    return Stream(
        lambda number: work.curve(
            run_id, checksum, device, sigma_ds=sigma_ds(largest), max_passes=MAX_PASSES, number=number
        )
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _layers(run_id: str, checksum: str, device: str, sigma_d: float) -> Stream:
    return Stream(
        lambda number: work.layers(run_id, checksum, device, sigma_d=sigma_d, max_passes=MAX_PASSES, number=number)
    )
