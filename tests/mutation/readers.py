"""Every stored file, and everything that reads it: a fault may only give a refusal of one line, or a row that says so.

A home holds one of each file that the package writes. A case changes one of them, reads it in every way, and puts it
back. Files of a run are also changed with their checksum brought up to date, as a stranger's bundle would have it.
"""

import contextlib
import hashlib
import io
import json
import random
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from dashboard.address import Reading
from dashboard.data import comparisons, opened_chips, results, stored
from dashboard.jobs import files as job_files
from dashboard.jobs import jobs
from dashboard.pages import Page
from neft import columns
from neft.__main__ import main as neft
from neft.chip_statistics import STATISTICS
from neft.config import RunConfig
from neft.errors import NeftError, RunCorruptError, is_hidden
from neft.evaluation.race import RacedChip, RaceResult
from neft.evaluation.search_settings import SearchSettings
from neft.options import command_line
from neft.runs import checkpoint, notes, plans, races, searches, unfinished, waterfalls, worst_cases
from neft.runs.bundles import export_runs, look_into
from neft.runs.checks import CLOSE
from neft.runs.chips_key import chips_key
from neft.runs.events import EventFile, Finished, Starting, Training
from neft.runs.facts import stored_config
from neft.runs.paragraph import methods_paragraph
from neft.runs.plans import PlanEntry, PlanRecord
from neft.runs.races import RaceQuestion
from neft.runs.records import RunRecord, SigmaSummary
from neft.runs.searches import SearchTrial
from neft.runs.store import DEVIATIONS, HISTORY, INSTANCES, LAYERS, RECORD, WEIGHTS, RunStore, Stores
from neft.runs.unfinished import OF_EVERY_CHIP, OF_EVERY_EPOCH, TriedChips
from neft.runs.waterfalls import ON_CHIPS, StepKey, WaterfallStep
from neft.runs.worst_cases import WorstCaseRow
from neft.tables import runs_table
from neft.tables.races import race_chips
from neft.tables.sign_search import trials_table
from neft.training.loop import TrainingState
from tests.dashboard.driver import open_page
from tests.mutation.mutants import mutated, odd_record, odd_table

HELD_IN = frozenset({HISTORY, INSTANCES, LAYERS, DEVIATIONS})
SHARES = {"read_for_pages": 0.2, "read_as_bundle": 0.2, "draw_pages": 0.005}
"""Of the cases that change a run, so many are read in the ways that take longest."""
LONGEST = 300
"""Characters of a refusal."""
JOB = "20260101-000000-000000-aaaaaa"
VERBS = (
    *(("runs",), ("show", "RUN"), ("show", "RUN", "--paper"), ("show", "RUN", "--json"), ("show", "RUN", "--config")),
    *(("compare", "RUN", "RUN"), ("note", "RUN"), ("leaderboard",), ("claims",)),
)


