"""Servers and jobs that are killed: the list of jobs stays readable, no process is left, and a job goes on."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from dashboard.jobs import files, jobs, processes
from neft.options import command_line, make_config
from neft.runs import living
from tests.kill.scenes import Counts, Stage, checksums, faults_in, living_in
from tests.kill.soon import soon

STARTING = 0.12
"""Seconds within which a job is started."""
COMPUTING = 6.0
"""Seconds within which a job is killed."""
SERVING = 5.0
PATIENCE = 120.0


# ---------------------------------------------------------------- jobs
def play_jobs(stage: Stage, kills: int, counts: Counts, rng: random.Random) -> None:
    """In turns kill a server while it starts a job, and a job while it waits, loads or computes; then let one end."""
    home = stage.copy("jobs")
    with living_in(home):
        for number in range(kills):
            before = checksums(home)
            if number % 2 == 0:
                counts.kills += _kill_a_starting_server(rng.uniform(0, STARTING), seed=number + 10)
            else:
                counts.kills += _kill_a_job(rng.uniform(0, COMPUTING), seed=number + 10)
            counts.faults += [f"job: {fault}" for fault in (*faults_in(home, before), *_strays(home))]
        counts.faults += _goes_on(home)


def _start(seed: int) -> str:
    config = make_config(
        {"backbone": "mlp", "hidden_layers": 2, "hidden_units": 16, "max_train": 200, "epochs": 60, "seed": seed}
        | {"num_instances": 3, "max_test": 50, "test_sigma_d": (0.0, 0.1)}
    )
    return jobs.start(config.to_json(), run_id=config.run_id, command=command_line(config), num_epochs=60)


def _kill_a_starting_server(seconds: float, *, seed: int) -> bool:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        processes.READY = processes.Ready()
        try:
            _ = _start(seed)
            time.sleep(60)
        except BaseException as error:  # noqa: BLE001 - it must not become the test
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _end_all()
    return os.WIFSIGNALED(status)


def _kill_a_job(seconds: float, *, seed: int) -> bool:
    job_id = _start(seed)
    time.sleep(seconds)
    was_active = (found := jobs.find(job_id)) is not None and found.is_active
    _end_all()
    return was_active


def _end_all() -> None:
    """Kill every job that is listed as active."""
    for job in jobs.jobs():
        facts = files.facts(job.id)
        if job.is_active and facts is not None:
            os.kill(facts["pid"], signal.SIGKILL)
            _wait_for_end(facts["pid"])


def _wait_for_end(pid: int) -> None:
    _ = soon(lambda: living.mark(pid) is None)


def _strays(home: Path) -> list[str]:
    """Processes of this home that no list knows, after a while; and jobs that live on in the list alone."""
    are_gone = soon(lambda: not _processes_of(home))
    found = [] if are_gone else [f"process {words} is left" for words in _processes_of(home)]
    return found + [f"{job.id} is called {job.state}, its process is gone" for job in jobs.jobs() if job.is_active]


def _processes_of(home: Path) -> list[str]:
    found: list[str] = []
    for one in psutil.process_iter():
        try:
            if one.pid != os.getpid() and one.environ().get("NEFT_HOME") == str(home):
                age, computed = time.time() - one.create_time(), sum(one.cpu_times()[:2])
                words = " ".join(one.cmdline()[3:6])
                found.append(f"{words} ({one.status()}, {age:.1f} s old, {computed:.1f} s computed)")
        except psutil.Error:
            continue
    return found


def _goes_on(home: Path) -> list[str]:
    """Start the last job again; it must end with one run, in one place of the list."""
    listed = jobs.jobs()
    if listed and listed[0].run_id in checksums(home):
        return []  # it was killed once its run was stored: there is nothing to go on with
    job_id = jobs.start_again(listed[0].id) if listed else _start(1)
    deadline = time.monotonic() + PATIENCE
    while job_id is not None and (job := jobs.find(job_id)) is not None and job.is_active:
        if time.monotonic() > deadline:
            return [f"job {job_id} does not end"]
        time.sleep(0.1)
    job = None if job_id is None else jobs.find(job_id)
    if job is None or job.state != "finished":
        return [f"job: started again, it ends as {job}"]
    twice = [one.id for one in jobs.jobs() if one.run_id == job.run_id and one.id != job.id]
    missing = [] if job.run_id in checksums(home) else [f"job: {job.run_id} is not stored"]
    return missing + [f"job {one} is listed beside the one in its place" for one in twice]


# ---------------------------------------------------------------- servers
def play_server(stage: Stage, kills: int, counts: Counts, rng: random.Random) -> None:
    """Kill `neft dashboard` while it starts or serves."""
    home = stage.copy("server")
    with living_in(home):
        for _ in range(kills):
            server = subprocess.Popen(
                [sys.executable, "-P", "-m", "dashboard", "--no-browser", "--port", str(_free_port())],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(rng.uniform(0, SERVING))
            server.kill()
            counts.kills += server.wait() == -signal.SIGKILL
            before = checksums(home)
            counts.faults += [f"server: {fault}" for fault in (*faults_in(home, before), *_strays(home))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
