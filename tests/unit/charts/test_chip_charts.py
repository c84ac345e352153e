"""Charts of single chips, inputs and weights draw the numbers they are given."""

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import (
    Mode,
    chip_ranks,
    chip_votes,
    class_votes,
    confusion_change,
    device_levels,
    slice_errors,
    weight_distribution,
    weight_errors,
)
from dashboard.charts.theme import DIVERGING_ENDS, PALETTES
from neft import columns as c
from tests.variants import look

MODES: tuple[Mode, ...] = ("light", "dark")
RANKED = pd.DataFrame(
    {c.INSTANCE: [4, 2, 7], c.ACCURACY: [0.5, 0.75, 0.9], c.RANK: [1, 2, 3], c.SHARE: [1 / 3, 2 / 3, 1]}
)
MEAN = pd.DataFrame({c.MEAN: [0.72], c.LOWER: [0.7], c.UPPER: [0.74]})
SLICES = pd.DataFrame(
    {
        c.SLICE: [1, 0],
        c.SIGNIFICANCE: [4, 1],
        c.LEVEL: [2, 1],
        c.LEVEL_STD: [0.3, 0.3],
        c.LEVEL_ERROR: [-0.2, 0.1],
        c.WEIGHT_ERROR: [-0.08, 0.01],
        c.VARIANCE_SHARE: [16 / 17, 1 / 17],
    }
)


@pytest.mark.parametrize("mode", MODES)
def test_chips_are_a_stair_and_the_opened_one_is_ringed(mode: Mode) -> None:
    figure = chip_ranks(RANKED, MEAN, instance=2, clean=0.97, look=look("irs"), mode=mode)

    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(by_name["each chip"].x, [50, 75, 90])
    np.testing.assert_allclose(by_name["each chip"].y, [100 / 3, 200 / 3, 100])
    np.testing.assert_allclose([by_name["chip 2"].x[0], by_name["chip 2"].y[0]], [75, 200 / 3])
    assert list(by_name["mean chip, with its interval"].x) == pytest.approx([72, 72])
    assert list(by_name["no variation"].x) == pytest.approx([97, 97])
    assert figure.layout.shapes[0].x0 == pytest.approx(70)
    assert by_name["chip 2"].marker.color == PALETTES[mode].text


def test_one_chip_has_no_band() -> None:
    alone = MEAN.assign(**{c.LOWER: np.nan, c.UPPER: np.nan})
    assert not chip_ranks(RANKED.head(1), alone, instance=4, clean=0.9, look=look("irs"), mode="light").layout.shapes


@pytest.mark.parametrize("mode", MODES)
def test_signed_deviations_are_drawn_about_zero_and_amounts_from_zero(mode: Mode) -> None:
    cells = pd.DataFrame([[0.1, -0.3], [0.0, 0.2]])

    (signed,) = weight_errors(cells, signed=True, unit="w", mode=mode).data
    (amounts,) = weight_errors(cells.abs(), signed=False, unit="w", mode=mode).data

    np.testing.assert_allclose(signed.z, cells)
    assert (signed.zmin, signed.zmax) == pytest.approx((-0.3, 0.3))
    assert (amounts.zmin, amounts.zmax) == pytest.approx((0, 0.3))
    assert signed.colorscale[1][1] == PALETTES[mode].background


def test_blocks_are_named_by_their_first_weight() -> None:
    cells = pd.DataFrame([[0.1, 0.2]], index=[0], columns=[0, 3])
    assert list(weight_errors(cells, signed=False, unit="w", mode="light").data[0].x) == [0, 3]


def test_confusion_is_a_matrix_of_differences_with_its_numbers() -> None:
    changes = pd.DataFrame(
        {
            c.TRUE_CLASS: [0, 0, 1, 1],
            c.PREDICTED_CLASS: [0, 1, 0, 1],
            c.CLEAN_COUNT: [5, 0, 1, 4],
            c.CHIP_COUNT: [3, 2, 1, 4],
            c.DIFFERENCE: [-2, 2, 0, 0],
        }
    )

    figure = confusion_change(changes, class_names=["a", "b"], mode="light")

    (cells,) = figure.data
    np.testing.assert_array_equal(cells.z, [[-2, 2], [0, 0]])
    assert [list(row) for row in cells.text] == [["−2", "+2"], ["", ""]]
    assert (cells.zmin, cells.zmax) == (-2, 2)
    assert cells.customdata[0][1] == "a taken for b"
    assert figure.layout.yaxis.autorange == "reversed"


