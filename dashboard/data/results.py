"""Stored numbers of the results pages: one selection at every sigma_d."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd
import streamlit as st

from dashboard.address import Reading, Selection
from dashboard.data import stored
from dashboard.data.caches import kept, kept_copies
from dashboard.data.stored import RunRecord
from neft import columns, tables
from neft.errors import StoreError
from neft.sigma_d import same_sigma_d
from neft.tables.chip_spread import NUM_FAILED, PARTS, SHARES, STD_CHIPS, STD_REST, STD_SEEDS
from neft.tables.layers import ALIKE, NUM_SAMPLED, RATIO, WITHIN
from neft.tables.percentiles import (
    LOW_PERCENTILE_COLUMNS,
    LOW_PERCENTILES,
    chips_needed,
    limits_in_words,
    percentile_name,
)

__all__ = [
    "LOW_PERCENTILES",
    "LOW_PERCENTILE_COLUMNS",
    "NUM_FAILED",
    "NUM_SAMPLED",
    "PARTS",
    "RATIO",
    "SHARES",
    "STD_CHIPS",
    "STD_REST",
    "STD_SEEDS",
    "WITHIN",
    "chips_needed",
    "limits_in_words",
    "percentile_name",
]

CALIBRATED = "calibrated_errors"
UNSURE = 99
"""The percentile of EKL at which the unlucky chips lie: more is less sure."""


@kept_copies(max_entries=16, stamp=stored.of_its_runs)
def low_percentiles(reading: Reading) -> pd.DataFrame:
    """Low percentiles of accuracy at every sigma_d, with limits."""
    found = [_variant_percentiles(replace(reading, run_ids=of_one)) for of_one in stored.by_variant(reading.run_ids)]
    return stored.in_shown_order(stored.together(found) if found else tables.low_percentiles(pd.DataFrame()))


@kept(max_entries=128, stamp=stored.of_its_runs)
def _variant_percentiles(reading: Reading) -> pd.DataFrame:
    """One variant's, which are the same whatever others are chosen beside it."""
    return tables.low_percentiles(stored.chips(reading))


@kept_copies(max_entries=32, stamp=stored.of_its_runs)
def differences(reading: Reading, reference: str) -> pd.DataFrame:
    """Paired differences in accuracy to a variant at every sigma_d."""
    return stored.in_shown_order(tables.difference_curves(stored.chips(reading), reference))


def within_reach(differences: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """The differences that fit one picture: without training that met no noise, which falls far below the others.

    Args:
        differences: to the reference.
        reference: its curve; if it met no noise itself, all fit.
    """
    if differences.empty or not reference[columns.USES_NOISE].all():
        return differences
    kept = differences[differences[columns.USES_NOISE].astype(bool)]
    return differences if kept.empty else kept


def unsure_chips(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The high percentile of EKL with its limits; from the chips at one sigma_d."""
    return stored.in_shown_order(tables.low_percentiles(rows, metric, [UNSURE]))


def variance_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """How far accuracies of one training on one chip spread, and why; from the chips at one sigma_d."""
    return stored.in_shown_order(tables.variance_parts(rows))


def read_out(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per variant: what a table says of the chips at one sigma_d."""
    return stored.in_shown_order(tables.read_out(rows))


def one_run_each(selection: Selection) -> tuple[RunRecord, ...]:
    """Per method the run of the lowest seed, trained at the slice (matched) or at the chosen sigma_d (fixed)."""
    found: dict[str, RunRecord] = {}
    for record in shown_runs(selection):
        variant = record.facts.variant
        if variant not in found or record.facts.seed < found[variant].facts.seed:
            found[variant] = record
    return tuple(sorted(found.values(), key=lambda record: stored.shown_place(record.facts)))


def shown_runs(selection: Selection) -> list[RunRecord]:
    """The runs behind the slice: those trained at it (matched) or at the chosen sigma_d (fixed), or without noise."""
    at = selection.sigma_d if selection.protocol == "matched" else selection.train_sigma_d
    return [
        record
        for record in stored.named_records(selection.run_ids)
        if not record.facts.uses_noise or (at is not None and same_sigma_d(record.facts.train_sigma_d, at))
    ]


def keep_calibrated_errors(records: Sequence[RunRecord], sigma_d: float, errors: pd.DataFrame) -> None:
    """Remember, for this session, the calibration errors that were computed of calibrated chips."""
    st.session_state[CALIBRATED] = ((tuple(record.id for record in records), sigma_d), errors)


def calibrated_errors(records: Sequence[RunRecord], sigma_d: float) -> pd.DataFrame:
    """Those errors of these runs at this sigma_d; empty while they are not computed."""
    of, errors = st.session_state.get(CALIBRATED, (None, pd.DataFrame()))
    return errors if of == (tuple(record.id for record in records), sigma_d) else pd.DataFrame()


@kept_copies(max_entries=32, stamp=stored.of_its_runs)
def noise_audit(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """Asked and realised std of every layer of some runs, with the statistical error of their ratio."""
    found: list[tuple[RunRecord, pd.DataFrame, pd.DataFrame]] = []
    for record in stored.named_records(run_ids):
        try:
            kept = stored.run_tables(record.id)
        except StoreError:
            continue  # the deviations beside it name the damaged run
        found.append((record, kept.layers, kept.deviations))
    return stored.in_shown_order(tables.noise_audit(found, sigma_d=sigma_d))


@kept_copies(max_entries=32, stamp=stored.of_its_runs)
def weight_sizes(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """How large the weights of each layer are beside its largest, over trainings."""
    found = [_variant_sizes(of_one, sigma_d) for of_one in stored.by_variant(run_ids)]
    return stored.in_shown_order(stored.together(found) if found else pd.DataFrame())


@kept(max_entries=512, stamp=stored.of_its_runs)
def _variant_sizes(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """One variant's, which are the same whatever others are chosen beside it."""
    layers = stored.layers(run_ids, sigma_d)
    return layers if layers.empty else tables.weight_sizes(layers)


class LayerDeviations(NamedTuple):
    """How large a typical deviation is beside a typical weight."""

    layers: pd.DataFrame
    """Layer by layer over methods."""
    methods: pd.DataFrame
    """Each method's own; no rows where methods are alike."""
    spread: float
    """By what share of their mean methods differ in the layer in which they differ the most."""


def layer_deviations(sizes: pd.DataFrame) -> LayerDeviations:
    """What training changed of the deviations: from the sizes of weights."""
    layers = tables.layers_over_methods(sizes)
    spread = tables.spread_over_methods(layers)
    return LayerDeviations(layers, sizes if spread > ALIKE else sizes.iloc[:0], spread)