class Home:
    """A home, NEFT_HOME, with one of each file, and what reads it; nothing is shipped."""

    def __init__(self, folder: Path, source: RunStore, config: RunConfig) -> None:
        self.root = folder
        self.store = RunStore(folder / "runs")
        shutil.copytree(source.root, self.store.root)
        (self.run_id,) = self.store.ids()
        self.record = self.store.record(self.run_id)
        self.config = config
        _write_others(self)
        _ = self.call("runs")  # which remembers its options
        self.files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock"))

    def case(self, path: Path, rng: random.Random, *, with_pages: bool = False) -> list[str]:
        """Change a file, read it in every way, put it back; returns what was not as it should be."""
        before = {one: one.read_bytes() for one in (path, self.store.root / self.run_id / RECORD)}
        is_of_run = path.parent.name == self.run_id
        if is_of_run and path.name == RECORD and rng.random() < 0.6:
            changed = odd_record(before[path], rng)
        elif is_of_run and path.name in HELD_IN and rng.random() < 0.6:
            changed = odd_table(before[path], path.name, rng)
        else:
            changed = mutated(before[path], rng, is_json=path.suffix in (".json", ".jsonl"))
        try:
            _ = path.write_bytes(changed)
            if is_of_run and path.name in self.record.files and rng.random() < 0.8:
                self._sign(path, changed)
            shown = told(draw_pages, self) if with_pages else []
            return [f"{path.relative_to(self.root)}: {fault}" for fault in (*shown, *self.faults(path, rng))]
        finally:
            for one, content in before.items():
                _ = one.write_bytes(content)

    def _sign(self, path: Path, content: bytes) -> None:
        raw = json.loads((path.parent / RECORD).read_text(encoding="utf-8"))
        raw["files"][path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
        _ = (path.parent / RECORD).write_text(json.dumps(raw), encoding="utf-8")

    def faults(self, path: Path, rng: random.Random) -> Iterable[str]:
        """What the readers of a file do that they may not."""
        for reader in READERS.get(path.relative_to(self.root).parts[0], ()):
            if rng.random() < SHARES.get(reader.__name__, 1.0):
                yield from told(reader, self)
        yield from self.call(*rng.choice(VERBS))

    def call(self, *words: str) -> Iterable[str]:
        """A command line, in this process."""
        given = [self.run_id if word == "RUN" else word for word in words]
        out, err = io.StringIO(), io.StringIO()
        before, sys.argv = sys.argv, ["neft", *given]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                neft()
        except SystemExit:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
            return [f"neft {' '.join(words)}: {type(error).__name__}: {str(error)[:200]}"]
        finally:
            sys.argv = before
        said = out.getvalue() + err.getvalue()
        odd = {character for character in said if character not in "\n\t" and not is_plain(character)}
        return [f"neft {' '.join(words)} prints control characters: {odd}"] if odd else []


def is_plain(character: str) -> bool:
    """Whether a terminal shows it and does nothing."""
    return not is_hidden(character)


def told(reader: Callable[[Home], object], home: Home) -> list[str]:
    """What a reader does that it may not: raise anything but a refusal of one short line."""
    try:
        found = reader(home)
    except NeftError as error:
        return _wrong(reader, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
        return [f"{reader.__name__}: {type(error).__name__}: {str(error)[:200]}"]
    said = found.values() if isinstance(found, dict) else ()
    return [fault for words in said for fault in _wrong(reader, str(words))]


def _wrong(reader: Callable[[Home], object], words: str) -> list[str]:
    if len(words) > LONGEST:
        return [f"{reader.__name__}: {len(words)} characters: {words[:150]}"]
    return [] if all(map(is_plain, words)) else [f"{reader.__name__}: control characters in {words!r}"]


# ---------------------------------------------------------------- readers
def list_runs(home: Home) -> dict[str, str]:
    """The list, and the table that pages and verbs make of it."""
    listing = home.store.list()
    _ = runs_table(listing.records)
    return listing.problems


def read_run(home: Home) -> None:
    """One run with all of its tables, weights and config."""
    record = home.store.verify(home.run_id)
    _ = home.store.tables(record)
    _ = stored_config(record)


def read_for_pages(home: Home) -> dict[str, str]:
    """What All runs, Explore, Details, Weights and Chip show of a run; no number but those that were stored."""
    for cache in (st.cache_data, st.cache_resource):
        cache.clear()
    run_ids = tuple(stored.runs_table()[columns.RUN_ID]) if stored.listing().records else ()
    if run_ids:
        _ = comparisons.accuracy_lines(), comparisons.readable_names()
        _ = stored.differing_settings(run_ids, without=())
        _ = stored.curves(Reading(run_ids, "fixed", 0.1), columns.ACCURACY)
        _ = stored.deviation_ratios(run_ids, 0.1), stored.deviations(run_ids, 0.1, "w_max")
        _ = results.noise_audit(run_ids, 0.1), results.weight_sizes(run_ids, 0.1)
        for record in stored.records(run_ids):
            _ = stored.results(record), methods_paragraph(record)
            _check_numbers(record, home)
            _ = opened_chips.ranked(record, 0.1), stored.run_tables(record.id), stored.converters(record.id)
    return stored.problems()


def _check_numbers(record: RunRecord, home: Home) -> None:
    """The chips of a run that is read have the accuracies that its record says, and these are shares."""
    with contextlib.suppress(NeftError):
        chips = home.store.instances(record).groupby(columns.SIGMA_D)[columns.ACCURACY]
        means = [row.metrics[columns.ACCURACY].mean for row in record.summary.test]
        assert all(mean is not None and 0 <= mean <= 1 for mean in means), means
        assert np.allclose(chips.mean(), np.array(means, float), atol=1e-5), means


def read_as_bundle(home: Home) -> None:
    """The run exported and imported elsewhere; and zipped by hand, as a stranger may: refused, or as it was."""
    nowhere = RunStore(home.root / "nowhere", read_only=True)
    by_hand = io.BytesIO()
    with zipfile.ZipFile(by_hand, "w") as file:
        for path in (home.store.root / home.run_id).iterdir():
            file.write(path, path.name)
    for one in look_into(by_hand, Stores(own=nowhere, shipped=nowhere)):
        if one.status == "refused":
            raise RunCorruptError(one.words)
        assert one.record is not None
        assert_agree(one.record.summary.test, home.record.summary.test)
        assert one.record.facts == home.record.facts
    packed = io.BytesIO()
    _ = export_runs([home.run_id], Stores(own=home.store, shipped=nowhere), packed)
    (found,) = look_into(packed, Stores(own=nowhere, shipped=nowhere))
    assert found.status == "new", found.words


def assert_agree(found: Sequence[SigmaSummary], expected: Sequence[SigmaSummary]) -> None:
    """The same metrics at the same σ_d, and numbers as near as a summary's must be to those of its chips."""
    assert [(row.sigma_d, {*row.metrics}, row.effort) for row in found] == [
        (row.sigma_d, {*row.metrics}, row.effort) for row in expected
    ]
    for row, other in zip(found, expected, strict=True):
        for name, metric in row.metrics.items():
            for statistic in STATISTICS:
                one, correct = getattr(metric, statistic), getattr(other.metrics[name], statistic)
                assert (one is None) == (correct is None)
                assert one is None or abs(one - correct) <= CLOSE * (1 + abs(correct)), f"{statistic} of {name}"


def draw_pages(home: Home) -> None:
    """Whole pages: none says that a part of it cannot be drawn."""
    for cache in (st.cache_data, st.cache_resource):
        cache.clear()
    for page, address in ((Page.RUNS, {"runs": home.run_id}), (Page.EXPLORE, {}), (Page.WEIGHTS, {}), (Page.CHIP, {})):
        app = open_page(page, **address)
        broken = [*app.exception, *(one for one in app.error if "cannot be drawn" in one.value)]
        assert not broken, f"{page.name}: {broken[0].value[:200]}"


def read_weights(home: Home) -> None:
    """The deployed network's numbers."""
    record = home.store.record(home.run_id)
    _ = home.store.weights(record), home.store.keeps_codes(record)


def read_plans(home: Home) -> dict[str, str]:
    """Plans of experiments."""
    return plans.load_plans(home.store.root)[1]


def read_notes(home: Home) -> dict[str, str]:
    """Notes."""
    _ = notes.read_note(home.run_id)
    return notes.list_notes().problems


def list_notes(_home: Home) -> dict[str, str]:
    """The list of notes, which may not fail."""
    return notes.list_notes().problems


def list_worst_cases(home: Home) -> dict[str, str]:
    """Searches of a worst case, and what they found."""
    listing = worst_cases.listed(home.record)
    for found in listing.records:
        _ = worst_cases.load_deviations(found)
    return listing.problems


def read_waterfall(home: Home) -> None:
    """A network taken down its steps."""
    _ = waterfalls.find(home.record, 0.1, 2)


def list_searches(_home: Home) -> dict[str, str]:
    """Searches for signs, and the table that pages make of them."""
    listing = searches.listed()
    for found in listing.records:
        _ = trials_table(found.trials, area_weight=found.area_weight, max_drop=found.max_drop)
    return listing.problems


def read_race(home: Home) -> None:
    """A race, and what it found."""
    found = races.find(home.record, _race_of(home.record))
    if found is not None:
        _ = race_chips(found)


def list_jobs(_home: Home) -> dict[str, str]:
    """Jobs, all of them and each alone; none may fail."""
    each = jobs.jobs()
    _ = jobs.active()
    _ = [jobs.config_json(job.id) for job in each[:0]]
    return {job.id: str(job.seconds_to_end) for job in each if job.seconds_left != job.seconds_left}


def read_unfinished(home: Home) -> None:
    """An interrupted training and its chips."""
    _ = unfinished.load_chips(home.config, "0" * 64)
    _ = unfinished.load(home.config)


def read_bundle(home: Home) -> dict[str, str]:
    """A bundle of runs."""
    nowhere = RunStore(home.root / "nowhere", read_only=True)
    with (home.root / "bundles" / "bundle.zip").open("rb") as file:
        found = look_into(file, Stores(own=nowhere, shipped=nowhere))
    return {one.run_id: one.words for one in found}


READERS: dict[str, tuple[Callable[[Home], object], ...]] = {
    "runs": (list_runs, read_run, read_weights, read_plans, read_for_pages, read_as_bundle, draw_pages),
    "notes": (read_notes, list_notes),
    "worst_cases": (list_worst_cases,),
    "waterfalls": (read_waterfall,),
    "searches": (list_searches,),
    "races": (read_race,),
    "jobs": (list_jobs,),
    "unfinished": (read_unfinished,),
    "bundles": (read_bundle,),
}
"""By the folder of the home."""


# ---------------------------------------------------------------- one of each file
def _write_others(home: Home) -> None:
    record, root = home.record, home.root
    notes.write_note(record.id, notes.make_note("A note\non two lines", ("kept",)))
    entry = PlanEntry(
        experiment="accuracy", series="ovf", setting="ovf", position=0.1, sigma_d=0.1, seed=0, run_id=record.id
    )
    plans.save_plan(
        home.store.root, PlanRecord(name="accuracy", preset="accuracy", command="neft sweep accuracy", entries=(entry,))
    )
    weights = checkpoint.load_tensors(home.store.root / record.id / WEIGHTS)
    _write_searches(record, weights)
    state = TrainingState(
        epoch=1,
        best_epoch=1,
        history=[dict.fromkeys(OF_EVERY_EPOCH, 1)],
        weights=weights,
        best_weights=weights,
        optimiser={},
    )
    unfinished.save(home.config, state)
    unfinished.save_chips(home.config, TriedChips("0" * 64, [dict.fromkeys(OF_EVERY_CHIP, 0)]))
    _write_sign_search(record)
    (root / "bundles").mkdir()
    with (root / "bundles" / "bundle.zip").open("w+b") as file:
        _ = export_runs([record.id], Stores(own=home.store, shipped=home.store), file)
    _write_job(home)


def _write_searches(record: RunRecord, weights: dict[str, Tensor]) -> None:
    needed = [name for name in WorstCaseRow.model_fields if name not in ("found_by", "deviation")]
    row: dict[str, float | str] = {**dict.fromkeys(needed, 0.5), "found_by": "projected"}
    deviation = {next(iter(weights)): torch.full((2,), 0.25)}
    _ = worst_cases.save(record, [row], [deviation], settings=SearchSettings(), num_images=10, seconds=1.0)
    steps = [
        WaterfallStep(step=step, accuracies=(0.5, 0.6) if step in ON_CHIPS else (0.7,)) for step in get_args(StepKey)
    ]
    asked = _race_of(record)
    lowest = tuple(RacedChip(instance, 0.5 + instance / 100) for instance in range(7))
    result = RaceResult(lowest=lowest, num_whole=40, passes=900, whole_passes=3000)
    _ = races.save(record, asked, result, num_images=10, chance_of_error=0.01, seconds=1.0, is_own=True)
    counts = {"num_training_images": 9, "num_test_images": 9}
    _ = waterfalls.save(record, steps, sigma_d=0.1, has_real_weights=True, seconds=1.0, **counts)


def _race_of(record: RunRecord) -> RaceQuestion:
    question = {"weights": races.weights_of(record), "chips": chips_key(stored_config(record))}
    return RaceQuestion(**question, sigma_d=0.1, num_instances=300, percentile=1)


def _write_sign_search(record: RunRecord) -> None:
    trials = [
        SearchTrial(signs=signs, width=1, validation_accuracy=0.5, area_share=share, run_id=record.id)
        for signs, share in (("bb", 1.0), ("++", 0.5))
    ]
    _ = searches.save("0123abcd", record.facts, trials, area_weight=0.1, max_drop=0.02, num_trials=2)


def _write_job(home: Home) -> None:
    folder = job_files.root() / JOB
    folder.mkdir(parents=True)
    facts = {"run_id": home.run_id, "command": command_line(home.config), "num_epochs": 2, "pid": 2**22 + 1}
    facts |= {"created": 1.7e9, "process_created": 1.7e9, "process": "x:1", "name": "a run"}
    facts |= {"expected": {"training": 1.0, "evaluation": 1.0, "low": 1.0, "high": 2.0}}
    _ = (folder / job_files.JOB).write_text(json.dumps(facts), encoding="utf-8")
    _ = (folder / job_files.CONFIG).write_text(home.config.to_json(), encoding="utf-8")
    _ = (folder / job_files.LOG).write_text("Loading\nError: something\n", encoding="utf-8")
    events = EventFile(folder / job_files.EVENTS)
    for event in (Starting(), Training(done=1, total=2, row={"epoch": 1, "loss": 0.5}), Finished(run_id=home.run_id)):
        events.write(event)
