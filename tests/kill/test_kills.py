"""A killed command leaves whole runs, loses none, and goes on to what an undisturbed one comes to. Longer:
`python -m benchmarks.kills`."""

import random

import pytest

from tests.kill.scenes import SCENES, Counts, Scene, Stage
from tests.kill.served import play_jobs, play_server

# a job outlives whoever started it
pytestmark = pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning")
KILLS = 2
ONE = {"leaderboard": 1}
"""Scenes that are killed once: leaderboards are only read, and take long."""
LONG = {"sweep"}
"""Scenes that take too long for here: a sweep's workers load torch."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize("scene", [one for one in SCENES if one.name not in LONG], ids=lambda scene: scene.name)
def test_killed_command_loses_nothing_and_comes_to_the_same(stage: Stage, scene: Scene) -> None:
    counts = Counts()

    kills = ONE.get(scene.name, KILLS)
    stage.play(scene, kills, counts, random.Random(scene.name))  # noqa: S311

    assert counts.faults == []
    assert counts.kills == kills


def test_killed_server_or_job_leaves_a_list_that_can_be_read_and_no_process(stage: Stage) -> None:
    counts = Counts()

    play_jobs(stage, KILLS, counts, random.Random(0))  # noqa: S311

    assert counts.faults == []
    assert counts.kills  # a quick job may have ended before


def test_killed_dashboard_leaves_whole_runs_and_no_process(stage: Stage) -> None:
    counts = Counts()

    play_server(stage, 1, counts, random.Random(2))  # noqa: S311 - it is killed while it serves

    assert counts.faults == []
    assert counts.kills == 1
