"""The preview as a user meets it: a curve at once, refined on its own, beside the layers that cost the accuracy."""

import re

import pytest
from playwright.sync_api import Page, expect

from neft.runs.store import CACHED_RUNS, WEIGHTS, RunStore
from tests.browser.driver import CHART, Server, chart_data, open_page


def a_run() -> str:
    return next(
        record.id
        for record in RunStore(CACHED_RUNS).list().records
        if WEIGHTS in record.files and record.facts.backbone == "mlp4x128" and len(record.facts.sigma_ds) > 2
    )


def test_a_curve_refines_itself_and_passes_through_the_real_chips(page: Page, server: Server) -> None:
    open_page(page, server, f"/preview?run={a_run()}")
    for key in ("preview", "layers"):
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
    expect(page.locator(".st-key-card_preview").get_by_text(re.compile("Pass 8 of 8"))).to_be_visible()
    expect(page.locator(".st-key-card_layers").get_by_text(re.compile("Pass 8 of 8"))).to_be_visible()
    drawn = {trace["name"]: trace for trace in chart_data(page, "preview")}
    preview, real = drawn["preview, with its 95 % interval"], drawn["real chips"]
    assert preview["x"] == pytest.approx(real["x"])
    assert preview["y"] == pytest.approx(real["y"], abs=8)
    (alone,) = [trace for trace in chart_data(page, "layers") if trace["name"] == "in one layer"]
    assert len(alone["x"]) == 5


def test_a_device_whose_levels_differ_keeps_a_chip_an_image_and_says_how(page: Page, server: Server) -> None:
    open_page(page, server, f"/preview?run={a_run()}&try=FeFET2&upto=0.2")
    expect(
        page.get_by_text(re.compile("Every image meets a chip of its own.*FeFET2 miss by different"))
    ).to_be_visible()
    expect(page.locator(f".st-key-card_preview {CHART}").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Pass \d of 8: \d+ images, each on a chip of its own")).first).to_be_visible()
