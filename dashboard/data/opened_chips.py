"""Chips of an evaluation, opened again: reports, error maps, votes. Caches as in `dashboard.data.stored`.

Nothing large is kept: a report has a row per image, votes a number per chip, device variation and class; no chip's
weights stay.
"""

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.computing import process
from dashboard.computing.answers import Ink, Picture
from dashboard.data import races, restorable, stored
from dashboard.data.caches import kept
from dashboard.data.races import RaceRecord
from dashboard.data.stored import RunRecord
from neft import columns
from neft.input_kinds import Called
from neft.inspection import chip_report, votes
from neft.inspection.chip_report import FLIPPED, MENDED, ErrorMap, Unit
from neft.sigma_d import same_sigma_d, sigma_d_text
from neft.tables.percentiles import percentile_at

if TYPE_CHECKING:
    from dashboard.computing.work import opened_chips as work
else:
    work = process.remote("dashboard.computing.work.opened_chips")

__all__ = ["ErrorMap", "Ink", "Unit"]

PERCENTILES = {"0": "Worst", "1": "1st percentile", "5": "5th percentile", "50": "Median", "100": "Best"}
"""Named chips, by the percentile whose nearest rank they are."""
BY_NUMBER = "number"
RACED = "raced"
"""One of the worst of very many, by its rank."""
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
    num_ranked: int
    """Chips among which it has its rank: the stored ones, or those of a race."""
    mean: pd.DataFrame
    """mean, lower, upper (fractions) and ci95 of the mean over the stored chips; one row."""
    rank: int
    stored_accuracy: float
    """As the evaluation stored it, or the race did."""
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
    called: Called
    """What its inputs are called."""

    @property
    def accuracy(self) -> float:
        """Opened again."""
        return self.num_right / self.num_images

    @property
    def off_by(self) -> int:
        """Images by which the opened chip differs from the stored one; none where the machine computes alike."""
        return abs(self.num_right - round(self.stored_accuracy * self.num_images))


class Voters:
    """What chips say of one image at every device variation, chip after chip; pages that show it share it."""

    def __init__(self, record: RunRecord, image: int | Ink) -> None:
        self._record = record
        self._image = image
        self._logits = np.empty((0, len(VOTE_SIGMA_DS), 0))
        self._lock = Lock()
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
        with self._lock:  # pages that share it do not ask a chip twice
            if self.is_finished:
                return
            asked = work.ask(
                self._record.id,
                restorable.checksum(self._record),
                image=self._image,
                chips=range(self.num_chips, NUM_VOTERS),
                sigma_ds=VOTE_SIGMA_DS,
                seconds=A_PASS,
            )
            self._logits = np.concatenate([self._logits, asked.logits]) if self.num_chips else asked.logits
            self.seconds += asked.seconds

    def votes(self, sigma_d: float) -> pd.DataFrame:
        """A row per chip: instance, predicted_class, probability."""
        found = votes.votes(self._at(sigma_d))
        return found.assign(**{columns.INSTANCE: range(len(found))})

    def tally(self, sigma_d: float) -> pd.DataFrame:
        """A row per class: how many chips say it, and its mean probability."""
        return votes.tally(self._at(sigma_d))

    def _at(self, sigma_d: float) -> np.ndarray:
        return self._logits[:, VOTE_SIGMA_DS.index(sigma_d)]


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
    rows = stored.instances(record)
    return chip_report.ranked(rows[same_sigma_d(rows[columns.SIGMA_D], sigma_d)])


def percentile_chip(order: pd.DataFrame, percentile: float) -> int:
    """The number of the percentile chip among ranked ones (nearest rank)."""
    rank = chip_report.percentile_rank(percentile, len(order))
    return int(order[columns.INSTANCE].iloc[rank - 1])


def percentile(order: pd.DataFrame, percent: int, sigma_d: float) -> pd.DataFrame:
    """What ranked chips say of a percentile of all chips: one row, as `results.low_percentiles` has them."""
    values = order[columns.ACCURACY].to_numpy(dtype=float)
    found = percentile_at(values[None, :], percent / 100, sigma_d=sigma_d)
    return pd.DataFrame(
        {
            columns.PERCENTILE: [percent],
            columns.VALUE: [found.value],
            columns.LOWER: [found.lower],
            columns.UPPER: [found.upper],
            columns.NUM_INSTANCES: [len(values)],
        }
    )


def report(record: RunRecord, sigma_d: float, instance: int) -> ChipReport:
    """Open one chip.

    Raises:
        NeftError: the run's weights, chips or data are not there.
    """
    order = ranked(record, sigma_d)
    return _report(record.id, restorable.checksum(record), sigma_d, instance, "", len(order), order)


def raced_report(record: RunRecord, race: RaceRecord, instance: int) -> ChipReport:
    """Open one of the worst chips of a race.

    Raises:
        NeftError: as `report`.
    """
    asked, order = race.asked, races.chips(race)
    checksum = restorable.checksum(record)
    return _report(record.id, checksum, asked.sigma_d, instance, asked.key, asked.num_instances, order)


