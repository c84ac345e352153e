"""Words for what a user does and sees."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

APP_PAGES = Path(__file__).parents[2] / "dashboard" / "app_pages"
PATHS = tuple(
    "/" if name == "explore" else f"/{name}"
    for name in sorted(path.stem for path in APP_PAGES.glob("*.py"))
    if name != "__init__"
)
"""The address of every page there is."""
IDLE = "[data-testid='stApp'][data-test-script-state='notRunning'][data-test-connection-state='CONNECTED']"
CHART = ".js-plotly-plot .main-svg"


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    home: Path
    log: Path


def open_page(page: Page, server: Server, path: str = "/") -> None:
    """Open a page and wait until it has drawn itself."""
    _ = page.goto(server.url + path)
    wait_idle(page)


def wait_idle(page: Page) -> None:
    """Until the script has run, and run without an exception."""
    page.wait_for_selector(IDLE, timeout=60_000)
    assert page.locator("[data-testid='stException']").count() == 0


def chart_data(page: Page, key: str) -> list[dict[str, Any]]:
    """The traces of a card's chart, as Plotly holds them, with arrays as lists."""
    box = page.locator(f".st-key-card_{key} .js-plotly-plot")
    box.locator(".main-svg").first.wait_for(timeout=45_000)
    return box.evaluate(
        """plot => plot._fullData.map(t => ({name: t.name, x: Array.from(t.x || []), y: Array.from(t.y || []),
           mode: t.mode, fill: t.fill, line: t.line && t.line.color, visible: t.visible}))"""
    )
