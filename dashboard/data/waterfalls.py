"""Where stored networks' accuracy goes: what is stored of it, and finding it out, chip by chip."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import WaterfallPart
from dashboard.data import restorable
from dashboard.data.stored import RunRecord
from dashboard.data.under_way import UnderWay
from neft.runs import waterfalls
from neft.runs.waterfalls import NUM_INSTANCES, WaterfallRecord, WaterfallStep
from neft.tables.waterfall import cost_by_cause, waterfall_table

if TYPE_CHECKING:
    from dashboard.computing.work import waterfalls as work
else:
    work = process.remote("dashboard.computing.work.waterfalls")

NUM_CHIPS = NUM_INSTANCES


Descent = UnderWay[WaterfallPart]


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
    def go_on(seconds: float) -> WaterfallPart:
        return work.go_on(run_id, checksum, sigma_d=sigma_d, num_instances=NUM_CHIPS, seconds=seconds)

    return Descent(WaterfallPart(steps=(), done=0, total=NUM_CHIPS, is_finished=False), go_on)
