"""Whatever a home keeps outlives a power cut: its content is on the disk before its name, and its name is too."""

import io
import os
import stat
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from dashboard.jobs import jobs
from neft.config import RunConfig
from neft.evaluation.race import RacedChip, RaceResult
from neft.evaluation.search_settings import SearchSettings
from neft.runs import files, notes, plans, races, searches, unfinished, waterfalls, worst_cases
from neft.runs.bundles import export_runs, import_runs
from neft.runs.places import neft_home
from neft.runs.plans import PlanEntry, PlanRecord
from neft.runs.races import RaceQuestion
from neft.runs.records import RunRecord
from neft.runs.searches import SearchTrial
from neft.runs.store import RunStore, Stores
from neft.runs.sweeping import sweep_home
from neft.runs.unfinished import TriedChips
from neft.runs.waterfalls import ON_CHIPS, StepKey, WaterfallStep
from neft.runs.worst_cases import WorstCaseRow
from neft.training.loop import TrainingState

LOCK = ".lock"


@dataclass(frozen=True)
class Kept:
    """Of what a state is made."""

    config: RunConfig
    source: RunStore
    """With one run, of that config."""

    @property
    def record(self) -> RunRecord:
        return self.source.record(self.config.run_id)

    @property
    def own(self) -> RunStore:
        return RunStore(neft_home() / "runs")


# ---------------------------------------------------------------- one writer for each kind of state
def _run(kept: Kept) -> None:
    kept.own.save(kept.record, kept.source.tables(kept.record), {"layer": torch.ones(2)})


def _imported(kept: Kept) -> None:
    target, nowhere = io.BytesIO(), RunStore(Path("/nonexistent"), read_only=True)
    export_runs([kept.record.id], Stores(own=kept.source, shipped=nowhere), target)
    (found,) = import_runs(target, Stores(own=kept.own, shipped=nowhere))
    assert found.status == "imported"


def _unfinished(kept: Kept) -> None:
    unfinished.save(kept.config, TrainingState(epoch=1, weights={"layer": torch.ones(2)}))


def _chips(kept: Kept) -> None:
    unfinished.save_chips(kept.config, TriedChips("0" * 64))


def _plan(kept: Kept) -> None:
    entry = PlanEntry(experiment="a", series="b", setting="c", position=0, sigma_d=0.1, seed=0, run_id=kept.record.id)
    plans.save_plan(kept.own.root, PlanRecord(name="a", preset="a", command="neft sweep a", entries=(entry,)))


def _note(kept: Kept) -> None:
    notes.write_note(kept.record.id, notes.make_note("A note"))


def _job(kept: Kept) -> None:
    jobs.start(kept.config.to_json(), run_id=kept.config.run_id, command="neft train", num_epochs=2)


def _worst_case(kept: Kept) -> None:
    needed = [name for name in WorstCaseRow.model_fields if name not in ("found_by", "deviation")]
    row: dict[str, float | str] = {**dict.fromkeys(needed, 0.5), "found_by": "projected"}
    deviations = [{"layer": torch.ones(2)}]
    _ = worst_cases.save(kept.record, [row], deviations, settings=SearchSettings(), num_images=10, seconds=1.0)


def _race(kept: Kept) -> None:
    weights = races.weights_of(kept.record)
    asked = RaceQuestion(weights=weights, chips="0" * 16, sigma_d=0.1, num_instances=300, percentile=1)
    lowest = tuple(RacedChip(instance, 0.5 + instance / 100) for instance in range(7))
    result = RaceResult(lowest=lowest, num_whole=40, passes=900, whole_passes=3000)
    _ = races.save(kept.record, asked, result, num_images=10, chance_of_error=0.01, seconds=1.0, is_own=True)


def _waterfall(kept: Kept) -> None:
    steps = [WaterfallStep(step=one, accuracies=(0.5,) if one in ON_CHIPS else (0.7,)) for one in get_args(StepKey)]
    counts = {"num_training_images": 9, "num_test_images": 9}
    _ = waterfalls.save(kept.record, steps, sigma_d=0.1, has_real_weights=True, seconds=1.0, **counts)


def _search(kept: Kept) -> None:
    trial = SearchTrial(signs="b", width=1, validation_accuracy=0.5, area_share=1, run_id=kept.record.id)
    _ = searches.save("0123abcd", kept.record.facts, [trial], area_weight=0.1, max_drop=0.02, num_trials=2)


STATES: dict[str, Callable[[Kept], None]] = {
    "run": _run,
    "imported run": _imported,
    "unfinished training": _unfinished,
    "tried chips": _chips,
    "plan": _plan,
    "note": _note,
    "job": _job,
    "worst case": _worst_case,
    "race": _race,
    "waterfall": _waterfall,
    "search": _search,
}


def no_process(_job_id: str, _words: Sequence[str]) -> int:
    """None is needed to write a job down."""
    return os.getpid()


