"""What each step from the trained network to its chips costs, and which costs the most."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.chip_statistics import student_t
from neft.runs.waterfalls import ON_CHIPS, WaterfallStep
from neft.tables.layers import layer_label

VARIATION = "variation"


def waterfall_table(steps: Sequence[WaterfallStep]) -> pd.DataFrame:
    """A row per step: accuracy with its interval over chips, and what the step costs, chip by chip, with its interval.

    The first step starts from 1, so that the costs add up to all that is lost. Where no chip is in play an interval is
    0: nothing is sampled. With a single chip it is not known (NaN).

    Args:
        steps: in their order.

    Returns:
        `step`, `layer`, `effect`, `accuracy`, `ci95`, `cost`, `cost_ci95`; fractions.
    """
    before = np.ones(1)
    rows: list[dict[str, object]] = []
    for one in steps:
        accuracies = np.array(one.accuracies)
        is_sampled = one.step in ON_CHIPS
        rows.append(
            {
                columns.STEP: one.step,
                columns.LAYER: layer_label(one.layer) if one.layer else "",
                columns.EFFECT: one.effect.replace("_", " "),
                columns.ACCURACY: float(accuracies.mean()),
                columns.CI95: _half_width(accuracies, is_sampled=is_sampled),
                columns.COST: float((before - accuracies).mean()),
                columns.COST_CI95: _half_width(before - accuracies, is_sampled=is_sampled),
            }
        )
        before = accuracies
    return pd.DataFrame(rows)


def cost_by_cause(steps: Sequence[WaterfallStep]) -> pd.DataFrame:
    """A row per cause, the dearest first: what training did not learn, new images, codes, mapping, variation, effects.

    Variation is that in all layers together.

    Args:
        steps: in their order.

    Returns:
        `step`, `cost`, `cost_ci95` over chips, and of variation the `layer` that costs the most at its place in the
        order; fractions.
    """
    table = waterfall_table(steps)
    others = table[table[columns.STEP] != VARIATION]
    layers = table[table[columns.STEP] == VARIATION]
    places = [place for place, one in enumerate(steps) if one.step == VARIATION]
    lost = np.array(steps[places[0] - 1].accuracies) - np.array(steps[places[-1]].accuracies)
    variation = {
        columns.STEP: VARIATION,
        columns.LAYER: layers[columns.LAYER].iloc[int(layers[columns.COST].to_numpy().argmax())],
        columns.EFFECT: "",
        columns.COST: float(lost.mean()),
        columns.COST_CI95: _half_width(lost, is_sampled=True),
    }
    causes = pd.concat([others[list(variation)], pd.DataFrame([variation])], ignore_index=True)
    return causes.sort_values(columns.COST, ascending=False, kind="stable", ignore_index=True)


def _half_width(values: np.ndarray, *, is_sampled: bool) -> float:
    if not is_sampled:
        return 0.0
    if len(values) < 2:
        return float("nan")
    return student_t(len(values) - 1) * float(values.std(ddof=1) / np.sqrt(len(values)))
