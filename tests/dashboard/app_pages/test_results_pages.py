"""Accuracy, uncertainty and weights: what is drawn is what was stored."""

import subprocess
import sys

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import image_outcomes
from dashboard.pages import Page
from dashboard.words import percentile_words, sentences
from neft.experiments.questions import CONTROL
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, RunStore
from neft.runs.store import WEIGHTS as WEIGHT_FILE
from tests.dashboard.app_pages.test_explore_page import chips
from tests.dashboard.driver import ROOT, charts, method_numbers, numbers_note, open_page, traces, words

SLICE = 0.1
MOST_STEPS = 20
METHODS = {"Vanilla": "vanilla", "Noise injection": "noise_injection", "OVF": "ovf", "IRS": "irs"}


def opened(store: RunStore, page: Page) -> AppTest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neft.runs.store.CACHED_RUNS", store.root)
        patch.setenv("NEFT_HOME", str(store.root / "none"))
        app = open_page(page, read="Fixed", at=str(SLICE))
        for _ in range(MOST_STEPS):
            if page != Page.UNCERTAINTY or "Chip 20 of 20" in words(app):
                break
            app = app.run()  # a slow machine opens fewer chips a step
        return app


@pytest.fixture(scope="module")
def accuracy(every_method: RunStore) -> AppTest:
    """The page of the small store; to be read only."""
    return opened(every_method, Page.ACCURACY)


@pytest.fixture(scope="module")
def uncertainty(every_method: RunStore) -> AppTest:
    """Likewise."""
    return opened(every_method, Page.UNCERTAINTY)


@pytest.fixture(scope="module")
def weights(every_method: RunStore) -> AppTest:
    """Likewise."""
    return opened(every_method, Page.WEIGHTS)


def drawn(app: AppTest, alt: str, name: str) -> dict[str, list[float]]:
    """The first trace of that name that draws something."""
    return next(trace for trace in traces(app, alt) if trace.get("name") == name and trace["x"][0] is not None)


def table_of(store: RunStore, method: str, metric: str) -> np.ndarray:
    """Seeds x chips at the slice."""
    return chips(store, method, SLICE)[metric].to_numpy().reshape(2, 4)


def mean_percentile(values: np.ndarray, percentile: int) -> float:
    """Over trainings."""
    return float(np.percentile(values, percentile, axis=1).mean())


def lowest_seed(store: RunStore, method: str) -> RunRecord:
    records = [record for record in store.list().records if record.facts.variant == method]
    return min(records, key=lambda record: record.facts.seed)


@pytest.mark.parametrize("page", ["accuracy", "uncertainty", "weights"])
def test_page_opens_on_the_small_store(request: pytest.FixtureRequest, page: str) -> None:
    app: AppTest = request.getfixturevalue(page)

    assert not app.exception
    assert not app.error
    assert not app.warning


def test_pages_show_stored_numbers_without_torch() -> None:
    modules = [
        "data.results",
        "words.result_words",
        "widgets.accuracy_card",
        "widgets.ekl_card",
        "widgets.deviation_card",
    ]
    statement = f"import sys, {', '.join(f'dashboard.{name}' for name in modules)}; print('torch' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", statement], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.split()[-1] == "False"


# ---------------------------------------------------------------- accuracy
@pytest.mark.parametrize(("label", "method"), METHODS.items())
def test_unlucky_chip_is_the_percentile_of_the_stored_chips(
    accuracy: AppTest, every_method: RunStore, label: str, method: str
) -> None:
    marks = drawn(accuracy, "The 5th percentile", label)

    assert marks["y"][1] == pytest.approx(100 * mean_percentile(table_of(every_method, method, "accuracy"), 5))


def test_so_few_chips_are_said_to_set_no_lower_limit(accuracy: AppTest) -> None:
    assert "A 95 % lower limit of the 5th percentile needs 59 chips; these are 4." in words(accuracy)


def test_first_percentile_is_drawn_when_asked_for(shipped: RunStore) -> None:
    app = open_page(Page.ACCURACY, read="Fixed", at="0.1", unlucky="1st percentile")

    marks = drawn(app, "The 1st percentile", "IRS")
    assert marks["y"][1] == pytest.approx(100 * mean_percentile(table_of(shipped, "irs", "accuracy"), 1))
    assert "needs 299 chips" in words(app)


def test_chips_are_drawn_from_the_worst_to_the_best(accuracy: AppTest, every_method: RunStore) -> None:
    line = drawn(accuracy, "Distribution of accuracy", "OVF")
    stored = 100 * table_of(every_method, "ovf", "accuracy")

    assert (line["x"][0], line["x"][-1]) == (pytest.approx(stored.min()), pytest.approx(stored.max()))
    assert line["x"][100] == pytest.approx(np.median(stored))


