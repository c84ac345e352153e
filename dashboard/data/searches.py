"""Searches for the signs of layers, as they are kept."""

import pandas as pd

from neft import columns
from neft.runs import searches
from neft.runs.searches import SearchListing, SearchRecord
from neft.tables.sign_search import trials_table

__all__ = ["SearchRecord"]


def listed() -> SearchListing:
    """Every search, latest first, and why others cannot be read."""
    return searches.listed()


def table(record: SearchRecord) -> pd.DataFrame:
    """A row per trial (`neft.tables.sign_search`)."""
    return trials_table(record.trials, area_weight=record.area_weight, max_drop=record.max_drop)


def floor(trials: pd.DataFrame, record: SearchRecord) -> float:
    """The validation accuracy below which nothing is chosen."""
    return max(0.0, float(trials[columns.VALIDATION_ACCURACY].iloc[0]) - record.max_drop)
