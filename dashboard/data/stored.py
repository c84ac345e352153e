"""The door to stored runs: their records, tables and curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar, cast

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.address import Reading, Selection
from dashboard.charts.theme import Look
from dashboard.data.caches import fingerprint, kept, kept_copies, key_of
from dashboard.data.foreign import foreign
from neft import columns, reference, tables
from neft.errors import StoreError
from neft.runs import files
from neft.runs.records import RunFacts, RunRecord
from neft.runs.store import INSTANCES, RECORD, Listing, RunTables, Stores
from neft.sigma_d import same_sigma_d, sigma_d_text
from neft.tables import Interval, Protocol

__all__ = ["Interval", "Protocol", "Reading", "RunFacts", "RunRecord", "RunTables", "fingerprint"]

T = TypeVar("T")
Unit = Literal["w_max", "rms"]
DATA_KEY = tables.DATA_KEY
"""The column of the table of runs that holds what addresses call the data."""
FULL_CURVE = 3
"""A run tried at this many device variations is a curve of its own; one with fewer belongs to an ablation."""


def of_its_runs(given: Mapping[str, object]) -> str:
    """The stamp of an answer that only the runs which its arguments name can change: as they lie there, and are called.

    When a training is over, thousands of other answers stay.

    Raises:
        TypeError: no argument names runs.
    """
    run_ids = [run_id for name, value in given.items() for run_id in _run_ids(name, value)]
    if not run_ids and not any(name in _OF_RUNS or hasattr(value, "run_ids") for name, value in given.items()):
        message = f"None of the arguments {', '.join(given)} names runs."
        raise TypeError(message)
    # a passing error leaves no trace in any file: what left a run out for one lasts until a run comes or goes
    unread = fingerprint() if _unread().intersection(run_ids) else ""
    return _stamp_of(tuple(dict.fromkeys(run_ids))) + unread


@st.cache_resource(show_spinner=False)
def _unread() -> set[str]:
    """Ids of the runs of which a table could not be read since the server started; added to as that is met."""
    return set()


_OF_RUNS = ("run_id", "run_ids", "ablation_ids")


def _run_ids(name: str, value: object) -> Sequence[str]:
    if isinstance(value, Selection):
        return (*value.run_ids, *value.ablation_ids)
    if isinstance(value, Reading):
        return value.run_ids
    if name not in _OF_RUNS:
        return ()
    return (value,) if isinstance(value, str) else cast("tuple[str, ...]", value)


@kept(max_entries=1024)
def _stamp_of(run_ids: tuple[str, ...]) -> str:
    lying = _lying()
    found: list[tuple[object, ...]] = []
    for record in named_records(run_ids):
        if record.id not in lying:
            lying[record.id] = _how_it_lies(record)
        found.append((record.id, record.facts.variant, record.facts.label, record.facts.departure, lying[record.id]))
    return key_of(tuple(found))


@kept(max_entries=2)
def _lying() -> dict[str, tuple[object, ...]]:
    """By run id how its files lie there; filled as it is asked for."""
    return {}


def _how_it_lies(record: RunRecord) -> tuple[object, ...]:
    """Where, and since when in this state; nothing of a run that cannot be looked at, which its readers say."""
    try:
        folder = Stores.default().holder(record.id).root / record.id
        found = [files.look_at(folder / name) for name in ("", RECORD, *sorted(record.files))]
    except StoreError:
        return ()
    return (str(folder), *((one.st_mtime_ns, one.st_ctime_ns, one.st_size) if one else () for one in found))


@kept(max_entries=2, show_spinner="Reading runs …")
def listing() -> Listing:
    """Every stored run's record and why others cannot be read."""
    return Stores.default().list()


@kept(max_entries=2)
def runs_table() -> pd.DataFrame:
    """A row per run."""
    return tables.stored_runs_table(Stores.default())


def seeds_together(table: pd.DataFrame) -> pd.DataFrame:
    """A row per training repeated from several seeds, of some rows of the table of runs."""
    return tables.seeds_together(table)


def records(run_ids: Sequence[str]) -> list[RunRecord]:
    """The records of some runs, in the given order; those that are gone are left out."""
    known = _by_id()
    return [known[run_id] for run_id in run_ids if run_id in known]


@kept(max_entries=2)
def _by_id() -> dict[str, RunRecord]:
    return {record.id: record for record in listing().records}


def unseen_words(record: RunRecord) -> str:
    """Which failures the fewest chips of a run's precision can have missed; empty where it had none."""
    return tables.unseen_words(record)


def is_shipped(run_id: str) -> bool:
    """Whether a run came with the package and cannot be removed."""
    return not Stores.default().own.has_name(run_id)


