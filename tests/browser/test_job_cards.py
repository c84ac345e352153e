"""A job's card in every state it can be in; the states are written as files, so none is over before it is seen."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from neft.runs.events import EndedRun, Failed, Finished, Stopped, Sweeping
from tests.browser.accessibility import OF_COLOURS, lasting_violations
from tests.browser.conftest import serve
from tests.browser.driver import Server, open_page, switch_to
from tests.dashboard.driver import epoch, write_job

SAYS = {
    "20260101-000000-aaaaaa": "Finished in",
    "20260102-000000-aaaaaa": "The loss is no number.",
    "20260103-000000-aaaaaa": "Cancelled. 4 epochs are kept.",
    "20260104-000000-aaaaaa": "Lost: its process ended",
    "20260105-000000-aaaaaa": "4 of 9 epochs",
    "20260106-000000-aaaaaa": "1 of 9 runs",
    "20260107-000000-aaaaaa": "Waiting: 3rd in the queue",
}


@pytest.fixture(scope="module")
def server_with_jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard whose list holds a job in each state; one process stands for all that live."""
    home = tmp_path_factory.mktemp("jobs")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NEFT_HOME", str(home))
            write_jobs(sleeper.pid)
        yield from serve(home)
    finally:
        sleeper.kill()
        _ = sleeper.wait()


def write_jobs(pid: int) -> None:
    """The jobs of `SAYS`; those that live have this process."""
    begun = time.time() - 60
    alive: dict[str, Any] = {"pid": pid, "process_created": psutil.Process(pid).create_time()}
    epochs = [epoch(number, time=begun + number) for number in range(1, 5)]
    run = EndedRun(run_id="digits-mlp2x16-irs-s0.10-seed0-1a2b3c4d", seconds=12.0)
    _ = write_job("20260101-000000-aaaaaa", [*epochs, Finished()], created=begun)
    _ = write_job("20260102-000000-aaaaaa", [*epochs, Failed(message="The loss is no number.")], created=begun)
    _ = write_job("20260103-000000-aaaaaa", [*epochs, Stopped(message="4 epochs are kept.")], created=begun)
    _ = write_job("20260104-000000-aaaaaa", epochs, created=begun)
    _ = write_job("20260105-000000-aaaaaa", epochs, created=begun, **alive)
    sweeping = Sweeping(done=1, total=9, run=run)
    _ = write_job("20260106-000000-aaaaaa", [sweeping], sweep="headline", run_id="", created=begun, **alive)
    _ = write_job("20260107-000000-aaaaaa", [], created=begun, **alive)


@pytest.mark.timeout(240)
def test_a_card_can_be_read_in_any_state_in_light_and_dark(page: Page, server_with_jobs: Server) -> None:
    open_page(page, server_with_jobs, "/train")
    for job_id, says in SAYS.items():
        expect(page.locator(f".st-key-job_{job_id}")).to_contain_text(says)
    assert lasting_violations(page) == []
    switch_to(page, "dark")
    assert lasting_violations(page, rules=OF_COLOURS) == []
