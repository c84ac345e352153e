"""How does the dashboard feel? Opening, page switches, filters, memory, the first epoch of a training.

    python benchmarks/feel.py
    python benchmarks/feel.py --repeats 5 --interactions 200
    python benchmarks/feel.py --runs 600                          on so many of the cached runs, the comparisons first

Starts a server of its own on the cached runs with an empty home, and a fresh Chromium (from PATH; playwright comes with
the dev extra). It measures, in seconds:

- from `neft dashboard` to a listening server; from opening the address in a fresh browser to the first chart, and to
  all four views;
- every page, opened by its link in the navigation: until its title stands and, where it has charts, the first is drawn;
  each page twice, because the first visit of a server's life reads what later ones find in its caches;
- on the landing page, from a change of the slice, the methods or the reading to the chart that shows it;
- the server's resident memory after so many interactions (page switches and filters in turns), and that of the process
  in which pages compute, which ends when nobody asks (`dashboard.computing.process`);
- on Your device, from a chosen file of 4,000 measurements to their histograms;
- from "Start training" to the first epoch in the chart: pressed as soon as the form stands, and on the last server some
  seconds later, in which a process gets ready.
"""

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Locator, Page, TimeoutError, sync_playwright  # noqa: A004

CHART = ".js-plotly-plot .main-svg"
CACHED_RUNS = Path(__file__).resolve().parents[1] / "cached_runs"
IDLE = "[data-testid='stApp'][data-test-script-state='notRunning'][data-test-connection-state='CONNECTED']"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
DRAWN = "key => JSON.stringify(document.querySelector(`.st-key-card_${key} .js-plotly-plot`)?._fullData?.map("
DRAWN += "trace => [trace.name, trace.visible, Array.from(trace.x || []), Array.from(trace.y || [])]))"
CHANGED = f"([key, before]) => {{ const now = ({DRAWN})(key); return now && now !== before }}"
MIB = 2**20
WITH_THE_FORM = 8.0
"""Seconds."""


@dataclass
class Measured:
    """Seconds by what was timed, in the order in which it was first timed."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """One more time of it."""
        self.seconds.setdefault(name, []).append(seconds)

    def show(self) -> None:
        """Print medians and ranges."""
        for name, values in self.seconds.items():
            spread = f"({min(values):.2f} … {max(values):.2f}, {len(values)} times)"
            print(f"{name:<44} {statistics.median(values):6.2f} s  {spread}")


@contextmanager
def served(measured: Measured, runs: Path, home: Path | None = None) -> Iterator[tuple[str, psutil.Process]]:
    """A dashboard of its own on these runs, with an empty home or a given one: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as empty:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "neft", "dashboard", "--port", str(port), "--no-browser"],
            env={**os.environ, "NEFT_HOME": str(home or empty), "NEFT_CACHED_RUNS": str(runs)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_healthy(url)
            measured.add("command to server", time.perf_counter() - started)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            _ = process.wait(timeout=20)


def wait_until_healthy(url: str) -> None:
    """Until the server answers."""
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.05)


def open_fresh(browser: Browser, url: str, measured: Measured) -> Page:
    """The landing page in a browser that has seen nothing."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(120_000)
    started = time.perf_counter()
    _ = page.goto(url)
    page.locator(f".st-key-card_accuracy {CHART}").first.wait_for()
    measured.add("opening to first chart", time.perf_counter() - started)
    page.locator(f".st-key-card_layer_deviations {CHART}").first.wait_for()
    measured.add("opening to all four views", time.perf_counter() - started)
    return page


def page_links(page: Page) -> dict[str, str]:
    """Every page in the navigation, by its title: the section that it lies under, or none."""
    page.wait_for_selector(IDLE)
    page.get_by_test_id("stTopNavSection").first.wait_for()
    links: dict[str, str] = {}
    for link in page.get_by_test_id("stTopNavLink").all():
        links[link.inner_text().splitlines()[-1]] = ""
    for section in page.get_by_test_id("stTopNavSection").all():
        section.click()
        popover = page.get_by_test_id("stTopNavPopover")
        popover.wait_for()
        for link in popover.get_by_test_id("stTopNavDropdownLink").all():
            links[link.inner_text().splitlines()[-1]] = section.inner_text().splitlines()[0]
        page.keyboard.press("Escape")
        popover.wait_for(state="hidden")
    return links


def switch(page: Page, title: str, section: str) -> float:
    """Open a page by its link; seconds from the click until it stands."""
    old = page.locator("h1").first.inner_text()
    place: Page | Locator = page
    if section:
        page.get_by_test_id("stTopNavSection").filter(has_text=section).click()
        place = page.get_by_test_id("stTopNavPopover")
    link = place.get_by_test_id("stTopNavDropdownLink" if section else "stTopNavLink").filter(has_text=title).first
    link.wait_for()
    started = time.perf_counter()
    link.click()
    with suppress(TimeoutError):  # a short run may be over
        page.wait_for_selector("[data-testid='stApp'][data-test-script-state='running']", timeout=1_000)
    page.wait_for_function(  # two pages may have one finding as their title
        """([old, idle]) => { const h = document.querySelector('h1');
               return h && (h.innerText !== old || document.querySelector(idle)) }""",
        arg=[old, IDLE],
    )
    page.wait_for_selector(f"{IDLE}, {CHART}")
    until = time.perf_counter() - started
    page.wait_for_selector(IDLE)
    return until


def filters(page: Page) -> list[Callable[[], None]]:
    """What changes the accuracy chart: the slice, the methods, the reading, and all of them back."""
    slider: Locator = page.get_by_test_id("stSidebar").get_by_role("slider").last
    methods = page.get_by_test_id("stButtonGroup")

    def press(key: str) -> Callable[[], None]:
        return lambda: slider.press(key)

    def click(name: str) -> Callable[[], None]:
        return methods.get_by_text(name, exact=True).first.click

    return [
        press("ArrowRight"),
        press("ArrowLeft"),
        click("OVF"),
        click("OVF"),
        click("Fixed"),
        click("Matched"),
    ]


def change(page: Page, act: Callable[[], None]) -> float:
    """Seconds from a click or key to the accuracy chart that shows it."""
    before = page.evaluate(f"key => ({DRAWN})(key)", "accuracy")
    layout = "() => JSON.stringify(document.querySelector('.st-key-card_accuracy .js-plotly-plot').layout.shapes)"
    shapes = page.evaluate(layout)
    started = time.perf_counter()
    act()
    page.wait_for_function(
        f"([key, before, shapes]) => (({CHANGED})([key, before])) || ({layout})() !== shapes",
        arg=["accuracy", before, shapes],
    )
    seconds = time.perf_counter() - started
    page.wait_for_selector(IDLE)
    return seconds


def train(page: Page, url: str, *, pause: float) -> float:
    """Seconds from the click to the quick look's first epoch in the chart; the training ends, or is cancelled."""
    _ = page.goto(f"{url}/train")
    page.wait_for_selector(IDLE)
    time.sleep(pause)
    started = time.perf_counter()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_function(
        """() => Array.from(document.querySelectorAll('[class*=st-key-job_] .js-plotly-plot')).some(
               plot => plot._fullData?.some(trace => Array.from(trace.y || []).some(Number.isFinite)))"""
    )
    seconds = time.perf_counter() - started
    ended = page.get_by_text("Finished in").first
    if not ended.is_visible():
        with suppress(TimeoutError):  # it may end in between
            page.get_by_role("button", name="Cancel").first.click(timeout=2_000)
    page.get_by_text("Cancelled").or_(ended).first.wait_for()
    return seconds


