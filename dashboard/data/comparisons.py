"""Runs side by side, for the page that compares them; never torch."""

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.data import stored
from dashboard.data.caches import kept, kept_copies
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord
from neft import columns
from neft.errors import StoreError
from neft.runs.notes import Note, list_notes
from neft.sigma_d import same_sigma_d
from neft.tables import other_chips, settings_in_a_sentence
from neft.tables.percentiles import LOW_PERCENTILE_COLUMNS
from neft.tables.side_by_side import (
    differences_to_run,
    histories_side_by_side,
    run_curves,
    run_quantiles,
    settings_side_by_side,
)

Row = Mapping[str, float]
"""A row of a table at the slice."""

MOST_RUNS = 8
"""Runs of one comparison: more lines than this nobody tells apart."""
LETTERS = string.ascii_uppercase
SHOWN_ELSEWHERE = (
    "dataset",
    "backbone",
    "device",
    "method.name",
    "training.sigma_d",
    "training.seed",
    "training.epochs",
    "evaluation.sigma_ds",
)
"""Settings that a row of a table of runs says in columns of their own."""
TOLD = {
    "dataset_label": "{}",
    "backbone_label": "{}",
    "device_label": "{}",
    "train_sigma_d": "σ_d {:g}",
    "seed": "seed {}",
}
"""Facts that tell runs apart, as a run's name says them."""
LONGEST_SETTINGS = 48
"""Characters of what else differs that a run's name may hold."""


@dataclass(frozen=True)
class Side:
    """One run of a comparison."""

    letter: str
    record: RunRecord
    label: str
    """Its method, and in what else it differs from the others of the comparison."""

    @property
    def id(self) -> str:
        """The run's."""
        return self.record.id

    @property
    def name(self) -> str:
        """`A · OVF, seed 0`."""
        return f"{self.letter} · {self.label}"


@kept(max_entries=2)
def readable_names() -> dict[str, str]:
    """What every run is called in a list to choose from, by id: what it is, and the end of its id."""
    records = stored.listing().records
    words = stored.differing_settings(tuple(record.id for record in records), without=SHOWN_ELSEWHERE)
    devices = Counter(record.facts.device for record in records)
    usual = max(devices, key=lambda name: (devices[name], name), default="")
    return {record.id: _readable_name(record, str(words.get(record.id, "")), usual_device=usual) for record in records}


@kept(max_entries=2)
def accuracy_lines() -> dict[str, list[float]]:
    """Every run's mean accuracies in per cent, over its sigma_d from the smallest, by id."""
    return {
        record.id: [
            round(100 * found.mean, 2)
            for at in record.summary.test
            if (found := at.metrics.get(columns.ACCURACY)) is not None and found.mean is not None
        ]
        for record in stored.listing().records
    }


def sides(run_ids: Sequence[str]) -> list[Side]:
    """The runs of a comparison in the order in which they were chosen, each with its letter and a short name."""
    records = stored.records(run_ids)
    labels = _short_labels(records)
    return [Side(letter, record, label) for letter, record, label in zip(LETTERS, records, labels, strict=False)]


def curves(run_ids: Sequence[str]) -> pd.DataFrame:
    """Accuracy of each run at every sigma_d that it was tested at; percentiles without chips have no limits."""
    chips = {record.id: rows for record, rows in _readable(run_ids)}
    return run_curves(stored.records(run_ids), instances=chips)


def quantiles(run_ids: Sequence[str], sigma_d: float) -> pd.DataFrame:
    """How each run's chips spread at one sigma_d."""
    return run_quantiles(_readable(run_ids), sigma_d)


