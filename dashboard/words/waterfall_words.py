"""Where accuracy goes in words, from numbers that `neft` computed."""

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.sigma_d import sigma_d_text

STEPS = {
    "training_images": "training images",
    "test_images": "test images",
    "quantised": "weights as codes",
    "mapping": "as mapped to devices",
    "programming": "misread while programmed",
    "variation": "variation in {layer}",
    "effect": "{effect}",
}
CAUSES = {
    "training_images": "what training did not learn: its own training images are not all right",
    "test_images": "images that training has not seen",
    "quantised": "quantising the weights to codes",
    "mapping": "mapping the weights to devices",
    "programming": "misreading devices while they are programmed",
    "variation": "device variation {at}; of its layers, taken in their order, {layer} costs the most",
    "effect": "{effect}, after programming",
}
CODES_ALONE = "The run kept its weights as codes alone, so what quantising costs is not known."


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The steps with a label each."""
    labels = [
        STEPS[str(row[columns.STEP])].format(layer=row[columns.LAYER], effect=row[columns.EFFECT])
        for row in table.to_dict("records")
    ]
    return table.assign(**{columns.LABEL: labels})


def dearest_label(causes: pd.DataFrame) -> str:
    """How the labels of the dearest cause's steps begin; empty where none costs anything for certain."""
    first = causes.iloc[0]
    is_certain = first[columns.COST] - first[columns.COST_CI95] > 0
    label = STEPS[str(first[columns.STEP])].replace("{effect}", str(first[columns.EFFECT]))
    return label.partition("{")[0] if is_certain else ""


def finding(causes: pd.DataFrame, *, sigma_d: float, has_real_weights: bool) -> str:
    """What costs the most, and how much all of it takes together.

    Args:
        causes: a row per cause, the dearest first.
        sigma_d: device variation of the chips.
        has_real_weights: whether what quantising costs is known.
    """
    first, lost = causes.iloc[0], float(causes[columns.COST].sum())
    at = f"at {SIGMA_D} = {sigma_d_text(sigma_d)}"
    note = "" if has_real_weights else f" {CODES_ALONE}"
    if not dearest_label(causes):
        return f"No step costs anything for certain {at}.{note}"
    words = CAUSES[str(first[columns.STEP])].format(layer=first[columns.LAYER], effect=first[columns.EFFECT], at=at)
    half = float(first[columns.COST_CI95])
    within = f" ± {percent(half)}" if half > 0 else ""
    return f"Of {percent(lost)} points that are lost, **{percent(first[columns.COST])}{within}** go to {words}.{note}"
