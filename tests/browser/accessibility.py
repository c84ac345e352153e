"""What axe finds on a page."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.driver import wait_drawn

OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that the same page in other colours may break anew."""


def lasting_violations(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds once the page stands still: an element that is being drawn anew is faded for a moment.

    The window is made as high as the page: axe judges colours of what can be seen alone.

    Args:
        page: a page.
        rules: those that are looked at; all where none are named.
    """
    wait_drawn(page)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": max(1000, height)})
    wait_drawn(page)
    found = violations(page, rules=rules)
    for _ in range(10):
        if found:
            page.wait_for_timeout(1000)
            found = violations(page, rules=rules)
    return found


def violations(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds, a line a rule with the first place."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    report = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
    return [f"{one['id']}: {one['help']} at {one['nodes'][0]['target']} ({len(one['nodes'])})" for one in report]