def test_differences_are_paired_with_the_control(accuracy: AppTest, every_method: RunStore) -> None:
    marks = drawn(accuracy, "Paired differences in accuracy to Noise injection, T = 4", "OVF")
    ours, control = (table_of(every_method, method, "accuracy") for method in ("ovf", "control"))

    assert marks["y"][1] == pytest.approx(100 * (ours - control).mean())
    assert "Not drawn, as it would flatten the rest: Vanilla" in words(accuracy)


def test_another_method_can_stand_at_zero(shipped: RunStore) -> None:
    app = open_page(Page.ACCURACY, read="Fixed", at="0.1", against="IRS")

    marks = drawn(app, "Paired differences in accuracy to IRS", "OVF")
    ours, theirs = (table_of(shipped, method, "accuracy") for method in ("ovf", "irs"))
    assert marks["y"][1] == pytest.approx(100 * (ours - theirs).mean())


def test_parts_of_the_variance_are_whole(accuracy: AppTest) -> None:
    bars = [trace for trace in traces(accuracy, "Shares of the variance") if trace["x"][0] is not None]

    assert np.sum([trace["x"] for trace in bars], axis=0) == pytest.approx([100] * 5)


def test_read_out_says_mean_percentiles_and_failures(accuracy: AppTest, every_method: RunStore) -> None:
    (frame,) = [table.value for table in accuracy.dataframe]
    row = frame.set_index("Method").loc["OVF"].to_dict()
    stored = table_of(every_method, "ovf", "accuracy")

    assert row["Accuracy"].startswith(f"{sentences.percent(stored.mean())} ± ")
    assert row["N"] == "2 × 4"
    assert row["5th percentile"].startswith(f"{sentences.percent(mean_percentile(stored, 5))} %")
    failed = int((stored.mean(axis=1) < stored.mean() - 0.05).sum())
    assert row["Failed"] == f"{failed} of 2"


# ---------------------------------------------------------------- uncertainty
def test_least_sure_chips_are_the_99th_percentile_with_its_limits_in_words(
    uncertainty: AppTest, every_method: RunStore
) -> None:
    stored = table_of(every_method, "ovf", "ekl")

    said = words(uncertainty)

    # of four chips the best is the lower limit of the 99th percentile: 0.99^4 = 96.1 % of such sets have none above it
    value, lower = mean_percentile(stored, 99), np.minimum(stored.max(axis=1), np.percentile(stored, 99, axis=1)).mean()
    assert f"OVF {value:.3f} (at least {lower:.3f})" in said
    assert "A 95 % upper limit of the 99th percentile needs 299 chips; these are 4." in said


@pytest.mark.parametrize("method", ["ovf", "irs"])
def test_opened_chips_err_as_the_stored_ones(shipped: RunStore, method: str) -> None:
    record = lowest_seed(shipped, method)
    (one,) = image_outcomes.opened([record], SLICE)
    while not one.stream.is_finished:
        one.stream.advance()
    rows = shipped.instances(record)
    stored = rows[(rows["sigma_d"] - SLICE).abs() < 1e-9]

    found = [chip.calibration_error for chip in one.stream.chips(is_calibrated=False)]

    assert found == pytest.approx(stored["calibration_error"].tolist(), abs=1e-5)
    for is_calibrated, metric in ((False, "ekl"), (True, "calibrated_ekl")):
        each = [chip.nats[chip.correct].mean() for chip in one.stream.chips(is_calibrated=is_calibrated)]
        assert each == pytest.approx(stored[metric].tolist(), rel=1e-3)


def test_calibration_error_is_the_stored_mean_and_marked_where_it_was_calibrated(
    uncertainty: AppTest, every_method: RunStore
) -> None:
    line = drawn(uncertainty, "Calibration error against", "IRS")

    assert line["y"][1] == pytest.approx(100 * table_of(every_method, "irs", "calibration_error").mean())
    assert drawn(uncertainty, "Calibration error against", "IRS, calibrated")["y"][0] >= 0


def test_table_says_ekl_as_deployed_and_calibrated(uncertainty: AppTest, every_method: RunStore) -> None:
    table = method_numbers(uncertainty)

    for words_of, metric in (("EKL (nats)", "ekl"), ("calibrated", "calibrated_ekl")):
        mean, plus_minus, interval = str(table[words_of]["OVF"]).split()
        assert plus_minus == "±"
        assert float(mean) == pytest.approx(table_of(every_method, "ovf", metric).mean(), abs=float(interval) / 10)
    assert "calibrated, " in uncertainty.title[0].value
    assert "EKL counts only the images that a chip gets right" in numbers_note(uncertainty)


def test_every_image_and_prediction_is_counted(uncertainty: AppTest) -> None:
    assert "Chip 20 of 20: up to 4 chips of 5 networks" in words(uncertainty)
    bins = [trace for trace in traces(uncertainty, "Share of right predictions") if trace.get("yaxis") == "y2"]
    for trace in bins:
        assert sum(trace["y"]) == pytest.approx(100)


