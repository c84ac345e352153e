"""What a comparison of runs found, in words, from numbers that `neft.tables` computed."""

import math
from collections.abc import Mapping, Sequence

from dashboard.data.comparisons import Row, Side
from dashboard.words.sentences import SIGMA_D, signed, with_interval
from neft import columns
from neft.sigma_d import sigma_d_text

BETTER, WORSE, SAME = "better", "worse", "not told apart"


def finding(
    sides: Sequence[Side], reference: Side, sigma_d: float, means: Mapping[str, Row], rows: Mapping[str, Row]
) -> str:
    """The page's first sentence: what the reference keeps at the slice, and how the shown runs differ from it.

    Args:
        sides: the shown runs.
        reference: the run that they are compared with; it may be hidden.
        sigma_d: the slice.
        means: accuracy at the slice, by run id.
        rows: differences to the reference at the slice, by run id.
    """
    at = f"At device variation {SIGMA_D} = {sigma_d_text(sigma_d)}"
    mean = means.get(reference.id)
    if mean is None:
        return f"{at} the reference, **{reference.name}**, was not tested: choose another slice or reference."
    kept = with_interval(mean[columns.MEAN], mean[columns.CI95])
    chips = int(mean[columns.NUM_INSTANCES])
    start = f"{at}, **{reference.name}** gets {kept} of images right (95 % interval over {chips} chips)."
    others = [side for side in sides if side.id != reference.id]
    said = [_verdict(side, rows.get(side.id)) for side in others]
    return f"{start} Against it: {'; '.join(said)}." if said else f"{start} No other run is shown."


def verdict(row: Row) -> str:
    """Whether a difference keeps clear of zero; without an interval nothing is said."""
    mean, ci95 = row[columns.MEAN], row[columns.CI95]
    if math.isnan(mean) or math.isnan(ci95):
        return ""
    return SAME if abs(mean) <= ci95 else BETTER if mean > 0 else WORSE


def pairing(rows: Mapping[str, Row]) -> str:
    """How many chips of their own the runs would have needed to know their differences as well as the pairs do."""
    saved = [row for row in rows.values() if row[columns.NUM_PAIRS] and not math.isnan(row[columns.NUM_INDEPENDENT])]
    if not saved:
        return ""
    pairs = sorted({int(row[columns.NUM_PAIRS]) for row in saved})
    most = [row[columns.NUM_INDEPENDENT] for row in saved]
    count = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    if math.inf in most:
        return f"Here {count} shared chips tell a difference that is the same on every chip."
    low, high = f"{min(most):,.0f}", f"{max(most):,.0f}"
    return f"Here {count} shared chips did the work of {low if low == high else f'{low} to {high}'} drawn for each run."


def saving(row: Row) -> str:
    """The same for one run, in a cell of a table."""
    if not row[columns.NUM_PAIRS]:
        return "unpaired"
    independent = row[columns.NUM_INDEPENDENT]
    if math.isnan(independent):
        return f"{int(row[columns.NUM_PAIRS])} pairs"
    work = "any number" if math.isinf(independent) else f"{independent:,.0f}"
    return f"{int(row[columns.NUM_PAIRS])} did the work of {work}"


def why_not(
    sides: Sequence[Side], reference: Side, reasons: Mapping[str, str], unpaired: Mapping[str, str]
) -> list[str]:
    """A sentence for each run that is not compared with the reference, or not chip by chip."""
    said: list[str] = []
    for side in sides:
        if side.id in reasons:
            said.append(f"**{side.name}** is not compared with {reference.letter}: {reasons[side.id]}")
        elif side.id in unpaired:
            said.append(
                f"**{side.name}** met other chips than {reference.letter}, so no pairs are taken and its interval is "
                f"wider: {unpaired[side.id]}."
            )
    return said


def _verdict(side: Side, row: Row | None) -> str:
    if row is None:
        return f"**{side.name}** was not compared"
    said = verdict(row)
    if not said:
        return f"**{side.name}** {signed(row[columns.MEAN])} points (one chip: no interval)"
    return f"**{side.name}** {signed(row[columns.MEAN])} ± {100 * row[columns.CI95]:.1f} points, {said}"
