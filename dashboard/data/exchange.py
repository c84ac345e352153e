"""Runs out of the stores and into them, and what a report says of runs: the door of everything that is handed on."""

import io
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pandas as pd

from dashboard.computing import process
from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
from neft import columns, tables
from neft.errors import BundleError
from neft.runs import bundles, files
from neft.runs.bundles import Found
from neft.runs.store import Stores
from neft.sigma_d import same_sigma_d

if TYPE_CHECKING:
    from dashboard.computing.work import bundles as work
else:
    work = process.remote("dashboard.computing.work.bundles")

__all__ = ["Found"]

MAX_UPLOAD = 200
"""Megabytes of a file that is taken in from a page; `neft import` takes larger ones."""
MIB = 1024 * 1024
FEW_RUNS = 12
"""So many runs are reported at every σ_d."""
PERCENTILES = {
    columns.PERCENTILE_1: "1st percentile",
    columns.PERCENTILE_1_LOWER: "1st pct., at least",
    columns.PERCENTILE_1_UPPER: "1st pct., at most",
    columns.PERCENTILE_5: "5th percentile",
    columns.PERCENTILE_5_LOWER: "5th pct., at least",
    columns.PERCENTILE_5_UPPER: "5th pct., at most",
}
NUMBERS = {
    columns.RUN_ID: "Run",
    columns.LABEL: "Method",
    columns.SIGMA_D: "σ_d",
    columns.SETTING_LABEL: "Setting",
    columns.DECAY: "γ schedule",
    columns.NUM_FEEDBACK: "N",
    columns.MEAN: "Mean",
    columns.CI95: "± 95 %",
    columns.PERCENTILE: "Percentile",
    columns.VALUE: "Value",
    columns.LOWER: "Lower",
    columns.UPPER: "Upper",
    **PERCENTILES,
    columns.NUM_SEEDS: "Seeds",
    columns.DIFFERENCE: "Difference",
    columns.DIFFERENCE_CI95: "± 95 %, paired",
    columns.INDEPENDENT_CI95: "± 95 %, independent",
    columns.NUM_PAIRS: "Pairs",
    columns.NUM_INSTANCES: "Chips",
}
"""Columns of a table of means and their heads in a report, in this order."""

INTERVALS = (
    {columns.MEAN, columns.CI95},
    {columns.DIFFERENCE, columns.DIFFERENCE_CI95},
    {columns.PERCENTILE, columns.VALUE, columns.LOWER, columns.UPPER},
)


# ---------------------------------------------------------------- bundles
def bundle_bytes(run_ids: Sequence[str]) -> bytes:
    """A bundle of some runs.

    Raises:
        StoreError: a run is not there or is damaged.
    """
    target = io.BytesIO()
    _ = bundles.export_runs(run_ids, Stores.default(), target)
    return target.getvalue()


def bundle_size(run_ids: Sequence[str]) -> int:
    """About how many bytes a bundle has, before packing."""
    return bundles.bundle_size(stored.records(run_ids))


def own_ids() -> list[str]:
    """The user's own runs: those that did not come with the package."""
    return [record.id for record in stored.listing().records if not stored.is_shipped(record.id)]


def num_shipped() -> int:
    """How many runs came with the package."""
    return len(stored.listing().records) - len(own_ids())


@kept(max_entries=4, show_spinner="Checking every file against its checksum …")
def look_into(_content: io.BytesIO, file_id: str) -> tuple[Found, ...]:
    """The runs in a file, examined; nothing is stored.

    Args:
        _content: the file.
        file_id: names the file's content.

    Raises:
        BundleError: the file as a whole is refused.
    """
    del file_id
    with _as_file(_content) as path:
        return work.look_into(path)


def take_in(content: io.BytesIO, run_ids: Collection[str]) -> tuple[Found, ...]:
    """Store these runs of a file, each whole or not at all.

    Raises:
        BundleError: the file as a whole is refused.
        StoreError: the store cannot be written.
    """
    with _as_file(content) as path:
        return work.take_in(path, tuple(run_ids))


