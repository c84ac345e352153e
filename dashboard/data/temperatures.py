"""What a training temperature does: to an experiment's runs, and to the margins of stored networks' images."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.data import plans, restorable, stored
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord, RunTables
from neft import columns, tables
from neft.errors import StoreError
from neft.inspection import margin_tables
from neft.inspection.margin_tables import SAFE, Margins, MarginSummary
from neft.tables import variant_facts, w_max_over_rms

if TYPE_CHECKING:
    from dashboard.computing.work import opened_chips as work
else:
    work = process.remote("dashboard.computing.work.opened_chips")

__all__ = ["SAFE", "MarginSummary", "Margins"]

NUM_CHIPS = 20
"""Chips on which margins are taken: under a second, and a std known to a sixth of itself."""


@st.cache_data(max_entries=16, show_spinner="Reading runs …")
def effects(plan_name: str, experiment: str, series: str, stamp: str) -> pd.DataFrame:
    """A row per setting of a series and quantity (`neft.tables.setting_effects`)."""
    plan = plans.plans(stamp)[plan_name]
    entries = [entry for entry in plan.entries if (entry.experiment, entry.series) == (experiment, series)]
    runs: dict[str, tuple[RunRecord, RunTables]] = {}
    for record in stored.records([entry.run_id for entry in entries]):
        try:
            runs[record.id] = (record, stored.run_tables(record.id))
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
    return tables.setting_effects(entries, runs, experiment)


def margins(record: RunRecord, sigma_d: float, temperatures: tuple[float, ...]) -> Margins:
    """The margins of a run's test images on its first chips, and how hard training would pull at them.

    Raises:
        NeftError: the run's weights or its data are not there.
    """
    return _margins(record.id, restorable.checksum(record), sigma_d, temperatures)


def summary(found: Margins) -> MarginSummary:
    """What one network's margins come to."""
    return margin_tables.summarise_margins(found.images)


def bins(record: RunRecord, found: Margins) -> pd.DataFrame:
    """How a run's images spread over margin over noise, with the facts of its variant."""
    return margin_tables.margin_bins(found.images).assign(**variant_facts(record))


def medians(record: RunRecord, found: Margins) -> pd.DataFrame:
    """The median margin over noise of a run's images, likewise."""
    return pd.DataFrame([{**variant_facts(record), columns.VALUE: summary(found).margin_over_noise}])


def largest_over_typical(record: RunRecord) -> float:
    """A network's largest weight over its RMS weight, mean over layers.

    Raises:
        StoreError: its tables cannot be read.
    """
    return w_max_over_rms(stored.run_tables(record.id).layers)


@st.cache_resource(max_entries=8, show_spinner="Trying the network on chips …")
def _margins(run_id: str, checksum: str, sigma_d: float, temperatures: tuple[float, ...]) -> Margins:
    return work.margins(run_id, checksum, sigma_d=sigma_d, num_chips=NUM_CHIPS, temperatures=temperatures)
