"""What the chips of stored networks say of each image, chip by chip as they are opened again.

Caches as in `dashboard.data.stored`. A stream keeps three numbers per chip and image, no outputs and no weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.data import restorable, stored
from dashboard.data.stored import RunRecord
from neft import columns
from neft.inspection import uncertainty
from neft.inspection.uncertainty import RIGHT, WRONG, Binning, ChipOutcome
from neft.sigma_d import same_sigma_d
from neft.tables import SMALL, Interval, layer_label, small_share, variant_facts

if TYPE_CHECKING:
    from dashboard.computing.work import opened_chips as work
    from dashboard.computing.work import weights as weight_work
else:
    work = process.remote("dashboard.computing.work.opened_chips")
    weight_work = process.remote("dashboard.computing.work.weights")

__all__ = ["RIGHT", "SMALL", "WRONG", "Binning"]

NUM_CHIPS = 30
"""Chips that are opened of a method, at most."""
A_STEP = 0.12
"""Seconds of computing a step and stream: the page stays answerable."""
LOW, HIGH = "low", "high"


class Opened(NamedTuple):
    """A run, named as its page names it, with its chips."""

    record: RunRecord
    stream: "OutcomeStream"


@dataclass(frozen=True)
class LookedAt:
    """An image with its numbers in words."""

    pixels: np.ndarray
    """[channels, height, width], 0 … 255."""
    place: int
    """In the test split."""
    label: str
    ekl: float
    num_right: int
    num_chips: int


class OutcomeStream:
    """The chips of one run at one sigma_d, as many as are opened so far; pages that show the same ones share it."""

    def __init__(self, record: RunRecord, sigma_d: float, temperature: float | None) -> None:
        self.sigma_d = sigma_d
        self.temperature = temperature
        """By which the logits are divided to be calibrated; None where none is stored: then nothing is."""
        self.num_chips = min(NUM_CHIPS, record.facts.num_instances)
        """How many there will be."""
        self.seconds = 0.0
        self.deployed: list[ChipOutcome] = []
        self.calibrated: list[ChipOutcome] = []
        self._record = record
        self._lock = Lock()
        self._open(seconds=0.0)

    @property
    def is_finished(self) -> bool:
        """Whether all chips are opened."""
        return len(self.deployed) >= self.num_chips

    @property
    def num_images(self) -> int:
        """On how many images each chip is tried."""
        return len(self.deployed[0].correct)

    def advance(self) -> None:
        """Open more chips, as many as the time of a step takes."""
        self._open(seconds=A_STEP)

    def chips(self, *, is_calibrated: bool) -> Sequence[ChipOutcome]:
        """The chips so far, as deployed or calibrated; one or more, unless none can be calibrated."""
        return self.calibrated if is_calibrated else self.deployed

    def look_at(self, image: pd.Series) -> LookedAt:
        """One image of `per_image`."""
        place = int(image[columns.IMAGE])
        (picture,) = restorable.pictures(self._record, (place,))
        return LookedAt(
            pixels=picture.pixels,
            place=place,
            label=restorable.images(self._record).class_names[picture.true_class],
            ekl=float(image[columns.EKL]),
            num_right=int(image[uncertainty.NUM_RIGHT]),
            num_chips=int(image[columns.NUM_INSTANCES]),
        )

    def _open(self, *, seconds: float) -> None:
        with self._lock:  # pages that share it do not open a chip twice
            if self.is_finished:
                return
            more = work.more_outcomes(
                self._record.id,
                restorable.checksum(self._record),
                sigma_d=self.sigma_d,
                temperature=self.temperature,
                chips=range(len(self.deployed), self.num_chips),
                seconds=seconds,
            )
            self.calibrated += more.calibrated
            self.deployed += more.deployed
            self.seconds += more.seconds


def opened(records: Sequence[RunRecord], sigma_d: float) -> list[Opened]:
    """The runs that kept their weights, each with its chips at one sigma_d.

    Raises:
        NeftError: the data of a run, or its weights, are not there.
    """
    kept = [record for record in records if restorable.has_weights(record)]
    return [Opened(record, _stream(record.id, sigma_d, restorable.checksum(record))) for record in kept]


def without_weights(records: Sequence[RunRecord]) -> list[str]:
    """The labels of runs whose networks are not stored."""
    return [record.facts.label for record in records if not restorable.has_weights(record)]


def images(one: Opened, *, is_calibrated: bool) -> pd.DataFrame:
    """A row per image of one run."""
    return _of(one, uncertainty.per_image(one.stream.chips(is_calibrated=is_calibrated)))


def image_quantiles(found: Sequence[Opened], *, is_calibrated: bool) -> pd.DataFrame:
    """The distribution of EKL over images, by variant."""
    return _together([_of(one, uncertainty.image_quantiles(images(one, is_calibrated=is_calibrated))) for one in found])


def never_right(found: Sequence[Opened]) -> pd.DataFrame:
    """By variant, how many images no opened chip gets right."""
    rows = [
        {
            **variant_facts(one.record),
            "num_never": int((images(one, is_calibrated=False)[uncertainty.NUM_RIGHT] == 0).sum()),
            "num_images": one.stream.num_images,
        }
        for one in found
    ]
    return stored.in_shown_order(pd.DataFrame(rows))


def reliability(found: Sequence[Opened], *, binning: Binning, is_calibrated: bool) -> pd.DataFrame:
    """Bins of confidence with the share that is right, by variant."""
    return _together(
        [
            _of(one, uncertainty.reliability(one.stream.chips(is_calibrated=is_calibrated), binning=binning))
            for one in found
        ]
    )


def calibration_errors(found: Sequence[Opened], *, is_calibrated: bool) -> pd.DataFrame:
    """The mean calibration error of the opened chips, by variant."""
    rows = [
        _interval_row(uncertainty.mean_calibration_error(one.stream.chips(is_calibrated=is_calibrated)), one)
        for one in found
    ]
    return stored.in_shown_order(pd.DataFrame(rows))


def confidences(found: Sequence[Opened], *, is_calibrated: bool) -> pd.DataFrame:
    """How sure right and wrong predictions are, by variant and outcome: mean over chips, and the middle 80 %."""
    rows: list[dict[str, object]] = []
    for one in found:
        chips = one.stream.chips(is_calibrated=is_calibrated)
        split, spread = uncertainty.mean_confidences(chips), uncertainty.middle_confidences(chips)
        for outcome, interval in ((RIGHT, split.right), (WRONG, split.wrong)):
            low, high = spread[outcome]
            rows.append({**_interval_row(interval, one), uncertainty.OUTCOME: outcome, LOW: low, HIGH: high})
    return stored.in_shown_order(pd.DataFrame(rows))


def magnitudes(records: Sequence[RunRecord]) -> pd.DataFrame:
    """How the weights of those runs that kept them are spread over magnitudes, by variant, layer and bin.

    Raises:
        NeftError: the data of a run, or its weights, are not there.
    """
    frames = [
        _magnitudes(record.id, restorable.checksum(record)).assign(**variant_facts(record))
        for record in records
        if restorable.has_weights(record)
    ]
    return _together(frames)


def small_shares(found: pd.DataFrame) -> dict[str, float]:
    """By label, the share of weights that are small beside their layer's largest."""
    return {str(label): small_share(rows) for label, rows in found.groupby(columns.LABEL, sort=False)}


