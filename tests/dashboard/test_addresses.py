"""Addresses hold keys; those of before, which held the words shown, still open the same and are written anew."""

from collections.abc import Mapping

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import address
from dashboard.data import stored
from dashboard.pages import Page
from neft.experiments.questions import CONTROL, EXPERIMENTS
from neft.reference import PANELS
from neft.runs.store import RunStore
from neft.tables import data_key
from tests.dashboard.driver import charts, open_at
from tests.variants import PLAIN

Address = Mapping[str, str | list[str]]
OLD_AND_NEW: list[tuple[Page, Address, Address]] = [
    (
        Page.EXPLORE,
        {
            "methods": ["OVF", "Noise injection, T = 4 (control)"],
            "read": "Fixed",
            "published": PANELS["vgg8_cifar10"],
        },
        {"methods": ["ovf", CONTROL], "read": "fixed", "published": "vgg8_cifar10"},
    ),
    (Page.ACCURACY, {"unlucky": "1st percentile", "against": "IRS"}, {"unlucky": "1", "against": "irs"}),
    (Page.WEIGHTS, {"unit": "the layer's largest weight"}, {"unit": "w_max"}),
    (Page.EXPLORE, {"line": "1st percentile"}, {"line": "1"}),
    (Page.EXPERIMENTS, {"experiment": EXPERIMENTS["beta"].title}, {"experiment": "beta"}),
    (
        Page.RUNS,
        {"f_data": "Digits 8×8", "f_method": ["OVF", "IRS"], "f_train": "0.1"},
        {"f_data": "digits8", "f_method": ["ovf", "irs"], "f_train": "0.1"},
    ),
    (Page.GLOSSARY, {"term": "Accuracy"}, {"term": "accuracy"}),
    (
        Page.TRAIN,
        {"form_method": "IRS", "form_dataset": "Fashion-MNIST"},
        {"train_as": "expert", "form_method": "irs", "form_dataset": "fashion_mnist"},
    ),
]


def shown(app: AppTest) -> tuple[list[str], list[str], list[object]]:
    """Charts, words and choices of a page."""
    assert not app.exception
    choices = [*app.selectbox, *app.get("button_group"), *app.radio, *app.select_slider, *app.multiselect]
    return charts(app), [text.value for text in app.markdown], [choice.value for choice in choices]


@pytest.mark.parametrize(
    ("page", "old", "new"), OLD_AND_NEW, ids=lambda value: value.title if isinstance(value, Page) else ""
)
def test_old_address_opens_what_the_new_one_does_and_becomes_it(
    shipped: RunStore, page: Page, old: Address, new: Address
) -> None:
    by_words, by_keys = open_at(old, page), open_at(new, page)

    assert shown(by_words) == shown(by_keys)
    assert dict(by_words.query_params) == dict(by_keys.query_params) == new


def test_choices_that_are_the_first_leave_the_address(shipped: RunStore) -> None:
    first = {"data": "Digits 8×8", "net": "mlp3x16", "device": "RRAM1", "read": "matched"}

    assert open_at(first).query_params == {}


def test_what_no_option_is_called_is_left_out(shipped: RunStore) -> None:
    app = open_at({"net": "nothing", "methods": ["ovf", "?"], "read": "../x"})

    assert not app.exception
    assert app.query_params == {"methods": "ovf"}


def test_choosing_writes_the_key(shipped: RunStore) -> None:
    app = open_at({})
    app = app.sidebar.button_group(key=address.PROTOCOL).set_value("fixed").run()

    assert app.query_params == {"read": "fixed"}


def test_choosing_nothing_is_an_address_of_its_own(shipped: RunStore) -> None:
    app = open_at({}).sidebar.button_group(key=address.VARIANTS).set_value([]).run()
    again = open_at(app.query_params)

    assert app.query_params == {"methods": ""}
    assert again.sidebar.button_group(key=address.VARIANTS).value == []


def test_address_of_a_run_holds_keys(shipped: RunStore) -> None:
    record = next(one for one in shipped.list().records if one.facts.method == "ovf")

    assert stored.view_address(record.id) == {
        "data": "digits8",
        "net": "mlp3x16",
        "device": "rram1",
        "methods": list(PLAIN),
        "read": "fixed",
        "train": "0.1",
    }


def test_data_of_two_sizes_have_two_keys(shipped: RunStore) -> None:
    record = shipped.list().records[0]
    larger = record.model_copy(update={"config": record.config | {"dataset": {"name": "digits", "image_size": 16}}})

    assert (data_key(record), data_key(larger)) == ("digits8", "digits16")


def test_choice_that_two_pages_share_is_shown_as_it_is_drawn_on_the_other(shipped: RunStore) -> None:
    app = open_at({"line": "1", "read": "fixed"})
    assert charts(app)[0].startswith("The 1st percentile")

    app = app.switch_page(Page.ACCURACY.file).run()

    assert charts(app)[0].startswith("The 1st percentile")
    assert app.button_group(key="line").value == "1"
