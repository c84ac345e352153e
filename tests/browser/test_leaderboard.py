"""The leaderboard as a user meets it, its numbers written down by hand."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serve
from tests.browser.driver import CHART, Server, chart_data, open_page, wait_idle
from tests.stored_experiments import store_experiment
from tests.stored_leaderboards import METHODS, BoardRow, a_leaderboard

NARROW = 400
ROWS = [
    BoardRow(
        {seed: [mean + 0.01 * seed, mean - 0.02 * seed] for seed in range(3)},
        method=method,
        constraint=constraint,
        sigma_d=sigma_d,
    )
    for sigma_d, loss in ((0.2, 0.2), (0.4, 0.4))
    for constraint, gain in (("none", 0.0), ("clip", 0.1))
    for method, mean in zip(METHODS, (*(start - loss + gain for start in (0.45, 0.7, 0.8)), 0.9 - loss), strict=True)
]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard whose user has a leaderboard."""
    home = tmp_path_factory.mktemp("ranked")
    store_experiment(home / "runs", *a_leaderboard(*ROWS))
    yield from serve(home)


def test_rows_are_drawn_by_what_is_chosen_and_the_address_says_so(page: Page, ranked: Server) -> None:
    open_page(page, ranked, "/leaderboard?board=digits8_mlp4x128")
    expect(page.locator(f".st-key-card_ranking {CHART}").first).to_be_visible()
    page.locator(".st-key-card_ranking").get_by_text("Difference", exact=True).click()
    wait_idle(page)
    expect(page).to_have_url(re.compile("by=difference"))
    expect(page.locator(".st-key-card_ranking .legendtext", has_text="(zero)")).to_be_visible()
    (reference,) = [trace for trace in chart_data(page, "ranking") if trace["name"] == "Noise injection"]
    assert reference["x"] == [0]


def test_address_of_a_ranking_opens_it_elsewhere(page: Page, ranked: Server) -> None:
    open_page(page, ranked, "/leaderboard")
    page.get_by_test_id("stSidebar").get_by_text("0.4", exact=True).click()
    wait_idle(page)
    expect(page).to_have_url(re.compile(r"board_at=0\.4"))
    second = page.context.new_page()
    open_page(second, ranked, page.url.removeprefix(ranked.url))
    expect(second.get_by_text("= 0.4 on Digits 8×8")).to_be_visible()
