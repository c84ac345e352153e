"""Trainings in processes of their own, with their state in files."""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest

from dashboard.jobs import files, jobs, processes, runner
from dashboard.jobs.jobs import Expected, Job
from dashboard.jobs.processes import READY, keep_ready
from dashboard.jobs.runner import BEHIND
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets import Mnist
from neft.errors import StoreError
from neft.networks.backbones import Mlp
from neft.options import command_line
from neft.runs import living
from neft.runs.events import (
    EndedRun,
    Evaluating,
    Event,
    Failed,
    Finished,
    Loading,
    Starting,
    Stopped,
    Sweeping,
    Training,
)
from neft.runs.places import neft_home
from neft.runs.plans import load_plans
from neft.runs.store import RunStore
from tests.clocks import set_the_clock
from tests.dashboard.conftest import end, pid_of
from tests.dashboard.driver import epoch, write_job

# a training outlives whoever started it
pytestmark = pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning")
ENDED = 1005.0
"""When the written jobs' last event was."""


def a_config(*, epochs: int = 2, **parts: object) -> RunConfig:
    return RunConfig.make(
        backbone=Mlp(hidden_layers=2, hidden_units=16),
        training=TrainingConfig(epochs=epochs, validation_instances=2),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3),
        **parts,
    )


def start(config: RunConfig) -> str:
    return jobs.start(
        config.to_json(), run_id=config.run_id, command=command_line(config), num_epochs=config.training.epochs
    )


def wait(job_id: str, until: Callable[[Job], object]) -> Job:
    """A job's state, once it is so."""
    for _ in range(1800):
        job = jobs.find(job_id)
        assert job is not None
        if until(job):
            return job
        assert job.is_active, job
        time.sleep(0.05)
    pytest.fail("nothing within 90 seconds")


