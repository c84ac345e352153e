"""What do thirty people at once feel, a class say, and what memory do they take?

    python -m benchmarks.sessions
    python -m benchmarks.sessions --sessions 30 --minutes 1 --disturbed

Starts a dashboard as the README does, on the cached runs with an empty home, and lets so many sessions come to it
within some seconds. Each reads a page and changes a filter of the landing page, after 5 to 10 seconds, evenly spread:
the slice half of the time, else the methods, the reading, the lines, the data set. Choices are drawn from a seed of the
session's own, so that few selections are alike. At the end all act in the same second, some times over (the burst).

Thirty browsers would measure browsers: sessions speak Streamlit's own messages instead
(`tests.dashboard.serving.visitors`), from this process, which takes its share of the cores (told at the end). Seconds
are from the click to the message that the page stands. A click waits for the one before, as a person does.

Memory is that of the server, and of the processes beside it (computing, and one that is ready for a training): private
pages and a share of the shared ones (PSS), where the system tells, else what is resident.

With `--disturbed` one more session uploads a bundle again and again, then opens chips of networks, then trains, each
for a phase of its own, while the others go on: their seconds in each phase beside those without.

On a busy machine compare the processor's seconds a filter, which are told too.

The exit code is 1 where anything failed, a filter's 95th percentile is above `--most-seconds`, or the server's memory
above `--most-memory`.
"""

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.feel import CACHED_RUNS, MIB, Measured, served, some_runs
from neft.runs.store import RunStore
from tests.dashboard.serving.visitors import VisitError, Visitor

ARRIVING = 15.0
"""Seconds within which all come."""
THINKING = (5.0, 10.0)
"""Seconds between what a page shows and the next click."""
BURSTS = 5
ACTIONS = {"slice": 50, "methods": 25, "reading": 12, "lines": 8, "data set": 5}
"""What is clicked, of a hundred times."""
KEYS = {"slice": "at", "methods": "methods", "reading": "read", "lines": "line", "data set": "data"}
BUNDLED = 40
"""Runs of the bundle that is uploaded."""
EVERY = 10.0
"""Seconds between two looks at the memory."""
MOST_SECONDS, MOST_MEMORY = 2.0, 500.0
"""Of the filters' 95th percentile, and MB (of a million bytes) of the server."""


@dataclass
class Seen:
    """What was measured."""

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """By what was done, in the order in which it was first done."""
    errors: list[str] = field(default_factory=list[str])
    memory: float = 0.0
    """The most that the server took, in MB."""
    phase: str = ""
    """Put before the names of what is done, while it lasts."""

    def add(self, name: str, seconds: float) -> None:
        """One more time of it."""
        self.seconds.setdefault(f"{self.phase}{name}", []).append(seconds)

    def filters(self, phase: str = "") -> list[float]:
        """All seconds of filters in a phase."""
        return [one for name in ACTIONS for one in self.seconds.get(f"{phase}{name}", [])]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def line(name: str, values: Sequence[float]) -> None:
    """Print median, 95th percentile and the most."""
    middle, high = statistics.median(values), percentile(values, 0.95)
    print(f"{name:<38} p50 {middle:6.2f}  p95 {high:6.2f}  max {max(values):6.2f} s  ({len(values)} times)", flush=True)


def memory(server: psutil.Process) -> tuple[float, float]:
    """MiB of the server, and of all processes beside it."""
    beside = 0.0
    for process in server.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            beside += _pss(process)
    return _pss(server) / MIB, beside / MIB


def _pss(process: psutil.Process) -> float:
    found = process.memory_full_info() if hasattr(process, "memory_full_info") else process.memory_info()
    return float(getattr(found, "pss", found.rss))


async def timed(seen: Seen, name: str, act: Callable[[], Awaitable[None]]) -> None:
    """Wait for something, and keep what it took or what it said."""
    started = time.perf_counter()
    try:
        await act()
    except VisitError as error:
        seen.errors.append(f"{seen.phase}{name}: {error}")
    seen.add(name, time.perf_counter() - started)


def other_value(visitor: Visitor, name: str, rng: random.Random) -> object:
    """Another value of a filter than it has."""
    key = KEYS[name]
    options, held = visitor.options(key), visitor.value(key)
    if name == "methods":  # one more, or one less
        one = rng.choice(options)
        return [option for option in options if (option in held) != (option == one)]
    return rng.choice([option for option in options if option not in held] or options)