def test_many_classes_have_no_room_for_numbers() -> None:
    pairs = pd.MultiIndex.from_product([range(25), range(25)], names=[c.TRUE_CLASS, c.PREDICTED_CLASS])
    changes = pd.DataFrame({c.CLEAN_COUNT: 0, c.CHIP_COUNT: 0, c.DIFFERENCE: 0}, index=pairs).reset_index()

    (cells,) = confusion_change(changes, class_names=[f"class {i}" for i in range(25)], mode="light").data

    assert cells.text is None
    assert cells.zmax == 1


@pytest.mark.parametrize("mode", MODES)
def test_votes_are_bars_and_mean_probabilities_rings(mode: Mode) -> None:
    tally = pd.DataFrame(
        {
            c.PREDICTED_CLASS: [0, 1, 2],
            c.NUM_VOTES: [7, 3, 0],
            c.SHARE: [0.7, 0.3, 0.0],
            c.LOWER: [0.4, 0.1, 0.0],
            c.UPPER: [0.9, 0.6, 0.28],
            c.PROBABILITY: [0.6, 0.35, 0.05],
        }
    )

    figure = class_votes(tally, class_names=["a", "b", "c"], truth=1, mode=mode)

    bars, rings = figure.data[:2]
    right, wrong = DIVERGING_ENDS[mode]
    np.testing.assert_allclose(bars.x, [70, 30, 0])
    np.testing.assert_allclose(rings.x, [60, 35, 5])
    assert list(bars.marker.color) == [wrong, right, wrong]
    np.testing.assert_allclose(bars.error_x.array[:2], [20, 30])
    assert np.isnan(bars.error_x.array[2])
    assert figure.layout.yaxis.ticktext[1] == "<b>b (true)</b>"


def test_each_chip_has_a_cell_with_its_class_from_the_start() -> None:
    votes = pd.DataFrame({c.INSTANCE: range(12), c.PREDICTED_CLASS: [1] * 11 + [0], c.PROBABILITY: [0.8] * 12})

    (cells,) = chip_votes(votes, class_names=["ant", "bee keeper"], truth=1, num_chips=100, mode="light").data

    assert np.shape(cells.z) == (10, 10)
    assert cells.z[0][0] == pytest.approx(0.8)
    assert cells.z[1][1] == pytest.approx(-0.8)
    assert np.isnan(cells.z[1][2])
    assert cells.text[0][0] == "bee"
    assert cells.hovertext[1][1].startswith("chip 11 says ant")


def test_devices_are_rows_with_their_level_band_and_dot() -> None:
    figure = device_levels(SLICES, max_level=3, mode="light")

    band, asked, held = figure.data
    assert list(band.base) == pytest.approx([1.4, 0.4])
    np.testing.assert_allclose(band.x, [1.2, 1.2])
    np.testing.assert_allclose(asked.x, [2, 1])
    np.testing.assert_allclose(held.x, [1.8, 1.1])
    assert list(figure.layout.yaxis.ticktext) == ["slice 1 (× 4)", "slice 0 (× 1)"]
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 2, 3]


def test_a_devices_share_is_a_bar_with_what_it_adds() -> None:
    (bars,) = slice_errors(SLICES, w_max=2.0, mode="light").data

    np.testing.assert_allclose(bars.x, [1600 / 17, 100 / 17])
    assert list(bars.text) == ["94.1 % · −0.040", "5.88 % · +0.005"]


def test_a_programmed_weight_is_a_histogram_under_its_gaussian() -> None:
    histogram = pd.DataFrame(
        {c.BIN_LEFT: [0.0, 1.0], c.BIN_RIGHT: [1.0, 2.0], c.DENSITY: [0.4, 0.6], c.CLOSED_FORM_DENSITY: [0.5, 0.5]}
    )
    marks = pd.DataFrame({"label": ["target"], "value": [1.2], "dash": ["dash"]})

    bars, gaussian, target = weight_distribution(histogram, marks, mode="light").data

    np.testing.assert_allclose(bars.x, [0.5, 1.5])
    np.testing.assert_allclose(bars.y, [0.4, 0.6])
    np.testing.assert_allclose(gaussian.y, [0.5, 0.5])
    assert list(target.x) == [1.2, 1.2]
