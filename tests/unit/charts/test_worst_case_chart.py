"""The worst case's chart draws the numbers it is given."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import Mode, variant_style, worst_case_curve
from dashboard.charts.theme import PALETTES
from neft import columns as c
from tests.variants import look

MODES: tuple[Mode, ...] = ("light", "dark")
CURVE = pd.DataFrame(
    {
        c.TH_G: [0.0, 0.01],
        c.ACCURACY: [0.98, 0.1],
        c.UNIFORM_MEAN: [0.98, 0.97],
        c.UNIFORM_MIN: [0.98, 0.95],
        c.GAUSSIAN_MEAN: [0.98, 0.975],
        c.GAUSSIAN_MIN: [0.98, 0.96],
    }
)
OPTIONS: dict[str, Any] = {"chance": 0.1, "num_draws": 10, "end": 0.05}


@pytest.mark.parametrize("mode", MODES)
def test_the_adversary_is_the_method_s_line_and_chance_reaches_down_to_its_lowest(mode: Mode) -> None:
    figure = worst_case_curve(
        CURVE, look=look("irs"), worst_chip=0.7, worst_chip_name="worst chip", mode=mode, **OPTIONS
    )

    uniform, gaussian, chip, line = figure.data
    np.testing.assert_allclose(line.y, [98, 10])
    assert line.line.color == variant_style(look("irs"), mode=mode).colour
    for trace, mean, lowest in ((uniform, 97, 95), (gaussian, 97.5, 96)):
        assert (trace.y[1], trace.y[1] - trace.error_y.arrayminus[1]) == pytest.approx((mean, lowest))
        np.testing.assert_allclose(trace.error_y.array, 0)
        assert "the lowest of 10" in trace.name
        assert trace.marker.color == PALETTES[mode].muted
    np.testing.assert_allclose(chip.y, [70, 70])
    np.testing.assert_allclose(chip.x, [0, 0.05])
    assert figure.layout.xaxis.range == pytest.approx((0, 0.0515))


def test_without_a_worst_chip_or_rows_nothing_is_drawn_for_them() -> None:
    figure = worst_case_curve(
        pd.DataFrame(), look=look("irs"), worst_chip=None, worst_chip_name="", mode="light", **OPTIONS
    )
    assert not figure.data
