"""Is a store of 10,000 runs as handy as one of 600? Listing, table, planning, opening, All runs, memory.

    python -m benchmarks.ten_thousand
    python -m benchmarks.ten_thousand --runs 3000 --repeats 5
    python -m benchmarks.ten_thousand --no-browser

Makes a store of so many runs in a temporary folder (`benchmarks.many_runs`) and measures on it, in one run:

- in fresh processes, what listing did before there was an index (every record read and checked), with the index that is
  made meanwhile, and with one that is there; the same for the table of runs, and for `neft runs --limit 10`;
- in one process, listing again after one new run;
- planning the preset with the most tuning, whose trials are looked up, and a grid of as many runs as the store has;
- in a browser, from opening to the first chart on 600 cached runs and on the store, in turns; All runs, a search in it,
  and the server's memory.

Seconds are the wall's and, in brackets, the processor's: on a busy machine compare those.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright
from typing_extensions import override

from benchmarks.feel import ARGUMENTS, IDLE, MIB, Measured, open_fresh, page_links, served, some_runs, switch
from benchmarks.many_runs import FURTHER, add_run, make_store, with_seed
from neft.config import RunConfig
from neft.experiments.planning import PlannedRun
from neft.experiments.presets import PRESETS
from neft.runs.facts import stored_config
from neft.runs.store import RunStore
from neft.sweeps.sweep import SweepSettings, missing

FEW = 600
TUNED = "leaderboard"
AS_BEFORE = "records = [store.record(run_id) for run_id in store.ids()]"
LISTED = "records = store.list().records"
TABLE_BEFORE = f"{AS_BEFORE}; table = tables.runs_table(records)"
TABLE = "table = tables.stored_runs_table(Stores(own=store, shipped=RunStore(Path('none'))))"
IMPORTS = (
    "import sys, time; from pathlib import Path; from neft import tables; from neft.runs.store import RunStore, Stores"
)


@dataclass(frozen=True)
class Seconds:
    """Of the wall, and of the processor."""

    wall: float
    processor: float

    @override
    def __str__(self) -> str:
        return f"{self.wall:7.3f} s ({self.processor:6.3f})"

    def over(self, other: "Seconds") -> str:
        """The ratio to another, of both."""
        return f"{self.wall / other.wall:6.2f} ({self.processor / other.processor:.2f})"


def median(measured: Sequence[Seconds]) -> Seconds:
    """Of each by itself."""
    return Seconds(
        statistics.median(one.wall for one in measured), statistics.median(one.processor for one in measured)
    )


def timed(act: Callable[[], object]) -> Seconds:
    """What something takes in this process."""
    wall, processor = time.perf_counter(), time.process_time()
    _ = act()
    return Seconds(time.perf_counter() - wall, time.process_time() - processor)


def in_a_process(statements: str, store: Path, home: Path) -> Seconds:
    """What statements take in a fresh process, without its imports."""
    script = (
        f"{IMPORTS}; store = RunStore(Path(sys.argv[1])); wall, processor = time.perf_counter(), time.process_time()\n"
        f"{statements}\n"
        "print(time.perf_counter() - wall, time.process_time() - processor)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(store)],
        env={**os.environ, "NEFT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Seconds(*map(float, answer.stdout.split()))


def of_a_command(words: Sequence[str], store: Path, home: Path) -> Seconds:
    """What a command takes from its start to its end."""
    before, wall = os.times(), time.perf_counter()
    _ = subprocess.run(
        [sys.executable, "-m", "neft", *words],
        env={**os.environ, "NEFT_HOME": str(home), "NEFT_CACHED_RUNS": str(store)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(time.perf_counter() - wall, used)


def show(name: str, seconds: Seconds, beside: Seconds | None = None) -> None:
    """Print a line; with a ratio where it stands beside another."""
    print(f"{name:<58} {seconds}" + ("" if beside is None else f"   x {seconds.over(beside)}"), flush=True)


def measure_listing(store: Path, folder: Path, repeats: int) -> None:
    """Fresh processes, and one that listed before."""
    for name, as_before, now in (("listing", AS_BEFORE, LISTED), ("table of runs", TABLE_BEFORE, TABLE)):
        home = folder / f"home of {name}"
        first = in_a_process(now, store, home)
        before, after = [], []
        for _ in range(repeats):
            before.append(in_a_process(as_before, store, home))
            after.append(in_a_process(now, store, home))
        show(f"{name}, every record read", median(before))
        show(f"{name}, first time: makes the index", first, median(before))
        show(f"{name}, with the index", median(after), median(before))
    command = ("runs", "--limit", "10")
    home = folder / "home of the command"
    first = of_a_command(command, store, home)
    again = [of_a_command(command, store, home) for _ in range(repeats)]
    show("neft runs --limit 10, first time", first)
    show("neft runs --limit 10", median(again), first)
    show("neft --version, for what a process takes", of_a_command(("--version",), store, home))


def measure_one_more(store: Path, repeats: int) -> None:
    """Listing again after one new run, in this process."""
    runs = RunStore(store)
    first, unchanged, more = timed(runs.list), timed(runs.list), list[Seconds]()
    for count in range(repeats):
        run_id = runs.ids()[count]
        record = runs.record(run_id)
        add_run(store, with_seed(record, record.facts.seed + FURTHER**2 + count), store / run_id)
        more.append(timed(runs.list))
    show("listing for the first time in this process", first)
    show("listing again, nothing new", unchanged, first)
    show("listing again, one new run", median(more), first)


def measure_planning(store: Path, repeats: int) -> None:
    """A tuned preset whose trials are looked up, and a grid of as many runs as there are, half of them stored."""
    settings = SweepSettings(store_root=store, counts_shipped=False)
    plan = PRESETS[TUNED].plan

    def tuned() -> object:
        return missing(plan(settings.find), settings.stores)

    show(f"planning {TUNED}", median([timed(tuned) for _ in range(repeats)]))
    runs = RunStore(store)
    ids = runs.ids()
    configs = [stored_config(record) for record in runs.list().records[: len(ids) // 2]]

    def grid() -> object:
        return missing([PlannedRun(config) for config in (*configs, *map(_other, configs))], settings.stores)

    show(f"planning a grid of {2 * len(configs)} runs", median([timed(grid) for _ in range(repeats)]))


def _other(config: RunConfig) -> RunConfig:
    training = config.training.model_copy(update={"seed": config.training.seed + FURTHER**3})
    return config.model_copy(update={"training": training})


def measure_opening(store: Path, folder: Path, repeats: int) -> None:
    """A browser on few runs and on many, in turns; what All runs takes at the end."""
    few = some_runs(folder / "few", FEW)
    counts = {FEW: few, len(RunStore(store).ids()): store}
    measured = {count: Measured() for count in counts}
    used: dict[int, list[float]] = {count: [] for count in counts}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for repeat in range(repeats + 1):
            for count, runs in counts.items():
                # the first time makes the index, and is not counted
                counted = measured[count] if repeat else Measured()
                with served(counted, runs, home=folder / f"home of {count}") as (url, server):
                    before = server.cpu_times()
                    page = open_fresh(browser, url, counted)
                    after = server.cpu_times()
                    if repeat:
                        used[count].append(after.user + after.system - before.user - before.system)
                    if repeat == repeats:
                        print(f"{count} runs: server's memory {_memory(server):.0f} MiB with the first page")
                        look_at_all_runs(page, server, counted, count)
                    page.context.close()
        browser.close()
    for count, found in measured.items():
        print(f"on {count} runs:")
        found.show()
        print(f"{'processor of the server, until all four views':<44} {statistics.median(used[count]):6.2f} s")
    few_first, many_first = (statistics.median(one.seconds["opening to first chart"]) for one in measured.values())
    print(f"first chart on many runs beside few: x {many_first / few_first:.2f}")


def look_at_all_runs(page: Page, server: psutil.Process, measured: Measured, count: int) -> None:
    """Open the page, and search in it."""
    links = page_links(page)
    measured.add("All runs", switch(page, "All runs", links["All runs"]))
    counted = page.get_by_text(f"{count} runs.")
    counted.wait_for()
    started = time.perf_counter()
    page.get_by_role("textbox", name="Search").fill("irs seed 1")
    page.keyboard.press("Enter")
    counted.wait_for(state="detached")
    _ = page.wait_for_selector(IDLE)
    measured.add("a search in All runs", time.perf_counter() - started)
    measured.add("Explore again", switch(page, "Explore", links["Explore"]))
    print(f"{count} runs: server's memory {_memory(server):.0f} MiB after All runs and a search")


def _memory(server: psutil.Process) -> float:
    return server.memory_info().rss / MIB


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--runs", type=int, default=10_000)
    _ = parser.add_argument("--repeats", type=int, default=3)
    _ = parser.add_argument("--no-browser", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["NEFT_HOME"] = str(folder / "home")
        store = make_store(folder / "runs", arguments.runs)
        print(f"{arguments.runs} runs; seconds of the wall (of the processor)")
        measure_listing(store, folder, arguments.repeats)
        measure_one_more(store, arguments.repeats)
        measure_planning(store, arguments.repeats)
        if not arguments.no_browser:
            (folder / "few").mkdir()
            measure_opening(store, folder, arguments.repeats)


if __name__ == "__main__":
    main()
