"""Experiments and claims as a user meets them."""

import re

import pytest
from playwright.sync_api import Page, expect

from neft.experiments.questions import EXPERIMENTS
from neft.runs.plans import load_plans
from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.driver import CHART, Server, chart_data, open_page, wait_idle

TERMS, HEADS = EXPERIMENTS["feedback_terms"], EXPERIMENTS["classifier_noise"]

VERDICTS = {"supported", "opposite", "no effect beyond the margin", "undecided"}


def choose(page: Page, title: str) -> None:
    """Choose an experiment in the sidebar."""
    page.get_by_role("radiogroup", name="Experiment").get_by_text(title, exact=True).click()
    expect(page.get_by_role("radio", name=title)).to_be_checked()
    wait_idle(page)


def test_another_experiment_brings_its_own_chart_and_table(page: Page, server: Server) -> None:
    open_page(page, server, "/experiments")
    choose(page, TERMS.title)
    expect(page.get_by_text(TERMS.question)).to_be_visible()
    expect(page.locator(f".st-key-card_feedback_terms {CHART}").first).to_be_visible()
    compared = page.locator(".st-key-reference_feedback_terms input")
    expect(compared).to_have_value(re.compile("same setting"))
    choose(page, HEADS.title)
    expect(page.get_by_text(HEADS.question)).to_be_visible()
    expect(page.locator(f".st-key-card_classifier_noise {CHART}").first).to_be_visible()
    expect(page.locator(".st-key-card_feedback_terms")).to_have_count(0)
    expect(page.locator(".st-key-reference_classifier_noise input")).to_have_value(re.compile("no feedback"))
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)


def test_the_longest_table_of_differences_is_whole_on_a_laptop(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    open_page(page, server, f"/experiments?experiment={EXPERIMENTS['batchnorm'].title}")
    table = page.locator(".st-key-card_differences .dvn-scroller")
    expect(table).to_be_visible()
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_point_of_an_experiment_is_the_mean_of_the_stored_chips(page: Page, server: Server) -> None:
    store, plan = RunStore(CACHED_RUNS), load_plans(CACHED_RUNS)[0]["paper_digits"]
    runs = [
        store.record(entry.run_id)
        for entry in plan.entries
        if (entry.experiment, entry.series, entry.setting) == ("feedback_terms", "ovf", "n_3")
    ]
    assert runs
    means = [float(store.instances(run).query("abs(sigma_d - 0.1) < 1e-9")["accuracy"].mean()) for run in runs]
    open_page(page, server, f"/experiments?experiment={TERMS.title}")
    (drawn,) = [trace for trace in chart_data(page, "feedback_terms") if trace["name"] == "OVF"]
    assert drawn["y"][2] == pytest.approx(100 * sum(means) / len(means), abs=1e-6)


def test_published_figures_are_hollow_marks_with_a_legend(page: Page, server: Server) -> None:
    open_page(page, server, f"/experiments?experiment={TERMS.title}")
    legend = page.locator(".st-key-card_feedback_terms .legendtext", has_text="(published)")
    expect(page.locator(f".st-key-card_feedback_terms {CHART}").first).to_be_visible()
    expect(legend).to_have_count(0)
    page.get_by_text("Published figures", exact=True).click()
    expect(legend).to_have_count(2)
    expect(page.get_by_text("Hollow: published for ResNet-18 on CIFAR-10")).to_be_visible()
    expect(page).to_have_url(re.compile("paper=true"))


def test_the_address_of_an_experiment_opens_it_elsewhere(page: Page, server: Server) -> None:
    open_page(page, server, "/experiments")
    choose(page, TERMS.title)
    expect(page).to_have_url(re.compile("experiment=feedback_terms"))
    second = page.context.new_page()
    open_page(second, server, page.url.removeprefix(server.url))
    expect(second.get_by_role("radio", name=TERMS.title)).to_be_checked()
    expect(second.get_by_text(TERMS.question)).to_be_visible()
    expect(second.locator(f".st-key-card_feedback_terms {CHART}").first).to_be_visible()


def test_claims_stand_in_two_groups_with_forests(page: Page, server: Server) -> None:
    open_page(page, server, "/claims")
    for head in ("Claims of the paper", "What the controls say"):
        expect(page.get_by_role("heading", name=head)).to_be_visible()
    for key in ("forest_paper_points", "forest_ours_points"):
        expect(page.locator(f".st-key-card_{key} {CHART}").first).to_be_visible()
        names = {trace["name"] for trace in chart_data(page, key)}
        assert names & VERDICTS
    expect(page.locator(".st-key-card_forest_paper_points .legendtext", has_text="published")).to_be_visible()


def test_a_pill_leaves_out_what_was_run_on_other_data(page: Page, server: Server) -> None:
    open_page(page, server, "/claims")
    everywhere = num_estimates(page)
    pills = page.get_by_test_id("stButtonGroup").get_by_role("button")
    names = [name for text in pills.all_inner_texts() if (name := text.strip())]  # the button of the help has no text
    for name in names[1:]:
        pills.get_by_text(name, exact=True).click()
        wait_idle(page)
    expect(page).to_have_url(re.compile(r"/claims\?.*on="))
    for _ in range(60):  # the picture comes after the address
        if num_estimates(page) < everywhere:
            break
        page.wait_for_timeout(500)
    assert 0 < num_estimates(page) < everywhere


def num_estimates(page: Page) -> int:
    """How many of the paper's claims on accuracy are drawn."""
    return sum(len(trace["x"]) for trace in chart_data(page, "forest_paper_points") if trace["name"] in VERDICTS)
