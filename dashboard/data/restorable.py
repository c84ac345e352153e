"""Stored networks that can be run again: which there are, and what is known of their images and devices."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.address import Selection
from dashboard.computing import process
from dashboard.computing.answers import Images, Picture
from dashboard.data import stored
from dashboard.data.stored import RunRecord
from neft.errors import NeftError
from neft.input_kinds import IMAGE, Called
from neft.runs.store import WEIGHTS
from neft.sigma_d import rounded_sigma_d

if TYPE_CHECKING:
    from dashboard.computing.work import restored as work
else:
    work = process.remote("dashboard.computing.work.restored")

USUAL_SIGMA_D = 0.1
"""The training sigma_d near which a network is looked for where nothing is selected."""


def candidates() -> list[RunRecord]:
    """The runs that kept their weights; first those of the network with the most curves."""
    kept = [record for record in stored.listing().records if has_weights(record)]
    curves = Counter(_place(record) for record in kept if stored.is_curve(record))
    return sorted(kept, key=lambda record: (-curves[_place(record)], record.id))


def foremost(runs: Sequence[RunRecord], selection: Selection | None) -> RunRecord:
    """Of some runs the one that a selection looks at: of its methods, trained the nearest to its device variation.

    Of those a method with feedback before the others, then as methods are shown, then the lowest seed. Where none of
    the selection's runs is among them, or nothing is selected, it is chosen likewise of the first network.
    """
    there = [record for record in runs if selection is not None and record.id in selection.run_ids]
    among = there or [record for record in runs if _place(record) == _place(runs[0])]
    wanted = USUAL_SIGMA_D if selection is None else selection.trained_at

    def standing(record: RunRecord) -> tuple[float, bool, tuple[int, str, str], int, str]:
        facts = record.facts
        distance = rounded_sigma_d(abs(facts.train_sigma_d - wanted))
        return distance, not facts.has_feedback, stored.shown_place(facts), facts.seed, record.id

    return min(among, key=standing)


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


def called(record: RunRecord) -> Called:
    """What a run's inputs are called; images where that cannot be looked up."""
    try:
        return images(record).called if has_weights(record) else IMAGE
    except NeftError:  # named where more than a word is asked for
        return IMAGE


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
