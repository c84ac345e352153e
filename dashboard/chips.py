"""Chips of an evaluation, opened again: reports, error maps, votes. Caches as in `dashboard.data`.

Nothing large is kept: a report has a row per image, votes a number per chip, device variation and class; no chip's
weights stay.
"""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch
from torch import Tensor

from dashboard import data, networks, state
from dashboard.data import RunRecord
from dashboard.networks import computing
from neft import chip_report, columns, votes
from neft.chip_report import FLIPPED, MENDED, ErrorMap, Unit
from neft.pipeline import chip_law
from neft.store import WEIGHTS

__all__ = ["ErrorMap", "Unit"]

PERCENTILES: dict[str, float] = {
    "Worst": 0.0,
    "1st percentile": 1.0,
    "5th percentile": 5.0,
    "Median": 50.0,
    "Best": 100.0,
}
"""Named chips, by the percentile whose nearest rank they are."""
BY_NUMBER = "By its number"
FIRST_IMAGES = 18
"""Flipped images that are drawn at once."""
NUM_VOTERS = 100
VOTE_SIGMA_DS = tuple(round(0.025 * step, 3) for step in range(17))
FIRST_LOOK = 20
"""Chips that are asked which images are contested."""
LOOKED_AT = 500
"""Of so many test images, the first ones."""
A_PASS = 0.25
"""Seconds of computing between two pictures of a growing vote."""


@dataclass(frozen=True)
class ChipReport:
    """One chip of a run's evaluation at one device variation."""

    instance: int
    sigma_d: float
    ranked: pd.DataFrame
    """All stored chips, worst first."""
    mean: pd.DataFrame
    """mean, lower, upper (fractions) and ci95 of the mean over the stored chips; one row."""
    rank: int
    stored_accuracy: float
    num_right: int
    """Images that it has right, opened again."""
    num_images: int
    clean: float
    """Accuracy without variation."""
    flipped: pd.DataFrame
    mended: pd.DataFrame
    commonest: tuple[int, int, int] | None
    """True class, class that the chip says, and how often, of flipped images."""
    confusion: pd.DataFrame
    layers: pd.DataFrame
    class_names: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Opened again."""
        return self.num_right / self.num_images

    @property
    def off_by(self) -> int:
        """Images by which the opened chip differs from the stored one; none where the machine computes alike."""
        return abs(self.num_right - round(self.stored_accuracy * self.num_images))


@dataclass(frozen=True)
class Picture:
    """A test image as it is drawn."""

    pixels: np.ndarray
    """[channels, height, width], 0 … 255."""
    true_class: int


class Voters:
    """What chips say of one image at every device variation, chip after chip; pages that show it share it."""

    def __init__(self, chips: networks.OpenedChips, image: int) -> None:
        self._chips = chips
        self._image = image
        self._logits: list[Tensor] = []
        self.seconds = 0.0
        """Spent so far."""
        self.advance()

    @property
    def num_chips(self) -> int:
        """Chips asked so far."""
        return len(self._logits)

    @property
    def is_finished(self) -> bool:
        """Whether all have been asked."""
        return self.num_chips >= NUM_VOTERS

    def advance(self) -> None:
        """Ask chips for about a quarter of a second."""
        started = time.perf_counter()
        with computing():
            while not self.is_finished and time.perf_counter() - started < A_PASS:
                said = self._chips.logits(self.num_chips, sigma_ds=VOTE_SIGMA_DS, images=[self._image])
                self._logits.append(said[:, 0].clone())
        self.seconds += time.perf_counter() - started

    def votes(self, sigma_d: float) -> pd.DataFrame:
        """A row per chip: instance, said_class, probability."""
        found = votes.votes(self._at(sigma_d))
        return found.assign(**{columns.INSTANCE: range(len(found))})

    def tally(self, sigma_d: float) -> pd.DataFrame:
        """A row per class: how many chips say it, and its mean probability."""
        return votes.tally(self._at(sigma_d))

    def _at(self, sigma_d: float) -> Tensor:
        return torch.stack(self._logits)[:, VOTE_SIGMA_DS.index(sigma_d)]


# ---------------------------------------------------------------- one chip
def tried_sigma_ds(record: RunRecord) -> list[float]:
    """The device variations above 0 at which a run's chips were tried."""
    return [row.sigma_d for row in record.summary.test if row.sigma_d > 0]


def usual_sigma_d(record: RunRecord, among: "list[float] | tuple[float, ...]") -> float:
    """Of these, the device variation nearest to that of the training (0.1 for one without noise)."""
    wanted = record.facts.train_sigma_d or 0.1
    return min(among, key=lambda sigma_d: abs(sigma_d - wanted))


def ranked(record: RunRecord, sigma_d: float) -> pd.DataFrame:
    """A run's stored chips at one device variation, worst first.

    Raises:
        StoreError: they cannot be read.
    """
    rows = data.instances(record)
    return chip_report.ranked(rows[(rows[columns.SIGMA_D] - sigma_d).abs() < state.CLOSE])


def percentile_chip(order: pd.DataFrame, percentile: float) -> int:
    """The number of the percentile chip among ranked ones (nearest rank)."""
    rank = chip_report.percentile_rank(percentile, len(order))
    return int(order[columns.INSTANCE].iloc[rank - 1])


def report(record: RunRecord, sigma_d: float, instance: int) -> ChipReport:
    """Open one chip.

    Raises:
        NeftError: the run's weights, chips or data are not there.
    """
    return _report(record.id, record.files[WEIGHTS].sha256, sigma_d, instance, data.fingerprint())


