"""The lessons' charts draw the numbers they are given, in both modes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard import charts
from dashboard.charts import Mark
from dashboard.charts.theme import MIN_CONTRAST, PALETTES, contrast
from neft import columns as c
from tests.variants import known, look

NAN = float("nan")


def named(figure: Any) -> dict[str, Any]:
    """A figure's traces by name."""
    return {trace.name: trace for trace in figure.data}


def fixed_curves(trained: list[float]) -> pd.DataFrame:
    rows = [
        {c.TRAIN_SIGMA_D: at, c.SIGMA_D: tried, c.MEAN: 0.9 - tried, c.LOWER: 0.85 - tried, c.UPPER: 0.95 - tried}
        for at in trained
        for tried in (0.2, 0.0, 0.1)
    ]
    return pd.DataFrame(rows).assign(**{c.NUM_SEEDS: 3, c.NUM_INSTANCES: 50})


def test_devices_stand_by_significance_with_every_chip_at_its_level() -> None:
    levels = pd.DataFrame(
        {c.SIGNIFICANCE: [1, 1, 4, 4], c.INSTANCE: [0, 1, 0, 1], c.LEVEL: [2, 2, 3, 3], c.VALUE: [1.8, 2.3, 3.1, 2.4]}
    )

    figure: Any = charts.slice_levels(levels, max_level=3, mode="light")

    chips, wanted = named(figure)["one chip"], named(figure)["wanted level"]
    assert list(chips.x) == [1.8, 2.3, 3.1, 2.4]
    assert [round(y) for y in chips.y] == [0, 0, 1, 1]
    assert (list(wanted.x), list(wanted.y)) == ([2, 3], [0, 1])
    assert list(figure.layout.yaxis.ticktext) == ["× 1", "× 4"]


def test_weights_heap_stands_on_an_axis_that_does_not_move() -> None:
    histogram = pd.DataFrame(
        {c.BIN_LEFT: [0.4, 0.6], c.BIN_RIGHT: [0.6, 0.8], c.DENSITY: [2.0, 3.0], c.CLOSED_FORM_DENSITY: [2.5, 2.5]}
    )

    figure: Any = charts.programmed_weight(histogram, target=0.6, mode="dark")

    assert list(named(figure)["sampled chips"].x) == pytest.approx([0.5, 0.7])
    assert list(named(figure)["closed form"].y) == [2.5, 2.5]
    assert list(figure.layout.xaxis.range) == [-0.6, 1.6]
    assert figure.layout.shapes[0].x0 == 0.6


def test_shares_of_the_variance_are_in_per_cent_beside_the_closed_form() -> None:
    shares = pd.DataFrame({c.SIGNIFICANCE: [1, 4], c.MEAN: [0.1, 0.9], c.VARIANCE_SHARE: [0.0588, 0.9412]})

    figure: Any = charts.variance_shares(shares, mode="light")

    assert list(named(figure)["sampled chips"].x) == pytest.approx([10, 90])
    assert list(named(figure)["closed form"].x) == pytest.approx([5.88, 94.12])


def test_histogram_of_chips_names_its_lines_with_their_values() -> None:
    histogram = pd.DataFrame({c.BIN_LEFT: [0.5, 0.6], c.BIN_RIGHT: [0.6, 0.7], c.NUM_INSTANCES: [3, 7]})
    marks = (Mark("mean", 0.63), Mark("1st percentile", 0.52, lower=0.5, upper=0.55, dash="dot"))

    figure: Any = charts.chip_histogram(histogram, marks=marks, look=look("irs"), x_title="accuracy (%)", mode="light")

    assert list(named(figure)["chips"].y) == [3, 7]
    assert list(named(figure)["mean 63.0 %"].x) == pytest.approx([63, 63])
    assert named(figure)["1st percentile 52.0 %"].line.dash == "dot"
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [pytest.approx((50, 55))]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_trainings_have_lines_of_their_own_that_can_be_told_from_the_page(mode: Any) -> None:
    trained = [0.05, 0.1, 0.15, 0.2]
    curves = fixed_curves(trained)
    matched = pd.DataFrame({c.SIGMA_D: [0.1], c.MEAN: [0.8]})
    vanilla = known(fixed_curves([0.0]).drop(columns=c.TRAIN_SIGMA_D).assign(**{c.VARIANT: "vanilla"}))

    figure: Any = charts.curves_by_training(curves, noise_free=vanilla, matched=matched, chance=0.1, mode=mode)

    lines = [named(figure)[f"at {at:g}"] for at in trained]
    assert all(list(line.x) == [0.0, 0.1, 0.2] for line in lines)
    assert len({line.line.color for line in lines}) == len({line.marker.symbol for line in lines}) == len(trained)
    assert all(contrast(line.line.color, PALETTES[mode].background) >= MIN_CONTRAST for line in lines)
    assert named(figure)["without noise"].line.dash == "dash"
    assert list(named(figure)["matched"].y) == pytest.approx([80])


