"""What was selected among the results goes along to the pages of one network, and to Compare."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import address
from dashboard.pages import Page
from neft.experiments.questions import CONTROL
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page

ONE_NETWORK = (Page.CHIP, Page.VOTES, Page.PREVIEW, Page.SCHEMES, Page.WORST_CASE, Page.DEVICE)


def of(store: RunStore, variant: str, *, seed: int = 0) -> RunRecord:
    return next(
        record for record in store.list().records if (record.facts.variant, record.facts.seed) == (variant, seed)
    )


def on_to(app: AppTest, page: Page) -> AppTest:
    """Another page of the same session, as its entry in the navigation opens it."""
    for key in list(app.query_params):
        del app.query_params[key]
    return app.switch_page(page.file).run()


@pytest.mark.parametrize("page", ONE_NETWORK, ids=lambda page: page.name.lower())
@pytest.mark.parametrize("variant", ["vanilla", "irs"])
def test_page_of_one_network_begins_with_the_selected_method(shipped: RunStore, page: Page, variant: str) -> None:
    app = on_to(open_page(methods=[variant], read="fixed"), page)

    assert not app.exception
    assert app.selectbox(key=address.RUNS).value == of(shipped, variant).id
    assert app.query_params[address.RUNS] == of(shipped, variant).id


@pytest.mark.parametrize(("page", "key"), [(Page.CHIP, "chip_at"), (Page.VOTES, "votes_at")])
def test_device_variation_of_the_slice_goes_along(shipped: RunStore, page: Page, key: str) -> None:
    app = on_to(open_page(methods=["irs"], read="fixed", at="0.2"), page)

    assert app.select_slider(key=key).value == "0.2"
    assert app.query_params[key] == "0.2"


def test_network_chosen_by_hand_goes_along_until_the_selection_changes(shipped: RunStore) -> None:
    app = on_to(open_page(methods=["ovf", "irs"], read="fixed"), Page.CHIP)
    assert app.selectbox(key=address.RUNS).value == of(shipped, "ovf").id

    app = app.selectbox(key=address.RUNS).select(of(shipped, "irs", seed=1).id).run()
    app = app.select_slider(key="chip_at").set_value("0.2").run()
    app = on_to(app, Page.VOTES)

    assert app.selectbox(key=address.RUNS).value == of(shipped, "irs", seed=1).id
    assert app.select_slider(key="votes_at").value == "0.2"

    app = on_to(app, Page.EXPLORE)
    app = app.sidebar.button_group(key="methods").set_value(["vanilla"]).run()
    app = on_to(app, Page.CHIP)

    assert app.selectbox(key=address.RUNS).value == of(shipped, "vanilla").id


def test_link_to_a_network_overrules_the_selection(shipped: RunStore) -> None:
    app = open_page(methods=["irs"], read="fixed", at="0.2")
    other = of(shipped, "ovf", seed=1)
    for key in list(app.query_params):
        del app.query_params[key]
    app.query_params[address.RUNS] = other.id

    app = app.switch_page(Page.CHIP.file).run()

    assert app.selectbox(key=address.RUNS).value == other.id
    assert app.select_slider(key="chip_at").value == "0.1"


def test_session_without_a_selection_begins_with_feedback_at_the_usual_device_variation(shipped: RunStore) -> None:
    app = open_page(Page.CHIP)

    assert app.selectbox(key=address.RUNS).value == of(shipped, "ovf").id
    assert app.select_slider(key="chip_at").value == "0.1"
    assert dict(app.query_params) == {}


def test_compare_begins_with_a_run_of_each_selected_method_beside_the_control(shipped: RunStore) -> None:
    app = on_to(open_page(methods=["ovf", CONTROL, "irs"], read="fixed", at="0.2"), Page.COMPARE)

    assert not app.exception
    assert app.multiselect(key="compare_run").value == [of(shipped, name).id for name in (CONTROL, "ovf", "irs")]
    assert app.select_slider(key="at").value == "0.2"


def test_compare_follows_a_selection_that_changes(shipped: RunStore) -> None:
    app = on_to(open_page(methods=["ovf", CONTROL], read="fixed"), Page.COMPARE)
    app = on_to(app, Page.EXPLORE)
    app = app.sidebar.button_group(key="methods").set_value(["irs", CONTROL]).run()

    app = on_to(app, Page.COMPARE)

    assert app.multiselect(key="compare_run").value == [of(shipped, CONTROL).id, of(shipped, "irs").id]
