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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_queue_survives_a_reload_and_its_first_training_appears_in_the_four_views(page: Page, server: Server) -> None:
    open_page(page, server, "/train?train_as=expert")
    fill(page, "Epochs", "15")
    fill(page, "Width", "0.125")
    page.get_by_text("Training and evaluation in detail").click()
    fill(page, "Chips", "6")
    wait_idle(page)
    expect(page.locator("code:visible", has_text="--epochs 15")).to_contain_text("--num-instances 6")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    fill(page, "Seed", "1")
    page.get_by_role("button", name="Start training").click()
    waiting = page.get_by_text(re.compile("Waiting: 2nd in the queue"))
    expect(waiting).to_be_visible()
    page.reload()
    expect(waiting).to_be_visible()
    expect(page.locator("code:visible", has_text="--epochs 15")).to_contain_text("--seed 1")
    # the newest job stands first; the other one computes
    page.locator("[class*='st-key-job_']").filter(has=waiting).get_by_role("button", name="Cancel").first.click()
    expect(waiting).to_have_count(0)
    expect(page.get_by_text("It had not begun to compute.")).to_be_visible()
    expect(page.get_by_text(re.compile("Finished in"))).to_be_visible(timeout=150_000)
    expect(page.locator(f"[class*='st-key-job_'] {CHART}").first).to_be_visible()
    run_id = stored_ids(server)[0]
    assert run_id.startswith("digits-vgg8w8-ovf-s0.10-seed0-")
    page.get_by_role("link", name="See it in the four views").click()
    for key in ("accuracy", "ekl", "layer_deviations"):
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
    expect(page).to_have_url(re.compile("net=vgg8w8"))
    assert any(trace["name"] == "OVF" for trace in chart_data(page, "accuracy"))
    open_page(page, server, f"/runs?run={run_id}")
    expect(page.get_by_text("Where it came from")).to_be_visible()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_training_can_be_cancelled_and_keeps_its_last_whole_epoch(page: Page, server: Server) -> None:
    before = stored_ids(server)
    open_page(page, server, "/train?train_as=expert")
    fill(page, "Epochs", "500")
    wait_idle(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 500 epochs"))).to_be_visible(timeout=90_000)
    card = page.locator("[class*='st-key-job_']").filter(has_text="of 500 epochs")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_count(0)
    expect(page.get_by_text(re.compile(r"Cancelled\. Stopped in epoch \d+ of 500"))).to_be_visible()
    assert stored_ids(server) == before
    assert list((server.home / "unfinished").glob("*/state.safetensors"))


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


def fill(page: Page, label: str, value: str) -> None:
    """Type a number into the form."""
    box = page.get_by_label(label, exact=True).locator("visible=true").first
    box.fill(value)
    box.press("Enter")
    wait_idle(page)


def stored_ids(server: Server) -> list[str]:
    """What the user's own store holds."""
    return RunStore(server.home / "runs").ids()
