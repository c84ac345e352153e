"""Costs of steps: worked out by hand."""

import pandas as pd
import pytest

from neft import columns as c
from neft.runs.waterfalls import WaterfallStep
from neft.tables.waterfall import cost_by_cause, waterfall_table

STEPS = (
    WaterfallStep(step="training_images", accuracies=(0.95,)),
    WaterfallStep(step="test_images", accuracies=(0.9,)),
    WaterfallStep(step="quantised", accuracies=(0.89,)),
    WaterfallStep(step="variation", layer="stages.0.conv", accuracies=(0.8, 0.6, 0.7)),
    WaterfallStep(step="variation", layer="classifier", accuracies=(0.7, 0.55, 0.61)),
)


def test_costs_add_up_to_all_that_is_lost() -> None:
    table = waterfall_table(STEPS)

    assert table[c.COST].tolist() == pytest.approx([0.05, 0.05, 0.01, 0.19, 0.08])
    assert table[c.COST].sum() == pytest.approx(1 - table[c.ACCURACY].iloc[-1])


def test_costs_of_variation_are_taken_chip_by_chip() -> None:
    """0.1, 0.05 and 0.09: std 0.026458; t of two degrees of freedom 4.3027; over sqrt 3."""
    last = waterfall_table(STEPS).iloc[-1]

    assert last[c.COST_CI95] == pytest.approx(4.302653 * 0.0264575 / 3**0.5, rel=1e-5)
    assert last[c.COST_CI95] < last[c.CI95]


def test_where_no_chip_is_in_play_nothing_is_sampled() -> None:
    assert waterfall_table(STEPS)[c.COST_CI95].iloc[:3].tolist() == [0, 0, 0]


def test_a_single_chip_tells_no_interval() -> None:
    steps = [one.model_copy(update={"accuracies": one.accuracies[:1]}) for one in STEPS]

    assert pd.isna(waterfall_table(steps)[c.COST_CI95].iloc[-1])


def test_layers_are_called_as_everywhere() -> None:
    assert waterfall_table(STEPS)[c.LAYER].tolist() == ["", "", "", "stage 1 conv", "classifier"]


def test_the_dearest_cause_comes_first_with_variation_as_one() -> None:
    """Variation costs 0.89 - 0.62, of which the first layer 0.19."""
    causes = cost_by_cause(STEPS)

    assert causes[c.STEP].tolist() == ["variation", "training_images", "test_images", "quantised"]
    assert causes[c.COST].tolist() == pytest.approx([0.27, 0.05, 0.05, 0.01])
    assert causes[c.LAYER].tolist() == ["stage 1 conv", "", "", ""]


def test_variation_costs_what_it_takes_after_what_is_misread_chip_by_chip() -> None:
    """Of 0.85, 0.75 and 0.8, 0.7, 0.55 and 0.61 are left: 0.15, 0.2 and 0.19, mean 0.18, std 0.026458."""
    misread = WaterfallStep(step="programming", accuracies=(0.85, 0.75, 0.8))

    causes = cost_by_cause([*STEPS[:3], misread, *STEPS[3:]]).set_index(c.STEP)

    assert causes.loc["variation", c.COST] == pytest.approx(0.18)
    assert causes.loc["variation", c.COST_CI95] == pytest.approx(4.302653 * 0.0264575 / 3**0.5, rel=1e-5)
    assert causes.loc["programming", c.COST] == pytest.approx(0.09)


def test_each_effect_is_a_cause_of_its_own() -> None:
    """Drift costs 0.62 - 0.5; variation still what it did before."""
    drift = WaterfallStep(step="effect", effect="drift", accuracies=(0.6, 0.4, 0.5))

    causes = cost_by_cause([*STEPS, drift])

    assert causes[c.STEP].tolist() == ["variation", "effect", "training_images", "test_images", "quantised"]
    assert causes[c.COST].tolist() == pytest.approx([0.27, 0.12, 0.05, 0.05, 0.01])
    assert causes[c.EFFECT].tolist()[:2] == ["", "drift"]
