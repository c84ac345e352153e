"""Schemes (a mapping and a programming) of one trained network side by side: what each keeps, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neft import columns
from neft.sigma_d import same_sigma_d
from neft.tables.intervals import crossed_interval
from neft.tables.percentiles import limit_ranks, percentile_at


@dataclass(frozen=True)
class Choice:
    """The cheapest scheme that holds a percentile above a bar, and the chips that prove it."""

    scheme: str
    rank: int
    """Of the chip that is the percentile's lower limit; 1 is the worst."""
    instance: int
    """That chip's number."""
    accuracy: float
    """Its accuracy: with 95 % probability the percentile of all chips is not below it."""
    num_chips: int
    below: tuple[int, ...]
    """The chips that fall below the bar, by number."""


def schemes_table(chips: pd.DataFrame, costs: pd.DataFrame, *, percentile: int) -> pd.DataFrame:
    """A row per scheme and sigma_d, in the order of the costs' schemes.

    Args:
        chips: scheme, sigma_d, instance, accuracy: the same instances of every scheme.
        costs: scheme, sigma_d, costs and noise (`neft.evaluation.schemes`), and whatever else is to be kept.
        percentile: from 1 to 99.

    Returns:
        The costs with mean and ci95 over chips, the percentile with its one-sided 95 % limits, the difference from the
        first scheme's mean with its ci95, chip by chip, and whether a row is on the Pareto front of its sigma_d: no
        other scheme costs as little in every respect and keeps as much, and is better in one.
    """
    rows: list[dict[str, object]] = []
    first = str(costs[columns.SCHEME].iloc[0])
    for cost in costs.to_dict("records"):
        sigma_d = float(cost[columns.SIGMA_D])
        ours, theirs = (accuracies(chips, scheme, sigma_d) for scheme in (str(cost[columns.SCHEME]), first))
        kept = _kept(ours, theirs, sigma_d=sigma_d, percentile=percentile)
        rows.append({str(name): value for name, value in cost.items()} | kept)
    table = pd.DataFrame(rows)
    fronts = [on_front(at, columns.COSTS) for _, at in table.groupby(columns.SIGMA_D)]
    return table.assign(**{columns.ON_FRONT: pd.concat(fronts)})


def accuracies(chips: pd.DataFrame, scheme: str, sigma_d: float) -> "pd.Series[float]":
    """A scheme's accuracy by instance."""
    at = chips[(chips[columns.SCHEME] == scheme) & same_sigma_d(chips[columns.SIGMA_D], sigma_d)]
    return at.set_index(columns.INSTANCE)[columns.ACCURACY]


def at_sigma_d(table: pd.DataFrame, sigma_d: float) -> pd.DataFrame:
    """The rows at one sigma_d."""
    return table[same_sigma_d(table[columns.SIGMA_D], sigma_d)].reset_index(drop=True)


def on_front(table: pd.DataFrame, costs: Sequence[str], value: str = columns.MEAN) -> "pd.Series[bool]":
    """Whether a row is on the Pareto front: none costs as little and is worth as much, and is better in one of them.

    Args:
        table: a row per scheme.
        costs: columns, less is better.
        value: a column, more is better.
    """
    points = np.column_stack([*(table[name].to_numpy(dtype=float) for name in costs), -table[value].to_numpy()])
    dominated = [bool(((points <= one).all(axis=1) & (points < one).any(axis=1)).any()) for one in points]
    return pd.Series(dominated, index=table.index).map(lambda it: not it)


def best(table: pd.DataFrame) -> pd.DataFrame:
    """The one row of the highest mean; of equal ones the first."""
    return table.nlargest(1, columns.MEAN)


def no_dearer(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that take no more devices, pulses and reads than the first."""
    first = table.iloc[0]
    kept = [table[name] <= first[name] for name in (columns.DEVICES, columns.PULSES, columns.READS)]
    return table[pd.concat(kept, axis=1).all(axis=1)]


def by_cost(table: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The rows, the cheapest first; what costs the same by the other costs in their order, then the better first."""
    order = [cost, *(name for name in columns.COSTS if name != cost)]
    keys = [*order, columns.MEAN]
    return table.sort_values(keys, ascending=[*(True for _ in order), False], kind="stable", ignore_index=True)


def cheapest(
    table: pd.DataFrame, chips: pd.DataFrame, *, sigma_d: float, cost: str, bar: float, percentile: int
) -> Choice | None:
    """The cheapest scheme whose percentile is above the bar for certain: its lower limit is; None where none is.

    Each limit holds with 95 % by itself, not all schemes' together.

    Args:
        table: of `schemes_table`, with this percentile.
        chips: as that table's.
        sigma_d: where it is to hold.
        cost: the column that decides; the other costs break ties.
        bar: accuracy, a fraction.
        percentile: from 1 to 99.
    """
    for row in by_cost(at_sigma_d(table, sigma_d), cost).to_dict("records"):
        if row[columns.PERCENTILE_LOWER] >= bar:
            scheme = str(row[columns.SCHEME])
            return _proof(scheme, accuracies(chips, scheme, sigma_d), bar=bar, percentile=percentile)
    return None


def _kept(
    ours: "pd.Series[float]", theirs: "pd.Series[float]", *, sigma_d: float, percentile: int
) -> dict[str, object]:
    values = ours.to_numpy(dtype=float)
    mean = crossed_interval(values[None, :])
    low = percentile_at(values[None, :], percentile / 100, sigma_d=sigma_d)
    difference = crossed_interval((ours - theirs).to_numpy(dtype=float)[None, :])
    return {
        columns.MEAN: mean.mean,
        columns.CI95: mean.ci95,
        columns.LOWER: mean.mean - mean.ci95,
        columns.UPPER: mean.mean + mean.ci95,
        columns.NUM_INSTANCES: len(values),
        columns.PERCENTILE: percentile,
        columns.PERCENTILE_VALUE: low.value,
        columns.PERCENTILE_LOWER: low.lower,
        columns.PERCENTILE_UPPER: low.upper,
        columns.DIFFERENCE: difference.mean,
        columns.DIFFERENCE_CI95: difference.ci95,
    }


def _proof(scheme: str, found: "pd.Series[float]", *, bar: float, percentile: int) -> Choice:
    ordered = found.sort_values(kind="stable")
    # without variation all chips are one, which is its own limit
    rank = limit_ranks(percentile / 100, len(ordered))[0] or 1
    return Choice(
        scheme=scheme,
        rank=rank,
        instance=int(ordered.index[rank - 1]),
        accuracy=float(ordered.iloc[rank - 1]),
        num_chips=len(ordered),
        below=tuple(int(instance) for instance in ordered.index[ordered < bar]),
    )
