"""Numbers in an address that cannot be, on every page and under every key: they are left out as other bad values."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import address
from dashboard.computing.work import forms
from dashboard.pages import Page
from neft.runs.store import RunStore
from tests.dashboard.driver import open_at

NO_NUMBERS = ("inf", "-Infinity", "nan", "1e999", "1e300", "9" * 400, "-1e30")
CHOSEN = {
    address.CHIP: "number",
    address.WEIGHT_FROM: "stored",
    address.LESSON: "device_variation",
    address.OWN_LEVELS: "1,2,2,1",
    "form_backbone": "mlp",
}
"""Choices under which more fields are drawn."""
HELD = frozenset({*CHOSEN, address.RUNS, address.TRAIN_LIKE})


def every_key() -> list[str]:
    """Every parameter that pages know, and those of the form of a training."""
    shared = [value for name, value in vars(address).items() if name.isupper() and isinstance(value, str)]
    fields = [f"form_{field.name}" for field in forms.form().fields]
    return [key for key in dict.fromkeys([*shared, *fields, "form_seeds", "train_what"]) if key not in HELD]


def opened(page: Page, said: str, **choices: str) -> AppTest:
    return open_at(dict.fromkeys(every_key(), said) | CHOSEN | choices, page)


@pytest.mark.parametrize("page", Page, ids=lambda page: page.name.lower())
def test_numbers_that_cannot_be_leave_a_page_standing(shipped: RunStore, page: Page) -> None:
    for said in NO_NUMBERS:
        app = opened(page, said)

        assert not app.exception, f"{said}: {app.exception[0].value}"


@pytest.mark.parametrize("said", ["inf", "-1e999", "nan", "many", "-3"])
@pytest.mark.parametrize(("page", "key"), [(Page.VOTES, address.IMAGE), (Page.SLICES, address.SLICED_CHIP)])
def test_a_number_that_cannot_be_leaves_the_address_for_the_first_choice(
    shipped: RunStore, page: Page, key: str, said: str
) -> None:
    app = open_at({key: said}, page)

    assert app.number_input(key=key).value == open_at({}, page).number_input(key=key).value
    assert key not in app.query_params


def test_a_number_that_can_be_stays(shipped: RunStore) -> None:
    app = open_at({address.SLICED_CHIP: "7"}, Page.SLICES)

    assert app.number_input(key=address.SLICED_CHIP).value == 7
    assert dict(app.query_params) == {address.SLICED_CHIP: "7"}
