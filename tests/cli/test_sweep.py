"""neft sweep."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from neft.experiments.presets import PRESETS, made_with, smoke
from neft.experiments.questions import EXPERIMENTS
from neft.options import command_line
from neft.runs.places import CACHED_RUNS
from neft.runs.plans import load_plans
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft

SMOKE_IDS = {planned.run_id for planned in smoke()}
TINY = (
    *("--backbone", "mlp", "--hidden-layers", "3", "--hidden-units", "16", "--max-train", "200", "--epochs", "1"),
    *("--validation-instances", "1", "--num-instances", "3", "--max-test", "50", "--seeds", "2"),
)
"""A size at which a run takes a fraction of a second."""


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


def test_sweep_lists_every_preset_with_its_question(neft: Neft) -> None:
    shown = neft("sweep").out

    for name, preset in PRESETS.items():
        assert name in shown
        assert preset.question in shown


def test_sweep_lists_presets_as_json(neft: Neft) -> None:
    listed = json.loads(neft("sweep", "--json").out)

    assert [(one["name"], one["num_runs"]) for one in listed] == [
        (name, sum(len(one.known_runs) for one in made_with(preset))) for name, preset in PRESETS.items()
    ]


def test_dry_run_names_what_is_missing_and_stores_nothing(neft: Neft, own_store: RunStore) -> None:
    answer = neft("sweep", "smoke", "--dry-run")

    assert set(answer.out.split()) == SMOKE_IDS
    assert answer.err == "2 runs to do.\n"  # nothing is stored that tells how long
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
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "shipped")

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


# ---------------------------------------------------------------- at another size
def planned(neft: Neft, *arguments: str) -> list[str]:
    """Ids of what would be run."""
    return json.loads(neft("sweep", *arguments, "--dry-run", "--json").out)


def test_every_experiment_is_a_preset_with_its_question(neft: Neft) -> None:
    questions = {one["name"]: one["question"] for one in json.loads(neft("sweep", "--json").out)}

    assert {name: questions[name] for name in EXPERIMENTS} == {
        name: experiment.question for name, experiment in EXPERIMENTS.items()
    }


def test_options_of_a_training_change_the_size_of_a_preset(neft: Neft) -> None:
    own = planned(neft, "classifier_noise")
    tiny = planned(neft, "classifier_noise", *TINY)

    # two settings and the control, two seeds
    assert len(tiny) == (2 + 1) * 2
    assert all(run_id.startswith("digits-mlp3x16-") for run_id in tiny)
    assert {run_id.split("-")[4] for run_id in tiny} == {"seed0", "seed1"}
    assert not set(own) & set(tiny)


def test_comparison_is_made_at_the_sigma_d_that_are_asked_for(neft: Neft) -> None:
    ids = planned(neft, "accuracy", "--train-sigma-ds", "0.1:0.3:0.1", "--seeds", "1")

    assert sorted({run_id.split("-")[3] for run_id in ids}) == ["s0.00", "s0.10", "s0.20", "s0.30"]
    # training without noise is one network at every sigma_d: at three temperatures, beside seven lines with noise
    assert len(ids) == 3 + 7 * 3


def test_sweep_keeps_its_plan_beside_its_runs(neft: Neft, own_store: RunStore) -> None:
    answer = json.loads(neft("sweep", "classifier_noise", *TINY, "--workers", "1", "--json").out)
    plans, problems = load_plans(own_store.root)

    assert [run["error"] for run in answer["runs"]] == [None] * 6
    assert not problems
    ((name, plan),) = plans.items()
    assert name == plan.name
    assert name.startswith("classifier_noise-")
    assert plan.experiments == ("classifier_noise",)
    assert {entry.run_id for entry in plan.entries} == set(own_store.ids())
    assert {(entry.series, entry.setting) for entry in plan.entries} == {
        ("irs", "noisy"),
        ("irs", "noise_free"),
        ("noise_injection_t4", "no_feedback"),
    }

    again = neft("sweep", "classifier_noise", *TINY, "--workers", "1")
    assert again.out.startswith("0 runs stored, 6 already there, 0 failed;")
    assert load_plans(own_store.root) == (plans, {})


def test_command_of_a_plan_asks_for_its_runs(neft: Neft, tmp_path: Path) -> None:
    missing_data = ("--dataset", "image_folder", "--path", str(tmp_path / "no 'such' folder"))
    given = (*missing_data, "--train-sigma-ds", "0.1, 0.2", "--test-sigma-d", "0,0.1,0.2", "--seeds", "1")
    neft("sweep", "accuracy", *given, "--workers", "1", "--threads", "2", "--store", str(tmp_path / "runs"))
    ((_, plan),) = load_plans(tmp_path / "runs")[0].items()

    verb, *words = shlex.split(plan.command)[1:]

    assert verb == "sweep"
    assert "--threads" not in words  # no number depends on it
    assert (
        set(planned(neft, *words)) == {entry.run_id for entry in plan.entries} == set(planned(neft, "accuracy", *given))
    )


def test_sizes_that_differ_keep_plans_that_differ(neft: Neft, tmp_path: Path) -> None:
    missing_data = ("--dataset", "image_folder", "--path", str(tmp_path / "nowhere"), "--workers", "1")
    for seeds in ("1", "2"):
        neft("sweep", "classifier_noise", *missing_data, "--seeds", seeds)
        neft("sweep", "classifier_noise", *missing_data, "--seeds", seeds)

    plans, _ = load_plans(tmp_path / "home" / "runs")

    assert sorted(len(plan.entries) for plan in plans.values()) == [3, 6]


def test_preset_makes_along_what_asks_the_same_elsewhere_but_not_at_another_size(neft: Neft) -> None:
    along = PRESETS["uniform_unipolar"].along
    of_each = [planned(neft, name) for name in ("uniform_unipolar", *along)]

    assert len(along) == 2
    assert set(of_each[0]) == {run_id for name in ("uniform_unipolar", *along) for run_id in own_runs(name)}
    assert set(of_each[1]) == set(own_runs(along[0]))
    assert len(planned(neft, "uniform_unipolar", "--epochs", "1")) == len(own_runs("uniform_unipolar"))


def own_runs(name: str) -> list[str]:
    return [one.run_id for one in PRESETS[name].plan()]


def test_preset_keeps_a_plan_for_each_that_it_makes_along(neft: Neft, tmp_path: Path) -> None:
    store = tmp_path / "runs"
    shutil.copytree(CACHED_RUNS, store, ignore=not_of_unipolar)
    neft("sweep", "uniform_unipolar", "--workers", "1", "--store", str(store))

    made, problems = load_plans(store)
    assert problems == {}
    assert set(made) == {"uniform_unipolar", *PRESETS["uniform_unipolar"].along}
    assert {plan.command for plan in made.values()} == {f"neft sweep {name}" for name in made}


def not_of_unipolar(folder: str, names: list[str]) -> set[str]:
    """All else, and the plans, which are to be written."""
    if Path(folder) != CACHED_RUNS:
        return set()
    wanted = {run_id for name in ("uniform_unipolar", *PRESETS["uniform_unipolar"].along) for run_id in own_runs(name)}
    return set(names) - wanted


def test_dry_run_and_smoke_keep_no_plan(neft: Neft, own_store: RunStore) -> None:
    planned(neft, "classifier_noise")
    neft("sweep", "smoke", "--workers", "1")

    assert load_plans(own_store.root) == ({}, {})


def test_what_waits_for_a_run_that_failed_is_not_said_to_be_there(neft: Neft, tmp_path: Path) -> None:
    """Of a seed's 13 runs 9 start from one of the 4 that fail."""
    missing_data = ("--dataset", "image_folder", "--path", str(tmp_path / "nowhere"), "--seeds", "1")

    answer = neft("sweep", "pretrained_start", *missing_data, "--workers", "1")

    assert len(planned(neft, "pretrained_start", *missing_data)) == 13
    assert answer.out.startswith("0 runs stored, 0 already there, 4 failed;")
    assert "Error: 4 of 4 runs failed; the first: " in answer.err


def test_every_run_of_a_sweep_may_be_constrained(neft: Neft) -> None:
    plain = neft("sweep", "temperature", "--seeds", "1", "--dry-run").out.split()
    clipped = neft("sweep", "temperature", "--seeds", "1", "--constraint", "clip", "--alpha", "1.5", "--dry-run")

    ids = clipped.out.split()
    assert len(ids) > 0
    assert not set(ids) & set(plain)


@pytest.mark.parametrize("preset", ["flat_weights", "leaderboard", "training_budget"])
def test_preset_that_sets_constraints_itself_takes_none(neft: Neft, preset: str) -> None:
    answer = neft("sweep", preset, "--constraint", "clip", "--dry-run")

    assert answer.code == 2
    assert (
        f"The preset '{preset}' sets the weight constraints of its runs itself; it takes no --constraint." in answer.err
    )


def test_dry_run_says_how_long_it_will_take(neft: Neft, stored: RunRecord) -> None:
    answer = neft("sweep", "smoke", "--workers", "2", "--dry-run")

    assert re.fullmatch(r"2 runs to do: about .* stored run.*, 2 at once\.\n", answer.err)
