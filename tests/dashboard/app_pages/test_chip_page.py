"""One chip: which it is, that it is the stored one, and what is said where there is none."""

import re

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import opened_chips
from dashboard.pages import Page
from neft import columns
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, WEIGHTS, RunStore
from neft.tables.percentiles import percentile_with_limits
from tests.dashboard.driver import charts, open_page, traces, words

RANKS, LAYERS, CONFUSION, MAP = "Chips in order", "Asked and realised", "Confusion matrix", "Deviations of the weights"


def a_run(store: RunStore, method: str = "irs") -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def stored_chips(store: RunStore, record: RunRecord, sigma_d: float) -> pd.DataFrame:
    """Accuracy by chip, worst first."""
    rows = store.instances(record)
    at = rows[(rows[columns.SIGMA_D] - sigma_d).abs() < 1e-9]
    return at.sort_values([columns.ACCURACY, columns.INSTANCE])[[columns.INSTANCE, columns.ACCURACY]]


def galleries(app: AppTest) -> list[int]:
    """How many images each gallery shows."""
    counts = [html.proto.body.count("<figure>") for html in app.get("html")]
    return [count for count in counts if count]


def test_the_worst_chip_is_opened_and_keeps_what_was_stored(shipped: RunStore) -> None:
    record = a_run(shipped)
    worst = stored_chips(shipped, record, 0.2).iloc[0]

    app = open_page(Page.CHIP, run=record.id, chip="Worst", chip_at="0.2")

    assert not app.exception
    said = words(app)
    assert f"**chip {int(worst[columns.INSTANCE])}** is the worst of 4" in said
    assert f"**{100 * worst[columns.ACCURACY]:.1f} %** of" in said
    assert "exactly what the evaluation stored" in said
    mean = record.summary.at(0.2)
    assert mean is not None
    assert (
        f"{100 * (mean.metrics['accuracy'].mean or 0):.1f} ± {100 * (mean.metrics['accuracy'].ci95 or 0):.1f} %" in said
    )
    (ring,) = [trace for trace in traces(app, RANKS) if trace.get("name", "").startswith("chip ")]
    assert ring["x"] == pytest.approx([100 * worst[columns.ACCURACY]])
    assert ring["y"] == pytest.approx([25])


def test_it_is_said_what_the_chips_say_of_the_percentile_of_all(shipped: RunStore) -> None:
    record = a_run(shipped)
    accuracies = stored_chips(shipped, record, 0.2)[columns.ACCURACY].to_numpy(dtype=float)

    app = open_page(Page.CHIP, run=record.id, chip_at="0.2")

    found = percentile_with_limits(accuracies, 0.01)
    said = f"with one-sided 95 % limits: {100 * found.value:.1f} % (at most {100 * found.upper:.1f})."
    assert f"1st percentile of all such chips, {said} A 95 % lower limit of the 1st percentile needs 299" in words(app)


def test_flips_and_mends_are_the_difference_in_accuracy(shipped: RunStore) -> None:
    record = a_run(shipped)

    report = opened_chips.report(record, 0.2, 3)

    difference = (len(report.mended) - len(report.flipped)) / report.num_images
    assert report.accuracy - report.clean == pytest.approx(difference)
    diagonal = report.confusion[report.confusion[columns.TRUE_CLASS] == report.confusion[columns.PREDICTED_CLASS]]
    assert diagonal[columns.DIFFERENCE].sum() == len(report.mended) - len(report.flipped)
    assert report.off_by == 0


