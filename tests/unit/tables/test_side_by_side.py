"""Runs side by side: the tables, how runs are told apart, and the charts that draw them."""

from math import nan
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.charts import run_curves as draw_curves
from dashboard.charts import run_differences as draw_differences
from dashboard.charts import run_distributions as draw_distributions
from dashboard.charts import run_histories as draw_histories
from dashboard.charts.run_marks import RunMark, run_marks
from dashboard.charts.theme import MIN_CONTRAST, PALETTES, Mode, contrast, variant_style
from neft import columns as c
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.errors import ConfigError
from neft.methods import Irs, NoiseInjection, Vanilla
from neft.metrics import METRICS
from neft.runs.facts import run_facts
from neft.runs.records import RunRecord
from neft.tables import compare_runs, summarise
from neft.tables.side_by_side import (
    RUN_CURVE_COLUMNS,
    RUN_DIFFERENCE_COLUMNS,
    differences_to_run,
    histories_side_by_side,
    run_curves,
    run_quantiles,
    settings_side_by_side,
)
from tests.stored_experiments import a_record
from tests.variants import look

MODES: list[Mode] = ["light", "dark"]
EIGHT = [(f"run{number}", look("ovf"), "ABCDEFGH"[number], f"run {number}") for number in range(8)]


def a_run(
    run_id: str, values: dict[float, list[float]], config: RunConfig | None = None
) -> tuple[RunRecord, pd.DataFrame]:
    """A record of this config whose chips, and their summary, are these: every metric alike."""
    config = config or RunConfig()
    chips = pd.concat(
        [
            pd.DataFrame({c.SIGMA_D: at, c.INSTANCE: range(len(read)), **dict.fromkeys(METRICS, read)})
            for at, read in values.items()
        ],
        ignore_index=True,
    )
    record = a_record(run_id)
    summary = record.summary.model_copy(update={"test": summarise(chips, METRICS)})
    update = {
        "config": config.model_dump(mode="json"),
        "facts": run_facts(config, num_classes=10),
        "summary": summary,
    }
    return record.model_copy(update=update), chips


A = a_run("a", {0.0: [1.0, 1.0], 0.1: [0.7, 0.5, 0.3]})
B = a_run("b", {0.1: [0.9, 0.6, 0.3], 0.2: [0.2, 0.1]})


# ---------------------------------------------------------------- tables
def test_curve_of_a_run_is_its_stored_summary() -> None:
    rows = run_curves([A[0], B[0]])

    assert tuple(rows.columns) == RUN_CURVE_COLUMNS
    assert rows[[c.RUN_ID, c.SIGMA_D]].to_numpy().tolist() == [["a", 0.0], ["a", 0.1], ["b", 0.1], ["b", 0.2]]
    row = rows.iloc[1]
    # 0.7, 0.5, 0.3: mean 0.5, std 0.2, t(2) 0.2/sqrt(3) = 4.302653 * 0.115470 = 0.496828
    assert (row[c.MEAN], row[c.CI95]) == (pytest.approx(0.5), pytest.approx(0.496828, abs=1e-6))
    assert (row[c.LOWER], row[c.UPPER]) == (pytest.approx(0.003172, abs=1e-6), pytest.approx(0.996828, abs=1e-6))
    assert (row[c.PERCENTILE_5], row[c.NUM_INSTANCES]) == (pytest.approx(0.32), 3)


def test_curve_of_one_chip_has_no_interval_and_a_metric_nobody_took_no_row() -> None:
    record, _ = a_run("a", {0.1: [0.7]})

    (row,) = run_curves([record]).to_dict("records")
    assert np.isnan(row[c.CI95])
    assert row[c.LOWER] == row[c.MEAN] == row[c.UPPER] == pytest.approx(0.7)
    assert run_curves([record], "no_metric").empty
    assert tuple(run_curves([]).columns) == RUN_CURVE_COLUMNS


