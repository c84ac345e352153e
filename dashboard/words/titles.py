"""A page's title as its finding: one claim with its size, true for whatever is selected."""

import math
from collections.abc import Sequence

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.sigma_d import sigma_d_text

MAX_NAMED = 3
"""Of more methods than this the number is said."""


def against_control(differences: pd.DataFrame, sigma_d: float) -> str:
    """Which feedback methods beat their temperature control, stay behind it, or cannot be told apart from it.

    Args:
        differences: label, mean, ci95 (fractions): each method's paired difference to the control; at least
            one with an interval.
        sigma_d: where.
    """
    ahead, level, behind = _told(differences)
    said: list[str] = []
    control = _control(differences)
    it = f" {control}"
    for rows, words in (
        (ahead, "{who} beat{s} {control} by {points}"),
        (level, "{who} cannot be told apart from {control}"),
        (behind, "{who} stay{s} {points} behind{it}"),
    ):
        if len(rows):
            labels = [str(label) for label in rows[columns.LABEL]]
            s = "s" if len(labels) == 1 else ""
            points = _points(rows[columns.MEAN])
            said.append(words.format(who=_names(labels), s=s, control=control, points=points, it=it))
            control, it = "it", ""
    return f"At {_at(sigma_d)}, {'; '.join(said)}"


def surer_than_control(differences: pd.DataFrame, sigma_d: float) -> str:
    """Which feedback methods are surer of their right answers than their temperature control, less sure, or alike.

    Args:
        differences: label, mean, ci95 (nats, calibrated): each method's paired difference to the control; at least
            one with an interval.
        sigma_d: where.
    """
    less, level, surer = _told(differences)
    said: list[str] = []
    control = _control(differences)
    for rows, words in (
        (surer, "{who} {be} surer than {control}"),
        (level, "{who} cannot be told apart from {control}"),
        (less, "{who} {be} less sure{than}"),
    ):
        if len(rows):
            who = _names([str(label) for label in rows[columns.LABEL]])
            than = "" if said else f" than {control}"
            said.append(words.format(who=who, be="is" if len(rows) == 1 else "are", control=control, than=than))
            control = "it"
    return f"At {_at(sigma_d)}, calibrated, {'; '.join(said)}"


def foremost(means: pd.DataFrame, differences: pd.DataFrame, sigma_d: float) -> str:
    """Which method keeps the most images right, and which cannot be told apart from it.

    Args:
        means: label and mean (a fraction) of each method, at least one.
        differences: label, mean, ci95: every other method's paired difference to the best mean.
        sigma_d: where.
    """
    best = means.nlargest(1, columns.MEAN).iloc[0]
    label, kept = str(best[columns.LABEL]), f"{percent(float(best[columns.MEAN]))} %"
    if len(means) == 1:
        return f"At {_at(sigma_d)}, {label} keeps {kept} of images right"
    known = differences[differences[columns.CI95].notna()] if not differences.empty else differences
    if len(known) < len(means) - 1:
        return f"At {_at(sigma_d)}, {label} keeps the most images right, {kept}; so few chips tell nothing apart"
    level = known[known[columns.MEAN] >= -known[columns.CI95]]
    if len(level):
        every = [label, *map(str, level[columns.LABEL])]
        return f"At {_at(sigma_d)}, {_names(every)} cannot be told apart; the best keeps {kept} of images right"
    nearest = known.nlargest(1, columns.MEAN).iloc[0]
    ahead = _points([float(nearest[columns.MEAN])])
    return f"At {_at(sigma_d)}, {label} keeps the most images right: {kept}, {ahead} ahead of {nearest[columns.LABEL]}"


def _told(differences: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The rows whose intervals lie above zero, hold it, and lie below it."""
    known = differences[differences[columns.CI95].notna()]
    above, below = known[columns.MEAN] > known[columns.CI95], known[columns.MEAN] < -known[columns.CI95]
    return known[above], known[~above & ~below], known[below]


def _control(differences: pd.DataFrame) -> str:
    """What it is called beside as many methods."""
    return f"{'its' if differences[columns.CI95].notna().sum() == 1 else 'the'} temperature control"


def _at(sigma_d: float) -> str:
    return f"{SIGMA_D} = {sigma_d_text(sigma_d)}"


def _names(labels: Sequence[str]) -> str:
    """`OVF`, `OVF and IRS`, `OVF, IRS and 3 others`."""
    if len(labels) == 1:
        return labels[0]
    if len(labels) > MAX_NAMED:
        return f"{', '.join(labels[: MAX_NAMED - 1])} and {len(labels) - MAX_NAMED + 1} others"
    return f"{', '.join(labels[:-1])} and {labels[-1]}"


def _points(differences: "Sequence[float] | pd.Series[float]") -> str:
    """`2.2 points`, `1.0 to 2.2 points`: how large, whichever way."""
    sizes = sorted(abs(float(difference)) for difference in differences if not math.isnan(difference))
    low, high = percent(sizes[0]), percent(sizes[-1])
    return f"{low} point{'' if low == '1.0' else 's'}" if low == high else f"{low} to {high} points"