def test_every_part_of_the_report_is_drawn(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = open_page(Page.CHIP, run=record.id, chip_at="0.2")

    assert [alt.split(" ")[0] for alt in charts(app)] == ["Chips", "Asked", "Confusion", "Deviations"]
    layers = next(trace for trace in traces(app, LAYERS) if trace["name"] == "sampled")
    assert len(layers["x"]) == 4
    gallery = next(html.proto.body for html in app.get("html") if "<figure>" in html.proto.body)
    flipped = int(re.search(r"It flips (\d+) image", words(app)).group(1))  # type: ignore[union-attr]
    assert gallery.count("<figure>") == min(flipped, 18)
    assert 'alt="Test image ' in gallery


def test_all_flipped_images_are_shown_when_asked(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_chips, "FIRST_IMAGES", 3)
    record = a_run(shipped)
    flipped = opened_chips.report(record, 0.2, 0).flipped
    assert len(flipped) > 3

    app = open_page(Page.CHIP, run=record.id, chip_at="0.2", chip="By its number", number="0")
    assert galleries(app) == [3]
    app = app.toggle(key="all").set_value(True).run()

    assert galleries(app) == [len(flipped)]


def test_the_layer_of_the_address_is_mapped_over_its_rms_weight(shipped: RunStore) -> None:
    record = a_run(shipped)
    expected = opened_chips.error_map(record, layer="classifier", instance=1, sigma_d=0.1, unit="rms").cells

    app = open_page(
        Page.CHIP, run=record.id, chip="By its number", number="1", chip_at="0.1", layer="classifier", over="RMS weight"
    )

    (cells,) = traces(app, MAP)
    assert cells["zmax"] == pytest.approx(float(expected.abs().to_numpy().max()))
    assert cells["zmin"] == -cells["zmax"]


def test_buttons_walk_along_the_order_of_accuracy(shipped: RunStore) -> None:
    record = a_run(shipped)
    order = [int(chip) for chip in stored_chips(shipped, record, 0.1)[columns.INSTANCE]]

    app = open_page(Page.CHIP, run=record.id, chip="Worst", chip_at="0.1")
    assert app.button(key="worse_chip").disabled
    for chip in order[1:]:
        app = app.button(key="better_chip").click().run()
        assert app.number_input(key="number").value == chip
        assert f"**chip {chip}**" in words(app)
    assert app.button(key="better_chip").disabled


@pytest.mark.parametrize(
    "address",
    [
        {"run": "../../etc"},
        {"chip": "Luckiest", "chip_at": "7", "layer": "x", "over": "y", "changed": "z"},
        {"chip": "By its number", "number": "999"},
        {"chip": "By its number", "number": "-3"},
    ],
)
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.CHIP, **address)

    assert not app.exception
    assert len(charts(app)) == 4


def test_without_a_run_that_kept_its_weights_the_page_says_so(shipped: RunStore) -> None:
    for record in shipped.list().records:
        files = {name: file for name, file in record.files.items() if name != WEIGHTS}
        (shipped.root / record.id / RECORD).write_text(record.model_copy(update={"files": files}).model_dump_json())

    app = open_page(Page.CHIP)

    assert not app.exception
    assert "no stored run kept its weights" in words(app)
    assert "Train a network" in words(app)


def test_damaged_weights_are_named(shipped: RunStore) -> None:
    record = a_run(shipped)
    (shipped.root / record.id / WEIGHTS).write_bytes(b"nothing")

    app = open_page(Page.CHIP, run=record.id)

    assert not app.exception
    assert f"Run '{record.id}' is corrupt" in app.error[0].value
    assert not charts(app)


def test_the_chip_that_is_stepped_to_stands_in_the_address(shipped: RunStore) -> None:
    record = a_run(shipped)
    order = [int(chip) for chip in stored_chips(shipped, record, 0.2)[columns.INSTANCE]]
    app = open_page(Page.CHIP, run=record.id, chip="100", chip_at="0.2")

    app = app.button(key="worse_chip").click().run()

    assert f"**chip {order[-2]}**" in words(app)
    assert order[-2] == 0 or app.query_params["number"] == str(order[-2])
    again = open_page(Page.CHIP, **{key: str(value) for key, value in app.query_params.items()})
    assert f"**chip {order[-2]}**" in words(again)