def test_curve_of_one_run_does_not_depend_on_the_others() -> None:
    alone = run_curves([B[0]])
    together = run_curves([A[0], B[0]])

    pd.testing.assert_frame_equal(together[together[c.RUN_ID] == "b"].reset_index(drop=True), alone)


def test_quantiles_are_those_of_each_runs_own_chips() -> None:
    rows = run_quantiles([A, B], 0.1)

    for run_id, values in (("a", [0.7, 0.5, 0.3]), ("b", [0.9, 0.6, 0.3])):
        own = rows[rows[c.RUN_ID] == run_id]
        assert own[c.VALUE].to_numpy() == pytest.approx(np.quantile(values, own[c.QUANTILE]))
    assert set(run_quantiles([A, B], 0.2)[c.RUN_ID]) == {"b"}
    assert run_quantiles([], 0.1).empty


def test_differences_are_those_of_compare_runs() -> None:
    rows, reasons = differences_to_run([A, B], "a")

    expected = compare_runs([A, B]).iloc[1]
    assert tuple(rows.columns) == RUN_DIFFERENCE_COLUMNS
    assert reasons == {}
    (row,) = rows.to_dict("records")
    assert (row[c.RUN_ID], row[c.SIGMA_D], row[c.NUM_PAIRS]) == ("b", 0.1, 3)
    assert row[c.MEAN] == expected[c.DIFFERENCE] == pytest.approx(0.1)
    assert row[c.CI95] == expected[c.DIFFERENCE_CI95]
    assert (row[c.LOWER], row[c.UPPER]) == (pytest.approx(0.1 - row[c.CI95]), pytest.approx(0.1 + row[c.CI95]))


def test_run_that_cannot_be_compared_keeps_no_other_from_it() -> None:
    other_images = a_run("c", {0.1: [0.7, 0.5]}, RunConfig(dataset=Digits(image_size=16)))
    elsewhere = a_run("d", {0.3: [0.7, 0.5]})

    rows, reasons = differences_to_run([A, other_images, B, elsewhere], "a")

    assert rows[c.RUN_ID].tolist() == ["b"]
    assert "dataset.image_size is 16, not 8 in c" in reasons["c"]
    assert "no σ_d in common" in reasons["d"]


def test_sigma_ds_are_those_that_a_run_shares_with_the_reference_alone() -> None:
    wide = {0.0: [1.0, 0.9], 0.1: [0.8, 0.7], 0.2: [0.3, 0.2]}

    rows, _ = differences_to_run([a_run("a", wide), B, a_run("c", wide)], "a")

    assert rows[[c.RUN_ID, c.SIGMA_D]].to_numpy().tolist() == [
        ["b", 0.1],
        ["b", 0.2],
        ["c", 0.0],
        ["c", 0.1],
        ["c", 0.2],
    ]


def test_run_on_other_chips_is_compared_unpaired() -> None:
    other = a_run("c", {0.1: [0.9, 0.6, 0.3]}, RunConfig(evaluation=EvaluationConfig(seed=3)))

    (row,) = differences_to_run([A, other], "a")[0].to_dict("records")

    assert row[c.NUM_PAIRS] == 0
    assert row[c.CI95] == row[c.INDEPENDENT_CI95]


def test_reference_must_be_one_of_the_runs() -> None:
    with pytest.raises(ConfigError, match=r"must be one of the runs; got 'z'\."):
        differences_to_run([A, B], "z")


def test_one_run_alone_has_no_differences() -> None:
    rows, reasons = differences_to_run([A], "a")

    assert (len(rows), reasons) == (0, {})
    assert tuple(rows.columns) == RUN_DIFFERENCE_COLUMNS


def test_temperature_of_a_feedback_stands_beside_that_of_its_control() -> None:
    control = a_run("a", {0.1: [0.5]}, RunConfig(method=NoiseInjection(temperature=4)))[0]
    feedback = a_run("b", {0.1: [0.5]}, RunConfig(method=Irs()))[0]

    every = settings_side_by_side([control, feedback], differences_only=False).T.to_dict("list")
    differing = settings_side_by_side([control, feedback], differences_only=True)

    assert every["method.temperature"] == [4, 4]
    assert "method.temperature" not in differing.index


