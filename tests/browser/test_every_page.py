"""Every page: readable in light and in dark, with charts that follow from one to the other, and on a narrow screen."""

import pytest
from playwright.sync_api import Page

from neft.runs.races import FOLDER
from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.accessibility import OF_COLOURS, lasting_violations
from tests.browser.driver import PATHS, Server, open_page, switch_to, wait_drawn

RACES = CACHED_RUNS / FOLDER
FURTHER_PATHS = (
    "/?line=1",
    "/experiments?experiment=Number+of+feedback+terms&paper=true",
    f"/runs?run={RunStore(CACHED_RUNS).ids()[0]}",
    f"/chip?run={min(path.name for path in RACES.iterdir())}&chip=raced&chip_at=0.2",
)
NARROW = 400


@pytest.mark.timeout(240)
@pytest.mark.parametrize("path", [*PATHS, *FURTHER_PATHS])
def test_a_page_can_be_read_in_light_and_dark_and_on_a_narrow_screen(page: Page, server: Server, path: str) -> None:
    open_page(page, server, path)
    assert lasting_violations(page) == []

    switch_to(page, "dark")
    assert lasting_violations(page, rules=OF_COLOURS) == []

    page.set_viewport_size({"width": NARROW, "height": 900})
    wait_drawn(page)
    main_width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert main_width <= NARROW, "the page scrolls sideways"
