"""Events of a job: what one writes another reads, also of old files, damaged ones, and ones from the future."""

import json
import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft.errors import StoreError
from neft.runs.events import (
    EVENTS_VERSION,
    EndedRun,
    Evaluating,
    Event,
    EventFile,
    Failed,
    Finished,
    Loading,
    Searching,
    Started,
    Starting,
    Stopped,
    Storing,
    Sweeping,
    Told,
    Training,
    read_events,
)

OLD = """\
{"event": "starting", "time": 1.0}
{"event": "started", "time": 2.0, "run_id": "digits-mlp-ovf-seed0-1a2b3c4d", "epochs": 2}
{"event": "loading", "time": 3.0, "message": "Loading digits"}
{"event": "training", "time": 4.0, "done": 0, "total": 2, "row": {}}
{"event": "training", "time": 5.0, "done": 1, "total": 2, "row": {"epoch": 1, "loss": 0.5}}
{"event": "evaluating", "time": 6.0, "done": 1, "total": 3, "row": {"accuracy": 0.9}}
{"event": "searching", "time": 6.5, "done": 1, "total": 90}
{"event": "storing", "time": 7.0, "message": "digits-mlp-ovf-seed0-1a2b3c4d"}
{"event": "sweeping", "time": 8.0, "done": 0, "total": 2, "run": null}
{"event": "sweeping", "time": 9.0, "done": 1, "total": 2, "run": {"run_id": "x", "seconds": 1.5, "error": "no"}}
{"event": "finished", "time": 10.0, "run_id": "digits-mlp-ovf-seed0-1a2b3c4d"}
{"event": "finished", "time": 11.0, "message": "2 runs stored."}
{"event": "stopped", "time": 12.0, "message": "Stopped after epoch 1."}
{"event": "failed", "time": 13.0, "message": "MNIST: not there."}
"""
"""As the versions before events were models wrote them."""
READ = (
    Starting(time=1.0),
    Started(time=2.0, run_id="digits-mlp-ovf-seed0-1a2b3c4d", epochs=2),
    Loading(time=3.0, message="Loading digits"),
    Training(time=4.0, done=0, total=2),
    Training(time=5.0, done=1, total=2, row={"epoch": 1, "loss": 0.5}),
    Evaluating(time=6.0, done=1, total=3, row={"accuracy": 0.9}),
    Searching(time=6.5, done=1, total=90),
    Storing(time=7.0, message="digits-mlp-ovf-seed0-1a2b3c4d"),
    Sweeping(time=8.0, done=0, total=2),
    Sweeping(time=9.0, done=1, total=2, run=EndedRun(run_id="x", seconds=1.5, error="no")),
    Finished(time=10.0, run_id="digits-mlp-ovf-seed0-1a2b3c4d"),
    Finished(time=11.0, message="2 runs stored."),
    Stopped(time=12.0, message="Stopped after epoch 1."),
    Failed(time=13.0, message="MNIST: not there."),
)


def told(path: Path, text: str) -> Told:
    path.write_text(text, encoding="utf-8")
    return read_events(path)


def test_events_of_earlier_versions_are_read(tmp_path: Path) -> None:
    assert told(tmp_path / "events", OLD) == Told(events=READ)


def test_every_kind_of_event_is_among_the_old_ones() -> None:
    assert {type(event) for event in READ} == set(get_args(Event))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for event in READ:
        EventFile(tmp_path / "events").write(event)

    assert read_events(tmp_path / "events") == Told(events=READ)


def test_number_that_is_none_is_told_too(tmp_path: Path) -> None:
    """So a training that goes wrong is seen to."""
    EventFile(tmp_path / "events").write(Training(done=1, total=2, row={"loss": math.nan}))

    (event,) = read_events(tmp_path / "events").events
    assert isinstance(event, Training)
    assert math.isnan(event.row["loss"])


@given(cut=st.integers(0, len(OLD) - 1))
def test_line_that_is_half_written_is_passed_over(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    read = told(tmp_path_factory.mktemp("cut") / "events", OLD[:cut])

    whole = OLD[: cut + 1].count("\n")  # a line that lacks its end alone is whole
    assert read == Told(events=READ[:whole])


@pytest.mark.parametrize(
    "line",
    [
        *("", "7", "[]", "null", "\0\0", "{}", "[" * 9000, '{"time": 1}', '{"event": 3, "time": 1}'),
        '{"event": "training"}',
        '{"event": "training", "time": "x"}',
        '{"event": "training", "time": 1, "done": "x"}',
    ],
    ids=lambda line: repr(line[:40]),
)
def test_damaged_line_is_passed_over(tmp_path: Path, line: str) -> None:
    assert told(tmp_path / "events", f"{OLD}{line}\n{OLD}") == Told(events=READ * 2)


@pytest.mark.parametrize("changes", [{"event": "dreaming"}, {"version": EVENTS_VERSION + 1, "sheep": 7}])
def test_event_of_a_newer_version_is_counted(tmp_path: Path, changes: dict[str, object]) -> None:
    line = json.dumps({"event": "training", "time": 1.0} | changes)

    read = told(tmp_path / "events", f"{line}\n{OLD}{line}\n")

    assert read == Told(events=READ, num_newer=2)
    assert read.caveat == "2 events of a newer version of neft are left out."


def test_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Events cannot be written to '.*': No such file"):
        EventFile(tmp_path / "nowhere" / "events").write(Starting())


def test_nothing_is_written_where_no_file_is_asked_for() -> None:
    EventFile(None).write(Starting())
