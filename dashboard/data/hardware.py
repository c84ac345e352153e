"""What stored networks take on a chip: layers from the computing process, prices by the table of unit costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dashboard.computing import process
from dashboard.data import stored
from dashboard.data.caches import kept, kept_copies
from dashboard.data.stored import DATA_KEY, RunRecord
from neft import columns
from neft.errors import NeftError
from neft.hardware.constants import load_constants
from neft.hardware.costs import USUAL_BITS, Deployed, Size, by_component, hardware_costs, size_of
from neft.sigma_d import rounded_sigma_d
from neft.tables.hardware import accuracy_vs_hardware, hardware_key
from neft.tables.schemes import on_front

if TYPE_CHECKING:
    from dashboard.computing.work import hardware as work
else:
    work = process.remote("dashboard.computing.work.hardware")

__all__ = ["USUAL_BITS", "Size"]

VALUES = {
    "mean": (columns.MEAN, columns.LOWER, columns.UPPER),
    "percentile": (columns.PERCENTILE_1, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER),
}
"""What a network is worth: the columns of a value and of its ends."""


def size(record: RunRecord) -> Size:
    """What a run's network takes.

    Raises:
        NeftError: it is not known, or the unit costs cannot be read.
    """
    return size_of(_deployed(record), load_constants())


def sizes(records: Sequence[RunRecord]) -> dict[str, Size]:
    """By run; those of which it is not known are left out.

    Raises:
        ConfigError: the unit costs cannot be read.
    """
    constants = load_constants()
    keys = {record.id: hardware_key(record) for record in records}
    found = _deployed_by_key(tuple({key: run_id for run_id, key in keys.items()}.values()))
    by_key = {key: size_of(one, constants) for key, one in found.items() if isinstance(one, Deployed)}
    return {run_id: by_key[key] for run_id, key in keys.items() if key in by_key}


def parts(record: RunRecord) -> pd.DataFrame:
    """A row per part of the chip (`neft.hardware.costs.by_component`).

    Raises:
        NeftError: as `size`.
    """
    return by_component(hardware_costs(_deployed(record), load_constants()))


def has_assumed_bits(record: RunRecord) -> bool:
    """Whether bits of its converters are nobody's choice.

    Raises:
        NeftError: as `size`.
    """
    return _deployed(record).converters.is_assumed


def stamp() -> str:
    """Of the unit costs: others have what is priced computed anew. Those that cannot be read have one of their own."""
    try:
        return load_constants().model_dump_json()
    except NeftError as error:
        return str(error)


def constants_table() -> pd.DataFrame:
    """A row per unit cost: name, value, unit, source and note, in words.

    Raises:
        ConfigError: they cannot be read.
    """
    return pd.DataFrame([{"name": name, **entry} for name, entry in load_constants().in_words().items()])


def data_sets() -> dict[str, str]:
    """Data sets of stored runs by their keys, those of the most networks first."""
    table = stored.runs_table()
    counts = table.groupby(DATA_KEY)[columns.BACKBONE].nunique().sort_values(ascending=False, kind="stable")
    labels = dict(zip(table[DATA_KEY], table["dataset_label"], strict=True))
    return {str(key): str(labels[key]) for key in counts.index}


@kept(max_entries=8)
def sigma_ds(data: str) -> tuple[float, ...]:
    """Device variations for which networks were trained on some data, 0 left out."""
    found = {rounded_sigma_d(record.facts.train_sigma_d) for record in _of(data)}
    return tuple(sorted(found - {0.0}))


def networks(data: str, sigma_d: float) -> pd.DataFrame:
    """A row per network, chips and training on some data at one sigma_d (`neft.tables.hardware`).

    Raises:
        ConfigError: the unit costs cannot be read.
    """
    return _networks(data, sigma_d, stamp())


def broadest(table: pd.DataFrame) -> str:
    """The variant that was tried on the most kinds of hardware; of several the first as methods are shown."""
    kinds = table.drop_duplicates([columns.VARIANT, columns.AREA, columns.ENERGY])[columns.VARIANT].value_counts()
    shown = stored.in_shown_order(table)
    return max(dict.fromkeys(map(str, shown[columns.VARIANT])), key=lambda variant: int(kinds[variant]))


def against(table: pd.DataFrame, value: str, cost: str) -> pd.DataFrame:
    """The rows as `charts.accuracy_vs_cost` draws them: a value (a key of `VALUES`) with its ends, and the front."""
    names = dict(zip((columns.MEAN, columns.LOWER, columns.UPPER), VALUES[value], strict=True))
    drawn = table.assign(
        **{new: table[old] for new, old in names.items()},
        **{columns.PROGRAMMING_LABEL: table[columns.LABEL], columns.LABEL: row_labels(table)},
    )
    known = drawn[drawn[columns.MEAN].notna()].reset_index(drop=True)
    return known.assign(**{columns.ON_FRONT: on_front(known, [cost])}) if len(known) else known


def row_labels(table: pd.DataFrame) -> list[str]:
    """What each row is: network, chips where they are not the usual, training."""
    parts_of = zip(table[columns.BACKBONE_LABEL], table[columns.CHIPS_LABEL], table[columns.LABEL], strict=True)
    return ["; ".join(part for part in one if part) for one in parts_of]


@kept_copies(max_entries=16, show_spinner="Counting devices and converters …")
def _networks(data: str, sigma_d: float, constants_json: str) -> pd.DataFrame:
    del constants_json  # by which all is priced: others have it computed anew
    records = _of(data)
    table = accuracy_vs_hardware(records, sizes(records), sigma_d=sigma_d)
    return table.assign(**{columns.SCHEME: [" ".join(ids) for ids in table[columns.RUN_IDS]]})


def _of(data: str) -> list[RunRecord]:
    table = stored.runs_table()
    return stored.records(list(table.loc[table[DATA_KEY] == data, columns.RUN_ID]))


def _deployed(record: RunRecord) -> Deployed:
    found = _deployed_by_key((record.id,))[hardware_key(record)]
    if isinstance(found, NeftError):
        raise found
    return found


@kept(max_entries=64)
def _deployed_by_key(run_ids: tuple[str, ...]) -> dict[str, Deployed | NeftError]:
    found = work.deployed(run_ids)
    return {hardware_key(record): found[record.id] for record in stored.records(run_ids)}
