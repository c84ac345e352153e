"""neft train."""

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest
import torch

from neft.config import RunConfig
from neft.constraints import Clip
from neft.errors import StoppedError
from neft.options import command_line, make_config
from neft.pipeline import Progress, Settings, run
from neft.runs.events import Failed, Finished, Training, read_events
from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Answer, Neft

TINY = (
    *("--backbone", "mlp", "--hidden-units", "16", "--hidden-layers", "2", "--max-train", "200", "--epochs", "2"),
    *("--validation-instances", "2", "--num-instances", "3", "--test-sigma-d", "0,0.1"),
)


def planned(neft: Neft, *arguments: str) -> RunConfig:
    return RunConfig.model_validate(json.loads(neft("train", *arguments, "--dry-run").out)["config"])


def test_train_stores_a_run_and_prints_its_table(neft: Neft, own_store: RunStore) -> None:
    answer = neft("train", *TINY, "--method", "ovf")

    assert answer.code == 0
    (run_id,) = own_store.ids()
    assert run_id in answer.said
    for row in own_store.record(run_id).summary.test:
        assert row.metrics["accuracy"].mean is not None
        assert f"{100 * row.metrics['accuracy'].mean:.2f} ± " in answer.out
    assert not list((neft_home() / "unfinished").iterdir())


def test_a_weight_constraint_is_asked_for_by_name_and_made_again_by_the_command_that_is_shown(neft: Neft) -> None:
    config = planned(neft, "--constraint", "clip", "--alpha", "1.1", "--per-channel")

    assert config.constraint == Clip(alpha=1.1, per_channel=True)
    assert "--constraint clip --width 0.25 --alpha 1.1 --per-channel" in command_line(config)
    assert planned(neft, *shlex.split(command_line(config))[2:]) == config


def test_an_option_of_a_constraint_that_is_not_chosen_is_refused(neft: Neft) -> None:
    answer = neft("train", "--alpha", "1.1")

    assert answer.code != 0
    assert "--alpha is no option of constraint 'none'; it belongs to: clip." in answer.err


def test_train_as_json_prints_the_stored_record_alone(neft: Neft, own_store: RunStore) -> None:
    answer = neft("train", *TINY, "--json")

    assert RunRecord.model_validate(json.loads(answer.out)) == own_store.record(own_store.ids()[0])


