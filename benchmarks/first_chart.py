"""How long from `neft dashboard` to the first chart in a fresh browser, and from page to page?

    python benchmarks/first_chart.py --repeats 3

Needs playwright (the dev extra) and a Chromium on PATH. Prints medians in seconds.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import Browser, sync_playwright

CHART = ".js-plotly-plot .main-svg"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(browser: Browser) -> dict[str, float]:
    """One cold start."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "neft", "dashboard", "--port", str(port), "--no-browser"],
            env={**os.environ, "NEFT_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_healthy(url)
            healthy = time.perf_counter()
            page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
            _ = page.goto(url)
            page.locator(CHART).first.wait_for(timeout=120_000)
            first = time.perf_counter()
            page.locator(".st-key-card_deviations " + CHART).first.wait_for(timeout=120_000)
            all_four = time.perf_counter()
            page.get_by_role("link", name="All runs").click()
            page.get_by_text("Stored runs").wait_for(timeout=120_000)
            runs = time.perf_counter()
            return {
                "command to server": healthy - started,
                "command to first chart": first - started,
                "command to all four views": all_four - started,
                "browser to first chart": first - healthy,
                "switch to Runs": runs - all_four,
            }
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    _ = parser.add_argument("--repeats", type=int, default=3)
    repeats: int = parser.parse_args().repeats
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        rows = [measure(browser) for _ in range(repeats)]
        browser.close()
    for name in rows[0]:
        values = [row[name] for row in rows]
        print(f"{name:<28} {statistics.median(values):6.2f} s  ({min(values):.2f} … {max(values):.2f})")


if __name__ == "__main__":
    main()
