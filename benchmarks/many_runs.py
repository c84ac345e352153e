"""A store of many runs, made from the cached ones: each again under other seeds, valid in every file.

A run's record is written anew with another seed, and so another id; what it names is linked, not copied. Its numbers
are those of the run that it was made from: a store to time, not to learn from.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from neft.component import build
from neft.config import RunConfig, TrainingConfig
from neft.options import command_line
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, RunStore

CACHED_RUNS = Path(__file__).resolve().parents[1] / "cached_runs"
FURTHER = 10_000
"""Seeds of a copy lie so far behind those of the copy before."""


def make_store(folder: Path, count: int) -> Path:
    """A store of so many runs in a new folder, with the cached runs' plans: these runs first, then copies of them."""
    cached = RunStore(CACHED_RUNS, read_only=True)
    folder.mkdir(parents=True)
    (folder / "plans").mkdir()
    for plan in (CACHED_RUNS / "plans").glob("*.json"):
        _link(plan, folder / "plans" / plan.name)
    for record, source in itertools.islice(_with_copies(cached), count):
        add_run(folder, record, CACHED_RUNS / source)
    return folder


def add_run(root: Path, record: RunRecord, source: Path) -> None:
    """One run more, as another process stores one: made in a hidden folder and renamed."""
    draft = root / ".drafts" / record.id
    draft.mkdir(parents=True)
    for name in record.files:
        _link(source / name, draft / name)
    _ = (draft / RECORD).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _ = draft.rename(root / record.id)


def with_seed(record: RunRecord, seed: int) -> RunRecord:
    """A run's record as if it had been trained from another seed."""
    config = stored_config(record)
    training = build(TrainingConfig, config.training.model_dump() | {"seed": seed})
    other = RunConfig.make(**{name: getattr(config, name) for name in RunConfig.model_fields} | {"training": training})
    return record.model_copy(
        update={
            "id": other.run_id,
            "facts": record.facts.model_copy(update={"seed": seed}),
            "config": other.model_dump(mode="json"),
            "provenance": record.provenance.model_copy(update={"command": command_line(other)}),
        }
    )


def _with_copies(cached: RunStore) -> Iterator[tuple[RunRecord, str]]:
    """The cached runs, then each from another seed, then from a third, and so on; each with the id of its origin."""
    records = cached.list().records
    yield from ((record, record.id) for record in records)
    for further in itertools.count(1):
        yield from ((with_seed(record, record.facts.seed + further * FURTHER), record.id) for record in records)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        _ = target.write_bytes(source.read_bytes())
