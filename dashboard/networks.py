"""Stored networks, ready to compute: restored once, with their images. Caches as in `dashboard.data`.

Networks run on one thread: what a page asks for is small, and a training beside it needs the rest.
"""

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st
import torch

from dashboard import data
from dashboard.data import RunRecord
from neft.config import RunConfig
from neft.datasets.base import ImageData
from neft.network import Network
from neft.opened_chips import OpenedChips
from neft.pipeline import Settings, chip_law, load_data, restore_network, stored_config
from neft.store import WEIGHTS, Stores

__all__ = ["OpenedChips", "StoredNetwork", "candidates", "computing", "has_weights", "opened_chips", "stored"]

_COMPUTING = threading.Lock()


@dataclass(frozen=True)
class StoredNetwork:
    """A run's network with its images, in evaluation mode; to be left as it is."""

    config: RunConfig
    network: Network
    images: ImageData


def candidates(stamp: str) -> list[RunRecord]:
    """The runs that kept their weights; first those of the network with the most curves."""
    del stamp
    kept = [record for record in data.listing().records if has_weights(record)]
    curves = Counter(_place(record) for record in kept if data.is_curve(record))
    return sorted(kept, key=lambda record: (-curves[_place(record)], record.id))


def has_weights(record: RunRecord) -> bool:
    """Whether a run kept its weights, so that its network can be run."""
    return WEIGHTS in record.files


def opened_chips(record: RunRecord) -> OpenedChips:
    """The very chips of a run's evaluation, to be opened one by one. Use it within `computing()`.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _opened(record.id, record.files[WEIGHTS].sha256)


@contextmanager
def computing() -> Generator[None]:
    """One computation at a time, on one thread: pages share networks, and the number of threads is the process's."""
    with _COMPUTING:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@st.cache_resource(max_entries=4, show_spinner="Reading the network …")
def stored(run_id: str, checksum: str) -> StoredNetwork:
    """A run's network; the checksum is that of its weights.

    Raises:
        NeftError: its weights or its data are not there.
    """
    del checksum
    holder = Stores.default().holder(run_id)
    record = holder.record(run_id)
    config = stored_config(record)
    images = _images(config)
    return StoredNetwork(config, restore_network(config, images, holder.weights(record)).eval(), images)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(run_id: str, checksum: str) -> OpenedChips:
    found = stored(run_id, checksum)
    with computing():
        return OpenedChips(found.network, found.images, chip_law(found.config), seed=found.config.evaluation.seed)


def _place(record: RunRecord) -> tuple[str, str]:
    return record.facts.dataset_label, record.facts.backbone_label


def _data_key(config: RunConfig) -> str:
    """What decides the images."""
    return f"{config.dataset.model_dump_json()} {config.training.max_validation} {config.evaluation.max_test}"


@st.cache_resource(max_entries=2, show_spinner="Reading the images …", hash_funcs={RunConfig: _data_key})
def _images(config: RunConfig) -> ImageData:
    return load_data(config, Settings(store=Stores.default().own))
