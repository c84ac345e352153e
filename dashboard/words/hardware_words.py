"""What networks take on a chip in words, from numbers that `neft.hardware` and `neft.tables.hardware` computed."""

import pandas as pd

from dashboard.data.hardware import USUAL_BITS, Size
from dashboard.words.sentences import SIGMA_D, percent, range_words
from neft import columns
from neft.sigma_d import sigma_d_text

PARTS = {
    "device": "devices",
    "column": "sample-and-holds",
    "dac": "DACs",
    "adc": "ADCs",
    "shift_add": "shift-and-adds",
    "subtractor": "subtractors",
}
"""The parts of a chip by their keys, in words."""
UNITS = {columns.AREA: "mm²", columns.ENERGY: "nJ"}
WORTHS = {"mean": "mean accuracy", "percentile": "1st percentile"}


def amount(value: float, cost: str) -> str:
    """`0.069 mm²`, `1,234 nJ`."""
    return f"{value:,.0f} {UNITS[cost]}" if value >= 1000 else f"{value:.3g} {UNITS[cost]}"


def title(drawn: pd.DataFrame, cost: str) -> str:
    """The finding: what the best on the front keeps and takes, and the next cheaper one on it.

    Args:
        drawn: as `accuracy_vs_cost` draws them.
        cost: its column.
    """
    front = drawn[drawn[columns.ON_FRONT].astype(bool)].sort_values(cost, kind="stable")
    best = front.iloc[-1]
    said = f"{amount(float(best[cost]), cost)} keep {percent(float(best[columns.MEAN]))} %"
    cheaper = front[front[cost] < best[cost]]
    if cheaper.empty:
        return f"{said}, and nothing is cheaper"
    other = cheaper.iloc[-1]
    return f"{said}, {amount(float(other[cost]), cost)} keep {percent(float(other[columns.MEAN]))} %"


def finding(drawn: pd.DataFrame, cost: str, *, value: str, sigma_d: float, data: str) -> str:
    """Which networks are on the front, from the cheapest to the best."""
    front = drawn[drawn[columns.ON_FRONT].astype(bool)].sort_values(cost, kind="stable")
    named = "; ".join(
        f"**{row[columns.LABEL]}**: {amount(float(row[cost]), cost)}, {percent(float(row[columns.MEAN]))} %"
        for row in front.to_dict("records")
    )
    of = f"{len(front)} of {len(drawn)} {'is' if len(front) == 1 else 'are'}" if len(drawn) > 1 else "It is"
    return (
        f"At {SIGMA_D} = {sigma_d_text(sigma_d)} on {data}, by {WORTHS[value]}, {of} on the front: {named}. "
        "The front goes by estimates: marks whose intervals overlap may belong there too."
    )


def spread(drawn: pd.DataFrame) -> str:
    """What intervals are over."""
    chips = range_words(drawn[columns.NUM_INSTANCES], "chip")
    return f"mean over {range_words(drawn[columns.NUM_SEEDS], 'seed')} of each one's {chips}; 95 % interval over seeds"


def size_words(size: Size) -> str:
    """What a network takes, in a sentence."""
    whole = size.totals
    banks = "one bank" if whole.banks == 1 else f"{whole.banks} banks"
    shares = (
        "as much as"
        if size.area_share == size.energy_share == 1
        else f"{100 * size.area_share:.0f} % of the area and {100 * size.energy_share:.0f} % of the energy of"
    )
    return (
        f"**{amount(whole.area, columns.AREA)}** and **{amount(whole.energy, columns.ENERGY)}** an inference: "
        f"{whole.devices:,} devices in {whole.columns:,} crossbar columns, {whole.dacs:,} DACs, {whole.adcs:,} ADCs "
        f"that convert {whole.conversions:,} times, {whole.subtractors:,} subtractors, {banks} of converters. That is "
        f"{shares} the same network with weights in pairs and a bank a layer."
    )


def assumed_words(*, is_assumed: bool) -> str:
    """What is priced where a run says nothing of its converters."""
    return f"The run names no converters: {USUAL_BITS} bits are priced, in and out." if is_assumed else ""
