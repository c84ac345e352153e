"""A search for signs in words."""

import pandas as pd

from dashboard.data.searches import SearchRecord
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.sigma_d import sigma_d_text


def finding(trials: pd.DataFrame, record: SearchRecord) -> str:
    """The choice beside both signs everywhere, and how far the search is.

    Args:
        trials: as of `neft.tables.sign_search`.
        record: what was searched.
    """
    chosen, first = trials[trials[columns.IS_CHOSEN]].iloc[0], trials.iloc[0]
    width = "" if chosen[columns.WIDTH] == 1 else f" at {chosen[columns.WIDTH]:g} times the width"
    both = f"{percent(float(first[columns.VALIDATION_ACCURACY]))} %"
    choice = (
        f"Chosen: signs `{chosen[columns.SIGNS]}`{width}, {percent(float(chosen[columns.VALIDATION_ACCURACY]))} % on "
        f"{100 * chosen[columns.AREA_SHARE]:.0f} % of the devices; both signs everywhere keep {both}."
        if chosen[columns.TRIAL] != 1
        else f"Chosen: both signs everywhere, {both}; nothing with fewer devices is worth what it loses."
    )
    asked, made = record.num_trials, len(trials)
    so_far = f"{made} of {asked} trials so far. " if made < asked else f"{made} trials. "
    return f"{so_far}{choice} {record.label} at {SIGMA_D} = {sigma_d_text(record.train_sigma_d)}, on validation images."
