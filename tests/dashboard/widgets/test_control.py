"""A choice as one value: its default stands once, and it is known before it is drawn."""

from typing import Literal

import pytest
from streamlit.testing.v1 import AppTest


def card(kind: "Literal['buttons', 'list', 'radio', 'slider']") -> None:
    """A card whose words are made before its control is drawn."""
    import streamlit as st  # noqa: PLC0415 - the script of an app holds its imports

    from dashboard.widgets.control import Control  # noqa: PLC0415

    control = Control(
        key="unit", label="Unit", options={"w_max": "largest", "rms": "typical"}, default="rms", help="h", kind=kind
    )
    st.markdown(control.chosen())
    st.markdown(control.draw())


def opened(kind: str = "buttons", **said: str) -> AppTest:
    app = AppTest.from_function(card, args=(kind,))
    for key, value in said.items():
        app.query_params[key] = value
    return app.run()


def held(app: AppTest) -> tuple[str, ...]:
    """What the figure and the drawn control say."""
    assert not app.exception
    assert not app.warning
    return tuple(text.value for text in app.markdown)


@pytest.mark.parametrize("kind", ["buttons", "list", "radio", "slider"])
@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, "rms"), ({"unit": "w_max"}, "w_max"), ({"unit": "largest"}, "w_max"), ({"unit": "?"}, "rms")],
)
def test_figure_and_control_agree_from_the_first_run(kind: str, said: dict[str, str], expected: str) -> None:
    assert held(opened(kind, **said)) == (expected, expected)


def test_default_is_no_part_of_the_address() -> None:
    app = opened().button_group(key="unit").set_value("w_max").run()
    assert app.query_params == {"unit": "w_max"}

    assert app.button_group(key="unit").set_value("rms").run().query_params == {}


def test_a_link_overrules_what_was_chosen() -> None:
    app = opened().button_group(key="unit").set_value("w_max").run()

    app.query_params["unit"] = "rms"

    assert held(app.run()) == ("rms", "rms")


def numbered(last: int = 9) -> None:
    """A card whose words are made before its number is drawn."""
    import streamlit as st  # noqa: PLC0415 - the script of an app holds its imports

    from dashboard.widgets.control import Number  # noqa: PLC0415

    if st.button("Smaller", key="smaller"):
        last = 4
    number = Number(key="place", label="Place", last=last, default=2, help="h")
    st.markdown(str(number.chosen()))
    st.markdown(str(number.draw()))


@pytest.mark.parametrize(
    ("said", "expected"), [("", "2"), ("7", "7"), ("9", "9"), ("10", "2"), ("-1", "2"), ("inf", "2"), ("7.0", "2")]
)
def test_number_that_is_allowed_is_held_by_figure_and_field(said: str, expected: str) -> None:
    app = AppTest.from_function(numbered)
    app.query_params["place"] = said

    assert held(app.run()) == (expected, expected)
    assert dict(app.query_params) == ({} if expected == "2" else {"place": expected})


def test_number_that_is_set_before_its_field_is_drawn_is_in_the_address() -> None:
    app = AppTest.from_function(numbered)
    app.session_state["place"] = 6

    assert app.run().query_params == {"place": "6"}


def test_number_that_is_no_more_allowed_gives_way_to_the_first() -> None:
    app = AppTest.from_function(numbered)
    app.query_params["place"] = "7"

    app = app.run().button(key="smaller").click().run()

    assert held(app) == ("2", "2")
    assert app.query_params == {}


def test_one_stop_alone_is_said() -> None:
    def page() -> None:
        from dashboard.widgets.control import sigma_d_control  # noqa: PLC0415

        assert sigma_d_control("at", "Slice", [0.2], near=0.1, help="h").draw() == "0.2"

    app = AppTest.from_function(page).run()

    assert not app.exception
    assert [text.value for text in app.caption] == ["Slice = 0.2"]


@pytest.mark.parametrize("said", [{}, {"unit": "w_max"}])
@pytest.mark.parametrize("kind", ["buttons", "list", "radio", "slider"])
def test_browser_that_first_draws_a_later_run_shows_what_is_chosen(kind: str, said: dict[str, str]) -> None:
    app = opened(kind, **said)
    options = ["w_max", "rms"]

    again = app.run()

    (widget,) = [*again.get("button_group"), *again.selectbox, *again.radio, *again.select_slider]
    begins = widget.proto.default
    place = int(begins if isinstance(begins, int) else next(iter(begins)))
    assert not widget.proto.set_value
    assert options[place] == again.markdown[0].value