def test_images_are_shown_with_their_class(uncertainty: AppTest) -> None:
    grids = [element.proto.body for element in uncertainty.get("html") if "<figure>" in element.proto.body]

    assert len(grids) == 2
    for grid in grids:
        assert grid.count('alt="Test image') == 8


def test_calibrated_logits_change_confidence_but_no_prediction(shipped: RunStore) -> None:
    app = open_page(Page.UNCERTAINTY, read="Fixed", at="0.2", methods="OVF", logits="Calibrated")

    assert not app.exception
    (one,) = image_outcomes.opened([lowest_seed(shipped, "ovf")], 0.2)
    while not one.stream.is_finished:
        one.stream.advance()
        app = app.run()
    for plain, scaled in zip(one.stream.deployed, one.stream.calibrated, strict=True):
        assert (plain.correct == scaled.correct).all()
    confidences = image_outcomes.confidences([one], is_calibrated=True).set_index("outcome")["mean"]
    assert drawn(app, "Mean confidence", "OVF, right")["x"] == pytest.approx([100 * confidences["right"]])


def test_without_weights_stored_numbers_stay(shipped: RunStore) -> None:
    for record in shipped.list().records:
        files = {name: file for name, file in record.files.items() if name != WEIGHT_FILE}
        (shipped.root / record.id / RECORD).write_text(record.model_copy(update={"files": files}).model_dump_json())

    app = open_page(Page.UNCERTAINTY, read="Fixed", at="0.1")

    assert not app.exception
    assert "None of these networks kept its weights" in words(app)
    assert "Calibration error against device variation, by method." in charts(app)


# ---------------------------------------------------------------- weights
def test_audit_is_the_ratio_of_the_stored_stds(weights: AppTest, every_method: RunStore) -> None:
    layers = every_method.tables(lowest_seed(every_method, "ovf")).layers

    marks = drawn(weights, "Realised over asked std", "OVF")

    assert marks["x"] == pytest.approx((100 * (layers["realised_std"] / layers["closed_form_std"] - 1)).tolist())
    ranges = drawn(weights, "Realised over asked std", "95 % of samples, if the law holds")
    assert ranges["x"] == pytest.approx(2 * 100 * 1.96 / np.sqrt(16 * layers["num_weights"]), rel=0.02)


def test_typical_weights_are_means_over_seeds(weights: AppTest, every_method: RunStore) -> None:
    records = [record for record in every_method.list().records if record.facts.variant == "irs"]
    layers = [every_method.tables(record).layers for record in records]
    stored = np.mean([of["rms_weight"] / of["w_max"] for of in layers], axis=0)

    marks = drawn(weights, "RMS weight over the largest", "IRS")

    assert marks["x"] == pytest.approx(100 * stored)


def test_small_weights_are_counted_in_the_stored_network(weights: AppTest, every_method: RunStore) -> None:
    stored = every_method.weights(lowest_seed(every_method, "ovf"))
    in_devices = [tensor for tensor in stored.values() if tensor.dim() > 1]
    small = sum(int((tensor.abs() <= 0.1 * tensor.abs().max()).sum()) for tensor in in_devices)
    share = small / sum(tensor.numel() for tensor in in_devices)

    assert f"OVF: {100 * share:.0f} %" in next(text for text in words(weights).splitlines() if "Below 10 %" in text)


def test_two_methods_layers_stand_side_by_side(weights: AppTest) -> None:
    assert [weights.selectbox(key=key).value for key in ("one", "other")] == [CONTROL, "irs"]
    assert len([alt for alt in charts(weights) if alt.startswith("Accuracy with variation in one of 4 layers")]) == 2


def test_another_method_can_be_chosen_for_its_layers(shipped: RunStore) -> None:
    app = open_page(Page.WEIGHTS, read="Fixed", at="0.1", one="OVF")

    assert not app.exception
    assert app.selectbox(key="one").value == "ovf"
    app = app.selectbox(key="one").set_value("vanilla").run()
    assert not app.exception
    assert app.selectbox(key="one").value == "vanilla"


def test_without_variation_no_layer_costs_anything_and_the_page_says_so(shipped: RunStore) -> None:
    app = open_page(Page.WEIGHTS, read="Fixed", at="0")

    assert not app.exception
    assert "no layer costs anything" in words(app)


# ---------------------------------------------------------------- what both ask
def test_one_run_a_method_is_that_of_the_lowest_seed(shipped: RunStore) -> None:
    app = open_page(Page.WEIGHTS, read="Matched", at="0.1", methods=["IRS"])

    assert not app.exception
    assert app.selectbox(key="one").options == ["IRS"]


def test_percentiles_need_these_many_chips_for_a_lower_limit() -> None:
    assert percentile_words.too_few_words([298]) != ""
    assert percentile_words.too_few_words([299]) == ""
    assert "59 chips" in percentile_words.too_few_words([58])
    assert "59 chips" not in percentile_words.too_few_words([59])