def test_settings_are_all_of_them_or_those_that_differ() -> None:
    one = a_run("a", {0.1: [0.5]}, RunConfig(method=Vanilla(), training=TrainingConfig(seed=0)))[0]
    two = a_run("b", {0.1: [0.5]}, RunConfig(method=Irs(), training=TrainingConfig(seed=1)))[0]

    every = settings_side_by_side([one, two], differences_only=False)
    differing = settings_side_by_side([one, two], differences_only=True)

    rows = differing.T.to_dict("list")
    assert every.T.to_dict("list")["training.epochs"] == [one.config["training"]["epochs"]] * 2
    assert "training.epochs" not in rows
    assert rows["training.seed"] == [0, 1]
    assert rows["method.name"] == ["vanilla", "irs"]
    assert rows["method.num_feedback"] == [None, 3]
    assert set(differing.index) <= set(every.index)
    assert settings_side_by_side([one, one], differences_only=True).empty


def test_histories_stand_in_one_table() -> None:
    rows = histories_side_by_side({"a": pd.DataFrame({c.EPOCH: [1, 2]}), "b": pd.DataFrame({c.EPOCH: [1]})})

    assert rows[[c.RUN_ID, c.EPOCH]].to_numpy().tolist() == [["a", 1], ["a", 2], ["b", 1]]
    assert histories_side_by_side({}).empty


# ---------------------------------------------------------------- marks
@pytest.mark.parametrize("mode", MODES)
def test_first_run_of_a_method_looks_as_its_method_does(mode: Mode) -> None:
    marks = run_marks(
        [("a", look("ovf"), "A", "x"), ("b", look("irs"), "B", "y"), ("c", look("ovf"), "C", "z")], mode=mode
    )

    assert marks["a"].style == variant_style(look("ovf"), mode=mode)
    assert marks["b"].style == variant_style(look("irs"), mode=mode)
    assert (marks["c"].letter, marks["c"].label) == ("C", "z")


@pytest.mark.parametrize("mode", MODES)
def test_eight_runs_of_one_method_are_told_apart_and_can_be_read(mode: Mode) -> None:
    styles = [mark.style for mark in run_marks(EIGHT, mode=mode).values()]

    assert len({style.symbol for style in styles}) == 8
    assert len({(style.dash, style.colour) for style in styles}) == 8
    assert all(contrast(style.label_colour, PALETTES[mode].background) >= MIN_CONTRAST for style in styles)


def test_marks_of_the_first_runs_do_not_depend_on_later_ones() -> None:
    assert list(run_marks(EIGHT, mode="light").items())[:3] == list(run_marks(EIGHT[:3], mode="light").items())


# ---------------------------------------------------------------- charts
def marks_of(*run_ids: str) -> dict[str, RunMark]:
    runs = [(run_id, look("ovf"), letter, f"OVF {run_id}") for run_id, letter in zip(run_ids, "ABCDEFGH", strict=False)]
    return run_marks(runs, mode="light")


def named(figure: go.Figure, name: str) -> Any:
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


def test_a_line_a_run_with_its_means_in_per_cent() -> None:
    figure = draw_curves(run_curves([A[0], B[0]]), marks_of("a", "b"), slice_sigma_d=0.1, chance=0.1, mode="light")

    line = named(figure, "A · OVF a")
    assert list(line.x) == [0.0, 0.1]
    assert list(line.y) == pytest.approx([100, 50])
    assert list(line.error_y.array) == pytest.approx([0, 49.6828], abs=1e-3)
    assert "<b>50.0 %</b> (0.3 to 99.7 %)<br>1st percentile 30.4 %<br>3 chips" in line.hovertext[1]
    assert line.customdata[0][0] == "a"
    assert [trace.text[0].strip("\N{NO-BREAK SPACE}") for trace in figure.data if trace.mode == "text"] == [
        "<b>B</b>",
        "<b>A</b>",
    ]


