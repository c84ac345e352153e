"""In class: charts that play, and a digit drawn by hand."""

import itertools
import json
import re

from playwright.sync_api import Page, expect

from dashboard.widgets.player import FRAME_MS
from tests.browser.driver import CHART, Server, open_page, wait_idle

TOLD = ".st-key-player_at output"
"""The device variation of the frame that is shown."""


def test_play_moves_every_chart_and_the_title_together_and_leaves_the_slider_where_it_is_stopped(
    page: Page, server: Server
) -> None:
    open_page(page, server, "/?read=fixed")
    expect(page.locator(f".st-key-card_accuracy {CHART}").first).to_be_visible()
    wait_idle(page)

    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Stop here")).to_be_visible(timeout=240_000)
    page.wait_for_function("document.querySelector('.st-key-player_at') !== null")
    button = page.get_by_role("button", name="Stop here")
    page.wait_for_timeout(12 * FRAME_MS)
    button.click()

    times = json.loads(page.get_by_role("button", name="Play").get_attribute("data-frames") or "[]")
    waits = sorted(after - before for before, after in itertools.pairwise(times))
    assert waits, "no frame followed another"
    assert waits[0] < 1.5 * FRAME_MS, "slower than five frames a second"
    expect(page).to_have_url(re.compile(r"[?&]at=|read=fixed$"), timeout=60_000)
    expect(page.locator(".neft-frame")).to_have_count(0, timeout=60_000)


def test_digit_is_drawn_by_mouse_and_asked_of_the_chips(page: Page, server: Server) -> None:
    open_page(page, server, "/votes?picture=own&meant=1")
    canvas = page.locator(".st-key-drawing canvas")
    expect(canvas).to_be_visible(timeout=120_000)
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2

    page.mouse.move(middle, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] - 30, steps=12)
    page.mouse.up()

    expect(page.get_by_text(re.compile("say that your drawing is 1, as you meant it"))).to_be_visible(timeout=240_000)
    expect(page.locator(f".st-key-card_class_votes {CHART}").first).to_be_visible(timeout=120_000)

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw something in the square.")).to_be_visible(timeout=120_000)