@st.cache_resource(max_entries=16, show_spinner=False)
def _magnitudes(run_id: str, checksum: str) -> pd.DataFrame:
    found = weight_work.magnitudes(run_id, checksum)
    return found.assign(
        **{columns.LAYER: found[columns.LAYER].map(layer_label), columns.CLOSED_FORM_DENSITY: float("nan")}
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _stream(run_id: str, sigma_d: float, checksum: str) -> OutcomeStream:
    del checksum
    (record,) = stored.records([run_id])
    return OutcomeStream(record, sigma_d, _temperature(record, sigma_d))


def _temperature(record: RunRecord, sigma_d: float) -> float | None:
    """The calibration temperature that was stored at this sigma_d, if one was."""
    rows = stored.instances(record)
    if columns.CALIBRATION_TEMPERATURE not in rows:
        return None
    at = rows.loc[same_sigma_d(rows[columns.SIGMA_D], sigma_d), columns.CALIBRATION_TEMPERATURE].dropna()
    return float(at.iloc[0]) if len(at) else None


def _of(one: Opened, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**variant_facts(one.record))


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return stored.in_shown_order(pd.concat(frames, ignore_index=True)) if frames else pd.DataFrame()


def _interval_row(interval: Interval, one: Opened) -> dict[str, object]:
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    return {
        **variant_facts(one.record),
        columns.SIGMA_D: one.stream.sigma_d,
        columns.MEAN: interval.mean,
        columns.CI95: interval.ci95,
        columns.LOWER: interval.mean - half,
        columns.UPPER: interval.mean + half,
        columns.NUM_SEEDS: interval.num_seeds,
        columns.NUM_INSTANCES: interval.num_instances,
    }
