"""Mapping and programming in words, from numbers that `neft.tables.schemes` computed."""

import pandas as pd

from dashboard.data.schemes import Choice, best, chips_needed, no_dearer, percentile_name
from dashboard.words.sentences import SIGMA_D, percent, signed, with_interval
from neft import columns
from neft.sigma_d import sigma_d_text

COSTS: dict[str, str] = {
    columns.DEVICES: "devices a weight",
    columns.PULSES: "pulses a weight",
    columns.READS: "reads a weight",
    columns.OPERATIONS: "digital operations a weight",
}
"""What can be cheap, in words."""
HARDWARE: dict[str, str] = {
    columns.AREA: "area (mm²)",
    columns.ENERGY: "energy an inference (nJ)",
}
"""What a whole network takes, in words."""
NAMED = 5
"""Chips below the bar that are named."""


def capital(words: str) -> str:
    """With a capital letter at its start."""
    return words[:1].upper() + words[1:]


def choice_label(choice: str) -> str:
    """A way of choosing weights in words."""
    return choice.replace("_", " ")


def title(table: pd.DataFrame) -> str:
    """The finding: what the best scheme gains over the first.

    Args:
        table: a row per scheme at one sigma_d, in the order in which they were tried.
    """
    top, first = best(table).iloc[0], table.iloc[0]
    if not is_better(top):
        return f"No scheme is told to be better than {first[columns.LABEL]}"
    return f"{capital(str(top[columns.LABEL]))}: {_points(top)} points more than {first[columns.LABEL]}"


def finding(table: pd.DataFrame, sigma_d: float) -> str:
    """What the best scheme keeps, what it costs, and what keeps the most for no more devices, pulses and reads."""
    top, free, first = best(table).iloc[0], best(no_dearer(table)).iloc[0], table.iloc[0]
    at, plain = f"At {SIGMA_D} = {sigma_d_text(sigma_d)}", str(first[columns.LABEL])
    if not is_better(top):
        return f"{at} **{plain}** keeps {_kept(first)} of images right, and no other is told to keep more."
    words = (
        f"{at} **{top[columns.LABEL]}** keeps {_kept(top)} of images right, {_gain(top)} more than {plain} "
        f"({_kept(first)}), chip by chip. It takes {costs(top)}; {plain} {costs(first)}."
    )
    if is_better(free) and free[columns.SCHEME] != top[columns.SCHEME]:
        words += f" Without one more device, pulse or read, **{free[columns.LABEL]}** keeps {_gain(free)} more."
    return words


def is_better(row: pd.Series) -> bool:
    """Whether a row's difference from the first is above zero for certain."""
    return float(row[columns.DIFFERENCE]) - float(row[columns.DIFFERENCE_CI95]) > 0


def costs(row: pd.Series) -> str:
    """`8 devices, 20 pulses and 20 reads a weight`."""
    devices, pulses, reads = (f"{float(row[name]):.3g}" for name in (columns.DEVICES, columns.PULSES, columns.READS))
    return f"{devices} devices, {pulses} pulses and {reads} reads a weight"


def decision(table: pd.DataFrame, choice: Choice | None, *, percentile: int, bar: float, cost: str) -> str:
    """The cheapest scheme that holds, and the chips that prove it; or what comes nearest.

    Args:
        table: a row per scheme at one sigma_d.
        choice: what holds, if anything does.
        percentile: that is to hold.
        bar: accuracy, a fraction.
        cost: the column of what is to be cheap.
    """
    asked = f"{percentile_name(percentile)} above {100 * bar:g} %"
    if choice is None:
        return _nothing_holds(table, asked, percentile)
    row = table[table[columns.SCHEME] == choice.scheme].iloc[0]
    place = "the worst" if choice.rank == 1 else f"number {choice.rank} from the worst"
    proof = (
        f"Of its {choice.num_chips} chips, {place}, chip {choice.instance}, keeps {percent(choice.accuracy)} %: with a "
        f"probability of 95 % the {percentile_name(percentile)} of all chips is no lower."
    )
    named = ", ".join(map(str, choice.below[:NAMED])) + (" …" if len(choice.below) > NAMED else "")
    below = f"{len(choice.below)} below the bar (chips {named})" if choice.below else "none below the bar"
    return (
        f"Cheapest in {COSTS[cost]} with its {asked}: **{row[columns.LABEL]}**, {costs(row)}. {proof} Of the chips "
        f"tried, {below}."
    )


def _nothing_holds(table: pd.DataFrame, asked: str, percentile: int) -> str:
    count = int(table[columns.NUM_INSTANCES].min())
    nearest = table.nlargest(1, columns.PERCENTILE_VALUE).iloc[0]
    words = f"{percent(float(nearest[columns.PERCENTILE_VALUE]))} %"
    said = f"No scheme is known to hold its {asked}. The nearest, {nearest[columns.LABEL]}, is estimated at {words}."
    short = chips_needed(percentile, count)
    return f"{said} {short}" if short else said


def budget_words(table: pd.DataFrame, share: float) -> str:
    """What each way of choosing keeps where this share is verified, and what it takes."""
    at = table[(table[columns.BUDGET] - share).abs() < 1e-9]
    kept = ", ".join(
        f"{row[columns.LABEL]} {with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))}"
        for row in at.sort_values(columns.MEAN, ascending=False).to_dict("records")
    )
    pulses, reads = (float(at[name].mean()) for name in (columns.PULSES, columns.READS))
    return (
        f"With {100 * share:g} % of the weights verified: {kept}; {pulses:.3g} pulses and {reads:.3g} reads a weight."
    )


def _kept(row: pd.Series) -> str:
    return with_interval(float(row[columns.MEAN]), float(row[columns.CI95]))


def _gain(row: pd.Series) -> str:
    return f"{_points(row)} ± {percent(float(row[columns.DIFFERENCE_CI95]))} points"


def _points(row: pd.Series) -> str:
    return signed(float(row[columns.DIFFERENCE])).lstrip("+")
