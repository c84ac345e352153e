"""Comparing runs as a user does: pick two, go on, hide one, hand the address to someone else."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.conftest import watched_page
from tests.browser.driver import CHART, Server, chart_data, open_page, wait_idle

CARDS = ("compare_accuracy", "compare_differences", "compare_spread", "compare_training")


def two_runs() -> list[str]:
    """A run of OVF and one of IRS, of one network, seed and training."""
    records = [
        record
        for record in RunStore(CACHED_RUNS).list().records
        if (record.facts.backbone, record.facts.train_sigma_d, record.facts.seed) == ("vgg8w4", 0.1, 0)
        and len(record.facts.sigma_ds) > 2
    ]
    return [next(record.id for record in records if record.facts.variant == variant) for variant in ("ovf", "irs")]


@pytest.mark.timeout(240)
def test_two_picked_runs_are_compared_one_is_hidden_and_the_address_shows_the_same_elsewhere(
    page: Page, browser: Browser, server: Server
) -> None:
    ovf, irs = two_runs()
    open_page(page, server, f"/runs?run={ovf}")
    short = irs.rpartition("-")[2]  # an option is a name in words; it ends with that part of the id
    page.get_by_role("combobox", name="Picked runs").fill(short)
    page.get_by_role("option", name=short).click()
    page.keyboard.press("Escape")  # closes the list
    expect(page).to_have_url(re.compile(f"run={irs}"))
    wait_idle(page)
    page.get_by_role("link", name="Compare these").click()
    for key in CARDS:
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
    both = {trace["name"]: trace for trace in chart_data(page, "compare_accuracy") if trace["name"]}
    assert {"A · OVF", "B · IRS"} <= set(both)
    page.locator(".st-key-compare_hide").get_by_text("B · IRS").click()
    expect(page).to_have_url(re.compile(f"hide={irs}"))
    wait_idle(page)
    expect(page.locator(".st-key-card_compare_accuracy .legendtext", has_text="B · IRS")).to_have_count(0)
    alone = {trace["name"]: trace for trace in chart_data(page, "compare_accuracy") if trace["name"]}
    assert "B · IRS" not in alone
    assert alone["A · OVF"] == both["A · OVF"]
    sentence = page.get_by_text(re.compile("^At device variation")).inner_text()

    watched = watched_page(browser, "light")
    elsewhere = next(watched)
    open_page(elsewhere, server, page.url.removeprefix(server.url))
    expect(elsewhere.locator(f".st-key-card_compare_accuracy {CHART}").first).to_be_visible()
    there = {trace["name"]: trace for trace in chart_data(elsewhere, "compare_accuracy") if trace["name"]}
    assert there == alone
    assert elsewhere.get_by_text(re.compile("^At device variation")).inner_text() == sentence
    assert next(watched, None) is None
