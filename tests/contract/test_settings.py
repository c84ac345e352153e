"""Settings and series are joined by keys; every key has words where it is shown."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neft.experiments.designs import PLANS as DESIGNS
from neft.experiments.planning import PlannedRun, Scale
from neft.experiments.presets import ABLATION_SCALE, PLANS, PRESETS
from neft.experiments.questions import (
    EXPERIMENTS,
    SERIES,
    entry_key,
    series_words,
    setting_key,
    setting_tick,
    setting_value,
    setting_words,
)
from neft.reference import published_settings
from neft.runs.facts import run_facts
from neft.runs.migrations import migrated_plan
from neft.runs.places import CACHED_RUNS
from neft.runs.plans import KEY_PATTERN, PlanRecord, load_plans
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from tests.stored_experiments import a_record

SHIPPED = sorted((CACHED_RUNS / "plans").glob("*.json"))
ODD_SIGMA = ABLATION_SCALE.base.training.model_copy(update={"sigma_d": 0.15})
ODD = replace(
    ABLATION_SCALE, base=ABLATION_SCALE.base.model_copy(update={"training": ODD_SIGMA}), sigma_ds=(0.02, 0.125)
)


def shipped_record() -> Callable[[str], RunRecord | None]:
    shipped = Stores.default().shipped
    return lambda run_id: shipped.record(run_id) if run_id in shipped else None


def planned(name: str, scale: Scale) -> list[PlannedRun]:
    return PLANS[name](scale, lambda _run_id: a_record("digits-any-00000000"))


def words_of(entry: Any, facts: Any) -> tuple[str, str]:
    return series_words(entry.series, facts), setting_words(entry.experiment, entry.setting, facts)


# ---------------------------------------------------------------- keys and their words
@pytest.mark.parametrize("scale", [ABLATION_SCALE, ODD], ids=["ablations", "odd"])
@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_planned_setting_has_a_key_and_words_of_its_own(name: str, scale: Scale) -> None:
    words: dict[str, set[str]] = {}
    for one in planned(name, scale):
        for standing in one.standings:
            assert re.fullmatch(KEY_PATTERN, standing.setting)
            words.setdefault(standing.setting, set()).add(
                setting_words(name, standing.setting, run_facts(one.config, num_classes=10))
            )

    experiment = EXPERIMENTS[name]
    said = [one for found in words.values() for one in found]
    assert len(said) == len(set(said)) == len(words)
    assert experiment.setting_fact or not [
        key for key in words if key not in experiment.settings and not key.startswith(f"{experiment.quantity}_")
    ]


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_series_that_is_a_variant_is_called_as_its_method_calls_it(name: str) -> None:
    runs = [(one.config, standing.series) for one in planned(name, ABLATION_SCALE) for standing in one.standings]

    for config, series in runs:
        facts = run_facts(config, num_classes=10)
        entry = entry_key(facts.method, facts.constraint_name)
        assert series in SERIES or series in {config.variant, entry}
        if series == entry:
            assert series_words(series, facts) == facts.entry_label != series
        elif config.variant == series:
            assert series_words(series, facts) == config.variant_label


@pytest.mark.parametrize("quantity", sorted({one.quantity for one in EXPERIMENTS.values()} - {""}))
@pytest.mark.parametrize("value", [-0.05, 0, 1e-4, 1e-05, 64])
def test_the_number_of_a_setting_comes_back_from_its_key(quantity: str, value: float | int) -> None:
    assert re.fullmatch(KEY_PATTERN, setting_key(quantity, value))
    assert setting_value(quantity, setting_key(quantity, value)) == value


def test_what_has_no_words_is_called_by_its_key() -> None:
    assert setting_words("feedback_terms", "something_new") == "something_new"
    assert setting_words("no_experiment", "n_3") == "n_3"
    assert series_words("something_new") == "something_new"


def test_a_series_that_no_experiment_plans_is_called_as_its_run_calls_it() -> None:
    facts = a_record("digits-any-00000000").facts.model_copy(update={"variant": "ovf_n2", "label": "OVF, N = 2"})
    assert series_words("ovf_n2", facts) == "OVF, N = 2"
    assert series_words("ovf_n3", facts) == "ovf_n3"


def test_every_published_setting_finds_its_arm_and_its_words() -> None:
    scale = replace(ABLATION_SCALE, num_seeds=1)
    for row in published_settings().to_dict("records"):
        places = {
            (standing.series, standing.setting)
            for one in planned(row["experiment"], scale)
            for standing in one.standings
        }
        # a narrow VGG-8 has as many places for snapshots as the table has terms
        assert (row["variant"], row["setting"]) in places
        assert row["label"] == SERIES[row["variant"]]


# ---------------------------------------------------------------- plans of version 1
VERSION_1 = Path(__file__).parent / "version_1"
"""A store's plans as they shipped then."""