@pytest.fixture
def busy() -> Iterator[str]:
    """A job that computes until it is ended: the id of one whose process sleeps."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    folder = write_job("20260101-000000-aaaaaa", [], pid=process.pid, created=psutil.Process(process.pid).create_time())
    yield folder.name
    process.kill()
    process.wait(timeout=20)


def has_begun(job: Job) -> bool:
    return bool(jobs.told_by(job.id).events)


def found(job_id: str) -> Job:
    job = jobs.find(job_id)
    assert job is not None
    return job


# ---------------------------------------------------------------- real trainings
def test_job_trains_and_stores_its_run() -> None:
    config = a_config()
    began = time.time()

    job_id = start(config)

    assert found(job_id).state == "starting"
    active = jobs.active()
    assert active is not None
    assert active.id == job_id
    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "finished", job
    assert [row["epoch"] for row in job.history] == [1, 2]
    assert job.run_id == config.run_id
    assert 0 < job.seconds < time.time() - began + 1
    assert jobs.active() is None
    record = RunStore(neft_home() / "runs").record(config.run_id)
    assert record.config == config.model_dump(mode="json")
    jobs.forget(job_id)
    assert jobs.jobs() == []
    assert config.run_id in RunStore(neft_home() / "runs")


SMALL_SWEEP = (
    "neft sweep decay_factors --dataset digits --backbone mlp --hidden-layers 4 --hidden-units 16 --epochs 1 "
    "--num-instances 2 --seeds 1"
)


def test_sweep_runs_its_experiment() -> None:
    job_id = jobs.start_sweep(SMALL_SWEEP, experiment="decay_factors")

    assert found(job_id).sweep == "decay_factors"
    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "finished", job
    stored = RunStore(neft_home() / "runs").ids()
    assert job.message == f"{len(stored)} runs stored."
    assert {run.run_id for run in job.runs} == set(stored)
    assert len(stored) > 4
    plans, _ = load_plans(neft_home() / "runs")
    assert {entry.run_id for plan in plans.values() for entry in plan.entries} == set(stored)


def test_cancelled_sweep_keeps_the_runs_that_ended() -> None:
    job_id = jobs.start_sweep(f"{SMALL_SWEEP} --epochs 3", experiment="decay_factors")
    job = wait(job_id, lambda job: job.done >= 1)
    assert job.total > job.done

    jobs.cancel(job_id)

    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "cancelled", job
    store = RunStore(neft_home() / "runs")
    listing = store.list()
    assert not listing.problems
    assert 1 <= len(listing.records) < job.total


def test_sweep_that_fails_says_why() -> None:
    job_id = jobs.start_sweep(SMALL_SWEEP.replace("digits", "mnist"), experiment="decay_factors")

    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "failed", job
    assert "runs failed; the first" in job.message
    assert "--download" in job.message


def test_job_that_fails_says_why() -> None:
    job_id = start(a_config(dataset=Mnist()))

    job = wait(job_id, lambda job: not job.is_active)

    assert job.state == "failed"
    assert job.message.startswith("MNIST: ")
    assert "Download them" in job.message
    assert RunStore(neft_home() / "runs").ids() == []


def test_running_job_is_seen_from_elsewhere_and_stops_when_asked_with_its_last_epoch_kept() -> None:
    config = a_config(epochs=5000)
    job_id = start(config)
    running = wait(job_id, lambda job: len(job.history) > 1)
    assert running.state == "running"
    assert running.seconds_left is not None
    script = f"from dashboard.jobs import jobs; print(jobs.find({job_id!r}).state); jobs.cancel({job_id!r})"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout == "running\n"
    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "cancelled"
    assert (neft_home() / "unfinished" / config.run_id / "state.safetensors").is_file()
    assert RunStore(neft_home() / "runs").ids() == []


def test_job_can_be_cancelled_before_it_has_begun() -> None:
    job_id = start(a_config())

    jobs.cancel(job_id)

    assert wait(job_id, lambda job: not job.is_active).state == "cancelled"
    assert RunStore(neft_home() / "runs").ids() == []


def test_killed_job_is_lost_and_says_how_to_go_on() -> None:
    job_id = start(a_config(epochs=5000))
    _ = wait(job_id, lambda job: job.state == "running")

    end(job_id)

    job = found(job_id)
    assert job.state == "lost"
    assert "Start it again with the same settings" in job.message
    assert jobs.active() is None


# ---------------------------------------------------------------- the queue
def test_job_waits_for_the_one_before_it_and_says_its_place(busy: str) -> None:
    second, third = start(a_config()), start(a_config(epochs=3))

    assert [found(each).state for each in (busy, second, third)] == ["starting", "waiting", "waiting"]
    assert [found(each).place for each in (busy, second, third)] == [1, 2, 3]
    assert found(third).seconds == 0
    assert jobs.told_by(second).events == ()


def test_waiting_job_is_cancelled_at_once(busy: str) -> None:
    second, third = start(a_config()), start(a_config(epochs=3))

    jobs.cancel(second)

    assert wait(second, lambda job: not job.is_active).state == "cancelled"
    assert found(third).place == 2
    assert found(busy).is_active


def test_waiting_jobs_begin_in_their_order_without_the_page_that_started_them(busy: str) -> None:
    config = a_config()
    facts = {"run_id": config.run_id, "command": "neft train", "num_epochs": 2}
    script = (
        f"from dashboard.jobs import jobs; [print(jobs.start({config.to_json()!r}, **{facts!r})) for _ in range(2)]"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    second, third = answer.stdout.split()
    assert [found(each).place for each in (second, third)] == [2, 3]

    for ended, next_one in ((busy, second), (second, third)):
        assert jobs.told_by(next_one).events == ()
        end(ended)
        _ = wait(next_one, has_begun)
    end(third)


def test_lost_jobs_are_waited_for_by_nobody(busy: str) -> None:
    second = start(a_config())
    end(second)
    third = start(a_config(epochs=3))

    assert (found(second).state, found(second).message) == ("lost", jobs.NEVER_BEGUN)
    assert found(third).place == 2
    end(busy)
    assert wait(third, has_begun).place == 1
    end(third)


def test_job_that_ended_is_started_again_at_the_end_of_the_queue(busy: str) -> None:
    config = a_config()
    ended, waiting = start(config), start(a_config(epochs=3))
    jobs.cancel(ended)
    _ = wait(ended, lambda job: not job.is_active)

    again = jobs.start_again(ended)

    assert again is not None
    assert [job.id for job in jobs.jobs()] == [again, waiting, busy]
    assert (found(again).place, found(again).run_id) == (3, config.run_id)
    assert jobs.config_json(again) == config.to_json()


def test_sweep_that_ended_is_started_again() -> None:
    event = Failed(message="no data")
    folder = write_job("20260101-000000-aaaaaa", [event], command=SMALL_SWEEP, sweep="decay_factors", run_id="")

    again = jobs.start_again(folder.name)

    assert again is not None
    assert (found(again).command, found(again).sweep) == (SMALL_SWEEP, "decay_factors")


def test_what_computes_or_is_no_more_is_not_started_again(busy: str) -> None:
    assert jobs.start_again(busy) is None
    assert jobs.start_again("20260101-000000-bbbbbb") is None


def test_waiting_loads_nothing_heavy() -> None:
    script = "import sys; import dashboard.jobs.runner; print(*sys.modules)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"streamlit", "torch", "pandas", "numpy", "pydantic", "rich"} & set(answer.stdout.split())


@pytest.mark.parametrize(
    ("events", "span"),
    [
        ([], (60.0, 120.0)),
        ([Starting(time=-10.0), Loading(message="")], (60.0, 120.0)),
        (
            # 4 of 9 epochs in 20 s: 25 s of training are left, and a quarter of what all was expected to take
            [Training(done=0, total=9, time=-20.0), epoch(4, time=-1.0)],
            (25.0 + 15.0, 25.0 + 30.0),
        ),
        (
            [
                Evaluating(done=0, total=4, time=-9.0),
                Evaluating(done=3, total=4),
            ],
            (3.0, 3.0),
        ),
    ],
)
def test_end_is_as_expected_before_and_then_by_the_pace(events: list[Event], span: tuple[float, float]) -> None:
    now = time.time()
    timed = [event.model_copy(update={"time": now + event.time if event.time <= 0 else now}) for event in events]
    ours: dict[str, Any] = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    expected = {"training": 60.0, "evaluation": 20.0, "low": 60.0, "high": 120.0}
    folder = write_job("20260101-000000-aaaaaa", timed, **ours, expected=expected)

    left = found(folder.name).seconds_to_end

    assert found(folder.name).expected == Expected(**expected)
    assert left == pytest.approx(span, abs=1.5)


def test_sweep_tells_of_its_runs() -> None:
    runs = [
        EndedRun(run_id="digits-mlp-1a2b3c4d", seconds=3.5),
        EndedRun(run_id="digits-mlp-2a2b3c4d", seconds=0.5, error="no data"),
    ]
    events = [Sweeping(done=number, total=9, run=run) for number, run in enumerate([None, *runs])]
    write_job("20260101-000000-aaaaaa", events, sweep="beta")

    assert found("20260101-000000-aaaaaa").runs == runs


def test_running_job_cannot_be_forgotten() -> None:
    job_id = start(a_config())

    jobs.forget(job_id)

    assert found(job_id).is_active


# ---------------------------------------------------------------- the process that is ready
def ready() -> int:
    """The process that waits for a training, once it is sure to be there."""
    keep_ready()
    assert READY.pid is not None
    return READY.pid


def is_gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    for _ in range(600):
        if living.mark(pid) is None:
            return True
        time.sleep(0.05)
    return False


def test_training_given_to_the_process_that_is_ready_is_like_any_other() -> None:
    config, pid = a_config(), ready()

    job_id = start(config)

    assert pid_of(job_id) == pid == os.getsid(pid)
    assert READY.pid is None
    assert found(job_id).state == "starting"
    job = wait(job_id, lambda job: not job.is_active)
    assert job.state == "finished", job
    assert [row["epoch"] for row in job.history] == [1, 2]
    assert config.run_id in RunStore(neft_home() / "runs")
    assert is_gone(pid)  # its last word follows its last event
    log = (files.root() / job_id / files.LOG).read_text(encoding="utf-8")
    assert config.run_id in log


def test_training_given_to_the_process_that_is_ready_is_cancelled_at_once() -> None:
    pid = ready()
    job_id = start(a_config())

    jobs.cancel(job_id)

    assert is_gone(pid)
    assert found(job_id).state == "cancelled"
    assert RunStore(neft_home() / "runs").ids() == []


def test_training_outlives_the_server_whose_process_it_was_given_to() -> None:
    config = a_config(epochs=5000)
    job = f"{config.to_json()!r}, run_id={config.run_id!r}, command='neft train', num_epochs=5000"
    script = "import os; from dashboard.jobs import processes as job_processes, jobs; job_processes.keep_ready(); "
    script += f"print(job_processes.READY.pid, jobs.start({job}), flush=True); os.kill(os.getpid(), 9)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    pid, job_id = answer.stdout.split()
    assert pid_of(job_id) == int(pid)
    assert wait(job_id, lambda job: len(job.history) > 1).state == "running"


def test_process_that_is_ready_ends_with_its_server() -> None:
    script = "import os; from dashboard.jobs import processes as job_processes; job_processes.keep_ready(); "
    script += "print(job_processes.READY.pid, flush=True); os.kill(os.getpid(), 9)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert is_gone(int(answer.stdout))


def test_process_that_is_ready_ends_when_no_training_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "READY_FOR", 0.1)

    assert is_gone(ready())

    assert READY.pid is None


def test_one_process_is_ready_and_is_no_job() -> None:
    pid = ready()

    assert ready() == pid
    assert jobs.jobs() == []
    assert jobs.active() is None


def test_training_is_begun_also_where_the_process_that_was_ready_has_died() -> None:
    pid = ready()
    psutil.Process(pid).kill()
    assert is_gone(pid)

    job_id = start(a_config())

    assert pid_of(job_id) != pid
    _ = wait(job_id, has_begun)


def test_job_that_queues_is_not_given_to_the_process_that_is_ready(busy: str) -> None:
    READY.keep()
    pid = READY.pid

    second = start(a_config())

    assert pid_of(second) != pid
    assert READY.pid == pid
    assert found(second).state == "waiting"
    assert found(busy).place == 1


def test_no_process_is_made_ready_while_a_job_computes(busy: str) -> None:
    keep_ready()

    assert READY.pid is None
    assert found(busy).is_active


def test_sweep_is_not_given_to_the_process_that_is_ready() -> None:
    pid = ready()

    job_id = jobs.start_sweep(SMALL_SWEEP, experiment="decay_factors")

    assert pid_of(job_id) != pid
    assert READY.pid == pid


# ---------------------------------------------------------------- states from files
@pytest.mark.parametrize(
    ("events", "state", "message"),
    [
        ([epoch(1), Finished()], "finished", ""),
        ([epoch(1), Stopped(message="Stopped after epoch 1.")], "cancelled", "Stopped after epoch 1."),
        ([Failed(message="MNIST: not there.")], "failed", "MNIST: not there."),
        ([epoch(1)], "lost", jobs.KILLED),
        ([], "failed", "A run is already stored."),
    ],
)
def test_state_is_told_by_the_last_event_once_the_process_is_gone(
    events: list[Event], state: str, message: str
) -> None:
    write_job("20260101-000000-aaaaaa", events, log="Loading\n\nError: A run is already stored.\n")

    job = found("20260101-000000-aaaaaa")

    assert (job.state, job.message) == (state, message)
    assert job.seconds == (5.0 if events else 0.0)


@pytest.mark.parametrize(
    ("events", "message"), [([], jobs.NEVER_BEGUN), ([Starting()], jobs.KILLED)], ids=["waiting", "begun"]
)
def test_job_whose_process_went_without_a_word_is_lost(events: list[Event], message: str) -> None:
    write_job("20260101-000000-aaaaaa", events)

    job = found("20260101-000000-aaaaaa")

    assert (job.state, job.message) == ("lost", message)


def test_waiting_does_not_count_as_time() -> None:
    events = [
        Starting(time=1400.0),
        epoch(1, time=1500.0),
        Finished(time=1600.0),
    ]
    write_job("20260101-000000-aaaaaa", events, created=1000.0)

    assert found("20260101-000000-aaaaaa").seconds == 200.0


@pytest.mark.parametrize(("events", "state"), [([], "starting"), ([epoch(3)], "running")])
def test_state_is_told_by_the_process_while_it_lives(events: list[Event], state: str) -> None:
    ours = os.getpid()
    write_job("20260101-000000-aaaaaa", events, pid=ours, created=psutil.Process(ours).create_time())

    job = found("20260101-000000-aaaaaa")

    assert job.state == state
    assert (job.done, job.total) == ((3, 9) if events else (0, 0))


def test_process_that_only_took_over_the_number_is_another() -> None:
    write_job("20260101-000000-aaaaaa", [epoch(1)], pid=os.getpid(), created=1000.0)

    assert found("20260101-000000-aaaaaa").state == "lost"


def test_time_left_counts_from_where_a_resumed_training_began() -> None:
    ours, now = os.getpid(), time.time()
    began = Training(done=5, total=9, time=now - 10)
    events = [began, epoch(6, time=now - 5), epoch(7, time=now)]
    folder = write_job("20260101-000000-aaaaaa", events, pid=ours)
    facts = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    facts["process_created"] = psutil.Process(ours).create_time()
    (folder / "job.json").write_text(json.dumps(facts), encoding="utf-8")

    job = found(folder.name)

    assert [row["epoch"] for row in job.history] == [6, 7]
    assert job.seconds_left == pytest.approx(10.0, abs=2)  # two epochs took ten seconds, two are left


@pytest.mark.parametrize(
    "damage",
    [
        '{"event": "trai',
        "\0\0\0",
        '{"event": "training"}\n',
        '{"time": 3.0}\n',
        "[]\n",
        "7\n",
        '{"event": 3, "time": 1}\n',
    ],
)
def test_damaged_line_of_events_is_passed_over(damage: str) -> None:
    write_job("20260101-000000-aaaaaa", [epoch(1), epoch(2), damage])

    job = found("20260101-000000-aaaaaa")

    assert job.state == "lost"
    assert [row["epoch"] for row in job.history] == [1, 2]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7"])
def test_job_without_readable_facts_is_left_out(text: str) -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])
    write_job("20260101-000000-bbbbbb", [epoch(1)])
    (folder / "job.json").write_text(text, encoding="utf-8")

    assert [job.id for job in jobs.jobs()] == ["20260101-000000-bbbbbb"]
    assert jobs.find("20260101-000000-aaaaaa") is None


ODD_FACTS: list[dict[str, object]] = [
    {"pid": "1234"},
    {"pid": -1},
    {"pid": 0},
    {"pid": 1},
    {"pid": 10**30},
    {"pid": None},
    {"created": "yesterday"},
    {"created": float("nan")},
    {"created": 1e300},
    {"num_epochs": "many"},
    {"num_epochs": -3},
    {"run_id": ["digits"]},
    {"command": 7},
    {"process_created": "never"},
]


@pytest.mark.parametrize("odd", ODD_FACTS, ids=lambda odd: json.dumps(odd)[:40])
def test_job_whose_facts_are_odd_is_left_out_and_hides_no_other(odd: dict[str, object]) -> None:
    write_job("20260101-000000-aaaaaa", [Finished(time=5.0)], **odd)  # pyright: ignore[reportArgumentType]
    write_job("20260101-000000-bbbbbb", [epoch(1)])

    assert [job.id for job in jobs.jobs()] == ["20260101-000000-bbbbbb"]
    assert files.queue() == []


@pytest.mark.parametrize(
    "newer",
    [
        {"place_in_queue": 3},
        {"expected": {"training": 1.0, "evaluation": 1.0, "low": 1.0, "high": 2.0, "energy": 7}},
        {"expected": {"middle": 3.0}},
        {"expected": "soon"},
        {"process": {"boot": "x"}},
        {"name": None, "sweep": 4},
    ],
    ids=lambda newer: json.dumps(newer)[:40],
)
def test_job_of_a_newer_version_is_listed_with_what_is_known(newer: dict[str, Any]) -> None:
    write_job("20260101-000000-aaaaaa", [epoch(1), Finished()], **newer)

    assert found("20260101-000000-aaaaaa").state == "finished"


@pytest.mark.parametrize("name", ["a job", ".hidden", "x\n", "ä", "a" * 200, "#[x](y)"])
def test_folder_that_is_named_like_no_job_is_left_out(name: str) -> None:
    write_job(name, [epoch(1)])
    write_job("20260101-000000-bbbbbb", [epoch(1)])

    assert [job.id for job in jobs.jobs()] == ["20260101-000000-bbbbbb"]
    assert jobs.find(name) is None


def test_file_in_the_place_of_the_jobs_is_no_list_and_refused_in_a_sentence() -> None:
    neft_home().mkdir(parents=True, exist_ok=True)
    files.root().write_text("not a folder", encoding="utf-8")

    assert jobs.jobs() == []
    with pytest.raises(StoreError, match=r"^A job cannot be written to '.*': File exists\.$"):
        start(a_config())


@pytest.mark.parametrize(
    "name",
    [
        "99999999-999999-999999-abcdef",
        "20261301-000000-000000-abcdef",
        "20260101-240000-000000-abcdef",
        "99991231-235959-999999-abcdef",
        "30000101-000000-abcdef",
        "zzz",
    ],
)
def test_folder_that_is_named_by_no_time_is_none_and_the_queue_keeps_its_order(name: str) -> None:
    ours: dict[str, Any] = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    write_job(name, [epoch(1)], **ours)

    first = write_job(files.next_id(), [], **ours).name
    second = write_job(files.next_id(), [], **ours).name

    assert (jobs.find(name), first < second) == (None, True)
    assert files.queue() == [first, second]


def test_job_of_the_last_moment_there_is_hides_none_that_follow() -> None:
    write_job(f"{files.LAST:%Y%m%d-%H%M%S-%f}-000000", [])

    later = [write_job(files.next_id(), []).name for _ in range(2)]

    assert {job.id for job in jobs.jobs()} >= set(later)


# ---------------------------------------------------------------- folders that may not be looked into
def refusing(monkeypatch: pytest.MonkeyPatch, *asked: Path) -> None:
    """Have the system refuse to look at or into these, and to make anything in them, as to a user without rights."""
    shut = [str(path) for path in asked]

    def shutting(name: str) -> None:
        real = getattr(os, name)

        def refuse(path: Any = ".", *values: Any, **named: Any) -> Any:
            at = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
            if at in shut or any(at.startswith(f"{one}/") for one in shut):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), at)
            return real(path, *values, **named)

        monkeypatch.setattr(os, name, refuse)

    for name in ("stat", "listdir", "scandir", "open", "mkdir", "utime"):
        shutting(name)


def test_folder_that_may_not_be_looked_into_stops_no_new_job(monkeypatch: pytest.MonkeyPatch) -> None:
    shut = files.root() / "20260101-000000-000000-aaaaaa"
    shut.mkdir(parents=True)
    refusing(monkeypatch, shut)

    job_id = start(a_config())

    assert [job.id for job in jobs.jobs()] == [job_id]


def test_jobs_that_may_not_be_listed_are_told_of_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.why_not_listed() == ""
    write_job("20260101-000000-aaaaaa", [])
    assert files.why_not_listed() == ""
    refusing(monkeypatch, files.root())

    assert jobs.jobs() == []
    assert files.why_not_listed() == f"The jobs cannot be listed in '{files.root()}': Permission denied."
    with pytest.raises(StoreError, match=r"^A job cannot be written to '.*': Permission denied\.$"):
        start(a_config())


def test_job_whose_folder_cannot_be_written_stops_all_the_same(monkeypatch: pytest.MonkeyPatch, busy: str) -> None:
    def refuse(_path: Path, **_named: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "touch", refuse)

    jobs.cancel(busy)

    assert not wait(busy, lambda job: not job.is_active).is_active


def test_job_that_may_not_be_stopped_says_so(monkeypatch: pytest.MonkeyPatch, busy: str) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:  # the fixture has to end it
        patch.setattr(os, "kill", refuse)
        with pytest.raises(StoreError, match=rf"^Job '{busy}' cannot be stopped: Operation not permitted\.$"):
            jobs.cancel(busy)


# ---------------------------------------------------------------- other systems
def test_jobs_are_listed_where_no_child_has_to_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "WNOHANG")  # as on Windows
    ours: dict[str, Any] = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    write_job("20260101-000000-aaaaaa", [epoch(1)], **ours)
    write_job("20260101-000000-bbbbbb", [epoch(1)])

    assert [job.state for job in jobs.jobs()] == ["lost", "running"]


# ---------------------------------------------------------------- a full disk
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full, as Linux has it")
@pytest.mark.parametrize("full", [files.LOG, files.EVENTS])
def test_job_on_a_full_disk_says_what_could_not_be_written(full: str) -> None:
    folder = write_job("20260101-000000-aaaaaa", [])
    (folder / full).unlink()
    (folder / full).symlink_to("/dev/full")

    with (folder / files.LOG).open("w", encoding="utf-8") as log:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "dashboard.jobs.runner", folder.name, "--help"],
            stdout=log,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    (folder / full).unlink()  # whoever reads it comes to no end

    what = {files.LOG: "The job's log", files.EVENTS: "Events"}[full]
    assert answer.returncode
    assert answer.stderr == f"Error: {what} cannot be written to '{folder / full}': No space left on device.\n"


def test_job_in_whose_folder_something_else_lies_can_be_forgotten() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])
    (folder / "mine").mkdir()
    (folder / "mine" / "too").touch()

    jobs.forget(folder.name)

    assert not folder.exists()


# ---------------------------------------------------------------- limits
def test_no_more_jobs_queue_than_may_wait_at_once() -> None:
    ours: dict[str, Any] = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    for number in range(jobs.MAX_QUEUE):
        write_job(f"20260101-000000-{number:06x}", [], **ours)

    with pytest.raises(jobs.QueueFullError, match=r"^The queue is full: 20 jobs compute or wait, at most 20 may\."):
        start(a_config())

    assert len(jobs.jobs()) == jobs.MAX_QUEUE


# ---------------------------------------------------------------- the clock
DAY = 86400.0


@pytest.mark.parametrize("step", [-DAY, -2.0, 2.0, DAY])
def test_living_job_is_not_called_lost_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    job_id = start(a_config(epochs=5000))
    assert found(job_id).is_active

    set_the_clock(monkeypatch, step)

    assert found(job_id).is_active
    assert found(job_id).seconds >= 0


def test_job_started_after_the_clock_was_set_back_waits_for_the_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(a_config(epochs=5000))

    set_the_clock(monkeypatch, -DAY)
    second, third = start(a_config(epochs=5001)), start(a_config(epochs=5002))

    assert first < second < third
    assert [found(job_id).place for job_id in (first, second, third)] == [1, 2, 3]
    assert [job.id for job in jobs.jobs()] == [third, second, first]


def test_process_of_an_earlier_start_of_the_machine_is_another() -> None:
    mark = living.mark(os.getpid())
    assert mark is not None
    boot, _, started = mark.partition(":")
    ours: dict[str, Any] = {"pid": os.getpid(), "created": psutil.Process().create_time()}

    write_job("20260101-000000-aaaaaa", [epoch(1)], **ours, process=mark)
    write_job("20260101-000000-bbbbbb", [epoch(1)], **ours, process=f"{boot[::-1]}:{started}")

    assert found("20260101-000000-aaaaaa").state == "running"
    assert found("20260101-000000-bbbbbb").state == "lost"


# ---------------------------------------------------------------- a server that is killed while it starts a job
def test_process_whose_job_was_never_written_down_ends_without_computing() -> None:
    folder = files.root() / files.next_id()
    folder.mkdir(parents=True)

    answer = subprocess.run(
        [sys.executable, "-P", "-m", "dashboard.jobs.runner", folder.name, "runs"], check=True, capture_output=True
    )

    assert (answer.stdout, answer.stderr) == (b"", b"")
    assert list(folder.iterdir()) == []


def test_what_a_killed_server_left_of_a_job_goes_with_the_next_one() -> None:
    left, foreign = (files.root() / name for name in ("20260101-000000-000000-aaaaaa", "mine"))
    for folder in (left, foreign):
        folder.mkdir(parents=True)
        (folder / files.CONFIG).touch()

    start(a_config())

    assert (left.exists(), foreign.exists()) == (False, True)


def test_jobs_are_listed_latest_first_up_to_a_limit() -> None:
    for day in (1, 3, 2):
        write_job(f"2026010{day}-000000-aaaaaa", [])

    assert [job.id[:8] for job in jobs.jobs(limit=2)] == ["20260103", "20260102"]


def test_no_jobs_are_no_error() -> None:
    assert jobs.jobs() == []
    assert jobs.active() is None
    assert jobs.find("20260101-000000-aaaaaa") is None
    jobs.cancel("20260101-000000-aaaaaa")
    jobs.forget("20260101-000000-aaaaaa")


def test_ended_job_is_left_alone_when_it_is_cancelled() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1), Finished()])

    jobs.cancel(folder.name)

    assert found(folder.name).state == "finished"


def test_forgotten_job_is_gone() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])

    jobs.forget(folder.name)

    assert not folder.exists()


def test_watching_jobs_needs_neither_streamlit_nor_torch() -> None:
    script = "import sys; from dashboard.jobs import jobs; jobs.jobs(); print(*sys.modules)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"streamlit", "torch"} & set(answer.stdout.split())


def test_events_of_a_newer_version_are_left_out_with_a_word() -> None:
    later = '{"event": "dreaming", "time": 3.0, "sheep": 7}\n'
    write_job("20260101-000000-aaaaaa", [epoch(1), later])

    job = found("20260101-000000-aaaaaa")

    assert job.history == [epoch(1).row]
    assert job.caveat == "1 event of a newer version of neft is left out."


@pytest.mark.skipif(not hasattr(os, "nice"), reason="priorities as POSIX has them")
def test_a_job_lets_pages_go_first() -> None:
    with subprocess.Popen([sys.executable, "-P", "-m", "dashboard.jobs.runner"], stdin=subprocess.PIPE) as process:
        for _ in range(600):
            if psutil.Process(process.pid).nice() != os.nice(0):
                break
            time.sleep(0.1)
        behind = psutil.Process(process.pid).nice() - os.nice(0)

    assert behind == BEHIND


def test_so_does_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SESSION", tmp_path / "autogroup")
    monkeypatch.setattr(runner.os, "nice", int)
    monkeypatch.setattr(runner.sys, "platform", "linux")

    monkeypatch.setattr(runner.os, "getsid", Mock(return_value=os.getpid() + 1))
    runner.let_pages_go_first()
    assert not (tmp_path / "autogroup").exists()  # that session is also another's

    monkeypatch.setattr(runner.os, "getsid", Mock(return_value=os.getpid()))
    runner.let_pages_go_first()
    assert (tmp_path / "autogroup").read_text(encoding="ascii") == str(BEHIND)
