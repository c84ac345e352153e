"""Charts of races draw the chips they are given where they stand."""

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import Mode, race_still_in, race_tail
from dashboard.charts.theme import PALETTES
from neft import columns as c
from tests.variants import look

MODES: tuple[Mode, ...] = ("light", "dark")
TAIL = pd.DataFrame({c.INSTANCE: [41, 7], c.ACCURACY: [0.25, 0.5], c.RANK: [1, 2], c.SHARE: [0.0001, 0.0002]})
STORED = pd.DataFrame({c.INSTANCE: [7, 3], c.ACCURACY: [0.5, 0.9], c.RANK: [1, 2], c.SHARE: [0.5, 1.0]})
PERCENTILE = pd.DataFrame(
    {c.PERCENTILE: [1], c.VALUE: [0.6], c.LOWER: [0.58], c.UPPER: [0.63], c.NUM_INSTANCES: [10_000]}
)
STILL_IN = pd.DataFrame({c.NUM_IMAGES: [64, 128, 397], c.NUM_INSTANCES: [10_000, 4000, 250]})


@pytest.mark.parametrize("mode", MODES)
def test_the_worst_stand_below_the_stored_ones_and_the_opened_one_is_ringed(mode: Mode) -> None:
    figure = race_tail(
        TAIL, STORED, PERCENTILE, percentile_name="1st percentile", instance=7, look=look("irs"), mode=mode
    )

    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_allclose(by_name["the worst of 10,000"].y, [0.01, 0.02])
    np.testing.assert_allclose(by_name["2 stored chips"].y, [50, 100])
    np.testing.assert_allclose([by_name["chip 7"].x[0], by_name["chip 7"].y[0]], [50, 0.02])
    np.testing.assert_allclose(by_name["1st percentile, 95 % limits"].x, [58, 60, 63])
    np.testing.assert_allclose(by_name["1st percentile, 95 % limits"].y, [1, 1, 1])
    assert by_name["chip 7"].marker.color == PALETTES[mode].text
    assert figure.layout.yaxis.type == "log"
    low, high = figure.layout.yaxis.range
    assert 10**low < 0.01
    assert 10**high > 100


def test_chips_that_are_in_fall_where_they_are_left_out() -> None:
    figure = race_still_in(STILL_IN, image_name="images", look=look("irs"), mode="light")

    (stair,) = figure.data
    assert list(stair.x) == [0, 64, 128, 397]
    assert list(stair.y) == [10_000, 10_000, 4000, 250]
    assert stair.line.shape == "vh"  # from each number of images down first, then on to the next
    (frame,) = figure.layout.shapes
    assert (frame.x1, frame.y1) == (397, 10_000)
    assert "<b>250 chips</b> met 397 or more" in stair.hovertext
