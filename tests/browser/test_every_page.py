"""No page breaks an accessibility rule that axe can check, in light or in dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from neft.store import CACHED_RUNS, RunStore
from tests.browser.driver import CHART, PATHS, Server, open_page

FURTHER_PATHS = ("/experiments?experiment=Number+of+feedback+terms&paper=true",)


@pytest.mark.parametrize("path", [*PATHS, *FURTHER_PATHS])
def test_a_page_has_no_violations(themed_page: Page, server: Server, path: str) -> None:
    open_page(themed_page, server, path)
    assert lasting_violations(themed_page) == []


def test_a_runs_details_have_no_violations(themed_page: Page, server: Server) -> None:
    first = RunStore(CACHED_RUNS).ids()[0]
    open_page(themed_page, server, f"/runs?run={first}")
    expect(themed_page.locator(CHART).first).to_be_visible()
    assert lasting_violations(themed_page) == []


def lasting_violations(page: Page) -> list[str]:
    """What axe finds once the page stands still: an element that is being drawn anew is faded for a moment.

    The window is made as high as the page: axe judges colours of what can be seen alone.
    """
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": max(1000, height)})
    page.wait_for_timeout(500)
    found = violations(page)
    for _ in range(10):
        if found:
            page.wait_for_timeout(1000)
            found = violations(page)
    return found


def violations(page: Page) -> list[str]:
    """What axe finds, a line a rule with the first place."""
    report = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']} at {one['nodes'][0]['target']} ({len(one['nodes'])})" for one in report]
