"""Stored runs into one zip file."""

import hashlib
import zipfile
from collections.abc import Sequence

from neft.errors import BundleError
from neft.runs import files
from neft.runs.bundles.archive import MANIFEST, MAX_RUNS, NOTE, README, RUNS, BinaryFile
from neft.runs.bundles.manifest import Manifest, make_manifest, readme
from neft.runs.notes import read_note
from neft.runs.records import RunRecord, StoredFile
from neft.runs.store import RECORD, Stores

READABLE = 0o100644 << 16
"""An ordinary file that everyone may read, where unzip looks for it."""


def bundle_size(records: Sequence[RunRecord]) -> int:
    """About how many bytes a bundle of some runs has: their files' bytes, before packing."""
    return sum(file.num_bytes for record in records for file in record.files.values())


def export_runs(run_ids: Sequence[str], stores: Stores, target: BinaryFile) -> Manifest:
    """Write a bundle of some runs, each checked before; a run that is named twice is taken once.

    Raises:
        BundleError: no run is named, or too many.
        StoreError: a run is not there or is damaged.
    """
    wanted = list(dict.fromkeys(run_ids))
    if not 1 <= len(wanted) <= MAX_RUNS:
        message = f"A bundle has 1 to {MAX_RUNS:,} runs; got {len(wanted):,}."
        raise BundleError(message)
    described: list[tuple[RunRecord, dict[str, StoredFile]]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for run_id in wanted:
            store = stores.holder(run_id)
            record = store.verify(run_id)
            with files.reading(store.root / run_id):
                contents = {name: (store.root / run_id / name).read_bytes() for name in (RECORD, *sorted(record.files))}
            note = read_note(run_id)
            if note is not None:
                contents[NOTE] = note.model_dump_json(indent=1).encode() + b"\n"
            for name, content in contents.items():
                file.writestr(_entry(f"{RUNS}/{run_id}/{name}"), content)
            described.append((record, {name: _describe(content) for name, content in contents.items()}))
        manifest = make_manifest(described)
        file.writestr(_entry(MANIFEST), manifest.model_dump_json(indent=1).encode() + b"\n")
        file.writestr(_entry(README), readme(manifest).encode())
    return manifest


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: the same runs pack to the same bytes at any time
    entry.external_attr = READABLE
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _describe(content: bytes) -> StoredFile:
    return StoredFile(sha256=hashlib.sha256(content).hexdigest(), num_bytes=len(content))
