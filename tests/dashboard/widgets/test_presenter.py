"""Presenting: large type and no sidebar, from page to page, until it is ended."""

from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page


def is_large(app: AppTest) -> bool:
    """Whether a page has the presenter's style."""
    assert not app.exception
    return any("stSidebar" in element.proto.body for element in app.get("html"))


def test_presenting_outlasts_a_page_switch_and_the_address_goes_on_saying_so() -> None:
    app = open_page(Page.GLOSSARY, present="1")
    assert is_large(app)

    app = app.switch_page(Page.TRAIN.file).run()

    assert is_large(app)
    assert list(app.query_params["present"]) == ["1"]


def test_presenting_ends_at_a_click_and_leaves_the_address() -> None:
    app = open_page(Page.GLOSSARY, present="1").button(key="presenter").click().run()

    assert not is_large(app)
    assert "present" not in app.query_params


def test_pages_are_drawn_for_the_desk_unless_asked_otherwise() -> None:
    app = open_page(Page.GLOSSARY)
    assert not is_large(app)

    assert is_large(app.button(key="presenter").click().run())


def test_charts_are_higher_while_presenting(shipped: RunStore) -> None:
    usual, large = (
        [chart.proto.spec.partition('"height":')[2].partition(",")[0] for chart in app.get("plotly_chart")]
        for app in (open_page(Page.WEIGHTS), open_page(Page.WEIGHTS, present="1"))
    )

    assert [round(1.2 * float(height)) for height in usual if height] == [float(height) for height in large if height]
    assert any(usual)
