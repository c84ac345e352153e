"""Words for what a user does and sees."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from dashboard import pages
from dashboard.charts.theme import PALETTES, Mode

PATHS = tuple(f"/{page.path}" for page in pages.Page)
"""The address of every page there is."""
IDLE = "[data-testid='stApp'][data-test-script-state='notRunning'][data-test-connection-state='CONNECTED']"
PLOT = ".js-plotly-plot"
CHART = f"{PLOT} .main-svg"


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


def wait_drawn(page: Page) -> None:
    """Until nothing computes and every chart and table is there that the page has room for, and half a second on."""
    wait_idle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_function(
        """[...document.querySelectorAll("[data-testid='stPlotlyChart']")]
            .every(place => place.querySelector(".main-svg"))""",
        timeout=45_000,
    )
    page.wait_for_timeout(500)


def switch_to(page: Page, mode: Mode) -> None:
    """Have the browser prefer light or dark, and wait until the page and all its charts show it."""
    has_charts = page.locator(PLOT).count() > 0
    page.emulate_media(color_scheme=mode)
    colour = PALETTES[mode].background
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", f"rgb{(*bytes.fromhex(colour[1:]),)}")
    page.wait_for_function(
        """([selector, hasCharts, colour]) => {
            const plots = [...document.querySelectorAll(selector)];
            return plots.length > 0 === hasCharts
                && plots.every(plot => plot._fullLayout && plot._fullLayout.paper_bgcolor === colour);
        }""",
        arg=[PLOT, has_charts, colour],
        timeout=45_000,
    )
    wait_idle(page)


def chart_data(page: Page, key: str) -> list[dict[str, Any]]:
    """The traces of a card's chart, as Plotly holds them, with arrays as lists.

    A card that is being drawn anew holds the chart twice for a moment: that is waited for.
    """
    drawn = page.wait_for_function(
        """selector => {
            const plots = document.querySelectorAll(selector);
            return plots.length === 1 && plots[0]._fullData && plots[0].querySelector(".main-svg")
                && plots[0]._fullData.map(t => ({name: t.name, x: Array.from(t.x || []), y: Array.from(t.y || []),
                   mode: t.mode, fill: t.fill, line: t.line && t.line.color, visible: t.visible}));
        }""",
        arg=f".st-key-card_{key} {PLOT}",
        timeout=45_000,
    )
    return drawn.json_value()
