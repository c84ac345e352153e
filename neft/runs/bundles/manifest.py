"""What a bundle says of itself: manifest.json for programs, README.txt for people."""

import datetime
import json
from collections.abc import Sequence

from pydantic import ValidationError

from neft import __version__
from neft.component import Component, first_problem
from neft.errors import BundleError
from neft.runs.records import RunRecord, StoredFile

MANIFEST_VERSION = 1
KIND = "neft-bundle"


class BundledRun(Component):
    """One run of a bundle."""

    id: str
    label: str
    dataset: str
    backbone: str
    train_sigma_d: float
    seed: int
    command: str
    """A command line that makes the run again; empty where none was kept."""
    files: dict[str, StoredFile]
    """Every file of its folder, run.json and a note included."""


class Manifest(Component):
    """manifest.json."""

    schema_version: int = MANIFEST_VERSION
    kind: str = KIND
    neft: str
    """The version that wrote it."""
    created: str
    """UTC, ISO 8601."""
    runs: tuple[BundledRun, ...]


def make_manifest(runs: Sequence[tuple[RunRecord, dict[str, StoredFile]]]) -> Manifest:
    """The manifest of some runs and all their files."""
    return Manifest(
        neft=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        runs=tuple(
            BundledRun(
                id=record.id,
                label=record.facts.label,
                dataset=record.facts.dataset_label,
                backbone=record.facts.backbone_label,
                train_sigma_d=record.facts.train_sigma_d,
                seed=record.facts.seed,
                command=record.provenance.command,
                files=files,
            )
            for record, files in runs
        ),
    )


def read_manifest(content: bytes) -> Manifest:
    """A manifest from its text.

    Raises:
        BundleError: it is of a newer version, or no manifest.
    """
    try:
        raw = json.loads(content)
        kind, version = raw["kind"], int(raw["schema_version"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        kind, version = "", 0
    if kind != KIND:
        message = "The file's manifest.json is not that of a bundle of runs."
        raise BundleError(message)
    if version > MANIFEST_VERSION:
        message = (
            f"The bundle was made by a newer version of neft (format {version}; this one reads up to "
            f"{MANIFEST_VERSION}). Update neft to import it."
        )
        raise BundleError(message)
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        message = f"The bundle's manifest.json is damaged: {first_problem(Manifest, error)}"
        raise BundleError(message) from None


def readme(manifest: Manifest) -> str:
    """What a person who unpacks the bundle should know."""
    count = f"{len(manifest.runs)} stored run{'' if len(manifest.runs) == 1 else 's'}"
    lines = [
        f"{count} of neft: networks trained and tried on sampled chips.",
        f"Written by neft {manifest.neft} on {manifest.created}.",
        "",
        'To look at them: put this zip file, as it is, on the page "Share and import" of the dashboard',
        "(neft dashboard), or on a command line:",
        "",
        "  neft import FILE.zip",
        "  neft runs",
        "",
        "Each file's SHA-256 stands in manifest.json and is checked when it is imported. Nothing in here is a program.",
        "",
        "To make them again, each from its settings alone:",
    ]
    for run in manifest.runs:
        what = f"{run.label}, {run.backbone}, {run.dataset}, sigma_d {run.train_sigma_d:g}, seed {run.seed}"
        lines += ["", run.id, f"  {what}", f"  {run.command or 'its command was not kept; see run.json'}"]
    lines += [
        "",
        "In runs/<id>/: run.json (settings, numbers, where it came from), history.csv (epochs), instances.parquet",
        "(every chip), layers.csv and deviations.csv.gz (weights), weights.safetensors (the network, where kept),",
        "note.json (what was noted on it, where it was).",
    ]
    return "\n".join(lines) + "\n"