@pytest.fixture
def kept(small_config: RunConfig, filled_store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", Path("/nonexistent"))
    monkeypatch.setattr(jobs, "begin", no_process)
    return Kept(small_config, filled_store)


# ---------------------------------------------------------------- the disk, as a power cut leaves it
@dataclass
class Disk:
    """What the system was told to have on the disk, and what took its place when."""

    contents: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By a file's inode its size and time of change when it was last synced."""
    names: dict[int, dict[str, int]] = field(default_factory=dict)
    """By a folder's inode the inodes of its names when it was last synced."""
    moved: list[tuple[Path, Path]] = field(default_factory=list)
    """What was renamed to what."""
    faults: list[str] = field(default_factory=list)

    def synced(self, handle: int) -> None:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            self.names[found.st_ino] = _names(handle)
        else:
            self.contents[found.st_ino] = (found.st_size, found.st_mtime_ns)

    def moves(self, source: Path, target: Path) -> None:
        for path in (source, *source.rglob("*")):
            found = path.stat()
            is_on_disk = (
                self.names.get(found.st_ino) == _names(path)
                if path.is_dir()
                else self.contents.get(found.st_ino) == (found.st_size, found.st_mtime_ns)
            )
            if not is_on_disk:
                self.faults.append(f"{target.name} took its place before {path.name} was on the disk")
        self.moved.append((source, target))

    def look_at(self, path: Path) -> None:
        """Whether what is new or changed would be there after a power cut, and could never have been there by half."""
        if self.names.get(path.parent.stat().st_ino, {}).get(path.name) != path.stat().st_ino:
            self.faults.append(f"the name of {path.name} is not on the disk")
        placed = {target for _, target in self.moved}
        if path.is_file() and not placed & {path, *path.parents}:
            self.faults.append(f"{path.name} was written in its place")


def _names(folder: Path | int) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


@contextmanager
def watched() -> Generator[Disk]:
    """The disk, watched while something is written into the home."""
    disk, home = Disk(), neft_home()
    with pytest.MonkeyPatch.context() as patch:

        def synced(handle: int, sync: Callable[[int], None] = os.fsync) -> None:
            disk.synced(handle)
            sync(handle)

        def moving(move: Callable[..., None]) -> Callable[..., None]:
            def moved(source: Any, target: Any, **named: Any) -> None:
                disk.moves(Path(source), Path(target))
                move(source, target, **named)

            return moved

        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "replace", moving(os.replace))
        patch.setattr(os, "rename", moving(os.rename))
        yield disk
    for path in (home, *home.rglob("*")):
        if path.name != LOCK:
            disk.look_at(path)


def faults(write: Callable[[Kept], None], kept: Kept) -> list[str]:
    with watched() as disk:
        write(kept)
    assert disk.moved
    return disk.faults


@pytest.mark.parametrize("write", STATES.values(), ids=STATES)
def test_state_outlives_a_power_cut(write: Callable[[Kept], None], kept: Kept) -> None:
    assert faults(write, kept) == []


# ---------------------------------------------------------------- the law is seen broken
def _nothing(_path: Path) -> None:
    """Sync nothing."""


def _folders_alone(path: Path, sync: Callable[[Path], None] = files.sync) -> None:
    if path.is_dir():
        sync(path)


def _files_alone(path: Path, sync: Callable[[Path], None] = files.sync) -> None:
    if path.is_file():
        sync(path)


@contextmanager
def _in_place(target: Path, **_: object) -> Generator[Path]:
    files.make_folder(target.parent)
    yield target
    files.sync(target)
    files.sync(target.parent)


@pytest.mark.parametrize("sync", [_nothing, _folders_alone, _files_alone])
@pytest.mark.parametrize("write", STATES.values(), ids=STATES)
def test_law_is_seen_broken_where_something_is_not_synced(
    write: Callable[[Kept], None], sync: Callable[[Path], None], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "sync", sync)

    assert faults(write, kept)


@pytest.mark.parametrize("name", [name for name in STATES if name not in ("run", "imported run")])
def test_law_is_seen_broken_where_a_state_is_written_in_its_place(
    name: str, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "whole_file", _in_place)

    with watched() as disk:
        STATES[name](kept)

    assert any("was written in its place" in fault for fault in disk.faults)


# ---------------------------------------------------------------- what a killed process leaves of it
@pytest.mark.parametrize("write", STATES.values(), ids=STATES)
def test_draft_of_every_state_is_where_one_that_was_left_is_swept(write: Callable[[Kept], None], kept: Kept) -> None:
    with watched() as disk:
        write(kept)
    long_ago = time.time() - files.FORGOTTEN_ELSEWHERE_AFTER - 60
    left: list[Path] = []
    for source, _ in disk.moved:
        place = next(folder for folder in source.parents if folder.is_dir())
        left.append(place / f".draft-{files._host()}-1-0123456789ab-abcdefgh")
        left[-1].touch()
        os.utime(left[-1], (long_ago, long_ago))

    sweep_home()

    assert [path for path in left if path.exists()] == []
