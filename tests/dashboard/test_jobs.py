"""Trainings in processes of their own, with their state in files."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from dashboard import jobs
from dashboard.jobs import Job
from neft.backbones import Mlp
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets import Mnist
from neft.options import command_line
from neft.places import neft_home
from neft.plans import load_plans
from neft.store import RunStore
from tests.dashboard.conftest import end
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
    assert "allow the download" in job.message
    assert RunStore(neft_home() / "runs").ids() == []


def test_running_job_is_seen_from_elsewhere_and_stops_when_asked_with_its_last_epoch_kept() -> None:
    config = a_config(epochs=5000)
    job_id = start(config)
    running = wait(job_id, lambda job: len(job.history) > 1)
    assert running.state == "running"
    assert running.seconds_left is not None
    script = f"from dashboard import jobs; print(jobs.find({job_id!r}).state); jobs.cancel({job_id!r})"

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


def test_running_job_cannot_be_forgotten() -> None:
    job_id = start(a_config())

    jobs.forget(job_id)

    assert found(job_id).is_active


# ---------------------------------------------------------------- states from files
@pytest.mark.parametrize(
    ("events", "state", "message"),
    [
        ([epoch(1), {"event": "finished"}], "finished", ""),
        ([epoch(1), {"event": "stopped", "message": "Stopped after epoch 1."}], "cancelled", "Stopped after epoch 1."),
        ([{"event": "failed", "message": "MNIST: not there."}], "failed", "MNIST: not there."),
        ([epoch(1)], "lost", jobs.KILLED),
        ([], "failed", "A run is already stored."),
    ],
)
def test_state_is_told_by_the_last_event_once_the_process_is_gone(
    events: list[dict[str, object]], state: str, message: str
) -> None:
    write_job("20260101-000000-aaaaaa", events, log="Loading\n\nError: A run is already stored.\n")

    job = found("20260101-000000-aaaaaa")

    assert (job.state, job.message) == (state, message)
    assert job.seconds == (5.0 if events else 0.0)


def test_job_that_was_refused_without_a_word_says_that() -> None:
    write_job("20260101-000000-aaaaaa", [])

    assert found("20260101-000000-aaaaaa").message == "The training's process ended without a word."


@pytest.mark.parametrize(("events", "state"), [([], "starting"), ([epoch(3)], "running")])
def test_state_is_told_by_the_process_while_it_lives(events: list[dict[str, object]], state: str) -> None:
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
    began = {"event": "training", "done": 5, "total": 9, "row": {}, "time": now - 10}
    events = [began, {**epoch(6), "time": now - 5}, {**epoch(7), "time": now}]
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
    folder = write_job("20260101-000000-aaaaaa", [epoch(1), {"event": "finished"}])

    jobs.cancel(folder.name)

    assert found(folder.name).state == "finished"


def test_forgotten_job_is_gone() -> None:
    folder = write_job("20260101-000000-aaaaaa", [epoch(1)])

    jobs.forget(folder.name)

    assert not folder.exists()


def test_watching_jobs_needs_neither_streamlit_nor_torch() -> None:
    script = "import sys; from dashboard import jobs; jobs.jobs(); print(*sys.modules)"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"streamlit", "torch"} & set(answer.stdout.split())
