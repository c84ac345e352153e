"""One run's result in words, and what is stored beside it."""

import pandas as pd

from dashboard.data.stored import RunRecord
from dashboard.words.sentences import SIGMA_D, spread_words, with_interval
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text


def result_words(record: RunRecord) -> str:
    """What the run keeps at the device variation that it was trained at; else at the largest that it met."""
    tested = [at for at in record.summary.test if at.metrics[columns.ACCURACY].mean is not None]
    if not tested:
        return ""
    own = next((at for at in tested if same_sigma_d(at.sigma_d, record.facts.train_sigma_d)), tested[-1])
    found = own.metrics[columns.ACCURACY]
    half = float("nan") if found.ci95 is None else found.ci95
    kept = with_interval(float(found.mean or 0.0), half)
    chips = f"{found.num_instances:,} chip{'' if found.num_instances == 1 else 's'}"
    return f"**{kept}** at {SIGMA_D} = {sigma_d_text(own.sigma_d)}: one training, {chips}."


def beside_words(record: RunRecord, beside: pd.DataFrame) -> str:
    """What the stored methods beside it keep there; empty where none does."""
    if beside.empty:
        return ""
    rows = beside[same_sigma_d(beside[columns.SIGMA_D], record.facts.train_sigma_d)]
    if rows.empty:
        return ""
    each = ", ".join(
        f"{row[columns.LABEL]} {with_interval(row[columns.MEAN], row[columns.CI95])}" for row in rows.to_dict("records")
    )
    return f"Stored beside it ({spread_words(rows)}): {each}."