def test_percentile_without_a_lower_end_has_a_band_to_the_floor() -> None:
    rows = [
        {c.NUM_INSTANCES: count, c.LABEL: label, c.VALUE: value, c.LOWER: lower, c.UPPER: upper}
        for count, label, value, lower, upper in (
            (10, "mean", 0.8, 0.7, 0.9),
            (400, "mean", 0.81, 0.8, 0.82),
            (10, "percentile", 0.6, NAN, 0.7),
            (400, "percentile", 0.5, 0.45, 0.55),
        )
    ]
    names = {"mean": "mean", "percentile": "1st percentile"}

    figure: Any = charts.estimates_by_chips(pd.DataFrame(rows), names=names, look=look("irs"), mode="light")

    bands = [trace for trace in figure.data if trace.fill == "toself"]
    floor = figure.layout.yaxis.range[0]
    assert list(named(figure)["1st percentile"].y) == pytest.approx([60, 50])
    assert list(bands[0].y) == pytest.approx([90, 82, 80, 70])
    assert list(bands[1].y) == pytest.approx([70, 55, 45, floor])
    assert np.isfinite(np.array(bands[1].y, dtype=float)).all()


# ---------------------------------------------------------------- temperature
def at_temperatures(mean: float) -> pd.DataFrame:
    rows = pd.DataFrame({c.VARIANT: "noise_injection", c.LABEL: "Noise injection", c.POSITION: [1.0, 4.0, 64.0]})
    return known(
        rows.assign(**{c.MEAN: mean, c.LOWER: mean - 0.02, c.UPPER: mean + 0.02, c.NUM_SEEDS: 3, c.NUM_INSTANCES: 100})
    )


def test_accuracies_stand_above_the_weights_on_one_logarithmic_axis_of_temperatures() -> None:
    figure: Any = charts.temperature_effects(
        at_temperatures(0.9), at_temperatures(0.97), at_temperatures(3.7), interval_name="mean", mode="light"
    )

    traces = named(figure)
    assert list(traces["on sampled chips"].y) == pytest.approx([90.0] * 3)
    assert list(traces["in training, last epoch"].y) == pytest.approx([97.0] * 3)
    assert list(traces["weights"].y) == pytest.approx([3.7] * 3)
    assert traces["weights"].yaxis == "y2"
    assert traces["weights"].showlegend is False
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "log"
    assert list(figure.layout.xaxis2.ticktext) == ["1", "4", "64"]
    # from equal weights on, with room above
    assert figure.layout.yaxis2.range[0] == 1.0
    assert figure.layout.yaxis2.range[1] > 3.72
    assert "3 seeds × 100 chips" in traces["on sampled chips"].hovertext[0]
    assert traces["in training, last epoch"].hovertext[0].endswith("3 seeds")
    # one method, one hue: dashed and hollow in training
    assert traces["on sampled chips"].line.color == traces["in training, last epoch"].line.color
    assert traces["in training, last epoch"].marker.symbol == "circle-open"


def test_margins_are_steps_over_their_bins_beside_a_line_at_zero() -> None:
    each = {c.BIN_LEFT: [-0.5, 0.0, 0.5], c.BIN_RIGHT: [0.0, 0.5, 1.0], c.SHARE: [0.1, 0.6, 0.3]}
    bins = known(pd.DataFrame({c.VARIANT: "noise_injection", c.LABEL: "Noise injection", **each}))
    medians = known(pd.DataFrame({c.VARIANT: ["noise_injection"], c.LABEL: ["Noise injection"], c.VALUE: [0.3]}))

    figure: Any = charts.margin_distribution(bins, medians, mode="dark")

    outline, median = named(figure)["Noise injection"], named(figure)["Noise injection, median"]
    # up at the left edge, along the bins, down at the right one
    assert list(outline.x) == [-0.5, -0.5, 0.0, 0.5, 1.0, 1.0]
    assert list(outline.y) == pytest.approx([0, 10, 60, 30, 30, 0])
    assert outline.line.shape == "hv"
    assert list(median.x) == [0.3, 0.3]
    (zero,) = figure.layout.shapes
    assert (zero.x0, zero.x1, zero.yref) == (0, 0, "paper")
    assert [note.text for note in figure.layout.annotations] == ["◂ wrong", "right ▸"]
    assert "<b>60.0 %</b> of images<br>margin 0 to 0.5 times its noise" in outline.hovertext[2]
