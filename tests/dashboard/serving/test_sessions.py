"""Several sessions on one real server at a time, as `benchmarks.sessions` has them: nothing fails, and nobody sees what
another chose. How long it takes is measured there and told here of nothing."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from neft.runs.store import RunStore
from tests.dashboard.serving.visitors import VisitError, Visitor
from tests.own_thread import in_own_thread

SESSIONS = 6


@pytest.fixture(scope="module")
def url(every_method: RunStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on the small store, with a home of its own.

    Raises:
        AssertionError: a traceback stands in its log.
    """
    home = tmp_path_factory.mktemp("home")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "NEFT_HOME": str(home), "NEFT_CACHED_RUNS": str(every_method.root)}
    environment.pop("COVERAGE_PROCESS_START", None)
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "neft", "dashboard", "--port", str(port), "--no-browser"],
            env=environment,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address, process, log)
        yield address
    finally:
        process.terminate()
        _ = process.wait(timeout=30)
    text = log.read_text(errors="replace")
    assert "Traceback" not in text, text[-3000:]


def wait_until_healthy(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it answers."""
    for _ in range(600):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not answer within a minute")


@asynccontextmanager
async def several(url: str, count: int = SESSIONS) -> AsyncGenerator[list[Visitor]]:
    """So many sessions with the landing page, all opened at once, with every network at every sigma_d."""
    visitors = [await Visitor.come(url) for _ in range(count)]
    try:
        await asyncio.gather(*(visitor.open(query="read=fixed") for visitor in visitors))
        yield visitors
    finally:
        await asyncio.gather(*(visitor.leave() for visitor in visitors))


def test_sessions_that_look_at_the_same_see_the_same_and_each_keeps_what_it_chose(url: str) -> None:
    async def visit() -> None:
        async with several(url) as visitors:
            stops = visitors[0].options("at")
            chosen = [stops[number % len(stops)] for number in range(SESSIONS)]
            assert len(set(chosen)) > 1
            others = [
                (visitor, stop) for visitor, stop in zip(visitors, chosen, strict=True) if visitor.value("at") != [stop]
            ]
            await asyncio.gather(*(visitor.choose("at", stop) for visitor, stop in others))

            assert [visitor.value("at") for visitor in visitors] == [[stop] for stop in chosen]
            seen = {
                stop: [v.charts() for v, one in zip(visitors, chosen, strict=True) if one == stop] for stop in stops
            }
            for alike in seen.values():
                assert alike[0].keys() >= {"chart_accuracy", "chart_ekl"}
                assert all(charts == alike[0] for charts in alike)
            assert len({alike[0]["chart_accuracy"] for alike in seen.values()}) == len(stops)

    in_own_thread(lambda: asyncio.run(visit()))


def test_methods_that_one_session_leaves_out_stay_with_the_others(url: str) -> None:
    async def visit() -> None:
        async with several(url, 2) as [first, second]:
            every = first.value("methods")
            before = second.charts()

            await first.choose("methods", every[:1])
            await second.choose("line", "Worst 5 %")
            await second.choose("line", "Mean")

            assert first.value("methods") == every[:1]
            assert second.value("methods") == every
            assert second.charts() == before
            assert first.charts()["chart_accuracy"] != before["chart_accuracy"]

    in_own_thread(lambda: asyncio.run(visit()))


def test_many_clicks_of_many_sessions_at_once_are_all_answered(url: str) -> None:
    async def click(visitor: Visitor, rng: random.Random) -> None:
        for _ in range(4):
            key = rng.choice(["at", "line"])
            await visitor.choose(key, rng.choice(visitor.options(key)))

    async def visit() -> None:
        async with several(url) as visitors:
            rngs = map(random.Random, range(SESSIONS))

            await asyncio.gather(*map(click, visitors, rngs))

            assert all("chart_accuracy" in visitor.charts() for visitor in visitors)

    in_own_thread(lambda: asyncio.run(visit()))


def test_a_click_before_the_page_stands_goes_before_it(url: str) -> None:
    async def visit() -> None:
        async with several(url, 1) as [visitor]:
            stops = [stop for stop in visitor.options("at") if [stop] != visitor.value("at")]
            before = visitor.charts()

            for stop in (*stops, *stops[:1]):
                await visitor.set("at", stop)
            while f"at={stops[0]}" not in visitor.query:
                await visitor.stands()

            assert visitor.value("at") == stops[:1]
            assert visitor.charts()["chart_accuracy"] != before["chart_accuracy"]

    in_own_thread(lambda: asyncio.run(visit()))


def test_a_session_that_is_closed_in_the_middle_leaves_the_others_alone(url: str) -> None:
    async def visit() -> None:
        async with several(url) as visitors:
            for visitor in visitors[1:]:
                await visitor.set("line", "Worst 1 %")
                await visitor.leave()

            await visitors[0].choose("line", "Worst 1 %")

            assert "chart_accuracy" in visitors[0].charts()

    in_own_thread(lambda: asyncio.run(visit()))


def test_a_widget_that_is_not_there_is_said(url: str) -> None:
    async def visit() -> None:
        async with several(url, 1) as [visitor]:
            with pytest.raises(VisitError, match="no widget 'temperature' on this page; it has at, chart_accuracy, "):
                await visitor.choose("temperature", "warm")

    in_own_thread(lambda: asyncio.run(visit()))
