"""Runs leave one dashboard as a file and come into another; reports and charts work without any server."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.conftest import serve
from tests.browser.driver import CHART, Server, open_page, wait_idle


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another user's dashboard: no run ships with it, and none is stored."""
    home = tmp_path_factory.mktemp("empty")
    yield from serve(home, NEFT_CACHED_RUNS=str(home / "none"))


def saved(page: Page, button: str, path: Path) -> Path:
    """What a button downloads."""
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name=button).click()
    download: Download = waiting.value
    download.save_as(path)
    return path


@pytest.mark.timeout(240)
def test_runs_exported_in_one_dashboard_are_imported_and_opened_in_another(
    page: Page, server: Server, empty_server: Server, tmp_path: Path
) -> None:
    shipped = RunStore(CACHED_RUNS)
    ids = [run_id for run_id in shipped.ids() if "-irs-" in run_id][:2]
    open_page(page, server, f"/share?bundle={ids[0]}&bundle={ids[1]}")
    bundle = saved(page, "Download 2 runs", tmp_path / "runs.zip")

    open_page(page, empty_server, "/share")
    page.locator("input[type=file]").set_input_files(bundle)
    page.get_by_role("button", name="Import 2 runs").click(timeout=60_000)
    expect(page.get_by_text("2 runs imported.")).to_be_visible()
    own = RunStore(empty_server.home / "runs")
    assert [own.verify(run_id) for run_id in ids] == [shipped.record(run_id) for run_id in ids]
    page.get_by_role("link", name="Open them").click()
    expect(page.get_by_text("Where it came from").first).to_be_visible()
    expect(page.locator(CHART).first).to_be_visible()
    assert page.locator("[data-testid='stTab']").count() == 2


@pytest.mark.timeout(240)
def test_report_of_the_landing_page_works_offline(page: Page, server: Server, browser: Browser, tmp_path: Path) -> None:
    open_page(page, server)
    expect(page.locator(f".st-key-card_accuracy {CHART}").first).to_be_visible()
    page.get_by_role("button", name="Share", exact=True).click()
    report = saved(page, "Report as HTML", tmp_path / "report.html")

    context = browser.new_context(offline=True, viewport={"width": 400, "height": 900})
    offline = context.new_page()
    problems: list[str] = []
    offline.on("request", lambda request: problems.append(request.url))
    offline.on("pageerror", lambda error: problems.append(str(error)))
    offline.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    offline.goto(report.as_uri())
    expect(offline.locator(CHART).first).to_be_visible()
    assert offline.locator(".js-plotly-plot").count() == 4
    assert offline.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    context.close()
    assert problems == [report.as_uri()]


def test_toolbar_saves_a_picture_on_the_pages_own_colour(themed_page: Page, server: Server, tmp_path: Path) -> None:
    open_page(themed_page, server)
    card = themed_page.locator(".st-key-card_accuracy")
    expect(card.locator(CHART).first).to_be_visible()
    wait_idle(themed_page)
    card.locator(".js-plotly-plot").hover()
    with themed_page.expect_download() as waiting:
        card.locator("[data-title='Download plot as a PNG']").click()
    path = tmp_path / "accuracy.png"
    waiting.value.save_as(path)

    assert waiting.value.suggested_filename == "accuracy.png"
    corner = themed_page.evaluate(
        """async data => {
            const picture = await createImageBitmap(await (await fetch(data)).blob());
            const canvas = new OffscreenCanvas(picture.width, picture.height);
            const context = canvas.getContext("2d");
            context.drawImage(picture, 0, 0);
            return Array.from(context.getImageData(1, 1, 1, 1).data);
        }""",
        f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}",
    )
    page_colour = themed_page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert corner == [*page_colour[:3], 255]


def test_saved_svg_says_its_title_its_data_and_its_runs(page: Page, server: Server, tmp_path: Path) -> None:
    open_page(page, server)
    card = page.locator(".st-key-card_accuracy")
    expect(card.locator(CHART).first).to_be_visible()
    wait_idle(page)
    title = card.get_by_role("heading").first.inner_text()
    height = card.locator(".js-plotly-plot").evaluate("plot => plot._fullLayout.height")
    card.get_by_role("button", name="About").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="SVG", exact=True).click()
    path = tmp_path / "accuracy.svg"
    waiting.value.save_as(path)

    texts = " ".join(re.sub("<[^>]*>", "", found) for found in re.findall("<text.*?</text>", path.read_text("utf-8")))
    assert waiting.value.suggested_filename == "accuracy.svg"
    assert title in texts
    assert "Data: Digits" in texts
    assert "Device: RRAM1" in texts
    assert re.search(r"\d seeds? × \d+ chips", texts)
    assert "Runs: digits-vgg8w4-" in texts
    assert card.locator(".js-plotly-plot").evaluate("plot => plot._fullLayout.height") == height
