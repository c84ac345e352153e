"""Where stored networks' accuracy goes: what is stored of it, and finding it out, chip by chip."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import WaterfallPart
from dashboard.data import restorable, stored
from dashboard.data.stored import RunRecord
from neft.errors import NeftError
from neft.runs import waterfalls
from neft.runs.waterfalls import NUM_INSTANCES, WaterfallRecord, WaterfallStep
from neft.tables.waterfall import cost_by_cause, waterfall_table

if TYPE_CHECKING:
    from dashboard.computing.work import waterfalls as work
else:
    work = process.remote("dashboard.computing.work.waterfalls")

A_STEP = 0.8
"""Seconds of computing a step: the page stays answerable."""
NUM_CHIPS = NUM_INSTANCES


class Descent:
    """A network taken down its steps, as far as it is; pages that show the same one share it."""

    def __init__(self, record: RunRecord, sigma_d: float) -> None:
        self._record = record
        self._sigma_d = sigma_d
        self.last = WaterfallPart(steps=(), done=0, total=NUM_CHIPS, is_stored=False)
        self.problem: NeftError | None = None
        """Why it cannot go on, if it cannot."""

    @property
    def is_finished(self) -> bool:
        """Whether all is known and stored, or nothing more can be."""
        return self.last.is_stored or self.problem is not None

    def advance(self) -> None:
        """Try a few chips more."""
        if self.is_finished:
            return
        checksum = restorable.checksum(self._record)
        try:
            self.last = work.go_on(
                self._record.id, checksum, sigma_d=self._sigma_d, num_instances=NUM_CHIPS, seconds=A_STEP
            )
        except NeftError as error:
            self.problem = error


def usual_sigma_d(record: RunRecord) -> float | None:
    """Where a run's accuracy is asked after: at its training's sigma_d, else the largest it was tested at, if any."""
    return waterfalls.usual_sigma_d(record)


def found(record: RunRecord, sigma_d: float) -> WaterfallRecord | None:
    """What is stored of a run at this sigma_d, if anything is.

    Raises:
        StoreError: it cannot be read.
    """
    return waterfalls.find(record, sigma_d, NUM_CHIPS)


def descent(record: RunRecord, sigma_d: float) -> Descent:
    """The way down of a run's network, begun or to be begun."""
    return _descent(record.id, restorable.checksum(record), sigma_d)


def start_anew(record: RunRecord, sigma_d: float) -> None:
    """Forget how far it came, so that one that failed can be tried again."""
    _descent.clear(record.id, restorable.checksum(record), sigma_d)


def table(steps: tuple[WaterfallStep, ...]) -> pd.DataFrame:
    """A row per step: accuracy and cost with their intervals (`neft.tables.waterfall`)."""
    return waterfall_table(steps)


def causes(steps: tuple[WaterfallStep, ...]) -> pd.DataFrame:
    """A row per cause, the dearest first (`neft.tables.waterfall`)."""
    return cost_by_cause(steps)


@st.cache_resource(max_entries=8, show_spinner=False)
def _descent(run_id: str, checksum: str, sigma_d: float) -> Descent:
    del checksum
    (record,) = stored.records([run_id])
    return Descent(record, sigma_d)
