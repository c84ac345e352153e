"""Stored networks that can be run again: which there are, and what is known of their images and devices."""

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import Images, Picture
from dashboard.data import stored
from dashboard.data.stored import RunRecord
from neft.runs.store import WEIGHTS

if TYPE_CHECKING:
    from dashboard.computing.work import restored as work
else:
    work = process.remote("dashboard.computing.work.restored")


def candidates() -> list[RunRecord]:
    """The runs that kept their weights; first those of the network with the most curves."""
    kept = [record for record in stored.listing().records if has_weights(record)]
    curves = Counter(_place(record) for record in kept if stored.is_curve(record))
    return sorted(kept, key=lambda record: (-curves[_place(record)], record.id))


def has_weights(record: RunRecord) -> bool:
    """Whether a run kept its weights, so that its network can be run."""
    return WEIGHTS in record.files


def checksum(record: RunRecord) -> str:
    """Of a run's weights: with its id it names a network."""
    return record.files[WEIGHTS].sha256


def images(record: RunRecord) -> Images:
    """How many test images a run's chips were tried on, and their classes.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _images(record.id, checksum(record))


def pictures(record: RunRecord, places: tuple[int, ...]) -> list[Picture]:
    """Test images of a run's data, by their places in the test split.

    Raises:
        NeftError: as `images`.
    """
    return _pictures(record.id, checksum(record), places)


@st.cache_resource(show_spinner="Reading the technologies …")
def published_devices() -> dict[str, str]:
    """The published devices: names and labels."""
    return work.published_devices()


def _place(record: RunRecord) -> tuple[str, str]:
    return record.facts.dataset_label, record.facts.backbone_label


@st.cache_resource(max_entries=32, show_spinner="Reading the network …")
def _images(run_id: str, checksum: str) -> Images:
    return work.images(run_id, checksum)


@st.cache_resource(max_entries=64, show_spinner=False)
def _pictures(run_id: str, checksum: str, places: tuple[int, ...]) -> list[Picture]:
    return work.pictures(run_id, checksum, places)
