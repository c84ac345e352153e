"""Trials of a search for the signs of layers, judged: merit, front and choice."""

from collections.abc import Sequence

import pandas as pd

from neft import columns
from neft.runs.searches import SearchTrial
from neft.tables.schemes import on_front

TRIAL_COLUMNS = (
    columns.TRIAL,
    columns.SIGNS,
    columns.WIDTH,
    columns.VALIDATION_ACCURACY,
    columns.AREA_SHARE,
    columns.MERIT,
    columns.RUN_ID,
    columns.ON_FRONT,
    columns.IS_CHOSEN,
)


def trials_table(trials: Sequence[SearchTrial], *, area_weight: float, max_drop: float) -> pd.DataFrame:
    """A row per trial, in their order (`TRIAL_COLUMNS`); one is the choice.

    Merit is validation accuracy - mu * area share. The choice has the best merit among the trials whose validation
    accuracy is near enough to that of the first one, which has both signs everywhere; of equal ones it is the first.

    Args:
        trials: at least one.
        area_weight: mu.
        max_drop: how far the choice may lie below the first one.
    """
    table = pd.DataFrame([trial.model_dump() for trial in trials])
    table[columns.TRIAL] = range(1, len(table) + 1)
    table[columns.MERIT] = [trial.merit(area_weight) for trial in trials]
    near = table[columns.VALIDATION_ACCURACY] >= table[columns.VALIDATION_ACCURACY].iloc[0] - max_drop
    chosen = table.loc[near, columns.MERIT].idxmax()
    table[columns.IS_CHOSEN] = table.index == chosen
    table[columns.ON_FRONT] = on_front(table, [columns.AREA_SHARE], columns.VALIDATION_ACCURACY)
    return table[list(TRIAL_COLUMNS)]
