"""neft sweep."""

import json
from pathlib import Path

import pytest

from neft.options import command_line
from neft.presets import PRESETS, smoke
from neft.store import RunStore
from tests.cli.conftest import Neft

SMOKE_IDS = {planned.config.run_id for planned in smoke()}


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.store.CACHED_RUNS", tmp_path / "none")


def test_sweep_lists_every_preset_with_its_question(neft: Neft) -> None:
    shown = neft("sweep").out

    for name, preset in PRESETS.items():
        assert name in shown
        assert preset.question in shown


def test_sweep_lists_presets_as_json(neft: Neft) -> None:
    listed = json.loads(neft("sweep", "--json").out)

    assert [(one["name"], one["num_runs"]) for one in listed] == [
        (name, len(preset.plan())) for name, preset in PRESETS.items()
    ]


def test_dry_run_names_what_is_missing_and_stores_nothing(neft: Neft, own_store: RunStore) -> None:
    answer = neft("sweep", "smoke", "--dry-run")

    assert set(answer.out.split()) == SMOKE_IDS
    assert answer.err == "2 runs to do.\n"
    assert not own_store.ids()


def test_sweep_runs_what_is_missing_and_skips_the_rest(neft: Neft, own_store: RunStore) -> None:
    first = json.loads(neft("sweep", "smoke", "--workers", "1", "--json").out)
    stored = {path: path.stat().st_mtime_ns for path in own_store.root.iterdir()}
    second = neft("sweep", "smoke", "--workers", "1")

    assert {(run["run_id"], run["error"]) for run in first["runs"]} == {(run_id, None) for run_id in SMOKE_IDS}
    assert first["skipped"] == 0
    assert set(own_store.ids()) == SMOKE_IDS
    assert second.code == 0
    assert second.out.startswith("0 runs stored, 2 already there, 0 failed;")
    assert {path: path.stat().st_mtime_ns for path in own_store.root.iterdir()} == stored
    assert {one.provenance.command for one in own_store.list().records} == {
        command_line(planned.config) for planned in smoke()
    }


def test_runs_that_ship_with_the_package_are_skipped_unless_a_store_is_named(
    neft: Neft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in SMOKE_IDS:
        (tmp_path / "shipped" / run_id).mkdir(parents=True)
        (tmp_path / "shipped" / run_id / "run.json").touch()
    monkeypatch.setattr("neft.store.CACHED_RUNS", tmp_path / "shipped")

    assert json.loads(neft("sweep", "smoke", "--dry-run", "--json").out) == []
    assert set(json.loads(neft("sweep", "smoke", "--dry-run", "--json", "--store", str(tmp_path)).out)) == SMOKE_IDS


def test_run_that_fails_is_named_and_ends_the_sweep_with_an_error(neft: Neft, own_store: RunStore) -> None:
    for run_id in SMOKE_IDS:
        (own_store.root / run_id).mkdir(parents=True)  # in the way of what is to be stored

    answer = neft("sweep", "smoke", "--workers", "1")

    assert answer.code == 2
    assert answer.out.startswith("0 runs stored, 0 already there, 2 failed;")
    assert "Error: 2 of 2 runs failed; the first: " in answer.err
    assert "Traceback" not in answer.err
