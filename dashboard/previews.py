"""Previews of stored networks: the mean accuracy of one chip per image, pass by pass. Caches as in `dashboard.data`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from dashboard import data, networks, state
from dashboard.data import RunRecord
from dashboard.networks import computing
from neft import columns
from neft.config import RunConfig
from neft.devices import PUBLISHED, Measured, device_from_text
from neft.mapping import BitSlicing
from neft.pipeline import chip_law
from neft.preview import ALL_LAYERS, Preview, Previewer
from neft.store import WEIGHTS

__all__ = ["ALL_LAYERS", "MAX_PASSES", "PUBLISHED", "LayerCosts", "Stream"]

MAX_PASSES = 8
NUM_STEPS = 8
"""Device variations of a curve besides 0."""
SEED = 0


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
    """The row of the layer that costs the most by itself; none where none is told apart from no variation."""


class Stream:
    """A preview as far as it is computed; pages that show the same one share it."""

    def __init__(self, passes: Iterator[Preview], *, clean: float) -> None:
        self._passes = passes
        self.clean = clean
        """Accuracy without variation."""
        self.seconds = 0.0
        """Spent on the passes so far."""
        with computing():
            self.last = self._pass()

    @property
    def is_finished(self) -> bool:
        """Whether all passes are done."""
        return self.last.num_passes >= MAX_PASSES

    def advance(self) -> None:
        """Compute one more pass, if one is left."""
        with computing():
            if not self.is_finished:
                self.last = self._pass()

    def _pass(self) -> Preview:
        started = time.perf_counter()
        found = next(self._passes)
        self.seconds += time.perf_counter() - started
        return found


def sigma_ds(largest: float) -> tuple[float, ...]:
    """The device variations of a curve, from 0 to the largest.

    >>> sigma_ds(0.4)[:3]
    (0.0, 0.05, 0.1)
    """
    return tuple(round(largest * step / NUM_STEPS, 6) for step in range(NUM_STEPS + 1))


def own_device(record: RunRecord) -> str:
    """The device of a run's test chips, by its short name."""
    return record.facts.device


def device_label(device: str) -> str:
    """What a device is called.

    Raises:
        ConfigError: its short name names none.
    """
    return device_from_text(device).full_label


def mapping(config: RunConfig, device: str) -> BitSlicing:
    """How a stored network's weights lie on a device: as the run's, but of as many bits as one's own device has."""
    found = device_from_text(device)
    return config.mapping.on_devices_of(found.device_bits) if isinstance(found, Measured) else config.mapping


def refusal(record: RunRecord, device: str) -> str | None:
    """Why images must share chips here, or None where each has one of its own.

    Raises:
        NeftError: the network, its data or the device do not fit, or are not there.
    """
    return _previewer(record.id, device, record.files[WEIGHTS].sha256).refusal


def curve(record: RunRecord, device: str, largest: float) -> Stream:
    """The accuracy curve of a stored network on a device, given by its short name.

    Raises:
        NeftError: as `refusal`.
    """
    return _curve(record.id, device, largest, record.files[WEIGHTS].sha256)


def layers(record: RunRecord, device: str, sigma_d: float) -> Stream:
    """The accuracy of a stored network with variation in one layer at a time, and last in all.

    Raises:
        NeftError: as `refusal`.
    """
    return _layers(record.id, device, sigma_d, record.files[WEIGHTS].sha256)


def real_chips(record: RunRecord, device: str, largest: float) -> pd.DataFrame:
    """The stored evaluation's means on real chips up to a device variation; empty for another device than its own."""
    heads = [columns.SIGMA_D, columns.MEAN, columns.CI95, columns.LOWER, columns.UPPER]
    if device != own_device(record):
        return pd.DataFrame(columns=heads)
    rows = data.results(record).rename(columns={columns.ACCURACY: columns.MEAN})
    half = rows[columns.CI95].astype(float).fillna(0)
    rows = rows.assign(**{columns.LOWER: rows[columns.MEAN] - half, columns.UPPER: rows[columns.MEAN] + half})
    return rows.loc[rows[columns.SIGMA_D] <= largest + state.CLOSE, heads].reset_index(drop=True)


def by_layer(stream: Stream) -> LayerCosts:
    """What a preview layer by layer has found so far."""
    frame = stream.last.curve
    is_all = frame[columns.LAYER] == ALL_LAYERS
    alone = frame[~is_all]
    told_apart = alone[alone[columns.UPPER] < stream.clean]
    return LayerCosts(
        alone=alone,
        together=frame[is_all],
        clean=stream.clean,
        costliest=told_apart.nsmallest(1, columns.MEAN),
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _curve(run_id: str, device: str, largest: float, checksum: str) -> Stream:
    previewer = _previewer(run_id, device, checksum)
    disjoint = previewer.refusal is not None
    passes = previewer.curve(sigma_ds(largest), seed=SEED, max_passes=MAX_PASSES, disjoint=disjoint)
    return Stream(passes, clean=previewer.clean_accuracy)


@st.cache_resource(max_entries=32, show_spinner=False)
def _layers(run_id: str, device: str, sigma_d: float, checksum: str) -> Stream:
    previewer = _previewer(run_id, device, checksum)
    disjoint = previewer.refusal is not None
    passes = previewer.by_layer(sigma_d, seed=SEED, max_passes=MAX_PASSES, disjoint=disjoint)
    return Stream(passes, clean=previewer.clean_accuracy)


@st.cache_resource(max_entries=4, show_spinner="Reading the network …")
def _previewer(run_id: str, device: str, checksum: str) -> Previewer:
    stored = networks.stored(run_id, checksum)
    law = replace(chip_law(stored.config), device=device_from_text(device), mapping=mapping(stored.config, device))
    with computing():
        return Previewer(stored.network, stored.images, law)
