"""What a play button sends to the browser: at every stop what the page shows there, and nothing is drawn for it."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page

SLIDER = "at"
FIXED = "fixed"
"""How the small store has more than one stop."""


def component(app: AppTest) -> dict[str, Any]:
    """What the button was told."""
    (found,) = [one.proto for one in app.get("bidi_component") if one.proto.component_name == "player"]
    return json.loads(found.json)


def played(app: AppTest) -> list[dict[str, Any]]:
    """The frames after a click, as the page's next run sends them."""
    app.session_state[f"{SLIDER}_frames_wanted"] = True
    app = app.run()
    assert not app.exception
    return json.loads(component(app)["stops"])


def drawn(app: AppTest) -> dict[str, Any]:
    """A page's charts by the keys of their cards, as the browser is told to draw them."""
    assert not app.exception
    return {chart.proto.id.rpartition("chart_")[2]: json.loads(chart.proto.spec) for chart in app.get("plotly_chart")}


def test_frame_of_every_stop_is_what_the_page_draws_there(shipped: RunStore) -> None:
    stops = played(open_page(Page.EXPLORE, read=FIXED))

    assert [stop["name"] for stop in stops] == ["0", "0.1", "0.2"]
    for stop in stops:
        page = drawn(open_page(Page.EXPLORE, read=FIXED, at=stop["name"]))
        assert {key: chart["data"] for key, chart in stop["charts"].items()} == {
            key: page[key]["data"] for key in stop["charts"]
        }
        assert set(stop["charts"]) == set(page) - {"plotly_ahead_chart"}


def test_captions_of_cards_move_with_their_charts(shipped: RunStore) -> None:
    stops = played(open_page(Page.EXPLORE, read=FIXED))

    told = [stop["words"][".st-key-card_ekl [data-testid='stCaptionContainer']"] for stop in stops]
    assert ["= 0;" in told[0], "= 0.1;" in told[1], "= 0.2;" in told[2]] == [True] * 3


def test_frames_are_made_at_a_click_alone(shipped: RunStore) -> None:
    app = open_page(Page.EXPLORE, read=FIXED)
    before = drawn(app)
    assert "stops" not in component(app)

    _ = played(app)

    assert drawn(app) == before, "a rehearsal shows nothing"
    assert "stops" not in component(app.run())


def test_frames_are_known_to_be_of_another_page_once_a_choice_changes(shipped: RunStore) -> None:
    first = component(open_page(Page.EXPLORE, read=FIXED))["made"]

    assert component(open_page(Page.EXPLORE, read=FIXED, at="0.2"))["made"] == first, (
        "the slider itself changes nothing"
    )
    assert component(open_page(Page.EXPLORE, read=FIXED, methods="ovf"))["made"] != first
