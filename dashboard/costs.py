"""How long what a form asks for will take here: numbers from `neft.cost`, cached by what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.jobs import Expected
from neft import cost
from neft.config import RunConfig
from neft.cost import Estimate, Past
from neft.presets import PRESETS
from neft.scaling import rescaling

__all__ = ["Estimate", "SweepCost", "expected", "of_run", "of_sweep", "words"]


@dataclass(frozen=True)
class SweepCost:
    """What is left of an experiment at some size, and how long that takes."""

    num_planned: int
    num_missing: int
    estimate: Estimate | None


def of_run(config: RunConfig) -> Estimate | None:
    """How long a run takes; None where nothing tells."""
    return cost.estimate(config, _past(data.fingerprint()))


def of_sweep(experiment: str, options: Mapping[str, Any], *, workers: int) -> SweepCost:
    """How long the runs of an experiment take that are not stored yet, as far as they are known now.

    Raises:
        ConfigError: options that cannot be.
    """
    preset = PRESETS[experiment]
    stored = {record.id: record for record in data.listing().records}
    planned = preset.plan(stored.get, rescale=rescaling(preset, options))
    absent = [one for one in planned if one.config.run_id not in stored]
    found = [cost.estimate(one.config, _past(data.fingerprint()), trains=one.weights_of is None) for one in absent]
    known = [one for one in found if one is not None]
    whole = cost.together(known, workers=workers) if len(known) == len(found) else None
    return SweepCost(num_planned=len(planned), num_missing=len(absent), estimate=whole)


def words(estimate: Estimate | None) -> str:
    """What a form says of it: a sentence."""
    if estimate is None:
        return "How long it takes is not known beforehand: nothing stored tells, or only loading the images does."
    said = cost.in_words(estimate)
    return f"{said[0].upper()}{said[1:]}."


def expected(estimate: Estimate | None) -> Expected | None:
    """What a job keeps of it."""
    if estimate is None:
        return None
    return Expected(estimate.training, estimate.evaluation, estimate.low, estimate.high)


@st.cache_resource(max_entries=2, show_spinner="Reading what stored runs took …")
def _past(stamp: str) -> Past:
    del stamp
    records = data.listing().records
    return cost.past(records, {record.id for record in records if not data.is_shipped(record.id)})
