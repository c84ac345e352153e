"""What fails on a page fails alone: a sentence in its place, the traceback in the log, the rest of the page there."""

import ast
import logging
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import charts as all_charts
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.guards import TRACEBACKS
from neft.errors import NeftError
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import ROOT, charts, open_page

DRAWING = {"chart_card", "empty_card", "shown_table", "draw_chart"}
"""What draws a card or a part of it."""
OF_STREAMLIT = {"plotly_chart", "dataframe", "table", "data_editor", "altair_chart", "image"}
NO_CHARTS: set[str] = set()
THEMSELVES = {"chart_card.py", "shown_table.py"}


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


@pytest.mark.parametrize(("name", "page"), [("runs", Page.EXPLORE), ("jobs", Page.TRAIN)])
def test_page_whose_folder_cannot_be_read_says_so_in_a_sentence(name: str, page: Page) -> None:
    neft_home().mkdir()
    (neft_home() / name).symlink_to(name)

    (said,) = refusals(open_page(page))
    (neft_home() / name).unlink()  # which ends the test's jobs read as well

    assert said == f"'{foreign(str(neft_home() / name))}' cannot be read: Too many levels of symbolic links."


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