def error_map(record: RunRecord, *, layer: str, instance: int, sigma_d: float, unit: Unit) -> ErrorMap:
    """How far each weight of a layer misses on one chip."""
    return _error_map(record.id, restorable.checksum(record), layer, instance, sigma_d, unit)


def pictures(record: RunRecord, images: "pd.Series[int]") -> list[Picture]:
    """Test images of a run's data."""
    return restorable.pictures(record, tuple(int(image) for image in images))


# ---------------------------------------------------------------- one input
def voters(record: RunRecord, image: int | Ink) -> Voters:
    """The votes of a run's chips on one test image, by its place, or on a drawing.

    Raises:
        NeftError: the run's weights or its data are not there; or they have no use for the drawing.
    """
    return _voters(record.id, restorable.checksum(record), image)


def seen(record: RunRecord, ink: Ink) -> np.ndarray:
    """A drawing as a run's network sees it, [1, height, width], 0 … 255.

    Raises:
        NeftError: as `voters`.
    """
    return _seen(record.id, restorable.checksum(record), ink)


def takes_drawings(record: RunRecord) -> bool:
    """Whether a drawing can be made one of a run's inputs: they are grey images.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return restorable.images(record).takes_drawings


def contested(record: RunRecord, sigma_d: float) -> pd.DataFrame:
    """Test images (the first `LOOKED_AT`) from the most contested on, by the first chips' votes.

    Raises:
        NeftError: as `voters`.
    """
    return _contested(record.id, restorable.checksum(record), sigma_d)


def nearest_stop(sigma_d: float) -> float:
    """The device variation nearest to this one at which votes are counted."""
    return min(VOTE_SIGMA_DS, key=lambda stop: abs(stop - sigma_d))


def stored_chip_address(record: RunRecord, instance: int, sigma_d: float) -> dict[str, str] | None:
    """The address that opens a chip, where the run's evaluation tried it at that device variation."""
    tried = [value for value in tried_sigma_ds(record) if same_sigma_d(value, sigma_d)]
    if not tried or instance not in set(ranked(record, tried[0])[columns.INSTANCE]):
        return None
    return {
        address.RUNS: record.id,
        address.CHIP: BY_NUMBER,
        address.CHIP_NUMBER: str(instance),
        address.CHIP_SIGMA_D: sigma_d_text(tried[0]),
    }


# ---------------------------------------------------------------- caches
@kept(max_entries=64, show_spinner="Opening the chip …")
def _report(
    run_id: str, checksum: str, sigma_d: float, instance: int, race: str, num_ranked: int, _order: pd.DataFrame
) -> ChipReport:
    del race
    record = stored.records([run_id])[0]
    place = _order[_order[columns.INSTANCE] == instance].iloc[0]
    opened, images = work.opened_chip(run_id, checksum, sigma_d=sigma_d, instance=instance), restorable.images(record)
    predictions = opened.predictions
    right = predictions[columns.CHIP_CLASS] == predictions[columns.TRUE_CLASS]
    return ChipReport(
        instance=instance,
        sigma_d=sigma_d,
        ranked=ranked(record, sigma_d),
        num_ranked=num_ranked,
        mean=_mean(record, sigma_d),
        rank=int(place[columns.RANK]),
        stored_accuracy=float(place[columns.ACCURACY]),
        num_right=int(right.sum()),
        num_images=len(predictions),
        clean=float((predictions[columns.CLEAN_CLASS] == predictions[columns.TRUE_CLASS]).mean()),
        flipped=chip_report.changed(predictions, FLIPPED),
        mended=chip_report.changed(predictions, MENDED),
        commonest=chip_report.commonest_flip(predictions),
        confusion=chip_report.confusion(predictions, num_classes=len(images.class_names)),
        layers=opened.layers,
        class_names=images.class_names,
        called=images.called,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _error_map(run_id: str, checksum: str, layer: str, instance: int, sigma_d: float, unit: Unit) -> ErrorMap:
    return work.error_map(run_id, checksum, layer=layer, instance=instance, sigma_d=sigma_d, unit=unit)


def _mean(record: RunRecord, sigma_d: float) -> pd.DataFrame:
    rows = stored.results(record).rename(columns={columns.ACCURACY: columns.MEAN})
    row = rows[same_sigma_d(rows[columns.SIGMA_D], sigma_d)]
    half = row[columns.CI95].astype(float)
    return row.assign(**{columns.LOWER: row[columns.MEAN] - half, columns.UPPER: row[columns.MEAN] + half})


@st.cache_resource(max_entries=32, show_spinner=False)
def _voters(run_id: str, checksum: str, image: int | Ink) -> Voters:
    del checksum
    return Voters(stored.records([run_id])[0], image)


@st.cache_resource(max_entries=32, show_spinner=False)
def _seen(run_id: str, checksum: str, ink: Ink) -> np.ndarray:
    return work.seen(run_id, checksum, ink)


@st.cache_resource(max_entries=16, show_spinner="Asking chips what they disagree about …")
def _contested(run_id: str, checksum: str, sigma_d: float) -> pd.DataFrame:
    return work.contested(run_id, checksum, sigma_d=sigma_d, num_chips=FIRST_LOOK, num_images=LOOKED_AT)