def error_map(record: RunRecord, *, layer: str, instance: int, sigma_d: float, unit: Unit) -> ErrorMap:
    """How far each weight of a layer misses on one chip."""
    found = networks.stored(record.id, record.files[WEIGHTS].sha256)
    with computing():
        return chip_report.error_map(
            found.network,
            chip_law(found.config),
            layer=layer,
            seed=found.config.evaluation.seed,
            instance=instance,
            sigma_d=sigma_d,
            unit=unit,
        )


def picture(record: RunRecord, image: int) -> Picture:
    """A test image of a run's data."""
    images = networks.stored(record.id, record.files[WEIGHTS].sha256).images
    pixels = images.test.images[image].numpy().astype(np.float32) * (255 / images.maximum)
    return Picture(pixels=pixels.round().astype(np.uint8), true_class=int(images.test.labels[image]))


# ---------------------------------------------------------------- one input
def voters(record: RunRecord, image: int) -> Voters:
    """The votes of a run's chips on one test image.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _voters(record.id, record.files[WEIGHTS].sha256, image)


def contested(record: RunRecord, sigma_d: float) -> pd.DataFrame:
    """Test images (the first `LOOKED_AT`) from the most contested on, by the first chips' votes.

    Raises:
        NeftError: as `voters`.
    """
    return _contested(record.id, record.files[WEIGHTS].sha256, sigma_d)


def nearest_stop(sigma_d: float) -> float:
    """The device variation nearest to this one at which votes are counted."""
    return min(VOTE_SIGMA_DS, key=lambda stop: abs(stop - sigma_d))


def stored_chip_address(record: RunRecord, instance: int, sigma_d: float) -> dict[str, str] | None:
    """The address that opens a chip, where the run's evaluation tried it at that device variation."""
    tried = [value for value in tried_sigma_ds(record) if abs(value - sigma_d) < state.CLOSE]
    if not tried or instance not in set(ranked(record, tried[0])[columns.INSTANCE]):
        return None
    return {
        state.RUNS: record.id,
        state.CHIP: BY_NUMBER,
        state.CHIP_NUMBER: str(instance),
        state.CHIP_SIGMA_D: state.sigma_text(tried[0]),
    }


def num_test_images(record: RunRecord) -> int:
    """How many test images a run's chips were tried on.

    Raises:
        NeftError: as `voters`.
    """
    return len(networks.stored(record.id, record.files[WEIGHTS].sha256).images.test)


def class_names(record: RunRecord) -> tuple[str, ...]:
    """The classes of a run's data, by number."""
    return networks.stored(record.id, record.files[WEIGHTS].sha256).images.class_names


# ---------------------------------------------------------------- caches
@st.cache_resource(max_entries=64, show_spinner="Opening the chip …")
def _report(run_id: str, checksum: str, sigma_d: float, instance: int, stamp: str) -> ChipReport:
    del stamp
    record = data.records([run_id])[0]
    order = ranked(record, sigma_d)
    place = order[order[columns.INSTANCE] == instance].iloc[0]
    found, chips = networks.stored(run_id, checksum), networks.opened_chips(record)
    with computing():
        clean, logits = chips.logits(instance, sigma_ds=[0.0, sigma_d])
        layers = chip_report.layer_errors(found.network, chip_law(found.config), seed=chips.seed, instance=instance)
    said = chip_report.answers(clean, logits, chips.labels)
    right = said[columns.CHIP_CLASS] == said[columns.TRUE_CLASS]
    return ChipReport(
        instance=instance,
        sigma_d=sigma_d,
        ranked=order,
        mean=_mean(record, sigma_d),
        rank=int(place[columns.RANK]),
        stored_accuracy=float(place[columns.ACCURACY]),
        num_right=int(right.sum()),
        num_images=len(said),
        clean=float((said[columns.CLEAN_CLASS] == said[columns.TRUE_CLASS]).mean()),
        flipped=chip_report.changed(said, FLIPPED),
        mended=chip_report.changed(said, MENDED),
        commonest=chip_report.commonest_flip(said),
        confusion=chip_report.confusion(said, num_classes=found.images.num_classes),
        layers=layers,
        class_names=found.images.class_names,
    )


def _mean(record: RunRecord, sigma_d: float) -> pd.DataFrame:
    rows = data.results(record).rename(columns={columns.ACCURACY: columns.MEAN})
    row = rows[(rows[columns.SIGMA_D] - sigma_d).abs() < state.CLOSE]
    half = row[columns.CI95].astype(float)
    return row.assign(**{columns.LOWER: row[columns.MEAN] - half, columns.UPPER: row[columns.MEAN] + half})


@st.cache_resource(max_entries=32, show_spinner=False)
def _voters(run_id: str, checksum: str, image: int) -> Voters:
    del checksum
    return Voters(networks.opened_chips(data.records([run_id])[0]), image)


@st.cache_resource(max_entries=16, show_spinner="Asking chips which images they disagree about …")
def _contested(run_id: str, checksum: str, sigma_d: float) -> pd.DataFrame:
    del checksum
    chips = networks.opened_chips(data.records([run_id])[0])
    images = range(min(LOOKED_AT, len(chips.labels)))
    with computing():
        asked = chips.each(range(FIRST_LOOK), sigma_ds=[sigma_d], images=images)
        logits = torch.stack([said[0].clone() for _, said in asked])
    return votes.contested(logits, chips.labels[: len(images)])
