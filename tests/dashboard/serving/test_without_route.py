"""The real dashboard where there is no way out: whatever is asked of it, it asks nothing of others."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neft.runs.store import RunStore
from tests.dashboard.serving import alone

pytestmark = pytest.mark.timeout(600)
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SETTINGS = """[server]
enableAgentApi = true
[theme]
base = "http://evil.example/theme.toml"
[[theme.fontFaces]]
family = "evil"
url = "http://evil.example/font.woff2"
"""
"""Of a folder from which anybody may start it, and of a home: of other apps."""
SECRETS = "[auth\n"
"""What Streamlit would complain of."""


@pytest.fixture(scope="module")
def told(every_method: RunStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `without_route` tells."""
    if sys.platform != "linux":
        pytest.skip("only Linux has network namespaces")
    folder = tmp_path_factory.mktemp("alone")
    (folder / ".streamlit").mkdir()
    _ = (folder / ".streamlit" / "config.toml").write_text(SETTINGS, encoding="utf-8")
    _ = (folder / ".streamlit" / "secrets.toml").write_text(SECRETS, encoding="utf-8")
    places = {"HOME": str(folder), "NEFT_HOME": str(folder / "neft"), "NEFT_CACHED_RUNS": str(every_method.root)}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT)}
    environment.pop("COVERAGE_PROCESS_START", None)
    asked = subprocess.Popen(
        [sys.executable, str(HERE / "alone.py"), sys.executable, "-m", "tests.dashboard.serving.without_route", folder],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complained = asked.communicate(timeout=500)
    finally:
        with contextlib.suppress(ProcessLookupError):  # nor may the dashboard stay
            os.killpg(asked.pid, signal.SIGKILL)
    if asked.returncode == alone.NOT_ALLOWED:
        pytest.skip(f"this system gives no network namespace ({said.strip()})")
    assert asked.returncode == 0, complained[-3000:]
    return json.loads(said)


def test_nothing_is_sent_outwards_whatever_comes(told: dict[str, Any]) -> None:
    assert told["counts"], "what is sent outwards is not counted here"
    assert told["sent"] == 0
    assert "Traceback" not in told["log"], told["log"][-3000:]


def test_every_kind_of_request_was_answered(told: dict[str, Any]) -> None:
    statuses = told["statuses"]
    assert sum(statuses.values()) >= 100
    assert statuses.keys() >= {"101", "200", "403"}
    assert "0" not in statuses
    assert "500" not in statuses


def test_every_page_opens_by_the_real_app_behind_the_door(told: dict[str, Any]) -> None:
    assert told["pages"] == {}


def test_settings_of_other_apps_are_not_read(told: dict[str, Any]) -> None:
    assert "secrets" not in told["log"]
    assert not told["foreign"], "a browser would ask for their fonts"
    assert told["agent"] in (403, 404)
