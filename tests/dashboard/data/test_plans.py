"""The door to stored experiments."""

import json
import os
import shutil

import pandas as pd
import pytest

from dashboard.data import plans
from neft import tables
from neft.experiments.claims import claim_settings, claims_table
from neft.experiments.questions import EXPERIMENTS
from neft.reference import published_ekl
from neft.runs.places import neft_home
from neft.runs.plans import FOLDER, save_plan
from neft.runs.store import RunStore
from tests.dashboard.small_experiments import HELD, PLAN, a_plan, chips_of, in_words, renamed, without
from tests.variants import PLAIN

SMALL, OTHER = "Digits 8×8, MLP, 3 × 16, 2 seeds", "Digits 8×8, MLP, 3 × 12, 2 seeds"


def own() -> RunStore:
    """The user's own store."""
    return RunStore(neft_home() / "runs")


# ---------------------------------------------------------------- plans
def test_own_plan_wins_over_the_shipped_one_of_its_name(experiments_shipped: RunStore) -> None:
    mine = without(a_plan(*HELD), seed=1)
    save_plan(own().root, mine)

    assert plans.plans(plans.fingerprint()) == {PLAN: mine}


def test_plans_of_both_stores_stand_side_by_side(own_other_size: RunStore) -> None:
    stamp = plans.fingerprint()

    assert set(plans.plans(stamp)) == {PLAN, "classifier_noise-0000abcd"}
    assert plans.sizes(stamp)["classifier_noise"] == {PLAN: SMALL, "classifier_noise-0000abcd": OTHER}
    assert plans.sizes(stamp)["beta"] == {PLAN: SMALL}


def test_sizes_hold_what_is_stored_in_part_and_nothing_else(experiments_shipped: RunStore) -> None:
    save_plan(own().root, a_plan("devices", "over_noise", "classifier_noise", name="more", num_seeds=3))
    missing = a_plan("tuned", name="missing", hidden_units=9)
    save_plan(own().root, missing)

    sizes = plans.sizes(plans.fingerprint())

    assert set(missing.experiments) == {"tuned"}
    assert "tuned" not in sizes
    assert sizes["classifier_noise"]["more"] == "Digits 8×8, MLP, 3 × 16, 3 seeds"


def test_size_counts_its_seeds(experiments_shipped: RunStore) -> None:
    save_plan(own().root, without(a_plan(*HELD), seed=1))

    assert set(plans.sizes(plans.fingerprint())["beta"].values()) == {SMALL.replace("2 seeds", "1 seed")}


def test_plans_of_one_size_are_told_apart_by_their_names(own_other_size: RunStore) -> None:
    save_plan(own().root, renamed(a_plan("classifier_noise"), "again"))

    assert plans.sizes(plans.fingerprint())["classifier_noise"] == {
        PLAN: f"{PLAN}: {SMALL}",
        "again": f"again: {SMALL}",
        "classifier_noise-0000abcd": OTHER,
    }


def test_plan_of_some_runs_is_the_one_that_holds_them(own_other_size: RunStore) -> None:
    stamp = plans.fingerprint()
    run_ids = set(own_other_size.ids())

    assert plans.plan_of("classifier_noise", run_ids, stamp) == "classifier_noise-0000abcd"
    assert plans.plan_of("classifier_noise", {entry.run_id for entry in a_plan(*HELD).entries}, stamp) == PLAN
    assert plans.plan_of("beta", run_ids, stamp) is None


def test_fingerprint_changes_with_every_plan_that_comes_changes_or_goes(experiments_shipped: RunStore) -> None:
    path = own().root / FOLDER / f"{PLAN}.json"
    seen = [plans.fingerprint()]

    save_plan(own().root, a_plan("beta"))
    seen.append(plans.fingerprint())
    save_plan(own().root, a_plan("accuracy"))
    os.utime(path, ns=(1, 1))  # as if at another time, however coarse the clock
    seen.append(plans.fingerprint())
    path.unlink()
    seen.append(plans.fingerprint())

    assert len(set(seen[:3])) == 3
    assert seen[3] not in seen[1:3]


def test_fingerprint_changes_with_every_run_that_comes_or_goes(own_other_size: RunStore) -> None:
    before = plans.fingerprint()

    own_other_size.delete(own_other_size.ids()[0])

    assert plans.fingerprint() != before


def test_unreadable_plans_have_their_reasons(experiments_shipped: RunStore) -> None:
    folder = own().root / FOLDER
    folder.mkdir(parents=True)
    (folder / "torn.json").write_text("[", encoding="utf-8")

    stamp = plans.fingerprint()

    assert plans.problems(stamp) == {"torn": "not a plan"}
    assert set(plans.plans(stamp)) == {PLAN}


# ---------------------------------------------------------------- what is stored of them
@pytest.mark.parametrize(("seeds", "held", "planned"), [(1, 3, 3), (2, 6, 6), (4, 6, 12)])
def test_progress_counts_each_run_once(experiments_shipped: RunStore, seeds: int, held: int, planned: int) -> None:
    save_plan(own().root, a_plan("classifier_noise", name="mine", num_seeds=seeds))

    found = plans.progress("mine", "classifier_noise", plans.fingerprint())

    assert (found.num_stored, found.num_planned, found.command) == (held, planned, "neft sweep mine")


