"""What ships: every cached run is one that a preset makes, readable, and comparable with what is made today."""

import json

import pytest

from neft.config import RunConfig
from neft.experiments.presets import PRESETS
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.facts import stored_config
from neft.runs.places import CACHED_RUNS
from neft.runs.plans import load_plans
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.sweeps.sweep import plan_record
from neft.tables import flat_config
from neft.tables.percentiles import last_rank

STORE = RunStore(CACHED_RUNS, read_only=True)
SHIPPED = (
    "arithmetic",
    "arithmetic_fashion",
    "first_look",
    "flat_weights",
    "flat_weights_fashion",
    "flat_weights_mlp",
    "flat_weights_noisier",
    "convergence_failing",
    "converter_bits",
    "flat_weights_resnet18",
    "leaderboard",
    "leaderboard_fashion",
    "paper_digits",
    "paper_fashion",
    "paper_width",
    "schemes_digits",
    "schemes_fashion",
    "training_budget",
    "training_budget_fashion",
    "uniform_unipolar",
    "uniform_unipolar_fashion",
    "uniform_unipolar_motions",
)
LIMIT = 150_000_000
"""Bytes that all of it may take."""


@pytest.fixture(scope="module")
def records() -> dict[str, RunRecord]:
    """Every cached run by id."""
    listing = STORE.list()
    assert listing.problems == {}
    return {record.id: record for record in listing.records}


def test_every_run_is_one_that_a_preset_makes(records: dict[str, RunRecord]) -> None:
    planned = {one.run_id for name in SHIPPED for one in PRESETS[name].plan(records.get)}
    assert set(records) <= planned


def test_a_setting_that_came_later_reads_as_what_earlier_runs_were_made_with(records: dict[str, RunRecord]) -> None:
    for record in records.values():
        today = RunConfig.model_validate(stored_config(record).model_dump())
        whole = record.model_copy(update={"config": json.loads(today.to_json())})
        assert flat_config(record) == flat_config(whole)
        assert today.run_id == record.id


def test_a_stored_plan_is_what_its_preset_plans(records: dict[str, RunRecord]) -> None:
    plans, problems = load_plans(CACHED_RUNS)
    assert problems == {}
    assert "paper_digits" in plans
    for name, plan in plans.items():
        planned = PRESETS[plan.preset].plan(records.get)
        made = plan_record(
            planned,
            name=name,
            preset=plan.preset,
            command=plan.command,
            fixed_seeds=PRESETS[plan.preset].fixed_seeds,
        )
        assert plan == made


def test_every_race_is_of_a_stored_networks_own_chips_and_told_whole(records: dict[str, RunRecord]) -> None:
    folders = sorted((CACHED_RUNS / races.FOLDER).iterdir())
    assert folders
    for folder in folders:
        listing = races.listed(records[folder.name])
        assert listing.problems == []
        assert len(listing.records) == len(list(folder.iterdir()))
        for race in listing.records:
            assert race.is_own is True
            assert race.asked.chips == chips_key(stored_config(records[folder.name]))
            assert race.still_in
            assert len(race.accuracies) == last_rank(race.asked.percentile / 100, race.asked.num_instances)


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in CACHED_RUNS.rglob("*") if path.is_file()) < LIMIT