@kept_copies(max_entries=64, stamp=stored.of_its_runs)
def differences(run_ids: tuple[str, ...], reference: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Each other run's difference to the reference, and by run id why others have none."""
    runs = _readable(run_ids)
    if reference not in {record.id for record, _ in runs}:
        return pd.DataFrame(), dict.fromkeys(run_ids, "The chips of the reference cannot be read.")
    return differences_to_run(runs, reference)


def unpaired(run_ids: Sequence[str], reference: str) -> dict[str, str]:
    """By run id why a run met other chips than the reference; those that met the same are left out."""
    (against,) = stored.records([reference])
    found = {
        record.id: settings_in_a_sentence(other_chips(record, against))
        for record in stored.records(run_ids)
        if record.id != reference
    }
    return {run_id: reason for run_id, reason in found.items() if reason}


def settings(run_ids: Sequence[str], *, differences_only: bool) -> pd.DataFrame:
    """A row per setting and a column per run."""
    return settings_side_by_side(stored.records(run_ids), differences_only=differences_only)


def histories(run_ids: Sequence[str]) -> pd.DataFrame:
    """The epochs of the runs; those whose files are damaged are left out, and named."""
    found: dict[str, pd.DataFrame] = {}
    for run_id in run_ids:
        try:
            found[run_id] = stored.run_tables(run_id).history
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
    return histories_side_by_side(found)


def tested_sigma_ds(run_ids: Sequence[str]) -> list[float]:
    """Where all of the runs were tested; where any was, if they share nothing."""
    each = [set(record.facts.sigma_ds) for record in stored.records(run_ids)]
    shared = set[float].intersection(*each) if each else set[float]()
    return sorted(shared or set[float]().union(*each))


def at(frame: pd.DataFrame, sigma_d: float) -> dict[str, Row]:
    """The rows of a table at one sigma_d, by run id."""
    if frame.empty:
        return {}
    rows = frame[same_sigma_d(frame[columns.SIGMA_D], sigma_d)]
    return {str(row[columns.RUN_ID]): {str(k): v for k, v in row.items()} for row in rows.to_dict("records")}


def summary(
    compared: Sequence[Side], shown: Sequence[str], means: Mapping[str, Row], rows: Mapping[str, Row]
) -> pd.DataFrame:
    """A row per run, hidden ones too: its accuracy at the slice, its difference to the reference, and its note.

    Args:
        compared: the runs.
        shown: ids of those that are drawn.
        means: accuracy at the slice, by run id.
        rows: differences at the slice, by run id.
    """
    notes = list_notes().notes
    return pd.DataFrame([_summary_row(side, shown, means, rows, notes.get(side.id)) for side in compared])


def _summary_row(
    side: Side, shown: Sequence[str], means: Mapping[str, Row], rows: Mapping[str, Row], note: Note | None
) -> dict[str, object]:
    mean, row = means.get(side.id, {}), rows.get(side.id, {})
    return {
        "name": side.name,
        "shown": side.id in shown,
        columns.ACCURACY: mean.get(columns.MEAN),
        columns.CI95: mean.get(columns.CI95),
        **{name: mean.get(name) for name in LOW_PERCENTILE_COLUMNS},
        columns.NUM_INSTANCES: mean.get(columns.NUM_INSTANCES),
        columns.DIFFERENCE: row.get(columns.MEAN),
        columns.DIFFERENCE_CI95: row.get(columns.CI95),
        columns.INDEPENDENT_CI95: row.get(columns.INDEPENDENT_CI95),
        columns.NUM_PAIRS: row.get(columns.NUM_PAIRS),
        columns.NUM_INDEPENDENT: row.get(columns.NUM_INDEPENDENT),
        **_effort(side.record, mean),
        "tags": list(note.tags) if note else [],
        "note": note.text if note else "",
        columns.RUN_ID: side.id,
    }


def _effort(record: RunRecord, mean: Row) -> dict[str, float]:
    """What programming takes at the slice, where that was recorded."""
    at = record.summary.at(float(mean[columns.SIGMA_D])) if mean else None
    return {columns.PULSES: at.effort.pulses, columns.READS: at.effort.reads} if at and at.effort else {}


def _readable_name(record: RunRecord, differs: str, *, usual_device: str) -> str:
    facts = record.facts
    trained = f"σ_d {facts.train_sigma_d:g}" if facts.train_sigma_d else ""
    device = "" if facts.device == usual_device else facts.device_label
    parts = [facts.label, trained, f"seed {facts.seed}", facts.dataset_label, facts.backbone_label, device]
    if len(differs) <= LONGEST_SETTINGS:
        parts.append(differs)
    return " · ".join([part for part in parts if part] + [record.id[-8:]])


def _short_labels(records: Sequence[RunRecord]) -> list[str]:
    """Each run's method, and those of its facts that not all of the runs share."""
    told = [_told(record) for record in records]
    varying = [name for name in TOLD if len({facts[name] for facts in told if facts.get(name)}) > 1]
    labels = [
        ", ".join([record.facts.label, *(facts[name] for name in varying if name in facts)])
        for record, facts in zip(records, told, strict=True)
    ]
    words = stored.differing_settings(tuple(record.id for record in records), without=SHOWN_ELSEWHERE)
    further = [str(words[record.id]) for record in records]
    return [
        f"{label}, {differs}" if labels.count(label) > 1 and 0 < len(differs) <= LONGEST_SETTINGS else label
        for label, differs in zip(labels, further, strict=True)
    ]


def _told(record: RunRecord) -> dict[str, str]:
    """The facts that may tell a run from others, as its name says them; without noise its method says so."""
    facts = record.facts
    return {
        name: words.format(getattr(facts, name))
        for name, words in TOLD.items()
        if name != "train_sigma_d" or facts.train_sigma_d
    }


def _readable(run_ids: Sequence[str]) -> list[tuple[RunRecord, pd.DataFrame]]:
    """Records and chips; runs whose files are damaged are left out, and named."""
    found: list[tuple[RunRecord, pd.DataFrame]] = []
    for record in stored.records(run_ids):
        try:
            found.append((record, stored.instances(record)))
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
    return found
