"""The results pages' charts draw the numbers they are given, in the methods' colours."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.charts import (
    Mode,
    accuracy_distribution,
    calibration_vs_sigma_d,
    confidence_split,
    difference_vs_sigma_d,
    layer_audit,
    layer_weights,
    reliability,
    unlucky_chips,
    variance_parts,
    variant_style,
)
from neft import columns as c
from tests.variants import known, look

MODES: tuple[Mode, ...] = ("light", "dark")
LABELS = {"vanilla": "Vanilla", "ovf": "OVF", "irs": "IRS"}
EMPTY = pd.DataFrame()


def rows_of(variants: list[str], sigma_ds: list[float], **values: Any) -> pd.DataFrame:
    """A row per variant and sigma_d; values are constants, or one number a sigma_d."""
    frames = [
        pd.DataFrame(
            {
                c.VARIANT: variant,
                c.LABEL: LABELS[variant],
                c.SIGMA_D: sigma_ds,
                c.NUM_SEEDS: 3,
                c.NUM_INSTANCES: 200,
                **values,
            }
        )
        for variant in variants
    ]
    return known(pd.concat(frames, ignore_index=True))


def named(figure: go.Figure, name: str, *, shown: bool = True) -> Any:
    """The trace of that name that draws something."""
    return next(trace for trace in figure.data if trace.name == name and (trace.x[0] is not None or not shown))


# ---------------------------------------------------------------- accuracy
@pytest.mark.parametrize("mode", MODES)
def test_unlucky_chips_stand_below_their_mean_with_the_limits_there_are(mode: Mode) -> None:
    percentiles = rows_of(["ovf"], [0.1, 0.2], value=[0.8, 0.6], lower=[0.7, np.nan], upper=[0.85, 0.65])
    means = rows_of(["ovf"], [0.1, 0.2], mean=[0.9, 0.75])

    figure = unlucky_chips(percentiles, means, name="5th percentile", chance=0.1, mode=mode)

    marks = named(figure, "OVF")
    np.testing.assert_allclose(marks.y, [80, 60])
    np.testing.assert_allclose(marks.error_y.array, [5, 5])
    np.testing.assert_allclose(marks.error_y.arrayminus, [10, 0])
    assert "no lower limit, to 65.0 %" in marks.hovertext[1]
    assert marks.marker.color == variant_style(look("ovf"), mode=mode).colour
    np.testing.assert_allclose(named(figure, "OVF, mean").y, [90, 75])


def test_chips_rise_from_the_worst_to_the_best_with_marks_at_percentile_and_median() -> None:
    shares = np.linspace(0, 1, 201)
    rows = pd.DataFrame({c.VARIANT: "irs", c.LABEL: "IRS", c.QUANTILE: shares, c.VALUE: 0.6 + 0.3 * shares})
    quantiles = known(rows)

    figure = accuracy_distribution(quantiles, interval_name="chips", mode="light")

    line, marks = figure.data
    np.testing.assert_allclose(line.x, 60 + 30 * shares)
    np.testing.assert_allclose(line.y, 100 * shares)
    np.testing.assert_allclose(marks.x, [61.5, 75])
    np.testing.assert_allclose(marks.y, [5, 50])


@pytest.mark.parametrize("mode", MODES)
def test_differences_are_points_around_the_reference_at_zero(mode: Mode) -> None:
    differences = rows_of(["ovf"], [0.1, 0.2], mean=[0.01, -0.05], lower=[0.0, -0.07], upper=[0.02, -0.03])

    figure = difference_vs_sigma_d(
        differences, reference=look("irs"), reference_label="IRS", interval_name="paired", mode=mode
    )

    line = named(figure, "IRS (zero)")
    assert list(line.y) == [0, 0]
    assert line.line.color == variant_style(look("irs"), mode=mode).colour
    marks = named(figure, "OVF")
    np.testing.assert_allclose(marks.y, [1, -5])
    np.testing.assert_allclose(marks.error_y.array, [1, 2])
    assert "−5.00 points" in marks.hovertext[1]
    low, high = figure.layout.yaxis.range
    assert low < -7
    assert high > 2


def test_parts_of_the_spread_fill_the_bar() -> None:
    parts = rows_of(
        ["ovf", "irs"],
        [0.1],
        std=0.02,
        std_seeds=0.01,
        std_chips=0.01,
        std_rest=0.014,
        share_seeds=0.25,
        share_chips=0.25,
        share_rest=0.5,
    )

    figure = variance_parts(parts, mode="light")

    drawn = [trace for trace in figure.data if trace.x[0] is not None]
    np.testing.assert_allclose(sum(np.array(trace.x) for trace in drawn), [100, 100])
    assert [annotation.text for annotation in figure.layout.annotations] == ["std 2.0", "std 2.0"]
    assert drawn[0].marker.line.color[0] == variant_style(look("ovf"), mode="light").colour


# ---------------------------------------------------------------- uncertainty
def test_reliability_is_accuracy_over_confidence_above_the_counts() -> None:
    bins = rows_of(
        ["ovf"],
        [0.1, 0.1],
        bin_left=[0.0, 0.5],
        bin_right=[0.5, 1.0],
        mean_confidence=[0.4, 0.9],
        accuracy=[0.5, 0.8],
        lower=[0.4, 0.75],
        upper=[0.6, 0.85],
        num_predictions=[10, 90],
        share=[0.1, 0.9],
    )

    figure = reliability(bins, interval_name="over chips", mode="light")

    points = named(figure, "OVF")
    np.testing.assert_allclose(points.x, [40, 90])
    np.testing.assert_allclose(points.y, [50, 80])
    np.testing.assert_allclose(points.error_y.array, [10, 5])
    counts = [trace for trace in figure.data if trace.yaxis == "y2"]
    np.testing.assert_allclose(counts[0].y, [10, 90])
    np.testing.assert_allclose(counts[0].x, [25, 75])


def test_right_answers_are_full_marks_and_wrong_ones_hollow() -> None:
    confidences = pd.concat(
        [
            rows_of(["ovf"], [0.1], outcome="right", mean=0.9, lower=0.88, upper=0.92, low=0.6, high=1.0),
            rows_of(["ovf"], [0.1], outcome="wrong", mean=0.5, lower=np.nan, upper=np.nan, low=0.3, high=0.8),
            rows_of(["irs"], [0.1], outcome="right", mean=1.0, lower=1.0, upper=1.0, low=1.0, high=1.0),
            rows_of(["irs"], [0.1], outcome="wrong", mean=np.nan, lower=np.nan, upper=np.nan, low=np.nan, high=np.nan),
        ]
    )

    figure = confidence_split(confidences, interval_name="mean", mode="light")

    right, wrong = named(figure, "OVF, right"), named(figure, "OVF, wrong")
    assert (right.x[0], wrong.x[0]) == (90, 50)
    assert right.marker.symbol == "diamond"
    assert wrong.marker.symbol == "diamond-open"
    assert "IRS, wrong" not in {trace.name for trace in figure.data}
    assert list(figure.layout.yaxis.ticktext) == ["OVF", "IRS"]


def test_calibrated_errors_are_hollow_at_the_slice() -> None:
    before = rows_of(["ovf"], [0.1, 0.2], mean=[0.1, 0.2], lower=[0.09, 0.18], upper=[0.11, 0.22])
    after = rows_of(["ovf"], [0.1], mean=[0.03], lower=[0.02], upper=[0.04])

    figure = calibration_vs_sigma_d(before, after, interval_name="mean", after_name="calibrated", mode="light")

    np.testing.assert_allclose(named(figure, "OVF").y, [10, 20])
    hollow = named(figure, "OVF, calibrated")
    assert (hollow.x[0], hollow.y[0]) == (pytest.approx(0.1), pytest.approx(3))
    assert hollow.marker.symbol.endswith("-open")


# ---------------------------------------------------------------- weights
def test_audit_draws_how_far_off_a_layer_is_in_its_range() -> None:
    audit = pd.DataFrame(
        {
            c.VARIANT: "ovf",
            c.LABEL: "OVF",
            c.LAYER: ["first", "second"],
            "ratio": [1.01, 0.98],
            c.CI95: [0.02, 0.01],
            c.REALISED_STD: [0.0505, 0.049],
            c.CLOSED_FORM_STD: [0.05, 0.05],
            "num_sampled": [800, 1600],
        }
    )

    figure = layer_audit(known(audit), mode="dark")

    ranges, marks = figure.data
    np.testing.assert_allclose(ranges.x, [4, 2])
    np.testing.assert_allclose(ranges.base, [-2, -1])
    np.testing.assert_allclose(marks.x, [1, -2])
    assert "expected 1 ± 0.0200" in marks.hovertext[0]
    assert list(figure.layout.yaxis.ticktext) == ["first", "second"]


def test_weights_stand_in_their_layers_row() -> None:
    sizes = pd.concat(
        [
            pd.DataFrame(
                {
                    c.VARIANT: variant,
                    c.LABEL: LABELS[variant],
                    c.LAYER: ["first", "second"],
                    c.MEAN: [mean, 0.3],
                    c.LOWER: [mean - 0.01, 0.3],
                    c.UPPER: [mean + 0.01, 0.3],
                    c.MIDDLE_SHARE: 0.4,
                    "deviation_to_weight": 0.5,
                    c.NUM_SEEDS: 3,
                }
            )
            for variant, mean in (("ovf", 0.2), ("irs", 0.25))
        ]
    )

    figure = layer_weights(known(sizes), interval_name="mean", mode="light")

    ovf, irs = figure.data
    np.testing.assert_allclose(ovf.x, [20, 30])
    np.testing.assert_allclose(irs.x, [25, 30])
    np.testing.assert_allclose(ovf.error_x.array, [1, 0], atol=1e-9)
    assert ovf.y[0] < irs.y[0] < ovf.y[1] < irs.y[1]