def upload(page: Page, url: str) -> float:
    """Seconds from a chosen file of measurements to their histograms."""
    _ = page.goto(f"{url}/device")
    page.wait_for_selector(IDLE)
    page.get_by_text("From a laboratory's file").click()
    rng = random.Random(0)  # noqa: S311 - any numbers do
    rows = [f"{level},{20 + 40 * level + rng.gauss(0, 3):.3f}" for level in range(4) for _ in range(1_000)]
    content = "\n".join(["level,measured (µS)", *rows]).encode()
    started = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(
        {"name": "device.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.locator(f".st-key-card_measured {CHART}").first.wait_for()
    return time.perf_counter() - started


def some_runs(folder: Path, count: int) -> Path:
    """A folder of so many cached runs with their plans: those of the comparisons first."""
    (folder / "plans").mkdir()
    left = {path.name for path in CACHED_RUNS.iterdir() if (path / "run.json").is_file()}
    plans = sorted((CACHED_RUNS / "plans").glob("*.json"), key=lambda path: (not path.stem.startswith("paper"), path))
    wanted = [entry["run_id"] for plan in plans for entry in json.loads(plan.read_text(encoding="utf-8"))["entries"]]
    chosen = list(dict.fromkeys(name for name in [*wanted, *sorted(left)] if name in left))[:count]
    for name in chosen:
        (folder / name).symlink_to(CACHED_RUNS / name)
    for plan in plans:
        (folder / "plans" / plan.name).symlink_to(plan)
    return folder


def interact(page: Page, links: dict[str, str], measured: Measured, *, interactions: int) -> None:
    """So many page switches and filters, in turns."""
    done = visits = 0
    while done < interactions:
        visits += 1
        name = "page switch, first visit" if visits == 1 else "page switch"
        for title, section in links.items():
            if title == "Explore":
                continue
            seconds = switch(page, title, section)
            measured.add(name, seconds)
            measured.add(f"  {title}, {'first' if visits == 1 else 'later'} visit", seconds)
            done += 1
        measured.add("page switch", switch(page, "Explore", links["Explore"]))
        page.locator(f".st-key-card_layer_deviations {CHART}").first.wait_for()
        for act in filters(page):
            measured.add("filter to new chart", change(page, act))
            done += 1
        done += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--repeats", type=int, default=3, help="Fresh servers and browsers for the opening.")
    _ = parser.add_argument("--interactions", type=int, default=200)
    _ = parser.add_argument("--runs", type=int, default=None, help="So many of the cached runs; all if not given.")
    arguments = parser.parse_args()
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        runs = CACHED_RUNS if arguments.runs is None else some_runs(Path(folder), arguments.runs)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for repeat in range(arguments.repeats):
            with served(measured, runs) as (url, server):
                page = open_fresh(browser, url, measured)
                is_last = repeat == arguments.repeats - 1
                if is_last:
                    interact(page, page_links(page), measured, interactions=arguments.interactions)
                    memory = server.memory_info().rss / MIB
                    beside = max((process.memory_info().rss / MIB for process in server.children()), default=0.0)
                    measured.add("a file of measurements to its histograms", upload(page, url))
                pause = WITH_THE_FORM if is_last else 0.0
                measured.add(f"training to its first epoch, {pause:g} s after the form", train(page, url, pause=pause))
        browser.close()
    measured.show()
    print(f"server's memory after {arguments.interactions} interactions: {memory:.0f} MiB; beside it {beside:.0f} MiB")


if __name__ == "__main__":
    main()
