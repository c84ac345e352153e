"""Notes on the page of all runs: written in a run's details, shown and filtered by in the table."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.runs.notes import change_note, make_note, read_note, write_note
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page, words

KEEP = "Keep the note"


def test_note_written_on_a_shipped_run_is_kept_and_the_run_stays_as_it_is(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    before = {path.name: path.read_bytes() for path in (shipped.root / run_id).iterdir()}
    app = open_page(Page.RUNS, run=run_id)

    app.text_area(key=f"note_{run_id}").input("  worth a second look\n")
    app.multiselect(key=f"tags_{run_id}").set_value([])
    app = next(button for button in app.button if button.label == KEEP).click().run()

    assert not app.exception
    note = read_note(run_id)
    assert note is not None
    assert note.text == "worth a second look"
    assert {path.name: path.read_bytes() for path in (shipped.root / run_id).iterdir()} == before


def test_tags_are_a_column_and_a_filter(shipped: RunStore) -> None:
    tagged, other = shipped.ids()[:2]
    write_note(tagged, make_note("", ["baseline", "slow"]))
    write_note(other, make_note("", ["slow"]))
    app = open_page(Page.RUNS)
    rows = {row["run_id"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert list(rows[tagged]["tags"]) == ["baseline", "slow"]
    assert app.multiselect(key="f_tags").options == ["baseline", "slow"]

    app = app.multiselect(key="f_tags").set_value(["baseline"]).run()

    assert app.dataframe[0].value["run_id"].tolist() == [tagged]


def test_without_tags_there_is_no_filter_by_them(shipped: RunStore) -> None:
    assert "f_tags" not in [box.key for box in open_page(Page.RUNS).multiselect]


def test_note_that_cannot_be_kept_says_why(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    neft_home().mkdir(parents=True, exist_ok=True)
    (neft_home() / "notes").write_text("a file in the way", encoding="utf-8")
    app = open_page(Page.RUNS, run=run_id)

    app.text_area(key=f"note_{run_id}").input("x")
    app = next(button for button in app.button if button.label == KEEP).click().run()

    assert not app.exception
    assert f"Not kept: The note on run '{run_id}' cannot be written" in words(app)


def test_note_that_cannot_be_read_is_named_while_the_rest_works(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("x"))
    (neft_home() / "notes" / f"{run_id}.json").write_text("{", encoding="utf-8")

    app = open_page(Page.RUNS, run=run_id)

    assert not app.exception
    assert "1 notes cannot be read" not in words(app)
    assert "1 note cannot be read" in words(app)
    assert "Keeping a new one replaces it." in words(app)


def keep(app: AppTest) -> AppTest:
    return next(button for button in app.button if button.label == KEEP).click().run()


def test_note_changes_by_what_the_form_changed_alone(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("first", ["a", "b"]))
    app = open_page(Page.RUNS, run=run_id)
    change_note(run_id, lambda last: make_note("from elsewhere", (*last.tags, "meanwhile")))

    app.multiselect(key=f"tags_{run_id}").set_value(["a", "mine"])
    app = keep(app)

    note = read_note(run_id)
    assert note is not None
    assert (note.text, set(note.tags)) == ("from elsewhere", {"a", "meanwhile", "mine"})
    assert app.text_area(key=f"note_{run_id}").value == "from elsewhere"
    assert set(app.multiselect(key=f"tags_{run_id}").value) == set(note.tags)


def test_text_that_was_changed_elsewhere_too_is_told_and_neither_is_lost(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("first", ["a"]))
    app = open_page(Page.RUNS, run=run_id)
    change_note(run_id, lambda last: make_note("from elsewhere", (*last.tags, "meanwhile")))

    app.text_area(key=f"note_{run_id}").input("mine")
    app = keep(app)

    kept = read_note(run_id)
    assert kept is not None
    assert kept.text == "from elsewhere"
    assert "changed elsewhere meanwhile" in words(app)
    assert "from elsewhere" in [text.value for text in app.text]
    assert app.text_area(key=f"note_{run_id}").value == "mine"

    app = keep(app)  # knowing what is there

    kept = read_note(run_id)
    assert kept is not None
    assert (kept.text, kept.tags) == ("mine", ("a", "meanwhile"))
    assert "Not kept" not in words(app)


def test_note_that_was_changed_elsewhere_is_shown_where_nothing_is_typed(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("first"))
    app = open_page(Page.RUNS, run=run_id)
    write_note(run_id, make_note("second"))

    app = app.run()

    assert app.text_area(key=f"note_{run_id}").value == "second"


def test_text_that_was_removed_elsewhere_is_told_so(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("first"))
    app = open_page(Page.RUNS, run=run_id)
    write_note(run_id, make_note(""))
    app.text_area(key=f"note_{run_id}").input("mine")

    app = keep(app)

    assert "what is there now: nothing." in words(app)
    assert app.text_area(key=f"note_{run_id}").value == "mine"


def test_note_that_could_not_be_read_is_replaced(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    write_note(run_id, make_note("x"))
    (neft_home() / "notes" / f"{run_id}.json").write_text("{", encoding="utf-8")
    app = open_page(Page.RUNS, run=run_id)

    app.text_area(key=f"note_{run_id}").input("new")
    app = keep(app)

    note = read_note(run_id)
    assert note is not None
    assert note.text == "new"


def test_deleted_run_leaves_no_note(own_run: RunRecord) -> None:
    write_note(own_run.id, make_note("x"))
    app = open_page(Page.RUNS, run=own_run.id)

    app = app.button(key=f"delete_{own_run.id}").click().run()

    assert not app.exception
    assert read_note(own_run.id) is None


def test_curve_in_the_table_is_the_stored_accuracy(shipped: RunStore) -> None:
    rows = {row["run_id"]: row for row in open_page(Page.RUNS).dataframe[0].value.to_dict("records")}

    for record in shipped.list().records:
        means = [row.metrics["accuracy"].mean for row in record.summary.test]
        assert list(rows[record.id]["curve"]) == pytest.approx([100 * mean for mean in means if mean], abs=0.01)
