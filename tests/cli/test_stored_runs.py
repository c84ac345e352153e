"""runs, show and evaluate."""

import json
import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.config import RunConfig
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft
from tests.stored_experiments import of_chips


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


def test_runs_lists_every_run_with_its_accuracy(neft: Neft, stored: RunRecord) -> None:
    line = next(line for line in neft("runs").out.splitlines() if stored.id in line)

    at_train = stored.summary.at(stored.facts.train_sigma_d)
    assert at_train is not None
    accuracy = at_train.metrics["accuracy"].mean
    assert accuracy is not None
    assert f"{100 * accuracy:.1f}" in line


def test_runs_cuts_no_cell(neft: Neft, stored: RunRecord) -> None:
    assert "…" not in neft("runs").out


def test_runs_of_nothing_is_an_empty_table(neft: Neft) -> None:
    answer = neft("runs")

    assert answer.code == 0
    assert "0 runs" in answer.err


@pytest.mark.parametrize("flag", ["--dataset digits", "--backbone mlp", "--method noise_injection"])
def test_runs_can_be_narrowed(neft: Neft, stored: RunRecord, flag: str) -> None:
    name, value = flag.split()

    assert [row["run_id"] for row in json.loads(neft("runs", name, value, "--json").out)["runs"]] == [stored.id]
    assert json.loads(neft("runs", name, "other", "--json").out) == {"runs": [], "problems": {}}


def test_runs_as_json_holds_the_stored_numbers(neft: Neft, stored: RunRecord) -> None:
    (row,) = json.loads(neft("runs", "--json").out)["runs"]

    clean = stored.summary.at(0.0)
    assert clean is not None
    assert row["clean_accuracy"] == clean.metrics["accuracy"].mean
    assert row["validation_accuracy"] == stored.summary.validation_accuracy
    assert row["seed"] == stored.facts.seed


@pytest.fixture
def many_chips(stored: RunRecord, own_store: RunStore) -> RunRecord:
    """The stored run on 300 chips of accuracies 0.500, 0.501, … at its training's sigma_d."""
    tables = own_store.tables(stored)
    at = stored.facts.train_sigma_d
    first = tables.instances[tables.instances["sigma_d"] == at].iloc[:1]
    chips = pd.concat([first] * 300, ignore_index=True).assign(
        instance=range(300), accuracy=0.5 + np.arange(300) / 1000
    )
    whole = pd.concat([tables.instances[tables.instances["sigma_d"] != at], chips], ignore_index=True)
    other = stored.model_copy(update={"id": f"{stored.id[:-8]}00000300", "files": {}})
    return own_store.save(of_chips(other, whole), replace(tables, instances=whole))


def test_percentile_is_shown_with_its_limits_and_where_chips_are_too_few_in_words(
    neft: Neft, stored: RunRecord, many_chips: RunRecord
) -> None:
    # of 300 chips rank 1 is the lower limit (0.99^300 = 4.90 %), rank 7 the upper (P(at most 6) = 96.7 %); the estimate
    # lies at 0.01 * 299 = 2.99 steps
    assert "50.30 (50.00 to 50.60)" in neft("show", many_chips.id).out
    assert "no lower limit: 3 chips, 299 are needed" in neft("show", stored.id).said
    listed = neft("runs").out
    assert "50.3 (50.0 to 50.6)" in next(line for line in listed.splitlines() if many_chips.id in line)


def test_runs_as_json_holds_the_percentile_and_its_limits(neft: Neft, many_chips: RunRecord) -> None:
    rows = {row["run_id"]: row for row in json.loads(neft("runs", "--json").out)["runs"]}

    names = [f"percentile_1_at_train_sigma_d{end}" for end in ("", "_lower", "_upper")]
    assert [rows[many_chips.id][name] for name in names] == pytest.approx([0.50299, 0.5, 0.506])
    (few,) = (row for run_id, row in rows.items() if run_id != many_chips.id)
    assert few["percentile_1_at_train_sigma_d_lower"] is None


