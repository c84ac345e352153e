"""A choice as one value: its default stands once, and it is known before it is drawn."""

from typing import Literal

import pytest
from streamlit.testing.v1 import AppTest


def card(kind: "Literal['buttons', 'list', 'radio']") -> None:
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


@pytest.mark.parametrize("kind", ["buttons", "list", "radio"])
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
