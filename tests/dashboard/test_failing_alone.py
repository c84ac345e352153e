"""What fails on a page fails alone: a sentence in its place, the traceback in the log, the rest of the page there."""

import ast
import inspect
import logging
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import charts as all_charts
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.guards import TRACEBACKS
from neft.errors import NeftError
from neft.runs.events import Finished
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import HISTORY, INSTANCES, LAYERS, RECORD, RunStore
from tests.dashboard.driver import ROOT, charts, epoch, open_page, words, write_job

DRAWING = {"chart_card", "empty_card", "shown_table", "draw_chart"}
"""What draws a card or a part of it."""
OF_STREAMLIT = {"plotly_chart", "dataframe", "table", "data_editor", "altair_chart", "image"}
NO_CHARTS = {"small_input"}
"""Of what `dashboard.charts` makes, what is a text."""
THEMSELVES = {"plotly_ahead.py", "chart_card.py", "shown_table.py"}


@pytest.fixture(autouse=True)
def _as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACEBACKS)


def failing(error: Exception) -> object:
    def fail(*_values: object, **_named: object) -> None:
        raise error

    return fail


def refusals(app: AppTest) -> list[str]:
    assert not app.exception
    return [error.value for error in app.error]


def test_card_that_fails_says_so_and_leaves_the_others(
    shipped: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dashboard.charts.hardware_parts", failing(KeyError("lost")))
    with caplog.at_level(logging.ERROR):
        app = open_page(Page.HARDWARE)

    (said,) = refusals(app)
    assert said == "This card cannot be drawn (KeyError: 'lost'). The server's log says where it failed."
    assert any(chart.startswith("Accuracy against") for chart in charts(app))
    assert "Traceback" in caplog.text
    assert "in hardware_card" in caplog.text


def test_refusal_of_a_card_is_its_own_sentence_and_no_traceback(
    shipped: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dashboard.charts.hardware_parts", failing(NeftError("The run says nothing of it.")))
    with caplog.at_level(logging.ERROR):
        app = open_page(Page.HARDWARE)

    assert refusals(app) == ["The run says nothing of it."]
    assert "Traceback" not in caplog.text


def test_page_that_fails_says_so_and_the_others_can_be_gone_to(
    shipped: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.data.hardware.networks", failing(ValueError("no such thing")))
    app = open_page(Page.HARDWARE)

    (said,) = refusals(app)
    assert said.startswith("This page cannot be drawn (ValueError: no such thing).")
    assert not refusals(app.switch_page(Page.RUNS.file).run())


@pytest.mark.parametrize("text", ["[a](http://b.c)", "![x](https://a.b/c.png)", "line\nand another", "x" * 1000])
def test_what_went_wrong_is_told_in_one_short_line_without_markup(
    shipped: RunStore, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("dashboard.charts.hardware_parts", failing(ValueError(text)))

    (said,) = refusals(open_page(Page.HARDWARE))

    assert len(said) <= 500
    assert "\n" not in said
    assert foreign(text.partition("\n")[0][:100]) in said


def test_a_developer_may_see_the_traceback_on_the_page(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACKS, "1")
    monkeypatch.setattr("dashboard.charts.hardware_parts", failing(KeyError("lost")))

    assert open_page(Page.HARDWARE).exception


def test_fragment_that_fails_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        import streamlit as st  # noqa: PLC0415 - runs on its own

        from dashboard.widgets.guards import failing_alone  # noqa: PLC0415

        @st.fragment
        def part() -> None:
            raise ValueError("lost")  # noqa: EM101

        with failing_alone("This page cannot be drawn"):
            part()

    app = AppTest.from_function(script, default_timeout=30).run()

    assert len(app.exception) == 1
    assert not app.error


@pytest.mark.parametrize(
    ("name", "page", "words"),
    [
        ("runs", Page.EXPLORE, "'{}' cannot be read: Too many levels of symbolic links."),
        ("jobs", Page.TRAIN, "The jobs cannot be listed in '{}': Too many levels of symbolic links."),
    ],
)
def test_page_whose_folder_cannot_be_read_says_so_in_a_sentence(name: str, page: Page, words: str) -> None:
    neft_home().mkdir()
    (neft_home() / name).symlink_to(name)

    said = refusals(open_page(page))
    (neft_home() / name).unlink()  # which ends the test's jobs read as well

    assert said == [words.format(foreign(str(neft_home() / name)))]


# ---------------------------------------------------------------- the way to delete
def is_whole_without_its_cards(app: AppTest, run_id: str) -> bool:
    """Whether a run's settings, where it came from and the way to delete it are there."""
    said = words(app)
    told = "Where it came from" in said and "Config as JSON" in str([one.proto for one in app.get("download_button")])
    return told and len(app.json) > 0 and app.button(key=f"delete_{run_id}").label == "Delete it"


@pytest.mark.parametrize("name", [INSTANCES, HISTORY, LAYERS])
def test_run_whose_tables_are_damaged_keeps_its_settings_and_can_be_deleted(own_run: RunRecord, name: str) -> None:
    (neft_home() / "runs" / own_run.id / name).write_bytes(b"torn")

    app = open_page(Page.RUNS, run=own_run.id)

    assert f"{name} is not the file that was stored" in refusals(app)[0]
    assert is_whole_without_its_cards(app, own_run.id)
    assert not app.button(key=f"delete_{own_run.id}").click().run().exception
    assert RunStore(neft_home() / "runs").ids() == []


def test_run_of_which_nothing_can_be_drawn_can_be_deleted(own_run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in every_chart():
        monkeypatch.setattr(f"dashboard.charts.{name}", failing(KeyError(name)))
    for place in ("stored.results", "stored.converters", "stored.layers", "comparisons.accuracy_lines"):
        monkeypatch.setattr(f"dashboard.data.{place}", failing(ValueError(place)))

    app = open_page(Page.RUNS, run=own_run.id)

    assert len(refusals(app)) >= 4
    assert all(error.startswith("This card cannot be drawn") for error in refusals(app))
    assert is_whole_without_its_cards(app, own_run.id)


@pytest.mark.parametrize("others", [True, False])
def test_own_run_that_cannot_even_be_listed_can_be_deleted(
    own_run: RunRecord, shipped: RunStore, *, others: bool
) -> None:
    (neft_home() / "runs" / own_run.id / RECORD).write_bytes(b"{")
    if not others:
        for run_id in shipped.ids():
            RunStore(shipped.root).delete(run_id)

    app = open_page(Page.RUNS)

    assert own_run.id.partition("-")[0] in words(app)
    assert not app.button(key=f"delete_{own_run.id}").click().run().exception
    assert not (neft_home() / "runs" / own_run.id).exists()


def test_shipped_run_that_cannot_be_listed_is_not_offered_to_be_deleted(shipped: RunStore) -> None:
    (shipped.root / shipped.ids()[0] / RECORD).write_bytes(b"{")

    app = open_page(Page.RUNS)

    assert "1 stored run cannot be read" in [one.label for one in app.expander]
    assert [one.key for one in app.button if str(one.key).startswith("delete_")] == []


def test_job_whose_curves_cannot_be_drawn_leaves_the_page_and_the_other_jobs(
    nothing_shipped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"20260101-000000-00000{number}" for number in range(2)]
    for job_id in ids:
        _ = write_job(job_id, [epoch(1), Finished()])
    for name in every_chart():
        monkeypatch.setattr(f"dashboard.charts.{name}", failing(KeyError(name)))

    app = open_page(Page.TRAIN, train_as="expert")

    assert [said.partition(" (")[0] for said in refusals(app)] == ["This card cannot be drawn"] * len(ids)
    assert all(app.button(key=f"forget_{job_id}") for job_id in ids)
    assert [button.label for button in app.button if button.label == "Start training"]


def every_chart() -> list[str]:
    """The functions of `dashboard.charts` that draw."""
    return [name for name, drawn in vars(all_charts).items() if inspect.isfunction(drawn)]


# ---------------------------------------------------------------- whatever is drawn is drawn by what fails alone
def is_drawing(call: ast.expr) -> bool:
    """Whether a call draws: one of `DRAWING`, a chart of `dashboard.charts`, a chart or a table of Streamlit's."""
    match call:
        case ast.Name(id=name):
            return name in DRAWING
        case ast.Attribute(value=ast.Name(id="charts"), attr=name):
            return callable(getattr(all_charts, name)) and name not in NO_CHARTS
        case ast.Attribute(value=ast.Name(id="st"), attr=name):
            return name in OF_STREAMLIT
        case _:
            return False


def drawing_functions() -> Iterator[tuple[str, bool]]:
    """Every function that draws by itself, and whether nothing calls it but what fails alone."""
    for folder in ("app_pages", "widgets", "lessons"):
        for path in sorted((ROOT / "dashboard" / folder).glob("*.py")):
            if path.name in THEMSELVES:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            for name, node in functions.items():
                if any(is_drawing(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)):
                    yield f"{path.relative_to(ROOT)}: {name}", fails_alone(name, functions, frozenset())


def fails_alone(name: str, functions: dict[str, ast.FunctionDef], seen: frozenset[str]) -> bool:
    if "alone" in {part.id for part in functions[name].decorator_list if isinstance(part, ast.Name)}:
        return True
    callers = {caller for caller, node in functions.items() if caller != name and mentions(node, name)} - seen
    return bool(callers) and all(fails_alone(caller, functions, seen | {name}) for caller in callers)


def mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def test_every_function_that_draws_a_card_fails_alone() -> None:
    found = dict(drawing_functions())

    assert len(found) > 80
    assert [name for name, is_alone in found.items() if not is_alone] == []
