"""What a sweep says of its time, and of a cluster that it cannot be run on."""

from types import SimpleNamespace

import pytest
from rich.progress import Progress

from neft.cli.sweep import _TimeLeft
from neft.config import RunConfig, TrainingConfig
from neft.experiments.planning import PlannedRun
from neft.methods import Vanilla
from neft.networks.backbones import Mlp
from neft.sweeps.sweep import workload
from tests.cli.conftest import Neft


def a_run(epochs: int) -> PlannedRun:
    return PlannedRun(RunConfig(backbone=Mlp(), method=Vanilla(), training=TrainingConfig(epochs=epochs)))


def test_time_left_is_foreseen_from_what_ended_and_counts_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run took 200 s, and what is left takes its share of that; a third of a minute later so much less."""
    now = [1000.0]
    monkeypatch.setattr("neft.cli.sweep.time", SimpleNamespace(monotonic=lambda: now[0]))
    long, short = a_run(99), a_run(49)
    progress = Progress()
    progress.add_task("")
    column = _TimeLeft()

    def shown() -> str:
        return str(column.render(progress.tasks[0]))

    column.begin([long, short])
    assert shown() == "-:--:--"
    now[0] += 200
    column.advance(long.config.run_id)
    left = round(200 * workload(short) / workload(long))
    assert 60 < left < 200
    assert shown() == f"0:{left // 60:02}:{left % 60:02}"
    now[0] += 20
    assert shown() == f"0:{(left - 20) // 60:02}:{(left - 20) % 60:02}"
    now[0] += 200
    assert shown() == "0:00:00"
    column.begin([short])
    assert shown() == "-:--:--"
    column.begin([])
    assert shown() == "0:00:00"


def test_cluster_that_is_not_there_is_an_error(neft: Neft) -> None:
    answer = neft("sweep", "smoke", "--cluster", "nowhere")

    assert answer.code == 2
    assert "No Dask scheduler answers at 'nowhere'" in answer.err
    assert "Traceback" not in answer.err


def test_workers_of_this_machine_have_no_meaning_on_a_cluster(neft: Neft) -> None:
    answer = neft("sweep", "smoke", "--cluster", "tcp://127.0.0.1:9", "--workers", "2")

    assert answer.code == 2
    assert "has no meaning" in answer.err
