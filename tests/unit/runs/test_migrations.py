"""Records of earlier versions are read as this version writes them."""

import json

import pandas as pd
import pytest

from neft import columns
from neft.runs.facts import run_facts, stored_config
from neft.runs.migrations import migrated, migrated_instances
from neft.runs.places import CACHED_RUNS
from neft.runs.records import SCHEMA_VERSION, RunRecord
from neft.runs.store import RunStore

SHIPPED = RunStore(CACHED_RUNS, read_only=True)


def one_of_each_method() -> list[str]:
    found: dict[str, str] = {}
    for run_id in SHIPPED.ids():
        data, backbone, method, *_ = run_id.split("-")
        _ = found.setdefault(f"{data} {backbone} {method}", run_id)
    return list(found.values())


@pytest.mark.parametrize("run_id", one_of_each_method())
def test_facts_that_are_added_are_those_the_config_gives(run_id: str) -> None:
    record = SHIPPED.record(run_id)

    assert record.facts == run_facts(stored_config(record), num_classes=record.facts.num_classes)


@pytest.mark.parametrize(("method", "departure"), [("ovf", "bnFalse"), ("irs", "cnFalse")])
def test_a_label_of_earlier_words_reads_as_that_of_todays_runs(method: str, departure: str) -> None:
    records = (SHIPPED.record(run_id) for run_id in SHIPPED.ids() if f"-{method}-" in run_id)
    record = next(record for record in records if departure in record.facts.variant)

    assert record.facts.label == stored_config(record).variant_label


@pytest.mark.parametrize("run_id", one_of_each_method())
def test_settings_that_are_added_are_at_their_defaults(run_id: str) -> None:
    record = SHIPPED.record(run_id)

    assert stored_config(record).run_id == run_id
    assert record.config == stored_config(record).model_dump(mode="json")


def test_a_record_of_this_version_is_left_alone() -> None:
    raw = {"schema_version": SCHEMA_VERSION, "facts": {"method": "ovf"}}

    assert migrated(raw) == raw


@pytest.mark.parametrize("raw", [{}, {"schema_version": 1}, {"schema_version": 1, "facts": 3, "config": None}])
def test_what_is_no_record_is_left_for_the_reader_to_refuse(raw: dict[str, object]) -> None:
    assert {key: value for key, value in migrated(raw).items() if key != "schema_version"} == {
        key: value for key, value in raw.items() if key != "schema_version"
    }


def test_migrating_changes_nothing_it_was_given() -> None:
    raw = json.loads((CACHED_RUNS / SHIPPED.ids()[0] / "run.json").read_text(encoding="utf-8"))
    before = json.dumps(raw)

    assert RunRecord.model_validate(migrated(raw)).schema_version == SCHEMA_VERSION
    assert json.dumps(raw) == before


def test_a_metric_that_was_not_taken_is_nan() -> None:
    table = migrated_instances(pd.DataFrame({columns.ACCURACY: [0.5]}))

    assert table[columns.CALIBRATED_EKL].isna().all()
    assert table[columns.ACCURACY].tolist() == [0.5]


KEPT = "neft train --dataset digits --seed 1"
PRECISE = f"{KEPT} --precision 0.01"


def with_command(command: str, evaluation: dict[str, object], **place: object) -> str:
    """What is read of a record that kept this command."""
    raw = json.loads((CACHED_RUNS / SHIPPED.ids()[0] / "run.json").read_text(encoding="utf-8"))
    raw["provenance"] |= {"command": command, **place}
    raw["config"]["evaluation"] |= evaluation
    return RunRecord.model_validate(migrated(raw)).provenance.command


@pytest.mark.parametrize(
    ("command", "place", "whole"),
    [
        (KEPT, {}, KEPT),
        (KEPT, {"threads": 2}, f"{KEPT} --threads 2"),
        (KEPT, {"torch_device": "cuda:1"}, f"{KEPT} --torch-device cuda:1"),
        (KEPT, {"threads": 4, "torch_device": "mps"}, f"{KEPT} --threads 4 --torch-device mps"),
        (f"{KEPT} --threads 2", {"threads": 2}, f"{KEPT} --threads 2"),
        (KEPT, {"torch_device": "x; rm y"}, f"{KEPT} --torch-device 'x; rm y'"),
        ("", {"threads": 2}, ""),
    ],
)
def test_a_command_says_in_how_many_threads_and_where_its_run_was_made(
    command: str, place: dict[str, object], whole: str
) -> None:
    assert with_command(command, {}, **place) == whole


@pytest.mark.parametrize(
    ("command", "evaluation", "whole"),
    [
        (PRECISE, {"precision": 0.01, "min_instances": 30}, f"{PRECISE} --min-instances 30"),
        (PRECISE, {"precision": 0.01}, f"{PRECISE} --min-instances 30"),
        (PRECISE, {"precision": 0.01, "min_instances": 597}, PRECISE),
        (KEPT, {"precision": 0.01, "min_instances": 30}, KEPT),
        (KEPT, {"precision": None, "min_instances": 30}, KEPT),
    ],
)
def test_a_command_of_a_precision_says_the_fewest_chips_where_it_would_now_mean_others(
    command: str, evaluation: dict[str, object], whole: str
) -> None:
    assert with_command(command, evaluation) == whole


# ---------------------------------------------------------------- devices of a weight
@pytest.mark.parametrize("run_id", one_of_each_method())
def test_devices_of_a_weight_are_those_of_the_config(run_id: str) -> None:
    record = SHIPPED.record(run_id)

    assert record.summary.devices_a_weight == stored_config(record).test_mapping.devices_a_weight


def test_devices_are_not_guessed_where_nobody_recorded_what_programming_takes() -> None:
    record = next(record for record in SHIPPED.list().records if record.summary.test[-1].effort is not None)
    raw = record.model_dump(mode="json")
    del raw["summary"]["devices_a_weight"]

    assert migrated(raw)["summary"]["devices_a_weight"] == record.summary.devices_a_weight
    for at in raw["summary"]["test"]:
        at["effort"] = None
    assert "devices_a_weight" not in migrated(raw)["summary"]
