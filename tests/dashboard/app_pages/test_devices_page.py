"""The page of device technologies: cards of all of them, and a std in every unit."""

import shlex

import pytest

from dashboard.data import technologies
from dashboard.pages import Page
from dashboard.widgets.component_form import form_address
from neft import columns
from neft.devices.presets import PRESETS
from neft.inspection.device_cards import card_names, device_card
from neft.options import make_config
from tests.dashboard.driver import charts, open_page, traces, words

FORMULA = "Std against conductance"


def test_a_card_tells_source_formula_range_and_samples() -> None:
    app = open_page(Page.DEVICES, known="pcm_joshi")

    assert not app.exception
    text = words(app)
    # 0.28638599 / 25 and the parabola's top 1.0911 / 25
    assert "**PCM (Joshi 2020)** (PCM) misses by 1.1 to 4.4 % of its range." in text
    assert "Joshi et al. 2020, Fig. 3b" in text
    assert "0 to 25 µS" in text
    assert "neft train" in text
    assert len(charts(app)) == 1


def test_the_chart_holds_the_formula_and_the_sampled_devices() -> None:
    app = open_page(Page.DEVICES, known="rram_milo", known_k="3")

    formula, sampled = traces(app, FORMULA)
    card = device_card("rram_milo", 3)
    assert formula["y"][0] == pytest.approx(4.326971)
    assert sampled["y"] == pytest.approx(card.sampled()[columns.SAMPLED_STD].tolist())


@pytest.mark.parametrize("name", card_names())
def test_every_technology_has_a_card(name: str) -> None:
    found = technologies.technology(name, 2)

    assert (found.label, len(found.levels)) == (device_card(name).label, 4)
    assert name in technologies.names()


def test_a_std_is_converted_as_it_is_typed() -> None:
    app = open_page(Page.DEVICES, known="rram_milo")

    app.number_input(key="card_value_rram_milo_2").set_value(5.0)
    app.selectbox(key="card_unit").set_value("range").run()

    # 5 % of 175 µS; over 225; with c = 0.7776
    assert "| **0.03889** | **0.03888** | **8.75** | **5** |" in words(app)


def test_a_conductance_outside_the_range_is_warned_of() -> None:
    app = open_page(Page.DEVICES, known="rram_milo")
    assert not app.warning

    app.number_input(key="card_at_rram_milo").set_value(300.0).run()

    assert "outside 50 to 225 µS" in app.warning[0].value
    assert "**2.05 µS**" in words(app)


def test_devices_of_four_levels_alone_are_offered_with_no_other_bits() -> None:
    assert technologies.bits_of("fefet2") == (2,)
    assert technologies.bits_of("pcm_joshi") == (1, 2, 3, 4)

    app = open_page(Page.DEVICES, known="fefet2", known_k="3")

    assert not app.exception
    assert "leaves" in words(app)
    assert "stds of its levels alone" in words(app)
    assert traces(app, FORMULA)[0]["line"]["shape"] == "hvh"


@pytest.mark.parametrize("name", ["rram_milo", "fefet6"])
def test_the_train_page_opens_with_the_technology(name: str) -> None:
    found = technologies.technology(name, 2)

    app = open_page(Page.TRAIN, **form_address(found.config_json))

    assert not app.exception
    parts = shlex.split(found.train)[2:]
    flags = [flag.removeprefix("--").replace("-", "_") for flag in parts[::2]]
    given = dict(zip(flags, parts[1::2], strict=True))
    assert make_config(given).to_json() == found.config_json
    assert found.train in words(app)


def test_all_are_listed_with_their_ranges() -> None:
    table = technologies.overview().set_index(columns.LABEL)

    assert list(table.index) == list(technologies.names().values())
    milo = table.loc[PRESETS["rram_milo"].label]
    assert (milo[columns.G_MIN], milo[columns.G_MAX]) == (50, 225)
    assert milo[columns.MOST] == pytest.approx(4.326971 / 175)
    assert table[columns.SIGMA_D].isna().sum() == 4
