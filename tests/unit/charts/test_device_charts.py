"""Charts of a device of one's own draw the numbers they are given."""

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import Mode, code_stds, device_curves, level_histograms, level_spread, variant_style
from dashboard.charts.theme import PALETTES
from neft import columns as c
from tests.variants import look

MODES: tuple[Mode, ...] = ("light", "dark")
EMPTY = pd.DataFrame()


def levels_of(stds: list[float], *, sigma_d: float, known: bool) -> pd.DataFrame:
    std = sigma_d * np.array(stds)
    ends = (0.9 * std, 1.2 * std) if known else (np.nan, np.nan)
    return pd.DataFrame({c.LEVEL: range(len(stds)), c.LEVEL_STD: stds, c.STD: std, c.LOWER: ends[0], c.UPPER: ends[1]})


def published() -> pd.DataFrame:
    one = pd.DataFrame({c.DEVICE: "rram1", c.LABEL: "RRAM1", c.LEVEL: range(4), c.LEVEL_STD: 1.0, c.STD: 0.05})
    other = one.assign(**{c.DEVICE: "rram4", c.LABEL: "RRAM4", c.LEVEL_STD: [0.4, 1.5, 1.5, 0.4]})
    return pd.concat([one, other], ignore_index=True)


@pytest.mark.parametrize("mode", MODES)
def test_levels_stand_beside_published_ones_with_their_intervals(mode: Mode) -> None:
    own = levels_of([0.2, 1.4, 1.2, 0.8], sigma_d=0.05, known=True)

    figure = level_spread(own, published(), sigma_d=0.05, name="mine", mode=mode)

    assert [trace.name for trace in figure.data] == ["RRAM1", "RRAM4", "mine"]
    np.testing.assert_allclose(figure.data[2].y, own[c.LEVEL_STD])
    np.testing.assert_allclose(figure.data[2].error_y.array, 0.2 * own[c.LEVEL_STD])
    np.testing.assert_allclose(figure.data[2].error_y.arrayminus, 0.1 * own[c.LEVEL_STD])
    assert figure.data[2].line.color == PALETTES[mode].text
    assert list(figure.layout.xaxis.tickvals) == [0, 1, 2, 3]
    assert "1.4</b> × σ<sub>d</sub> g<sub>max</sub>, 7 % of" in figure.data[2].hovertext[1]


def test_levels_without_intervals_have_no_bars() -> None:
    figure = level_spread(levels_of([1, 2], sigma_d=0.1, known=False), EMPTY, sigma_d=0.1, name="mine", mode="light")

    assert [trace.name for trace in figure.data] == ["mine"]
    assert np.isnan(np.asarray(figure.data[0].error_y.array, dtype=float)).all()


def test_codes_are_a_line_beside_an_even_device() -> None:
    codes = pd.DataFrame({c.CODE: range(16), c.STD: np.linspace(0.2, 1, 16), c.CLOSED_FORM_STD: 0.8})

    even, own = code_stds(codes, name="mine", even_name="RRAM1", mode="light").data

    np.testing.assert_allclose(own.y, codes[c.STD])
    np.testing.assert_allclose(even.y, 0.8)
    assert (even.name, own.name) == ("RRAM1", "mine")
    assert even.line.dash == "dash"


@pytest.mark.parametrize("mode", MODES)
def test_measurements_are_hills_with_gaussians_and_targets(mode: Mode) -> None:
    histograms = pd.DataFrame(
        {
            c.LEVEL: [0, 0, 1, 1],
            c.BIN_LEFT: [-0.1, 0.0, 0.8, 1.0],
            c.BIN_RIGHT: [0.0, 0.1, 1.0, 1.2],
            c.SHARE: [0.4, 0.6, 0.5, 0.5],
            c.GAUSSIAN_SHARE: 0.5,
        }
    )
    levels = pd.DataFrame({c.LEVEL: [0, 1], c.TARGET: [0.0, 1.0]})

    figure = level_histograms(histograms, levels, mode=mode)

    first, gaussian = figure.data[:2]
    np.testing.assert_allclose(first.x, [-10, -10, 0, 10, 10])
    np.testing.assert_allclose(first.y, [0, 40, 60, 60, 0])
    np.testing.assert_allclose(gaussian.x, [-5, 5])
    assert gaussian.line.color == PALETTES[mode].text
    assert [shape.x0 for shape in figure.layout.shapes] == [0, 100]
    assert sum(trace.showlegend for trace in figure.data) == 2
    assert figure.data[0].line.color != figure.data[2].line.color


@pytest.mark.parametrize("mode", MODES)
def test_a_network_is_drawn_on_both_devices(mode: Mode) -> None:
    mean = np.array([0.95, 0.9, 0.7])
    curve = pd.DataFrame({c.SIGMA_D: [0, 0.05, 0.1], c.MEAN: mean, c.LOWER: mean - 0.02, c.UPPER: mean + 0.01})

    figure = device_curves(
        curve,
        curve.assign(**{c.MEAN: mean - 0.1}),
        name="mine",
        beside_name="RRAM1",
        at=0.05,
        look=look("irs"),
        chance=0.1,
        mode=mode,
    )

    lines = {trace.name: trace for trace in figure.data if trace.name}
    np.testing.assert_allclose(lines["mine"].y, 100 * mean)
    np.testing.assert_allclose(lines["RRAM1"].y, 100 * (mean - 0.1))
    assert lines["mine"].line.color == variant_style(look("irs"), mode=mode).colour
    assert 0.05 in [shape.x0 for shape in figure.layout.shapes]