def test_train_writes_to_the_store_it_is_told(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    assert neft("train", *TINY, "--store", str(tmp_path / "elsewhere")).code == 0

    assert not own_store.ids()
    assert len(RunStore(tmp_path / "elsewhere").ids()) == 1


def test_train_remembers_the_command_that_makes_it_again(neft: Neft) -> None:
    arguments = (*TINY, "--method", "irs", "--num-feedback", "1", "--no-keep-best", "--seed", "3")
    record = json.loads(neft("train", *arguments, "--json").out)

    words = shlex.split(record["provenance"]["command"])

    assert words[:2] == ["neft", "train"]
    assert planned(neft, *words[2:]).run_id == record["id"]


@pytest.mark.parametrize(
    ("arguments", "precision"),
    [
        (("--precision", "--num-instances", "2000"), 0.01),
        (("--num-instances", "2000", "--precision"), 0.01),
        (("--num-instances", "2000", "--precision", "0.005"), 0.005),
        (("--precision=0.005", "--num-instances", "2000"), 0.005),
        (("--num-instances", "2000"), None),
    ],
    ids=str,
)
def test_precision_may_be_given_without_its_value(
    neft: Neft, arguments: tuple[str, ...], precision: float | None
) -> None:
    config = planned(neft, *arguments)

    assert config == make_config({"num_instances": 2000, "precision": precision})


def test_precision_stops_where_the_mean_is_known(neft: Neft, own_store: RunStore) -> None:
    shown = neft("train", *TINY, "--precision", "0.5", "--num-instances", "9", "--min-instances", "4").said

    record = own_store.record(own_store.ids()[0])
    assert [row.metrics["accuracy"].num_instances for row in record.summary.test] == [4, 4]
    assert "\n0.1\t4\t" in shown
    assert "from 4 chips on" in shown
    assert "chips that fail in fewer than 53 of 100 can go unseen" in shown


def test_over_how_many_cores_chips_are_spread_changes_no_number_and_no_command(neft: Neft, tmp_path: Path) -> None:
    torch.set_num_threads(2)
    tables: list[pd.DataFrame] = []
    commands: list[str] = []
    for cores in ("1", "3"):
        store = RunStore(tmp_path / cores)
        answer = neft("train", *TINY, "--threads", cores, "--store", str(store.root), "--json")
        record = store.record(json.loads(answer.out)["id"])
        tables.append(store.instances(record))
        commands.append(record.provenance.command)
        assert record.provenance.threads == 1

    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    assert commands[0] == commands[1] == command_line(stored_config(record))


def test_dry_run_prints_the_config_and_stores_nothing(neft: Neft) -> None:
    answer = neft("train", *TINY, "--beta", "0.5", "--method", "ovf", "--dry-run")

    shown = json.loads(answer.out)
    config = RunConfig.model_validate(shown["config"])
    assert shown["id"] == config.run_id
    assert shown["config"]["method"]["beta"] == 0.5
    assert not neft_home().exists()


def test_events_tell_the_whole_training(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    record = json.loads(neft("train", *TINY, "--events", str(path), "--json").out)

    events = read_events(path).events

    kinds = [event.event for event in events]
    assert list(dict.fromkeys(kinds)) == ["started", "loading", "training", "evaluating", "storing", "finished"]
    assert [event.row["epoch"] for event in events if isinstance(event, Training) and event.row] == [1, 2]
    assert events[-1] == Finished(run_id=record["id"], time=events[-1].time)
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_worst_case_of_a_training_is_searched_told_and_shown(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    told = neft("train", *TINY, "--worst-case", "0:0.1:0.05", "--events", str(path), "--json").out
    record = RunRecord.model_validate(json.loads(told))

    kinds = [event.event for event in read_events(path).events]
    assert list(dict.fromkeys(kinds))[-4:] == ["evaluating", "searching", "storing", "finished"]
    assert [one.th_g for one in record.summary.worst_case] == [0.0, 0.05, 0.1]
    shown = neft("show", record.id).out
    for one in record.summary.worst_case:
        assert f"Worst case found at th_g = {one.th_g:g}: {100 * one.accuracy:.2f} %" in shown


def test_events_of_a_failed_training_end_with_its_reason(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    answer = neft("train", "--dataset", "mnist", "--events", str(path))

    last = read_events(path).events[-1]

    assert isinstance(last, Failed)
    assert answer.err.rstrip().endswith(last.message)


# ---------------------------------------------------------------- an interrupted training
@pytest.fixture
def interrupted(neft: Neft, own_store: RunStore) -> RunConfig:
    """A training that was stopped after its first epoch."""
    config = planned(neft, *TINY)
    epochs: list[int] = []

    def count(progress: Progress) -> None:
        if progress.stage == "training":
            epochs.append(progress.done)

    settings = Settings(store=own_store, on_progress=count, should_stop=lambda: 1 in epochs)
    with pytest.raises(StoppedError):
        _ = run(config, settings)
    return config


def refusal(answer: Answer) -> str:
    assert answer.code == 2
    return answer.err.splitlines()[-1]


def test_interrupted_training_is_neither_lost_nor_continued_unasked(
    neft: Neft, interrupted: RunConfig, own_store: RunStore
) -> None:
    error = refusal(neft("train", *TINY))

    assert "An interrupted training with these settings stands after epoch 1 of 2" in error
    assert "go on with --resume, or start over with --restart." in error
    assert not own_store.ids()


@pytest.mark.parametrize(("flag", "epochs"), [("--resume", [2]), ("--restart", [1, 2])])
def test_interrupted_training_goes_on_or_starts_over_as_asked(
    neft: Neft, interrupted: RunConfig, own_store: RunStore, tmp_path: Path, flag: str, epochs: list[int]
) -> None:
    path = tmp_path / "events.jsonl"

    assert neft("train", *TINY, flag, "--events", str(path)).code == 0

    events = read_events(path).events
    assert [event.row["epoch"] for event in events if isinstance(event, Training) and event.row] == epochs
    assert own_store.ids() == [interrupted.run_id]
    assert not (neft_home() / "unfinished" / interrupted.run_id).exists()


def test_damaged_interrupted_training_is_told_of_and_goes_on_or_starts_over(
    neft: Neft, interrupted: RunConfig, own_store: RunStore
) -> None:
    _ = (neft_home() / "unfinished" / interrupted.run_id / "state.safetensors").write_bytes(b"torn")

    assert "cannot be read as weights" in refusal(neft("train", *TINY))
    resumed = neft("train", *TINY, "--resume")

    assert resumed.code == 0
    assert "starts anew" in " ".join(resumed.said.split())
    assert own_store.ids() == [interrupted.run_id]


def test_resume_without_anything_to_resume_starts_at_the_beginning(neft: Neft, own_store: RunStore) -> None:
    assert neft("train", *TINY, "--resume").code == 0
    assert len(own_store.ids()) == 1


def test_estimate_says_how_long_it_takes_and_trains_nothing(
    neft: Neft, stored: RunRecord, own_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", own_store.root / "none")

    said = neft("train", *TINY, "--estimate")
    written = json.loads(neft("train", *TINY, "--estimate", "--json").out)

    assert said.out.startswith("About ")
    assert "from 1 stored run of other backbones, at the pace of your own run." in said.out
    assert written["low"] < written["high"]
    assert own_store.ids() == [stored.id]


def test_estimate_without_stored_runs_says_that_nothing_tells(neft: Neft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", neft_home() / "none")

    assert neft("train", *TINY, "--estimate").out.startswith("Not known beforehand")


@pytest.mark.parametrize("again", [(), ("--resume",)])
def test_last_epoch_of_a_run_that_was_stored_before_it_was_forgotten_is_swept(
    neft: Neft, own_store: RunStore, again: tuple[str, ...]
) -> None:
    neft("train", *TINY)
    left = neft_home() / "unfinished" / own_store.ids()[0]
    left.mkdir()
    (left / "state.safetensors").write_bytes(b"as when the process was killed in between")

    answer = neft("train", *TINY, *again)

    assert "is already stored" in answer.err
    assert not left.exists()