def draw_action(visitor: Visitor, rng: random.Random) -> str:
    """What is clicked next: where every method is gone or a filter is not there, the methods."""
    name = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
    try:
        has_choice = bool(visitor.options(KEYS[name]))
    except VisitError:
        has_choice = False
    return name if has_choice else "methods"


async def act(visitor: Visitor, rng: random.Random, seen: Seen, name: str | None = None) -> None:
    """One filter changed."""
    action = draw_action(visitor, rng)
    value = other_value(visitor, action, rng)
    await timed(seen, name or action, lambda: visitor.choose(KEYS[action], value))


async def live(visitor: Visitor, rng: random.Random, seen: Seen, stop: asyncio.Event) -> None:
    """Read and click until it is over."""
    while True:
        with contextlib.suppress(TimeoutError):
            _ = await asyncio.wait_for(stop.wait(), rng.uniform(*THINKING))
        if stop.is_set():
            return
        await act(visitor, rng, seen)


@asynccontextmanager
async def crowd(url: str, count: int, seen: Seen) -> AsyncGenerator[list[tuple[Visitor, random.Random]]]:
    """So many sessions that have come one after the other, with generators of their own."""
    visitors: list[tuple[Visitor, random.Random]] = []

    async def come(number: int) -> None:
        await asyncio.sleep(ARRIVING * number / count)
        visitor = await Visitor.come(url)
        visitors.append((visitor, random.Random(number)))  # noqa: S311 - any choices do
        await timed(seen, "opening, among others who come", visitor.open)

    await asyncio.gather(*map(come, range(count)))
    try:
        yield visitors
    finally:
        await asyncio.gather(*(visitor.leave() for visitor, _ in visitors))


async def watch(server: psutil.Process, levels: list[tuple[float, float]]) -> None:
    """Look at the memory, over and over."""
    while True:
        levels.append(memory(server))
        await asyncio.sleep(EVERY)


