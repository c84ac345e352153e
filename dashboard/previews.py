"""Previews of stored networks: the mean accuracy of one chip per image, pass by pass. Caches as in `dashboard.data`.

Networks run on one thread: a pass is small, and a training beside it needs the rest.
"""

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import streamlit as st
import torch

from dashboard import data, state
from dashboard.data import RunRecord
from neft import columns
from neft.component import build
from neft.config import RunConfig
from neft.datasets.base import ImageData
from neft.devices import DEVICES
from neft.pipeline import Settings, chip_law, load_data, restore_network, stored_config
from neft.preview import ALL_LAYERS, Preview, Previewer
from neft.store import WEIGHTS, Stores

__all__ = ["ALL_LAYERS", "DEVICES", "MAX_PASSES", "LayerCosts", "Stream"]

MAX_PASSES = 8
NUM_STEPS = 8
"""Device variations of a curve besides 0."""
SEED = 0
_COMPUTING = threading.Lock()
"""One pass at a time: previews of one network share it, and the number of threads is the process's."""


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
        with _COMPUTING:
            self.last = self._pass()

    @property
    def is_finished(self) -> bool:
        """Whether all passes are done."""
        return self.last.num_passes >= MAX_PASSES

    def advance(self) -> None:
        """Compute one more pass, if one is left."""
        with _COMPUTING:
            if not self.is_finished:
                self.last = self._pass()

    def _pass(self) -> Preview:
        with _one_thread():
            started = time.perf_counter()
            found = next(self._passes)
            self.seconds += time.perf_counter() - started
        return found


def candidates(stamp: str) -> list[RunRecord]:
    """The runs that kept their weights; first those of the network with the most curves."""
    del stamp
    kept = [record for record in data.listing().records if WEIGHTS in record.files]
    curves = Counter(_place(record) for record in kept if data.is_curve(record))
    return sorted(kept, key=lambda record: (-curves[_place(record)], record.id))


def sigma_ds(largest: float) -> tuple[float, ...]:
    """The device variations of a curve, from 0 to the largest.

    >>> sigma_ds(0.4)[:3]
    (0.0, 0.05, 0.1)
    """
    return tuple(round(largest * step / NUM_STEPS, 6) for step in range(NUM_STEPS + 1))


def own_device(record: RunRecord) -> str:
    """The device of a run's test chips."""
    return record.facts.device


def refusal(record: RunRecord, device: str) -> str | None:
    """Why images must share chips here, or None where each has one of its own.

    Raises:
        NeftError: the network, its data or the device do not fit, or are not there.
    """
    return _previewer(record.id, device, record.files[WEIGHTS].sha256).refusal


def curve(record: RunRecord, device: str, largest: float) -> Stream:
    """The accuracy curve of a stored network on a device.

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


def _place(record: RunRecord) -> tuple[str, str]:
    return record.facts.dataset_label, record.facts.backbone_label


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
    del checksum
    holder = Stores.default().holder(run_id)
    record = holder.record(run_id)
    config = stored_config(record)
    images = _images(config)
    network = restore_network(config, images, holder.weights(record))
    tested = build(DEVICES[device], {}) if device != config.test_device.name else config.test_device
    law = chip_law(config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"device": tested})}))
    with _COMPUTING, _one_thread():
        return Previewer(network, images, law)


def _data_key(config: RunConfig) -> str:
    """What decides the images."""
    return f"{config.dataset.model_dump_json()} {config.training.max_validation} {config.evaluation.max_test}"


@st.cache_resource(max_entries=2, show_spinner="Reading the images …", hash_funcs={RunConfig: _data_key})
def _images(config: RunConfig) -> ImageData:
    return load_data(config, Settings(store=Stores.default().own))


@contextmanager
def _one_thread() -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