def test_training_without_noise_is_one_run_at_every_sigma_d(experiments_shipped: RunStore) -> None:
    found = plans.progress(PLAN, "accuracy", plans.fingerprint())

    assert found.num_stored == found.num_planned == 2 * (3 + 7 * 2)


def test_chance_is_that_of_the_data(experiments_shipped: RunStore) -> None:
    stamp = plans.fingerprint()

    assert plans.chance(PLAN, "accuracy", stamp) == pytest.approx(0.1)
    assert plans.chance("nowhere", "accuracy", stamp) == 0


def test_size_is_known_once_runs_are_stored(nothing_shipped: None, other_size: RunStore) -> None:
    shutil.copytree(other_size.root / FOLDER, own().root / FOLDER)
    assert plans.sizes(plans.fingerprint()) == {}

    first = other_size.ids()[0]
    shutil.copytree(other_size.root / first, own().root / first)

    assert plans.sizes(plans.fingerprint()) == {"classifier_noise": {"classifier_noise-0000abcd": OTHER}}


# ---------------------------------------------------------------- numbers
@pytest.mark.parametrize("experiment", ["accuracy", "classifier_noise"])
def test_points_are_those_of_the_tables_with_methods_in_the_order_shown(
    experiments_shipped: RunStore, experiment: str
) -> None:
    expected = tables.setting_points(chips_of(experiments_shipped, a_plan(*HELD), experiment), "ekl")
    expected = in_words(expected, experiment)

    found = plans.points(PLAN, experiment, "ekl", plans.fingerprint())

    assert set(found["variant"]) == set(expected["variant"])
    shown = [name for name in found["variant"].unique() if name in PLAIN]
    assert shown == [name for name in PLAIN if name in set(expected["variant"])]
    keys = ["variant", "position"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True), expected.sort_values(keys, ignore_index=True), check_like=True
    )


def test_unknown_plan_has_no_numbers(experiments_shipped: RunStore) -> None:
    stamp = plans.fingerprint()

    assert plans.points("nowhere", "beta", "accuracy", stamp).empty
    assert plans.differences("nowhere", "beta", "ovf", None, stamp).empty
    assert plans.validation_choice("nowhere", "beta", stamp).empty
    assert all(table.empty for table in plans.convergence("nowhere", stamp))


def test_claims_are_those_of_the_tables(experiments_shipped: RunStore) -> None:
    stamp = plans.fingerprint()
    plan, records = a_plan(*HELD), experiments_shipped.list().records
    runs = {record.id: (record, experiments_shipped.instances(record)) for record in records}

    pd.testing.assert_frame_equal(plans.claims(stamp).drop(columns="once"), claims_table([plan], runs))
    settings = plans.claim_settings("ovf_beats_control", PLAN, "accuracy", stamp)
    assert settings.pop("setting_label").tolist() == ["σ_d = 0.1", "σ_d = 0.2"]
    assert settings.pop("setting_tick").tolist() == ["0.1", "0.2"]
    pd.testing.assert_frame_equal(settings, claim_settings("ovf_beats_control", plan, runs))


def test_words_of_an_older_plan_are_shown_as_they_were(experiments_shipped: RunStore) -> None:
    plan = a_plan("classifier_noise", name="mine")
    entries = [
        entry.model_dump()
        | {"label": "Mine" if entry.series == "irs" else "Noise injection, T = 4"}
        | {"setting": {"noisy": "noisy", "noise_free": "quiet!", "no_feedback": "no feedback"}[entry.setting]}
        for entry in plan.entries
    ]
    before = {"plan_version": 1, "name": "mine", "preset": "x", "command": "x", "entries": entries}
    (own().root / FOLDER).mkdir(parents=True)
    (own().root / FOLDER / "mine.json").write_text(json.dumps(before), encoding="utf-8")

    points = plans.points("mine", "classifier_noise", "accuracy", plans.fingerprint())

    assert set(zip(points["label"], points["setting_label"], strict=True)) == {
        ("Mine", "noisy"),
        ("Mine", "quiet!"),
        ("Noise injection, T = 4", "no feedback"),
    }


# ---------------------------------------------------------------- published figures
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_published_settings_are_of_the_experiment_alone(experiment: str) -> None:
    rows = plans.published(experiment)

    assert set(rows["experiment"]) <= {experiment}
    assert rows.index.tolist() == list(range(len(rows)))


def test_published_accuracy_is_of_one_panel() -> None:
    """The same backbone on grey digits."""
    rows = plans.published_accuracy(["ovf"])

    assert set(rows["panel_label"]) == {"VGG-8 on MNIST"}
    assert set(rows["variant"]) == {"ovf"}


def test_published_methods_of_which_no_run_is_stored_stand_beside_those_asked_for(nothing_shipped: None) -> None:
    rows = plans.published_accuracy(["ovf"])

    assert set(rows["variant"]) == {"vanilla", "noise_injection", "ovf", "irs", "orthogonality"}


def test_published_ekl_is_of_the_methods_asked_for() -> None:
    assert set(plans.published_ekl(["ovf", "noise_injection_t4"])["variant"]) == {"ovf"}
    assert len(plans.published_ekl(list(published_ekl()["variant"]))) == len(published_ekl())
    assert plans.published_ekl([]).empty
