"""The waterfall's chart draws the numbers it is given."""

import pandas as pd
import pytest

from dashboard.charts import Mode, variant_style, waterfall
from neft import columns as c
from tests.variants import look

STEPS = pd.DataFrame(
    {
        c.LABEL: ["training images", "test images", "variation in a", "variation in b"],
        c.ACCURACY: [0.95, 0.9, 0.7, 0.72],
        c.CI95: [0.0, 0.0, 0.05, 0.06],
        c.COST: [0.05, 0.05, 0.2, -0.02],
        c.COST_CI95: [0.0, 0.0, 0.05, 0.01],
    }
)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_bar_spans_what_its_step_costs(mode: Mode) -> None:
    bars, dots = waterfall(STEPS, look=look("irs"), dearest="variation in ", mode=mode).data

    assert list(bars.base) == list(dots.x) == pytest.approx([95, 90, 70, 72])
    assert list(bars.x) == pytest.approx([5, 5, 20, -2])
    assert list(dots.error_x.array) == pytest.approx([0, 0, 5, 6])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_dearest_steps_wear_the_runs_colour(mode: Mode) -> None:
    bars, _ = waterfall(STEPS, look=look("irs"), dearest="variation in ", mode=mode).data
    colour = variant_style(look("irs"), mode=mode).colour

    assert [one == colour for one in bars.marker.color] == [False, False, True, True]


def test_without_a_dearest_step_or_rows_none_is_coloured() -> None:
    colour = variant_style(look("irs"), mode="light").colour
    bars, _ = waterfall(STEPS, look=look("irs"), dearest="", mode="light").data

    assert colour not in bars.marker.color
    assert not waterfall(STEPS.iloc[:0], look=look("irs"), dearest="", mode="light").data
