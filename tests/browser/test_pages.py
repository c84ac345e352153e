"""The dashboard as a user meets it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.driver import CHART, Server, chart_data, open_page, wait_idle

CARDS = ("accuracy", "ekl", "decay", "layer_deviations")
VGG8 = "/?net=VGG-8,%20width%201/4"


def test_the_landing_page_draws_four_views_from_cached_runs(themed_page: Page, server: Server) -> None:
    open_page(themed_page, server)
    for key in CARDS:
        expect(themed_page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
        assert chart_data(themed_page, key)
    # the comparison with the most curves on one device, however many others have schemes tried on them
    expect(themed_page.locator(".numbers_note")).to_contain_text("Digits 8×8 · VGG-8, width 1/4 · RRAM1")


def test_a_point_of_the_accuracy_chart_is_the_mean_of_the_stored_chips(page: Page, server: Server) -> None:
    open_page(page, server, f"{VGG8}&read=Matched")
    store = RunStore(CACHED_RUNS)
    means = [
        float(store.instances(record).query("abs(sigma_d - 0.1) < 1e-9")["accuracy"].mean())
        for record in store.list().records
        if (record.facts.backbone, record.facts.variant, record.facts.train_sigma_d) == ("vgg8w4", "irs", 0.1)
    ]
    assert means
    drawn = [trace for trace in chart_data(page, "accuracy") if trace["name"] == "IRS" and len(trace["x"]) >= 3]
    at = [y for trace in drawn for x, y in zip(trace["x"], trace["y"], strict=True) if abs(x - 0.1) < 1e-9]
    assert any(y == pytest.approx(100 * sum(means) / len(means), abs=1e-6) for y in at)


def test_the_selection_is_in_the_address_and_comes_back_from_it(page: Page, server: Server) -> None:
    open_page(page, server)
    page.get_by_text("Fixed", exact=True).click()
    wait_idle(page)
    expect(page).to_have_url(re.compile("read=fixed"))
    page.reload()
    wait_idle(page)
    expect(page.get_by_role("radio", name="Fixed")).to_be_checked()


def test_a_method_left_out_leaves_the_others_where_they_were(page: Page, server: Server) -> None:
    open_page(page, server, f"{VGG8}&read=Fixed")
    before = {trace["name"]: trace["y"] for trace in chart_data(page, "accuracy") if trace["name"]}
    page.get_by_test_id("stButtonGroup").get_by_text("OVF", exact=True).click()
    wait_idle(page)
    plot = ".st-key-card_accuracy .js-plotly-plot"
    page.wait_for_function(
        "plot => document.querySelector(plot)?._fullData?.every(trace => trace.name !== 'OVF')", arg=plot
    )
    after = {trace["name"]: trace["y"] for trace in chart_data(page, "accuracy") if trace["name"]}
    assert "OVF" not in after
    assert after["IRS"] == before["IRS"]


def test_picked_runs_are_in_the_address_with_their_details(page: Page, server: Server) -> None:
    ids = [record.id for record in RunStore(CACHED_RUNS).list().records][:2]
    open_page(page, server, f"/runs?run={ids[0]}&run={ids[1]}")
    expect(page.get_by_text("What differs", exact=True)).to_be_visible()
    expect(page.get_by_text("Where it came from").first).to_be_visible()
    assert page.locator("[data-testid='stTab']").count() == 2


def test_wrong_values_in_the_address_do_no_harm(page: Page, server: Server) -> None:
    open_page(page, server, "/?data=nothing&methods=nobody&at=9&read=Sideways")
    expect(page.locator(f".st-key-card_accuracy {CHART}").first).to_be_visible()
    open_page(page, server, "/runs?run=../../etc/passwd")
    expect(page.get_by_text("Stored runs")).to_be_visible()


def test_a_port_in_use_is_one_clear_sentence(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    answer = subprocess.run(
        [sys.executable, "-m", "neft", "dashboard", "--port", port, "--no-browser"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert answer.returncode != 0
    assert f"Port {port} on 127.0.0.1 is in use" in answer.stderr
    assert "Traceback" not in answer.stderr
