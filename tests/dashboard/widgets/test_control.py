"""A choice as one value: its default stands once, and it is known before it is drawn."""

from typing import Literal

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.widgets import in_address


def card(kind: "Literal['buttons', 'list', 'radio', 'slider']") -> None:
    """A card whose words are made before its control is drawn."""
    import streamlit as st  # noqa: PLC0415 - the script of an app holds its imports

    from dashboard.widgets.control import Control  # noqa: PLC0415

    control = Control(
        key="unit",
        label="Unit",
        options={"w_max": "largest", "rms": "typical", "peak": "highest"},
        default="rms",
        help="h",
        kind=kind,
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


@pytest.mark.parametrize("second", ["rms", "peak"])
def test_browser_that_still_sends_the_address_of_before_takes_no_choice_back(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(in_address.time, "monotonic", lambda: clock[0])
    app = opened(unit="w_max").button_group(key="unit").set_value(second).run()
    app.query_params["unit"] = "w_max"  # as something else on the page is chosen before the new address is there

    assert held(app.run()) == (second, second)
    assert app.query_params == ({} if second == "rms" else {"unit": second})

    clock[0] += in_address.LATE + 1
    app.query_params["unit"] = "w_max"

    assert held(app.run()) == ("w_max", "w_max")


def test_two_quick_choices_leave_the_second() -> None:
    app = opened(unit="w_max").button_group(key="unit").set_value("rms").run()
    app.query_params["unit"] = "w_max"
    app = app.button_group(key="unit").set_value("peak").run()
    app.query_params["unit"] = "w_max"

    assert held(app.run()) == ("peak", "peak")


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