def test_hidden_run_leaves_every_other_line_as_it_was() -> None:
    curves, marks = run_curves([A[0], B[0]]), marks_of("a", "b")
    options: dict[str, Any] = {"slice_sigma_d": None, "chance": 0.1, "mode": "light"}

    both = named(draw_curves(curves, marks, **options), "B · OVF b")
    alone = named(draw_curves(curves[curves[c.RUN_ID] == "b"], marks, **options), "B · OVF b")

    assert both.to_json() == alone.to_json()


def test_letters_at_the_same_height_stand_apart_within_the_axis() -> None:
    runs = [a_run(f"r{number}", {0.1: [1.0, 1.0]})[0] for number in range(8)]
    marks = marks_of(*(run.id for run in runs))

    figure = draw_curves(run_curves(runs), marks, slice_sigma_d=None, chance=None, mode="dark")

    places = sorted(trace.y[0] for trace in figure.data if trace.mode == "text")
    assert min(np.diff(places)) >= 5
    assert 0 <= places[0] <= places[-1] <= 103


def test_differences_stand_around_the_line_of_the_reference() -> None:
    rows, _ = differences_to_run([A, B], "a")

    figure = draw_differences(rows, marks_of("a", "b"), reference="a", slice_sigma_d=0.1, mode="light")

    assert list(named(figure, "A · OVF a (zero)").y) == [0, 0]
    line = named(figure, "B · OVF b")
    assert list(line.y) == pytest.approx([10])
    assert "+10.0 points" in line.hovertext[0]
    assert "on the same 3 chips" in line.hovertext[0]
    low, high = figure.layout.yaxis.range
    assert low < 100 * rows[c.LOWER].min() < 0 < 100 * rows[c.UPPER].max() < high


def test_unpaired_difference_says_so_and_a_missing_interval_breaks_nothing() -> None:
    frame = pd.DataFrame({c.RUN_ID: ["b"], c.SIGMA_D: [0.1], c.MEAN: [-0.01], c.LOWER: [nan], c.UPPER: [nan]})
    frame = frame.assign(**{c.NUM_PAIRS: 0, c.NUM_INDEPENDENT: nan})

    figure = draw_differences(frame, marks_of("a", "b"), reference="a", slice_sigma_d=None, mode="dark")

    assert "−1.0 points" in named(figure, "B · OVF b").hovertext[0]
    assert "unpaired: other chips" in named(figure, "B · OVF b").hovertext[0]


def test_distribution_is_a_rising_line_a_run() -> None:
    figure = draw_distributions(run_quantiles([A, B], 0.1), marks_of("a", "b"), mode="light")

    line = named(figure, "A · OVF a")
    assert (line.x[0], line.x[-1]) == (pytest.approx(30), pytest.approx(70))
    assert (np.diff(line.y) > 0).all()


def test_histories_are_drawn_as_they_are() -> None:
    histories = pd.DataFrame({c.RUN_ID: ["a", "a", "b"], c.EPOCH: [1, 2, 1], c.VALIDATION_ACCURACY: [0.5, 0.7, 0.4]})

    figure = draw_histories(histories, marks_of("a", "b"), mode="light")

    assert list(named(figure, "A · OVF a").y) == [50, 70]
    assert named(figure, "B · OVF b").mode == "markers"


@pytest.mark.parametrize("mode", MODES)
def test_charts_of_nothing_are_empty(mode: Mode) -> None:
    marks = marks_of("a")
    figures: tuple[Any, ...] = (
        draw_curves(run_curves([]), marks, slice_sigma_d=None, chance=None, mode=mode),
        draw_differences(differences_to_run([A], "a")[0], marks, reference="a", slice_sigma_d=None, mode=mode),
        draw_distributions(run_quantiles([], 0.1), marks, mode=mode),
        draw_histories(histories_side_by_side({}), marks, mode=mode),
    )

    assert [len(figure.data) for figure in figures] == [0, 1, 0, 0]
