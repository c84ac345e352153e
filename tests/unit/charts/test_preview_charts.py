"""The preview's charts draw the numbers they are given."""

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import Mode, layer_costs, preview_curve, variant_style
from dashboard.charts.theme import PALETTES
from neft import columns as c
from tests.variants import look

MODES: tuple[Mode, ...] = ("light", "dark")
EMPTY = pd.DataFrame()


def curve_of(sigma_ds: list[float]) -> pd.DataFrame:
    mean = 0.9 - np.array(sigma_ds)
    return pd.DataFrame({c.SIGMA_D: sigma_ds, c.MEAN: mean, c.LOWER: mean - 0.02, c.UPPER: mean + 0.01})


def layers_of(names: list[str]) -> pd.DataFrame:
    mean = 0.9 - 0.1 * np.arange(len(names))
    return pd.DataFrame({c.LAYER: names, c.MEAN: mean, c.LOWER: mean - 0.02, c.UPPER: mean + 0.01})


@pytest.mark.parametrize("mode", MODES)
def test_a_preview_is_a_line_in_its_band_with_rings_for_real_chips(mode: Mode) -> None:
    curve, real = curve_of([0.0, 0.1, 0.2]), curve_of([0.1])

    figure = preview_curve(curve, real, look=look("irs"), chance=0.1, real_name="200 real chips", mode=mode)

    band, line, rings = figure.data
    np.testing.assert_allclose(line.y, 100 * curve[c.MEAN])
    np.testing.assert_allclose(band.y, 100 * np.concatenate([curve[c.UPPER], curve[c.LOWER][::-1]]))
    np.testing.assert_allclose(rings.error_y.array, [1])
    np.testing.assert_allclose(rings.error_y.arrayminus, [2])
    assert rings.name == "200 real chips"
    assert line.line.color == variant_style(look("irs"), mode=mode).colour
    assert rings.marker.color == PALETTES[mode].text


def test_each_layer_is_a_dot_between_all_and_none() -> None:
    layers, together = layers_of(["first", "second"]), layers_of(["all layers"])

    figure = layer_costs(layers, together, clean=0.97, look=look("irs"), mode="light")

    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(by_name["in one layer"].x, [90, 80])
    np.testing.assert_allclose(by_name["in one layer"].y, [0, 1])
    np.testing.assert_allclose(by_name["in all layers"].x, [90, 90])
    np.testing.assert_allclose(by_name["no variation"].x, [97, 97])
    assert list(figure.layout.yaxis.ticktext) == ["first", "second"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    low, high = figure.layout.xaxis.range
    assert low < 78
    assert high > 97


def test_a_long_name_is_cut_and_more_layers_take_more_room() -> None:
    few = layer_costs(layers_of(["a" * 40]), EMPTY, clean=0.9, look=look("irs"), mode="light")
    many = layer_costs(layers_of([str(index) for index in range(8)]), EMPTY, clean=0.9, look=look("irs"), mode="light")

    assert len(few.layout.yaxis.ticktext[0]) == 22
    assert many.layout.height > few.layout.height