@contextmanager
def _as_file(content: io.BytesIO) -> Generator[Path]:
    """An uploaded file where the computing process can read it.

    Raises:
        BundleError: it is too large, or cannot be written.
    """
    size = content.getbuffer().nbytes
    if size > MAX_UPLOAD * MIB:
        message = f"The file has {size / MIB:.0f} MB; a page takes in at most {MAX_UPLOAD}. `neft import` takes more."
        raise BundleError(message)
    with files.temporary_folder("The file", BundleError) as folder:
        path = folder / "upload.zip"
        _ = path.write_bytes(content.getbuffer())
        yield path


# ---------------------------------------------------------------- addresses
def whole_address(page_url: str, path: str, query: Mapping[str, str | Sequence[str]]) -> str:
    """The whole address of a view.

    >>> whole_address("http://127.0.0.1:8501/share", "runs", {"run": ["a", "b"]})
    'http://127.0.0.1:8501/runs?run=a&run=b'
    """
    here = urlsplit(page_url)
    words = urlencode(dict(query), doseq=True)
    return here._replace(path=f"/{path}", query=words, fragment="").geturl()


# ---------------------------------------------------------------- reports
def means_table(table: pd.DataFrame) -> pd.DataFrame | None:
    """A chart's means with their intervals as a report shows them; None where the chart shows something else."""
    has_interval = any(pair <= set(table.columns) for pair in INTERVALS)
    if table.empty or columns.LABEL not in table or not has_interval:
        return None
    hidden = {columns.MEAN, columns.CI95, *PERCENTILES} if columns.PERCENTILE in table else set[str]()
    shown = [name for name in NUMBERS if name in table.columns and name not in hidden]
    return table[shown].rename(columns=NUMBERS)


def runs_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run: what it is, and where and when it was made."""
    return pd.DataFrame(
        [
            {
                "Run": record.facts.name,
                "Data set": record.facts.dataset_label,
                "Device": record.facts.device_label,
                "Chips": record.facts.num_instances,
                "Made": record.provenance.created,
                "Id": record.id,
            }
            for record in records
        ]
    )


def results_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run and σ_d: the stored summary; of more than a few runs only at the σ_d that each was trained at."""
    frames = [stored.results(record).assign(Run=record.facts.name, Id=record.id) for record in records]
    if len(records) > FEW_RUNS:
        own = [(record.facts.train_sigma_d, frame) for record, frame in zip(records, frames, strict=True)]
        frames = [frame[same_sigma_d(frame[columns.SIGMA_D], at)] for at, frame in own]
    if not frames:
        return pd.DataFrame()
    whole = pd.concat(frames, ignore_index=True)
    heads = {
        "Run": "Run",
        columns.SIGMA_D: "σ_d",
        columns.ACCURACY: "Accuracy",
        columns.CI95: "± 95 %",
        **PERCENTILES,
        columns.NUM_INSTANCES: "Chips",
        columns.EKL: "EKL (nats)",
        columns.MEAN_CONFIDENCE: "Confidence",
        columns.CALIBRATION_ERROR: "Calibration error",
        columns.PULSES: "Pulses a weight",
        columns.READS: "Reads a weight",
        "Id": "Id",
    }
    return whole[[name for name in heads if name in whole]].rename(columns=heads)


def differences_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run, a column for every setting in which they differ."""
    differing = tables.config_differences(records)
    if not differing.shape[1]:
        return pd.DataFrame()
    names = [record.facts.name for record in records]
    return differing.reset_index(names="Id").assign(Run=names)[["Run", *differing.columns, "Id"]]


def commands(records: Sequence[RunRecord]) -> dict[str, str]:
    """By run the command that makes it again."""
    return {
        record.id: record.provenance.command or f"neft show {record.id} --config  (its command was not kept)"
        for record in records
    }


def versions(records: Sequence[RunRecord]) -> str:
    """The versions that the runs were made with, each set once."""
    found = dict.fromkeys(
        ", ".join(f"{name} {version}" for name, version in record.provenance.versions.items()) for record in records
    )
    revisions = dict.fromkeys((record.provenance.git_revision or "unknown")[:12] for record in records)
    return f"{'; or '.join(found)}; revision {', '.join(revisions)}"
