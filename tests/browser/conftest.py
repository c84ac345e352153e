"""A real dashboard in a real browser: a server of its own, Chromium from PATH, nothing but 127.0.0.1."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from neft.runs.store import RunStore
from tests.browser.driver import Server

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
POLICY = "Content Security Policy"
"""The browser's words on what it refuses to fetch or run (`dashboard.serving.door`)."""
expect.set_options(timeout=45_000)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium_path() -> str:
    """Chromium on PATH; without one the browser tests say so, and fail where NEFT_REQUIRE_BROWSER is set."""
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is None:
        words = f"no Chromium on PATH (looked for {', '.join(CHROMIUM_NAMES)}): the browser tests need one"
        if os.environ.get("NEFT_REQUIRE_BROWSER"):
            pytest.fail(words)
        pytest.skip(words)
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`neft dashboard` on the cached runs and an empty home, started from another folder.

    Raises:
        AssertionError: a test has stored a run, which all others on this server would meet.
    """
    home = tmp_path_factory.mktemp("home")
    yield from serve(home)
    assert not RunStore(home / "runs").ids(), "tests that store runs need a server of their own"


def serve(home: Path, *, neft: Sequence[str] = (sys.executable, "-m", "neft"), **variables: str) -> Iterator[Server]:
    """`neft dashboard` on the cached runs and this home, and started from it, until the tests are done with it.

    Raises:
        AssertionError: it has loaded torch, or a traceback stands in its log.
    """
    _ = chromium_path()
    log = home / "server.log"
    port = free_port()
    environment = {**os.environ, "NEFT_HOME": str(home), "PYTHONWARNINGS": "default", **variables}
    environment.pop("COVERAGE_PROCESS_START", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*neft, "dashboard", "--port", str(port), "--no-browser"],
            cwd=home,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url, process)
        yield Server(url=url, home=home, log=log)
        loaded = {Path(one.path).name for one in psutil.Process(process.pid).memory_maps()}
        assert not [name for name in loaded if name.startswith("libtorch")], (
            "pages compute beside the server, not in it"
        )
    finally:
        process.terminate()
        _ = process.wait(timeout=20)
        end_jobs(home)
    text = log.read_text(errors="replace")
    assert "Traceback" not in text, text[-3000:]


def end_jobs(home: Path) -> None:
    """Kill the jobs of a home that a failed test has left: they would go on beside all other tests."""
    for path in home.glob("jobs/*/job.json"):
        with suppress(psutil.Error):
            left = psutil.Process(json.loads(path.read_text(encoding="utf-8"))["pid"])
            if "dashboard.jobs.runner" in left.cmdline():
                left.kill()


def wait_until_healthy(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until the server answers."""
    for _ in range(240):
        assert process.poll() is None, "the server ended at once"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
    pytest.fail("the server did not answer within a minute")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium from PATH."""
    launched = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
    yield launched
    launched.close()


@pytest.fixture(params=["light", "dark"])
def themed_page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A fresh page in light, then in dark."""
    yield from watched_page(browser, request.param)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page."""
    yield from watched_page(browser, "light")


def watched_page(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A page that fails its test on a script error, a request that leaves the machine, or what the door forbids."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    made = context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("request", lambda request: problems.append(request.url) if leaves(request.url) else None)
    made.on("console", lambda said: problems.append(said.text) if POLICY in said.text else None)
    yield made
    context.close()
    assert not problems


def leaves(url: str) -> bool:
    """Whether a request goes anywhere but this machine."""
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