def test_run_with_damaged_chips_is_listed_without_limits_and_named(
    neft: Neft, stored: RunRecord, own_store: RunStore
) -> None:
    (own_store.root / stored.id / "instances.parquet").write_bytes(b"x")

    answer = neft("runs")

    assert answer.code == 0
    assert stored.id in answer.out
    assert f"{stored.id}: " in answer.err


def test_show_as_json_is_the_stored_record(neft: Neft, stored: RunRecord) -> None:
    assert RunRecord.model_validate(json.loads(neft("show", stored.id, "--json").out)) == stored


def test_show_prints_the_numbers_and_where_they_came_from(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    shown = neft("show", stored.id).out

    for row in stored.summary.test:
        assert row.metrics["accuracy"].mean is not None
        assert f"{100 * row.metrics['accuracy'].mean:.2f} ± " in shown
    assert f"{stored.summary.num_parameters:,}" in shown
    assert stored.provenance.created in shown
    assert str(own_store.root / stored.id) in shown


def test_shown_config_makes_the_same_run(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(neft("show", stored.id, "--config").out, encoding="utf-8")

    planned = json.loads(neft("train", "--config", str(path), "--dry-run").out)

    assert planned == {"id": stored.id, "config": stored.config}


def test_options_go_on_top_of_a_config_file(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(neft("show", stored.id, "--config").out, encoding="utf-8")

    planned = json.loads(neft("train", "--config", str(path), "--epochs", "7", "--dry-run").out)["config"]

    assert planned["training"] == {**stored.config["training"], "epochs": 7}
    assert {**planned, "training": None} == {**stored.config, "training": None}


def test_evaluate_stores_a_run_of_the_same_training(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    answer = neft("evaluate", stored.id, "--num-instances", "5", "--test-device", "fefet6", "--json")

    made = RunRecord.model_validate(json.loads(answer.out))
    assert own_store.record(made.id) == made
    assert made.id != stored.id
    assert made.facts.num_instances == 5
    assert made.facts.device == "fefet6"
    assert {**made.config, "evaluation": None} == {**stored.config, "evaluation": None}
    for ours, theirs in ((own_store.tables(made).history, own_store.tables(stored).history),):
        pd.testing.assert_frame_equal(ours, theirs)


def test_evaluate_meets_the_first_chips_again(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    made = own_store.record(json.loads(neft("evaluate", stored.id, "--num-instances", "4", "--json").out)["id"])

    more = own_store.instances(made)
    first = more[more["instance"] < stored.facts.num_instances].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, own_store.instances(stored))


def test_evaluate_remembers_the_command_that_makes_it_again(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    made = json.loads(neft("evaluate", stored.id, "--test-sigma-d", "0,0.3", "--no-test-quantise", "--json").out)
    own_store.delete(made["id"])

    again = neft(*shlex.split(made["provenance"]["command"])[1:], "--json")

    assert json.loads(again.out)["id"] == made["id"]
    assert RunConfig.model_validate(made["config"]).run_id == made["id"]


def test_evaluate_on_the_training_device_is_no_other_run_however_it_is_said(
    neft: Neft, stored: RunRecord, own_store: RunStore
) -> None:
    made = json.loads(neft("evaluate", stored.id, "--num-instances", "5", "--json").out)["id"]

    again = neft("evaluate", stored.id, "--num-instances", "5", "--test-device", "rram1")

    assert made in again.err
    assert own_store.ids() == sorted([stored.id, made])


def test_evaluate_without_a_change_is_refused(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    answer = neft("evaluate", stored.id)

    assert answer.code == 2
    assert f"Error: A run '{stored.id}' is already stored" in answer.err
    assert own_store.ids() == [stored.id]


def test_evaluate_without_a_change_is_refused_by_another_store_too(
    neft: Neft, stored: RunRecord, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    made = json.loads(neft("evaluate", stored.id, "--num-instances", "4", "--store", str(elsewhere), "--json").out)[
        "id"
    ]
    assert RunStore(elsewhere).ids() == [made]
    shutil.rmtree(Path(os.environ["NEFT_HOME"]))

    answer = neft("evaluate", made, "--num-instances", "4", "--store", str(elsewhere))

    assert answer.code == 2
    assert f"Error: A run '{made}' is already stored" in answer.err
    assert "Chips" not in answer.err


def test_evaluate_finds_a_run_that_the_given_store_alone_has(
    neft: Neft, stored: RunRecord, own_store: RunStore, tmp_path: Path
) -> None:
    elsewhere = RunStore(own_store.root.rename(tmp_path / "elsewhere"))

    answer = neft("evaluate", stored.id, "--num-instances", "4", "--store", str(elsewhere.root), "--json")

    assert elsewhere.ids() == sorted([stored.id, json.loads(answer.out)["id"]])


def test_evaluate_refuses_a_store_that_cannot_be_written_before_any_chip(
    neft: Neft, stored: RunRecord, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    answer = neft("evaluate", stored.id, "--num-instances", "4", "--store", str(tmp_path / "file" / "runs"))

    assert answer.code == 2
    assert f"Error: Runs cannot be written to '{tmp_path}/file/runs': Not a directory." in answer.err
    assert "Chips" not in answer.err


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("show", ["--json"]),
        ("note", ["--text", "x", "--json"]),
        ("compare", ["{id}", "--json"]),
        ("evaluate", ["--num-instances", "4", "--json"]),
        ("export", ["--out", "{out}", "--json"]),
        ("train", ["--pretrained-run", "{beginning}", "--dry-run"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_run_may_be_named_by_a_beginning(
    neft: Neft, stored: RunRecord, tmp_path: Path, verb: str, more: list[str]
) -> None:
    beginning = stored.id[:9]
    filled = [word.format(id=stored.id, beginning=beginning, out=tmp_path / "runs.zip") for word in more]

    answer = neft(verb, *([] if verb == "train" else [beginning]), *filled)

    assert answer.code == 0
    assert stored.id in answer.out or verb == "evaluate"


def test_evaluation_of_a_run_named_by_a_beginning_remembers_its_whole_id(neft: Neft, stored: RunRecord) -> None:
    made = json.loads(neft("evaluate", stored.id[:9], "--num-instances", "4", "--json").out)

    assert made["provenance"]["command"].split()[:3] == ["neft", "evaluate", stored.id]


# ---------------------------------------------------------------- which runs are listed
def listed(neft: Neft, *arguments: str) -> list[str]:
    return [row["run_id"] for row in json.loads(neft("runs", "--json", *arguments).out)["runs"]]


@pytest.mark.parametrize(("sigma_d", "found"), [("0.1", True), ("0.10", True), ("0.2", False), ("0", False)])
def test_runs_are_narrowed_by_the_sigma_d_of_their_training(
    neft: Neft, stored: RunRecord, sigma_d: str, found: bool
) -> None:
    assert listed(neft, "--sigma-d", sigma_d) == ([stored.id] if found else [])


def test_mine_are_those_that_do_not_ship(
    neft: Neft, stored: RunRecord, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = RunStore(tmp_path / "shipped")
    other = f"{stored.id[:-8]}00000001"
    _ = shipped.save(stored.model_copy(update={"id": other, "files": {}}), own_store.tables(stored))
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", shipped.root)

    assert set(listed(neft)) == {stored.id, other}
    assert listed(neft, "--mine") == [stored.id]


def test_limit_keeps_the_newest(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    newest = f"{stored.id[:-8]}00000001"
    later = stored.provenance.model_copy(update={"created": "2199-01-01T00:00:00+00:00"})
    record = stored.model_copy(update={"id": newest, "files": {}, "provenance": later})
    _ = own_store.save(record, own_store.tables(stored))

    assert len(listed(neft)) == 2
    assert listed(neft, "--limit", "1") == [newest]
