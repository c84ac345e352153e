"""The worst case's page: offered, searched live, cancelled, and shown again from the store."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import worst_cases
from dashboard.pages import Page
from neft import columns as c
from neft.chips.deployed import ChipLaw
from neft.evaluation.search_settings import SearchSettings
from neft.inspection.worst_case import search_stored
from neft.pipeline import Settings, chip_law, load_data, restore_network
from neft.runs import worst_cases as kept
from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore
from neft.runs.worst_cases import WorstCaseRecord
from tests.dashboard.driver import charts, open_page, traces, words

CHART = "Lowest accuracy found"
LINE = "worst case found"


def a_run(store: RunStore, method: str = "irs") -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def searched(store: RunStore, record: RunRecord, largest: float) -> WorstCaseRecord:
    """A search as the page asks for it, stored."""
    config = stored_config(record)
    data = load_data(config, Settings(store=store))
    network, law = restore_network(config, data, store.weights(record)), chip_law(config)
    assert isinstance(law, ChipLaw)
    *_, last = search_stored(record, network, data, law, th_gs=worst_cases.bounds(largest), settings=SearchSettings())
    assert last.record is not None
    return last.record


def finished(app: AppTest) -> AppTest:
    """The page once its search has ended."""
    for _ in range(200):
        if not [button for button in app.button if button.key == "worst_case_cancel"]:
            return app
        app = app.run()
    pytest.fail("the search does not end")


def test_nothing_is_computed_until_asked_for(shipped: RunStore) -> None:
    app = open_page(Page.WORST_CASE, run=a_run(shipped).id)

    assert not app.exception
    assert not charts(app)
    assert "if an adversary chooses them" in words(app)
    assert f"neft worst-case {a_run(shipped).id} --th-g 0:0.05:0.01" in words(app)


def test_a_search_ends_with_its_finding_and_is_stored(shipped: RunStore) -> None:
    record = a_run(shipped)
    app = open_page(Page.WORST_CASE, run=record.id, bound="0.1")

    app = finished(app.button(key="worst_case_search").click().run())

    assert not app.exception
    (stored,) = kept.listed(record).records
    (line,) = [trace for trace in traces(app, CHART) if trace.get("name") == LINE]
    assert line["x"] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1])
    assert line["y"] == pytest.approx([100 * row.accuracy for row in stored.rows])
    assert "a better search may find lower" in words(app)
    clean = record.summary.at(0.0)
    assert clean is not None
    assert line["y"][0] == pytest.approx(100 * (clean.metrics["accuracy"].mean or 0))


def test_a_stored_result_is_shown_at_once_with_the_worst_chip_beside(shipped: RunStore) -> None:
    record = a_run(shipped)
    stored = searched(shipped, record, 0.01)

    app = open_page(Page.WORST_CASE, run=record.id, bound="0.01")

    assert not app.exception
    assert not [button for button in app.button if button.key in ("worst_case_search", "worst_case_cancel")]
    drawn = {trace.get("name", ""): trace for trace in traces(app, CHART)}
    assert drawn[LINE]["y"] == pytest.approx([100 * row.accuracy for row in stored.rows])
    chips = shipped.instances(record)
    lowest = chips[chips[c.SIGMA_D] == record.facts.train_sigma_d][c.ACCURACY].min()
    (chip,) = [trace for name, trace in drawn.items() if name.startswith("worst of")]
    assert chip["y"] == pytest.approx([100 * lowest] * 2)
    assert "and stored." in words(app)


def test_a_cancelled_search_stores_nothing_and_can_go_on(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 0.0)  # a pass at a time
    app = open_page(Page.WORST_CASE, run=a_run(shipped).id)
    app = app.button(key="worst_case_search").click().run()

    app = app.button(key="worst_case_cancel").click().run()

    assert not app.exception
    assert [button.key for button in app.button if button.key == "worst_case_search"]
    assert not (neft_home() / "worst_cases").exists()


def test_a_file_that_cannot_be_read_is_named_and_the_search_offered(shipped: RunStore) -> None:
    record = a_run(shipped)
    key = kept.key_of(record.files[WEIGHTS].sha256, worst_cases.bounds(0.05), SearchSettings())
    folder = neft_home() / "worst_cases" / record.id
    folder.mkdir(parents=True)
    (folder / f"{key}.safetensors").write_bytes(b"no tensors")

    app = open_page(Page.WORST_CASE, run=record.id)

    assert not app.exception
    assert "cannot be used: it is no worst case. Delete the file" in words(app)
    assert [button.key for button in app.button if button.key == "worst_case_search"]


def test_what_cannot_be_stored_is_said(shipped: RunStore) -> None:
    neft_home().mkdir(parents=True, exist_ok=True)
    (neft_home() / "worst_cases").write_text("in the way")
    app = open_page(Page.WORST_CASE, run=a_run(shipped, "vanilla").id, bound="0.01")

    app = app.button(key="worst_case_search").click().run()
    for _ in range(200):
        if app.error or app.exception:
            break
        app = app.run()

    assert not app.exception
    assert "cannot be written" in words(app)


@pytest.mark.parametrize("address", [{"run": "../../etc"}, {"run": ["a", "b"]}, {"bound": "nan"}, {"bound": "7"}])
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.WORST_CASE, **address)

    assert not app.exception
    assert app.select_slider(key="bound").value == "0.05"


def test_without_weights_there_is_a_way_on(shipped: RunStore) -> None:
    for record in shipped.list().records:
        (shipped.root / record.id / WEIGHTS).unlink()
        without = record.model_copy(update={"files": {k: v for k, v in record.files.items() if k != WEIGHTS}})
        _ = (shipped.root / record.id / RECORD).write_text(without.model_dump_json())

    app = open_page(Page.WORST_CASE)

    assert not app.exception
    assert "no stored run kept its weights" in words(app)
