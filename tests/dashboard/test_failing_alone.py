"""What fails on a page fails alone: a sentence in its place, the traceback in the log, the rest of the page there."""

import ast
import logging
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.guards import TRACEBACKS
from neft.errors import NeftError
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import ROOT, charts, open_page

DRAWING = {"chart_card", "empty_card", "shown_table", "draw_chart"}
"""What draws a card or a part of it."""
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


def drawing_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for folder in ("app_pages", "widgets", "lessons"):
        for path in sorted((ROOT / "dashboard" / folder).glob("*.py")):
            if path.name in THEMSELVES:
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and DRAWING & called_in(node):
                    yield f"{path.relative_to(ROOT)}: {node.name}", node


def called_in(node: ast.AST) -> set[str]:
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return {func.id for func in calls if isinstance(func, ast.Name)}


def test_every_function_that_draws_a_card_fails_alone() -> None:
    found = dict(drawing_functions())
    assert len(found) > 80
    for name, node in found.items():
        decorators = {part.id for part in node.decorator_list if isinstance(part, ast.Name)}
        assert "alone" in decorators, name