async def for_a_while(
    visitors: Sequence[tuple[Visitor, random.Random]], seen: Seen, seconds: float, beside: Awaitable[None] | None = None
) -> None:
    """All read and click for so long; something else is done meanwhile."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(live(visitor, rng, seen, stop)) for visitor, rng in visitors]
    other = None if beside is None else asyncio.ensure_future(beside)
    await asyncio.sleep(seconds)
    stop.set()
    _ = await asyncio.gather(*tasks)
    if other is not None:
        _ = other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other


# ---------------------------------------------------------------- what disturbs
def make_bundle(folder: Path) -> bytes:
    """Some runs of the cached ones in a file."""
    path = folder / "some.zip"
    ids = RunStore(CACHED_RUNS, read_only=True).ids()[:BUNDLED]
    command = [sys.executable, "-m", "neft", "export", *ids, "--out", str(path)]
    _ = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NEFT_HOME": str(folder)})
    return path.read_bytes()


async def upload_again_and_again(url: str, seen: Seen, bundle: bytes) -> None:
    """One session that hands in a bundle, and again."""
    while True:
        visitor = await Visitor.come(url)
        await visitor.open("share")
        await timed(seen, "the upload itself", lambda: visitor.upload("upload", "some.zip", bundle))  # noqa: B023
        await visitor.leave()


async def train(url: str, seen: Seen) -> None:
    """One session that starts a training and watches it."""
    visitor = await Visitor.come(url)
    await visitor.open("train")
    await timed(seen, "the start of a training", lambda: visitor.press("Start training"))
    while True:
        await asyncio.sleep(2)
        await timed(seen, "the training's page", visitor.open)


async def open_chips(url: str, seen: Seen) -> None:
    """One session that opens the chips of a network, for which weights are computed, one after the other."""
    visitor = await Visitor.come(url)
    await visitor.open("chip")
    rng = random.Random(0)  # noqa: S311
    while True:
        await timed(seen, "a chip", lambda: visitor.choose("chip_at", rng.choice(visitor.options("chip_at"))))


async def measure(arguments: argparse.Namespace, url: str, server: psutil.Process, folder: Path) -> Seen:
    """Everything on one server."""
    seen, levels = Seen(), list[tuple[float, float]]()
    first = await Visitor.come(url)
    await timed(seen, "opening, the first of all", first.open)
    await first.leave()
    before, own = server.cpu_times(), time.process_time()
    started = time.perf_counter()
    watching = asyncio.create_task(watch(server, levels))
    async with crowd(url, arguments.sessions, seen) as visitors:
        await for_a_while(visitors, seen, 60 * arguments.minutes)
        after = server.cpu_times()
        taken = after.user + after.system - before.user - before.system
        elapsed = time.perf_counter() - started
        print(f"the server took {taken / elapsed:.2f} cores, the sessions {(time.process_time() - own) / elapsed:.2f}")
        changed = max(1, len(seen.filters()))
        print(f"the processor's time of the server: {taken / changed:.3f} s a filter, arrivals and all")
        for _ in range(arguments.bursts):
            await asyncio.gather(*(act(visitor, rng, seen, "all at once") for visitor, rng in visitors))
            await asyncio.sleep(2)
        if arguments.disturbed:
            await disturb(url, visitors, seen, arguments.phase, make_bundle(folder))
    _ = watching.cancel()
    show_memory(levels)
    seen.memory = max(level[0] for level in levels) * MIB / 1e6
    return seen


async def disturb(
    url: str, visitors: Sequence[tuple[Visitor, random.Random]], seen: Seen, seconds: float, bundle: bytes
) -> None:
    """A phase of each."""
    doings: dict[str, Callable[[], Awaitable[None]]] = {
        "uploads": lambda: upload_again_and_again(url, seen, bundle),
        "chips": lambda: open_chips(url, seen),
        "training": lambda: train(url, seen),
    }
    for name, other in doings.items():
        seen.phase = f"{name} beside: "
        await for_a_while(visitors, seen, seconds, kept_errors(seen, other))
    seen.phase = ""


async def kept_errors(seen: Seen, other: Callable[[], Awaitable[None]]) -> None:
    """Do something, and keep what goes wrong."""
    try:
        await other()
    except VisitError as error:
        seen.errors.append(f"{seen.phase}{error}")


def show_memory(levels: Sequence[tuple[float, float]]) -> None:
    """Print its course, and its level in the second half."""
    places = range(0, len(levels), max(1, len(levels) // 10))
    for name, column in (("the server", 0), ("beside it", 1)):
        course = " ".join(f"{levels[place][column]:.0f}" for place in places)
        print(f"memory of {name}: {course} MiB; at most {max(level[column] for level in levels):.0f}")


def faults(seen: Seen, *, most_seconds: float, most_memory: float) -> list[str]:
    """What is not as it should be, in sentences; none where all is well.

    Args:
        seen: what was measured.
        most_seconds: that the filters' 95th percentile may take, outside the phases with one more session.
        most_memory: MB that the server may take.
    """
    found: list[str] = []
    if seen.errors:
        found.append(f"{len(seen.errors)} times something failed; none may.")
    filters = seen.filters()
    if not filters:
        found.append("No filter was changed: there is nothing to judge by.")
    elif (high := percentile(filters, 0.95)) > most_seconds:
        found.append(f"A filter takes {high:.2f} s at the 95th percentile; at most {most_seconds:g} s may be.")
    if seen.memory > most_memory:
        found.append(f"The server took {seen.memory:.0f} MB; at most {most_memory:g} MB may be.")
    return found


def main() -> None:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--sessions", type=int, default=30)
    _ = parser.add_argument("--minutes", type=float, default=10.0)
    _ = parser.add_argument("--bursts", type=int, default=BURSTS)
    _ = parser.add_argument("--disturbed", action="store_true", help="One more session that takes the machine's time.")
    _ = parser.add_argument("--phase", type=float, default=40.0, help="Seconds of each of its doings.")
    _ = parser.add_argument("--runs", type=int, default=None, help="So many of the cached runs; all if not given.")
    _ = parser.add_argument("--most-seconds", type=float, default=MOST_SECONDS, help="Of a filter, 95th percentile.")
    _ = parser.add_argument("--most-memory", type=float, default=MOST_MEMORY, help="MB of the server.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = CACHED_RUNS if arguments.runs is None else some_runs(folder, arguments.runs)
        with served(Measured(), runs) as (url, server):
            seen = asyncio.run(measure(arguments, url, server, folder))
    for what, values in seen.seconds.items():
        line(what, values)
    if seen.filters():
        line("every filter", seen.filters())
    for phase in dict.fromkeys(what.partition(": ")[0] for what in seen.seconds if ": " in what):
        line(f"{phase}: every filter", seen.filters(f"{phase}: "))
    print(f"{len(seen.errors)} errors" + "".join(f"\n  {error}" for error in seen.errors[:10]))
    wrong = faults(seen, most_seconds=arguments.most_seconds, most_memory=arguments.most_memory)
    print("\n".join(wrong) or "Within the limits.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