def own_records() -> list[RunRecord]:
    """The records of the user's own runs."""
    own = set(Stores.default().own.ids())
    return [record for record in listing().records if record.id in own]


def is_stored(run_id: str) -> bool:
    """Whether a run of that id is there."""
    return run_id in Stores.default()


@kept(max_entries=32, stamp=of_its_runs)
def run_tables(run_id: str) -> RunTables:
    """A run's tables.

    Raises:
        StoreError: they cannot be read.
    """
    try:
        store = Stores.default().holder(run_id)
        return store.tables(store.record(run_id))
    except StoreError:
        _unread().add(run_id)
        raise


def instances(record: RunRecord) -> pd.DataFrame:
    """A run's chips.

    Raises:
        StoreError: they cannot be read.
    """
    return _instances(run_id=record.id, checksum=record.files[INSTANCES].sha256, _record=record)


def deviation_ratios(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """How large a typical deviation is beside a typical weight, by variant."""
    found = layers(run_ids, sigma_d)
    return found if found.empty else in_shown_order(tables.deviation_ratios(found))


def results(record: RunRecord) -> pd.DataFrame:
    """A row per sigma_d of a run's stored summary; percentiles have no limits where its chips cannot be read."""
    try:
        chips = instances(record)
    except StoreError:
        return tables.summary_table(record)
    return tables.summary_table(record, chips)


def differing_settings(run_ids: tuple[str, ...], *, without: tuple[str, ...]) -> "pd.Series[str]":
    """Per run the settings in which these runs differ, in words, leaving out sections or settings shown elsewhere."""
    return _differing_settings(tuple(sorted(run_ids)), without=without)


@kept(max_entries=16, stamp=of_its_runs)
def _differing_settings(run_ids: tuple[str, ...], *, without: tuple[str, ...]) -> "pd.Series[str]":
    return tables.differing_settings(records(run_ids), without=without)


def variant_words(label: str, *, is_control: bool) -> str:
    """A variant's label, the control marked as such."""
    return f"{label} (control)" if is_control else label


def control_of(rows: pd.DataFrame) -> str:
    """The variant that feedback is held against, of those that some rows are of; empty where it is not among them."""
    found = rows.loc[rows[columns.IS_CONTROL].astype(bool), columns.VARIANT] if not rows.empty else ()
    return next(iter(map(str, found)), "")


def against_control(rows: pd.DataFrame, run_ids: tuple[str, ...], metric: str = columns.ACCURACY) -> pd.DataFrame:
    """The paired differences to the control of those feedback methods that differ from the others in nothing else."""
    return fair_to_feedback(differences(rows, control_of(rows), metric), run_ids)


def fair_to_feedback(found: pd.DataFrame, run_ids: tuple[str, ...]) -> pd.DataFrame:
    """Of differences to the control those of feedback methods that differ from the others in nothing else."""
    fair = found[columns.VARIANT].isin(comparable_variants(run_ids))
    return found[found[columns.HAS_FEEDBACK].astype(bool) & fair]


def is_curve(record: RunRecord) -> bool:
    """Whether a run was tried at enough device variations to be a curve of its own."""
    return len(record.facts.sigma_ds) >= FULL_CURVE


def place_address(record: RunRecord) -> dict[str, str]:
    """What the pages of a selection need in their address to show a run's data set, backbone and device."""
    facts = record.facts
    return {address.DATASET: tables.data_key(record), address.BACKBONE: facts.backbone, address.DEVICE: facts.device}


def view_address(run_id: str) -> dict[str, str | list[str]]:
    """The landing page's address that shows a run beside the plain methods, as one network over all sigma_d."""
    found = records([run_id])
    if not found:
        return {}
    facts = found[0].facts
    named = _named_at(*place_address(found[0]).values()).values()
    own = next(record.facts for record in named if record.id == run_id)
    curves = [record.facts for record in named if is_curve(record) and not record.facts.departure]
    query: dict[str, str | list[str]] = {
        **place_address(found[0]),
        address.VARIANTS: list(dict.fromkeys(one.variant for one in (*sorted(curves, key=shown_place), own))),
        address.PROTOCOL: "fixed",
    }
    if facts.train_sigma_d:
        query[address.TRAIN_SIGMA_D] = sigma_d_text(facts.train_sigma_d)
    return query


@kept_copies(max_entries=64, show_spinner="Reading runs …", stamp=of_its_runs)
def curves(reading: Reading, metric: str) -> pd.DataFrame:
    """A metric against sigma_d, a row per variant and sigma_d."""
    each = [replace(reading, run_ids=run_ids) for run_ids in by_variant(reading.run_ids)]
    found = [_variant_curve(one, metric) for one in each]
    return in_shown_order(together(found) if found else tables.metric_curves(pd.DataFrame(), metric))


@kept(max_entries=256, stamp=of_its_runs)
def _variant_curve(reading: Reading, metric: str) -> pd.DataFrame:
    """One variant's, which is the same whatever others are chosen beside it."""
    return tables.metric_curves(chips(reading), metric)


def chips(reading: Reading) -> pd.DataFrame:
    """All chips of some runs, by sigma_d."""
    rows = tables.select_protocol(_gather(reading.run_ids), reading.protocol, train_sigma_d=reading.train_sigma_d)
    return rows if rows.empty else rows.sort_values(columns.SIGMA_D, kind="stable", ignore_index=True)


def by_variant(run_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """The ids of each variant's runs, of some runs."""
    found: dict[str, list[str]] = {}
    for record in named_records(run_ids):
        found.setdefault(record.facts.variant, []).append(record.id)
    return [tuple(of_one) for of_one in found.values()]


def together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One or more frames of the same columns below each other; without those that have no rows."""
    full = [frame for frame in frames if not frame.empty]
    return pd.concat(full or frames[:1], ignore_index=True)


@kept_copies(max_entries=24, stamp=of_its_runs)
def at_slice(reading: Reading, sigma_d: float) -> pd.DataFrame:
    """All chips of some runs at one sigma_d."""
    rows = _gather(reading.run_ids, tested_at=sigma_d)
    return tables.select_protocol(rows, reading.protocol, train_sigma_d=reading.train_sigma_d)


def quantiles(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The distribution of a metric over these chips, by variant."""
    return in_shown_order(tables.metric_quantiles(rows, metric))


def means(rows: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """Mean and interval of a metric over these chips, by variant."""
    return in_shown_order(tables.metric_curves(rows, metric))


def differences(rows: pd.DataFrame, reference: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """Paired differences of every variant to a reference."""
    return in_shown_order(tables.differences_to(rows, reference, metric))


@kept_copies(max_entries=64, stamp=of_its_runs)
def means_at(reading: Reading, sigma_d: float, _rows: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy and its interval of some runs' chips at one sigma_d (`at_slice`), by variant."""
    del reading, sigma_d  # of which the rows are
    return means(_rows)


@kept_copies(max_entries=64, stamp=of_its_runs)
def differences_at(reading: Reading, sigma_d: float, _rows: pd.DataFrame) -> pd.DataFrame:
    """Their paired differences in accuracy to the control; none where it is not among them."""
    del reading, sigma_d
    return differences(_rows, control_of(_rows))


def clean_means(curve: pd.DataFrame) -> pd.DataFrame:
    """What each variant keeps without variation."""
    return in_shown_order(tables.clean_means(curve))


@kept_copies(max_entries=32, stamp=of_its_runs)
def decay_differences(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """The decay-factor ablation of runs trained and tested at one sigma_d, as paired differences to their control.

    No row without a control among them.
    """
    rows = _gather(run_ids, tested_at=sigma_d)
    if not rows.empty:
        rows = rows[same_sigma_d(rows[columns.TRAIN_SIGMA_D], sigma_d)]
    return tables.decay_differences(rows, control_of(rows))


@kept_copies(max_entries=12, stamp=of_its_runs)
def deviations(run_ids: tuple[str, ...], sigma_d: float, unit: Unit) -> pd.DataFrame:
    """Histograms of weight deviations of some runs at one sigma_d."""
    found = [(record, stored.layers, stored.deviations) for record, stored in _readable(run_ids, run_tables)]
    return in_shown_order(tables.scaled_deviations(found, sigma_d=sigma_d, unit=unit))


@kept_copies(max_entries=12, stamp=of_its_runs)
def layers(run_ids: tuple[str, ...], sigma_d: float) -> pd.DataFrame:
    """Asked and realised std of every layer of some runs."""
    found = _readable(run_ids, _layers_of)
    return tables.layer_table(found, sigma_d=sigma_d)


def converters(run_id: str) -> pd.DataFrame:
    """How the converters of a run's layers are used; empty where it has none."""
    return tables.converter_table(run_tables(run_id).layers)


@kept(max_entries=16, stamp=of_its_runs)
def comparable_variants(run_ids: tuple[str, ...]) -> frozenset[str]:
    """The variants of some runs that differ in their method alone."""
    return frozenset(tables.comparable_variants(named_records(run_ids)))


def published_panels() -> dict[str, str]:
    """The published accuracy figure's panels: key and label."""
    return dict(reference.PANELS)


def images_words(curve: pd.DataFrame, run_ids: Sequence[str]) -> str:
    """What a curve's accuracies owe to their test images beside other data; empty where those are not counted."""
    return tables.images_words(curve[columns.MEAN], [record.facts.num_test_images for record in records(run_ids)])


def published_accuracy(panel: str | None, variants: Sequence[str]) -> pd.DataFrame:
    """A panel's published points of these variants, and of the published methods of which no run is stored.

    Empty without a panel.
    """
    return published_points(panel, published_beside(variants))


def published_beside(variants: Sequence[str]) -> tuple[str, ...]:
    """Which published variants are drawn beside these: themselves, and those of which no run is stored."""
    published = reference.published_accuracy()[columns.VARIANT].unique()
    return tuple(variant for variant in map(str, published) if variant in variants or variant not in _stored_variants())


def published_points(panel: str | None, published: Sequence[str]) -> pd.DataFrame:
    """A panel's points of some published variants."""
    rows = reference.published_accuracy()
    return in_shown_order(rows[(rows[columns.PANEL] == panel) & rows[columns.VARIANT].isin(published)])


@kept(max_entries=2)
def _stored_variants() -> frozenset[str]:
    return frozenset(map(str, runs_table()[columns.VARIANT].unique()))


def config_differences(run_ids: Sequence[str]) -> pd.DataFrame:
    """The settings in which some runs differ."""
    return tables.config_differences(records(run_ids))


def named_records(run_ids: Sequence[str]) -> list[RunRecord]:
    """Records of some runs, those of an uncommon recipe under a name of their own.

    Names are made once for all runs of a data set, backbone and device: the same whatever runs are asked for.
    """
    found = records(run_ids)
    named: dict[str, RunRecord] = {}
    for place in dict.fromkeys(tuple(place_address(record).values()) for record in found):
        named |= _named_at(*place)
    return [named[record.id] for record in found if record.id in named]  # one may be lost since it was listed


def problems() -> dict[str, str]:
    """Runs that cannot be read, and why."""
    return listing().problems


def in_shown_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Variants in the order in which they are always shown: by their rank, the plain one of a rank first."""
    if frame.empty:
        return frame
    order = [columns.METHOD_RANK, columns.DEPARTURE, columns.VARIANT]
    keys = frame[order].astype({columns.METHOD_RANK: int, columns.DEPARTURE: str, columns.VARIANT: str})
    return frame.iloc[keys.reset_index(drop=True).sort_values(order).index].reset_index(drop=True)


def look(record: RunRecord) -> Look:
    """What decides how a run is drawn."""
    return Look(record.facts.rank, record.facts.departure)


def shown_place(facts: RunFacts) -> tuple[int, str, str]:
    """What a run is sorted by where variants are shown: as `in_shown_order`."""
    return facts.rank, facts.departure, facts.variant


@kept(max_entries=32)
def _named_at(data: str, backbone: str, device: str) -> dict[str, RunRecord]:
    """All runs of a place by id, each under its name; shipped curves have the plain names before other runs."""
    table = runs_table()
    at = (table[DATA_KEY] == data) & (table[columns.BACKBONE] == backbone) & (table[columns.DEVICE] == device)
    shipped = set(Stores.default().shipped.ids())
    named = tables.named_by_recipe(
        records(list(table.loc[at, columns.RUN_ID])),
        standing=lambda record: 2 * is_curve(record) + (record.id in shipped),
    )
    return {record.id: record for record in named}


# a run's chips take 60 KB; claims read those of a thousand runs once
@st.cache_resource(max_entries=512, show_spinner=False)
def _instances(run_id: str, checksum: str, _record: RunRecord) -> pd.DataFrame:
    del checksum
    try:
        return Stores.default().holder(run_id).instances(_record)
    except StoreError:
        _unread().add(run_id)
        raise


def _gather(run_ids: tuple[str, ...], *, tested_at: float | None = None) -> pd.DataFrame:
    """All chips of some runs, or those at one sigma_d."""
    found: list[tuple[RunRecord, pd.DataFrame]] = []
    for record in named_records(run_ids):
        try:
            chips = instances(record)
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
        else:
            at = slice(None) if tested_at is None else same_sigma_d(chips[columns.SIGMA_D], tested_at)
            found.append((record, chips[at]))
    return tables.gather(found)


# a few rows each; the other tables of a run, which are read with them, are a hundred times as large
@kept(max_entries=512, stamp=of_its_runs)
def _layers_of(run_id: str) -> pd.DataFrame:
    return run_tables(run_id).layers


def _readable(run_ids: tuple[str, ...], read: Callable[[str], T]) -> list[tuple[RunRecord, T]]:
    """Records and tables of some runs; those whose files are damaged are left out, and named."""
    found: list[tuple[RunRecord, T]] = []
    for record in named_records(run_ids):
        try:
            found.append((record, read(record.id)))
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
    return found
