"""A lesson walked to its end, as in class."""

import re

from playwright.sync_api import Page, expect

from dashboard.lessons import LESSONS
from tests.browser.driver import CHART, Server, open_page, wait_idle

NAMES = list(LESSONS)


def test_lessons_are_walked_to_the_end_with_a_prediction_on_the_way(page: Page, server: Server) -> None:
    open_page(page, server, f"/learn?lesson={NAMES[-2]}")
    expect(page.get_by_text(f"Lesson {len(NAMES) - 1} of {len(NAMES)}")).to_be_visible()
    expect(page.locator(f".st-key-card_calibrated {CHART}")).to_have_count(0)

    page.get_by_test_id("stRadio").get_by_text(re.compile("^It falls")).click()
    page.get_by_role("button", name="Commit, and show the answer").click()

    expect(page.get_by_text(re.compile("Your prediction: It falls"))).to_be_visible()
    for key in ("ekl", "calibrated"):
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
    expect(page.get_by_role("link", name="EKL after calibration")).to_be_visible()

    page.get_by_role("button", name=f"Next: {NAMES[-1]}").click()
    expect(page.get_by_text(f"Lesson {len(NAMES)} of {len(NAMES)}")).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=Unlucky"))
    wait_idle(page)
    page.get_by_role("button", name="Commit, and show the answer").click()
    expect(page.locator(f".st-key-card_needed {CHART}").first).to_be_visible()

    wait_idle(page)
    page.get_by_role("link", name="Every word, in the glossary").click()
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^Device variation"))).to_be_visible()
