"""One weight on its devices: the page says what the microscope finds, of any value and of stored weights."""

import pytest

from dashboard.data import weights as single_weights
from dashboard.pages import Page
from neft import columns
from neft.devices import Fefet6, Rram1
from neft.inspection.microscope import slice_weight
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.device_layers import device_weights, layer_name
from neft.pipeline import Settings, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore
from neft.tables import layer_label
from tests.dashboard.driver import charts, open_page, traces, words

LEVELS, SHARES, HISTOGRAM = "Asked and held levels", "Share of the weight", "Histogram of the programmed"


def a_run(store: RunStore) -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == "irs")


def test_a_weight_is_shown_down_to_its_devices(shipped: RunStore) -> None:
    expected = slice_weight(-0.5, w_max=1.0, device=Rram1(), mapping=BitSlicing(), sigma_d=0.1)

    app = open_page(Page.SLICES, weight="-0.5", sliced_at="0.1", sliced_chip="7")

    assert not app.exception
    said = words(app)
    assert "lies on 4 RRAM1 devices as code 128" in said
    assert f"chip 7 holds −{abs(expected.programmed[7]):.4f}" in said
    assert "Slice 3 alone brings 93.8 % of the variance" in said
    assert "Code 128 of 255 is 10 00 00 00 in bits; the sign (−)" in said
    rows = expected.slices(7)
    held = next(trace for trace in traces(app, LEVELS) if trace.get("name", "").startswith("this chip"))
    assert held["x"] == pytest.approx((rows[columns.LEVEL] + rows[columns.LEVEL_ERROR]).tolist())
    assert traces(app, SHARES)[0]["x"] == pytest.approx((100 * rows[columns.VARIANCE_SHARE]).tolist())
    assert f"std by the closed form {expected.std:.4g}, sampled {expected.sampled_std:.4g}" in said
    assert r"2\cdot 64 + 0\cdot 16" in said
    assert r"\cdot 128 = -0.5020" in said


def test_bits_and_technology_are_those_of_the_controls(shipped: RunStore) -> None:
    expected = slice_weight(0.25, w_max=1.0, device=Fefet6(), mapping=BitSlicing(weight_bits=4), sigma_d=0.2)

    app = open_page(Page.SLICES, weight="0.25", technology="FeFET6", m="4", sliced_at="0.2")

    assert f"lies on 2 FeFET6 devices as code {expected.code}" in words(app)
    band = next(trace for trace in traces(app, LEVELS) if trace["type"] == "bar")
    assert band["x"] == pytest.approx((4 * expected.slices(0)[columns.LEVEL_STD]).tolist())
    assert app.sidebar.selectbox(key="k").options == ["2"]


def test_a_stored_weight_is_the_networks_own(shipped: RunStore) -> None:
    record = a_run(shipped)
    config = stored_config(record)
    images = load_data(config, Settings(store=shipped))
    network = restore_network(config, images, shipped.weights(record))
    weights = {layer_name(name): weight for name, weight in device_weights(network).items()}

    app = open_page(Page.SLICES, run=record.id, **{"from": "A stored network", "layer": "classifier", "place": "17"})

    weight = weights["classifier"].detach()
    assert not app.exception
    assert f"**W = {float(weight.flatten()[17]):.4g}**".replace("-", "−") in words(app)
    assert f"weight [1, 1] of classifier, whose largest weight is {float(weight.abs().max()):.4g}" in words(app)
    assert single_weights.layer_sizes(record) == {layer_label(name): tensor.numel() for name, tensor in weights.items()}


def test_the_next_chip_is_in_the_address(shipped: RunStore) -> None:
    app = open_page(Page.SLICES, sliced_chip="7")
    before = words(app)

    app = app.button(key="next_chip").click().run()

    assert app.sidebar.number_input(key="sliced_chip").value == 8
    assert "chip 8 holds" in words(app)
    assert words(open_page(Page.SLICES, sliced_chip="7")) == before


def test_without_variation_nothing_misses(shipped: RunStore) -> None:
    app = open_page(Page.SLICES, sliced_at="0")

    assert not app.exception
    assert "comes back as −0.5020 on every chip" in words(app)
    assert [alt.split(" ")[0] for alt in charts(app)] == ["The", "Asked"]


@pytest.mark.parametrize(
    "address",
    [
        {"weight": "7", "m": "9", "k": "3", "sliced_chip": "99999", "technology": "x"},
        {"technology": "FeFET6", "m": "5"},
        {"m": "5", "k": "2"},
        {"from": "A stored network", "layer": "nowhere", "place": "123456789"},
    ],
)
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.SLICES, **address)

    assert not app.exception
    assert len(charts(app)) == 4


def test_changing_the_technology_keeps_to_bits_that_it_knows(shipped: RunStore) -> None:
    app = open_page(Page.SLICES, m="5", k="1")
    assert "lies on 5 RRAM1 devices" in words(app)

    app = app.sidebar.selectbox(key="technology").select("RRAM4").run()

    assert not app.exception
    assert app.sidebar.select_slider(key="m").value == "8"
    assert "lies on 4 RRAM4 devices" in words(app)


def test_damaged_weights_are_named(shipped: RunStore) -> None:
    record = a_run(shipped)
    (shipped.root / record.id / WEIGHTS).write_bytes(b"nothing")

    app = open_page(Page.SLICES, run=record.id, **{"from": "A stored network"})

    assert not app.exception
    assert f"Run '{record.id}' is corrupt" in app.error[0].value


def test_without_any_run_a_free_value_is_left(nothing_shipped: None) -> None:
    app = open_page(Page.SLICES)

    assert not app.exception
    assert len(charts(app)) == 4


def test_crossbars_cells_hold_the_levels_of_the_weights_code_and_its_sign(shipped: RunStore) -> None:
    code = round(0.6 * 255)

    app = open_page(Page.SLICES, weight="-0.6")

    (cells,) = traces(app, "The weight's 4 devices in a crossbar")
    assert cells["z"][0][:-1:2] == [code // 4**place % 4 for place in (3, 2, 1, 0)]
    assert cells["text"][0][-1] == "−"