@pytest.mark.parametrize("path", sorted((VERSION_1 / "plans").glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_plan_keeps_its_words_and_stands_where_it_is_planned_today(path: Path) -> None:
    before = json.loads(path.read_text(encoding="utf-8"))
    plan = load_plans(VERSION_1)[0][path.stem]
    find = shipped_record()
    records = {entry.run_id: find(entry.run_id) for entry in plan.entries}

    assert plan.words == {}
    for old, entry in zip(before["entries"], plan.entries, strict=True):
        record = records[entry.run_id]
        assert record is not None
        assert words_of(entry, record.facts) == (old["label"], old["setting"])
    today = {
        (standing.experiment, standing.series, standing.setting, standing.position, one.run_id)
        for one in PRESETS[plan.preset].plan(find)
        for standing in one.standings
    }
    assert {(one.experiment, one.series, one.setting, one.position, one.run_id) for one in plan.entries} <= today


SINCE_VERSION_2 = {"flat_weights", "paper_width"}
"""Experiments that no plan of version 1 can be of."""
SERIES_SINCE = {"vanilla_t4", "vanilla_t64", "noise_injection_t16", "noise_injection_t64", "ovf_first_pass"}
"""Of the comparison, likewise."""


def as_version_1(name: str, scale: Scale) -> dict[str, Any]:
    """A plan as version 1 wrote it: words for keys."""
    entries = [
        {
            "experiment": standing.experiment,
            "series": standing.series,
            "label": series_words(standing.series),
            "setting": setting_words(name, standing.setting, run_facts(one.config, num_classes=10)),
            "position": standing.position,
            "sigma_d": standing.sigma_d,
            "seed": one.config.training.seed,
            "run_id": one.run_id,
        }
        for one in planned(name, scale)
        for standing in one.standings
        if name != "accuracy" or standing.series not in SERIES_SINCE
    ]
    return {"plan_version": 1, "name": name, "preset": name, "command": f"neft sweep {name}", "entries": entries}


@pytest.mark.parametrize("name", sorted({*DESIGNS} - SINCE_VERSION_2))
def test_a_plan_of_another_size_is_keyed_as_it_is_planned_today(name: str) -> None:
    plan = PlanRecord.model_validate(migrated_plan(as_version_1(name, ODD)))

    expected = [
        standing.setting
        for one in planned(name, ODD)
        for standing in one.standings
        if name != "accuracy" or standing.series not in SERIES_SINCE
    ]
    assert [entry.setting for entry in plan.entries] == expected
    assert plan.words == {}


def test_words_that_no_rule_knows_are_kept_by_a_key_of_their_own() -> None:
    raw = as_version_1("decay_factors", ABLATION_SCALE)
    raw["entries"] = raw["entries"][:2]
    raw["entries"][0] |= {"setting": "γ: halved", "series": "mine", "label": "My own"}
    raw["entries"][1] |= {"setting": "γ = halved"}

    plan = PlanRecord.model_validate(migrated_plan(raw))

    first, second = (entry.setting for entry in plan.entries)
    assert first != second
    assert plan.words == {"mine": "My own", first: "γ: halved", second: "γ = halved"}


@pytest.mark.parametrize(("name", "fixed"), [("beta", {"beta": 2, "accuracy": 1}), ("beta-0000abcd", {})])
def test_seeds_of_a_preset_at_its_own_size_were_fixed_in_advance(name: str, fixed: dict[str, int]) -> None:
    """Those of an earlier plan at another size may have been added one by one."""
    entries = [
        {"experiment": experiment, "seed": seed, "series": "ovf", "setting": "x", "position": 0, "sigma_d": 0.1}
        | {"run_id": f"{experiment}{seed}"}
        for experiment, seed in (("beta", 0), ("beta", 1), ("beta", 1), ("accuracy", 0))
    ]
    raw = {"plan_version": 2, "name": name, "preset": "beta", "command": "neft sweep beta", "entries": entries}

    assert PlanRecord.model_validate(migrated_plan(raw)).fixed_seeds == fixed


@pytest.mark.parametrize(
    "raw",
    [
        {"plan_version": 3, "entries": [{"label": "x", "setting": "N = 3"}]},
        {"plan_version": 1, "entries": "none"},
        {"plan_version": 1},
    ],
    ids=["of today", "no list", "no entries"],
)
def test_what_is_no_earlier_plan_is_left_alone(raw: dict[str, Any]) -> None:
    assert migrated_plan(raw) == raw


@pytest.mark.parametrize(
    ("experiment", "key", "position", "tick"),
    [
        ("feedback_terms", "n_3", 3.0, "3"),
        ("delta_sigma", "delta_sigma_-0.05", -0.05, "-0.05"),
        ("delta_sigma", "no_feedback", 0.15, "in words"),
        ("over_noise", "train_sigma_d_0.3", 1.5, "in words"),
        ("nowhere", "n_3", 3.0, "in words"),
    ],
)
def test_axis_says_the_number_alone_of_a_setting_that_stands_at_it(
    experiment: str, key: str, position: float, tick: str
) -> None:
    assert setting_tick(experiment, key, position, "in words") == tick
