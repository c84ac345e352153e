"""What only a process of its own shows: signals, and what is imported."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from neft.runs.events import Stopped, read_events
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft

LONG = (
    *("train", "--backbone", "mlp", "--hidden-units", "16", "--hidden-layers", "2", "--epochs", "25", "--threads", "1"),
    *("--validation-instances", "2", "--num-instances", "3", "--test-sigma-d", "0,0.1", "--method", "ovf"),
)


def wait_for_epoch(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until the event file tells of a whole epoch."""
    for _ in range(1200):
        assert process.poll() is None, "the training ended before it could be interrupted"
        if path.exists() and '"epoch"' in path.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    pytest.fail("no epoch within a minute")


def test_interrupted_training_resumes_to_the_numbers_of_an_uninterrupted_one(
    neft: Neft, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = tmp_path / "events.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "neft", *LONG, "--events", str(events)], text=True, stderr=subprocess.PIPE
    )
    wait_for_epoch(events, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.rstrip().endswith("Go on with the same command and --resume.")
    assert isinstance(read_events(events).events[-1], Stopped)
    assert not own_store.ids()
    assert len(list((neft_home() / "unfinished").glob("*/state.safetensors"))) == 1

    plain = neft(*LONG)
    assert plain.code == 2
    assert "--resume" in plain.err
    assert "--restart" in plain.err

    assert neft(*LONG, "--resume").code == 0
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "another home"))
    assert neft(*LONG).code == 0
    uninterrupted = RunStore(neft_home() / "runs")
    assert own_store.ids() == uninterrupted.ids()
    ours, theirs = (store.tables(store.record(store.ids()[0])) for store in (own_store, uninterrupted))
    pd.testing.assert_frame_equal(ours.history.drop(columns="seconds"), theirs.history.drop(columns="seconds"))
    pd.testing.assert_frame_equal(ours.instances, theirs.instances)


@pytest.mark.parametrize("verb", ["runs", "show", "compare", "--help"])
def test_looking_at_stored_numbers_does_not_wait_for_torch(stored: RunRecord, verb: str) -> None:
    arguments = [verb, *[stored.id] * {"show": 1, "compare": 2}.get(verb, 0)]
    script = (
        "import atexit, sys; from neft.__main__ import main; "
        f"sys.argv = ['neft', *{arguments!r}]; "
        "atexit.register(lambda: print('LOADED', *sys.modules)); main()"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    shown, _, loaded = answer.stdout.rpartition("LOADED")
    assert shown
    assert not {"torch", "torchvision", "sklearn", "streamlit"} & set(loaded.split())


def test_broken_pipe_is_no_traceback(stored: RunRecord) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "neft", "runs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)


def test_dashboard_tells_where_it_is_and_nothing_else() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "neft", "dashboard", "--port", str(port), "--no-browser"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)

    assert first == f"The dashboard is at http://127.0.0.1:{port} for this machine alone. Ctrl-C stops it.\n"
    assert re.fullmatch(rf"Where it asks for a code: http://127\.0\.0\.1:{port}/\?code=[\w-]{{32,}}\n", second)
    assert rest == "Stopped.\n"
