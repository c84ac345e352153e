"""In class: charts that play, and a digit drawn by hand."""

import json
import re
from itertools import pairwise

from playwright.sync_api import Page, expect

from dashboard.widgets.player import FRAME_MS
from tests.browser.driver import CHART, Server, open_page, wait_idle

LONG = 240_000
"""Milliseconds in which a busy machine draws the frames."""
WATCHED = """async wait => {
    const hosts = [...document.querySelectorAll(".st-key-player_at, .st-key-player_at *")];
    const told = hosts.map(host => host.shadowRoot?.querySelector("output")).find(Boolean);
    const seen = [];
    while (seen.length < 60) {
        await new Promise(after => setTimeout(after, wait));
        const parts = ["h1 .neft-frame", ".st-key-card_accuracy img", ".st-key-card_ekl img"]
            .map(name => document.querySelector(name)).map(part => part?.src || part?.textContent);
        seen.push([told.textContent, ...parts]);
    }
    return seen;
}"""
"""At many moments: the device variation that is told, the title, and two charts' pictures."""


def test_charts_and_title_play_together_and_the_page_stays_where_it_is_stopped(page: Page, server: Server) -> None:
    open_page(page, server, "/?read=fixed")
    expect(page.locator(f".st-key-card_accuracy {CHART}").first).to_be_visible()
    wait_idle(page)

    page.get_by_role("button", name="Play").click()
    button = page.get_by_role("button", name="Stop here")
    expect(button).to_be_visible(timeout=LONG)
    seen = {tuple(moment) for moment in page.evaluate(WATCHED, FRAME_MS / 4)}
    button.click()

    told = {moment[0] for moment in seen}
    assert len(told) > 2
    assert len(seen) == len(told), "a frame of one device variation beside one of another"
    assert all(all(moment) for moment in seen)
    times = json.loads(page.get_by_role("button", name="Play").get_attribute("data-frames") or "[]")
    assert min(after - before for before, after in pairwise(times)) < 1.5 * FRAME_MS, "slower than five a second"
    expect(page.locator(".neft-frame")).to_have_count(0, timeout=60_000)
    stopped = re.search(r"[?&]at=([\d.]+)", page.url)
    at = stopped[1] if stopped else "0.1"
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"= {at}")


def test_digit_is_drawn_by_mouse_and_asked_of_the_chips(page: Page, server: Server) -> None:
    open_page(page, server, "/votes?picture=own&meant=1")
    canvas = page.locator(".st-key-drawing canvas")
    expect(canvas).to_be_visible(timeout=LONG)
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2

    page.mouse.move(middle, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] - 30, steps=12)
    page.mouse.up()

    expect(page.get_by_text(re.compile("say that your drawing is 1, as you meant it"))).to_be_visible(timeout=LONG)
    expect(page.locator(f".st-key-card_class_votes {CHART}").first).to_be_visible(timeout=LONG)

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw something in the square.")).to_be_visible(timeout=LONG)
