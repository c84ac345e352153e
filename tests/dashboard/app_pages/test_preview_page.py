"""The preview of a stored network: its curve, its layers, and what is said where there is none."""

import re

import pytest

from dashboard.data import previews
from dashboard.data.previews import MAX_PASSES
from dashboard.pages import Page
from neft.effects import Effects
from neft.methods import Vanilla
from neft.pipeline import Settings, run
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore, Stores
from tests.dashboard.conftest import tiny
from tests.dashboard.driver import charts, open_page, traces, words

CURVE, LAYERS = "Preview of accuracy", "Accuracy with variation in one"
LINE = "preview, with its 95 % interval"


def a_run(store: RunStore, method: str = "irs") -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def test_curve_begins_with_the_clean_accuracy_and_layers_are_in_the_networks_order(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.PREVIEW, run=record.id)

    assert not app.exception
    assert app.selectbox(key="run").value == record.id
    drawn = {trace.get("name"): trace for trace in traces(app, CURVE)}
    assert drawn[LINE]["x"] == pytest.approx(previews.sigma_ds(0.4))
    clean = record.summary.at(0.0)
    assert clean is not None
    assert drawn[LINE]["y"][0] == pytest.approx(100 * (clean.metrics["accuracy"].mean or 0))
    (alone,) = [trace for trace in traces(app, LAYERS) if trace.get("name") == "in one layer"]
    assert [text.split("<")[0] for text in alone["hovertext"]] == [
        "stage 1",
        "stage 2",
        "stage 3",
        "classifier",
    ]
    assert f"Pass 1 of {MAX_PASSES}: 40 images, each on a chip of its own" in words(app)


def test_real_chips_are_the_stored_means_of_the_same_device(shipped: RunStore) -> None:
    record = a_run(shipped)

    (real,) = [
        trace for trace in traces(open_page(Page.PREVIEW, run=record.id), CURVE) if "real" in trace.get("name", "")
    ]

    assert real["x"] == [row.sigma_d for row in record.summary.test]
    assert real["y"] == pytest.approx([100 * (row.metrics["accuracy"].mean or 0) for row in record.summary.test])
    elsewhere = open_page(Page.PREVIEW, run=record.id, **{"try": "FeFET2"})
    assert not [trace for trace in traces(elsewhere, CURVE) if "real" in trace.get("name", "")]
    assert "no stored chips of this device" in words(elsewhere)


def test_preview_lies_where_the_real_chips_lie(shipped: RunStore) -> None:
    record = a_run(shipped)
    stream = previews.curve(record, "rram1", 0.2)
    while not stream.is_finished:
        stream.advance()

    at = stream.last.curve.set_index("sigma_d")

    for row in record.summary.test:
        accuracy = row.metrics["accuracy"]
        assert accuracy.mean is not None
        bound = 4 * (at["ci95"][row.sigma_d] ** 2 + (accuracy.ci95 or 0) ** 2) ** 0.5
        assert abs(at["mean"][row.sigma_d] - accuracy.mean) <= bound + 1e-6


def test_finished_preview_stays_and_every_redraw_is_a_pass_further(shipped: RunStore) -> None:
    app = open_page(Page.PREVIEW, run=a_run(shipped).id)

    for number in range(2, MAX_PASSES - 1):
        app = app.run()
        assert f"Pass {number} of {MAX_PASSES}" in words(app)

    for _ in range(2):
        app = app.run()
        assert f"Pass {MAX_PASSES} of {MAX_PASSES}" in words(app)
    assert not app.exception


def test_device_whose_levels_differ_gives_every_image_a_chip_of_its_own_and_says_so(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.PREVIEW, run=record.id, **{"try": "RRAM4"})

    assert not app.exception
    assert "Every image meets a chip of its own, drawn layer by layer, which is exact." in words(app)
    assert "Weights on RRAM4 miss by different amounts" in words(app)
    assert "Pass 1 of 8: 40 images, each on a chip of its own" in words(app)
    assert "Images share real chips here" not in words(app)
    assert "A channel's weights miss alike on RRAM1" in words(open_page(Page.PREVIEW, run=record.id))


def test_run_whose_chips_miss_by_no_gaussian_shares_chips_and_says_why(shipped: RunStore) -> None:
    config = tiny(Vanilla(), seed=0)
    effects = Effects(read_noise=0.1)
    evaluation = config.evaluation.model_copy(update={"effects": effects})
    stores = Stores(own=shipped, shipped=RunStore(shipped.root.parent / "none", read_only=True))
    record = run(
        config.model_copy(update={"evaluation": evaluation}),
        Settings(store=shipped, pretrained_stores=stores, unfinished_root=shipped.root.parent / "unfinished"),
    )

    app = open_page(Page.PREVIEW, run=record.id)

    assert not app.exception
    assert "Images share real chips here, in groups" in words(app)
    assert "no Gaussian a weight" in words(app)
    assert "Every image meets" not in words(app)
    assert re.search(r"40 images, on 8 chips", words(app))


def test_layers_of_the_address_are_shown_at_once(shipped: RunStore) -> None:
    app = open_page(Page.PREVIEW, run=a_run(shipped).id, upto="0.2", layers="0.2")

    assert app.select_slider(key="layers").value == "0.2"
    assert "= 0.2 in all layers" in words(app)


def test_layers_are_shown_at_the_sigma_d_of_the_slider(shipped: RunStore) -> None:
    app = open_page(Page.PREVIEW, run=a_run(shipped).id, upto="0.2")

    assert app.select_slider(key="layers").value == "0.075"
    assert "= 0.075 in all layers" in words(app)
    app = app.select_slider(key="layers").set_value("0.05").run()
    assert "= 0.05 in all layers" in words(app)
    app = app.sidebar.select_slider(key="upto").set_value("0.8").run()
    assert not app.exception
    assert app.select_slider(key="layers").value == "0.3"


@pytest.mark.parametrize(
    "address", [{"run": "../../etc"}, {"run": ["a", "b"]}, {"try": "x", "upto": "9", "layers": "7"}]
)
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.PREVIEW, **address)

    assert not app.exception
    assert len(charts(app)) == 2


def test_without_a_run_that_kept_its_weights_the_page_says_so(shipped: RunStore) -> None:
    for record in shipped.list().records:
        files = {name: file for name, file in record.files.items() if name != WEIGHTS}
        (shipped.root / record.id / RECORD).write_text(record.model_copy(update={"files": files}).model_dump_json())

    app = open_page(Page.PREVIEW)

    assert not app.exception
    assert "no stored run kept its weights" in words(app)
    assert "Train a network" in words(app)


def test_damaged_weights_are_named(shipped: RunStore) -> None:
    record = a_run(shipped)
    (shipped.root / record.id / WEIGHTS).write_bytes(b"nothing")

    app = open_page(Page.PREVIEW, run=record.id)

    assert not app.exception
    assert f"Run '{record.id}' is corrupt" in app.error[0].value
    assert not charts(app)


def test_no_layer_is_named_where_none_costs_anything(shipped: RunStore) -> None:
    stream = previews.layers(a_run(shipped), "rram1", 1e-9)

    found = previews.by_layer(stream)

    assert found.costliest.empty
    assert len(found.together) == 1
