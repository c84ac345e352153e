"""The card of a run that says which step costs it: offered, computed live, stored, shown again."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import waterfalls
from dashboard.pages import Page
from neft.runs import waterfalls as kept
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore
from tests.dashboard.driver import charts, open_page, traces, words

CHART = "Accuracy after each of"


@pytest.fixture(autouse=True)
def _few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waterfalls, "NUM_CHIPS", 3)


def a_run(store: RunStore) -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == "irs")


def asked(app: AppTest, record: RunRecord) -> AppTest:
    """The page once the way down has ended."""
    app = app.button(key=f"waterfall_ask_{record.id}").click().run()
    for _ in range(100):
        if not app.get("progress"):
            return app
        app = app.run()
    pytest.fail("it does not end")


def test_nothing_is_computed_until_asked_for(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.RUNS, run=record.id)

    assert not app.exception
    assert f"neft waterfall {record.id}" in words(app)
    assert not [alt for alt in charts(app) if alt.startswith(CHART)]


def test_it_ends_with_its_finding_and_is_stored(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = asked(open_page(Page.RUNS, run=record.id), record)

    assert not app.exception
    stored = kept.find(record, record.facts.train_sigma_d, 3)
    assert stored is not None
    assert " go to " in words(app)
    bars = traces(app, CHART)[0]
    assert bars["base"] == pytest.approx([100 * sum(one.accuracies) / len(one.accuracies) for one in stored.steps])


def test_what_is_stored_is_shown_at_once(shipped: RunStore) -> None:
    record = a_run(shipped)
    _ = asked(open_page(Page.RUNS, run=record.id), record)

    app = open_page(Page.RUNS, run=record.id)

    assert [alt for alt in charts(app) if alt.startswith(CHART)]
    assert not [one for one in app.button if one.key == f"waterfall_ask_{record.id}"]


def test_a_file_that_cannot_be_read_is_named_and_it_is_offered_again(shipped: RunStore) -> None:
    record = a_run(shipped)
    key = kept.key_of(record.files[WEIGHTS].sha256, record.facts.train_sigma_d, 3)
    path = kept.neft_home() / "waterfalls" / record.id / f"{key}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")

    app = open_page(Page.RUNS, run=record.id)

    assert not app.exception
    assert "it is no waterfall. Delete the file" in words(app)
    assert [one for one in app.button if one.key == f"waterfall_ask_{record.id}"]


def test_what_cannot_be_stored_is_said(shipped: RunStore) -> None:
    record = a_run(shipped)
    kept.neft_home().mkdir(parents=True, exist_ok=True)
    (kept.neft_home() / "waterfalls").write_text("in the way")

    app = asked(open_page(Page.RUNS, run=record.id), record)

    assert not app.exception
    assert "cannot be written" in words(app)


def test_of_a_run_without_weights_it_is_not_offered(shipped: RunStore) -> None:
    record = a_run(shipped)
    (shipped.root / record.id / WEIGHTS).unlink()
    without = record.model_copy(update={"files": {k: v for k, v in record.files.items() if k != WEIGHTS}})
    _ = (shipped.root / record.id / RECORD).write_text(without.model_dump_json())

    app = open_page(Page.RUNS, run=record.id)

    assert not app.exception
    assert "neft waterfall" not in words(app)
