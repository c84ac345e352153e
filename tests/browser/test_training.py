"""Trainings that a user starts, cancels and finds again, on a server of their own: what they store shows everywhere."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from neft.runs.store import RunStore
from tests.browser.conftest import serve
from tests.browser.driver import CHART, Server, chart_data, open_page, wait_idle

EPOCHS = "45"
"""So many that the first training still runs when a busy machine has drawn the page again."""


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard in whose home runs may be stored."""
    yield from serve(tmp_path_factory.mktemp("training"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_queue_survives_a_reload_and_its_first_training_appears_in_the_four_views(
    page: Page, own_server: Server
) -> None:
    open_page(page, own_server, "/train?train_as=expert")
    fill(page, "Epochs", EPOCHS)
    fill(page, "Width", "0.125")
    page.get_by_text("Training and evaluation in detail").click()
    fill(page, "Chips", "6")
    wait_idle(page)
    expect(page.locator("code:visible", has_text=f"--epochs {EPOCHS}")).to_contain_text("--num-instances 6")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    fill(page, "Seed", "1")
    wait_idle(page)  # while the page is drawn anew there may be two buttons
    page.get_by_role("button", name="Start training").click()
    waiting = page.get_by_text(re.compile("Waiting: 2nd in the queue"))
    expect(waiting).to_be_visible()
    page.reload()
    expect(waiting).to_be_visible()
    expect(page.locator("code:visible", has_text=f"--epochs {EPOCHS}")).to_contain_text("--seed 1")
    # the newest job stands first; the other one computes
    page.locator("[class*='st-key-job_']").filter(has=waiting).get_by_role("button", name="Cancel").first.click()
    expect(waiting).to_have_count(0)
    expect(page.get_by_text("It had not begun to compute.")).to_be_visible()
    expect(page.get_by_text(re.compile("Finished in"))).to_be_visible(timeout=150_000)
    expect(page.locator(f"[class*='st-key-job_'] {CHART}").first).to_be_visible()
    run_id = stored_ids(own_server)[0]
    assert run_id.startswith("digits-vgg8w8-ovf-s0.10-seed0-")
    page.get_by_role("link", name="See it in the four views").click()
    for key in ("accuracy", "ekl", "layer_deviations"):
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
    expect(page).to_have_url(re.compile("net=vgg8w8"))
    assert any(trace["name"] == "OVF" for trace in chart_data(page, "accuracy"))
    open_page(page, own_server, f"/runs?run={run_id}")
    expect(page.get_by_text("Where it came from")).to_be_visible()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_training_can_be_cancelled_and_keeps_its_last_whole_epoch(page: Page, own_server: Server) -> None:
    before = stored_ids(own_server)
    open_page(page, own_server, "/train?train_as=expert")
    fill(page, "Epochs", "500")
    wait_idle(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 500 epochs"))).to_be_visible(timeout=90_000)
    card = page.locator("[class*='st-key-job_']").filter(has_text="of 500 epochs")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_count(0)
    expect(page.get_by_text(re.compile(r"Cancelled\. Stopped in epoch \d+ of 500"))).to_be_visible()
    assert stored_ids(own_server) == before
    assert list((own_server.home / "unfinished").glob("*/state.safetensors"))


def fill(page: Page, label: str, value: str) -> None:
    """Type a number into the form."""
    box = page.get_by_label(label, exact=True).locator("visible=true").first
    box.fill(value)
    box.press("Enter")
    wait_idle(page)


def stored_ids(server: Server) -> list[str]:
    """What the user's own store holds."""
    return RunStore(server.home / "runs").ids()
