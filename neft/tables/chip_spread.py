"""What some chips say of chips in general: of unlucky ones, and of where their spread comes from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.tables.arms import convergence
from neft.tables.curves import differences_to, metric_curves, seeds_by_chips
from neft.tables.intervals import spread
from neft.tables.percentiles import LOW_PERCENTILES, percentile_at
from neft.tables.variants import VARIANT_FACTS

NUM_FAILED = "num_failed"
STD_SEEDS, STD_CHIPS, STD_REST = "std_seeds", "std_chips", "std_rest"
SHARE_SEEDS, SHARE_CHIPS, SHARE_REST = "share_seeds", "share_chips", "share_rest"
PARTS = (STD_SEEDS, STD_CHIPS, STD_REST)
SHARES = (SHARE_SEEDS, SHARE_CHIPS, SHARE_REST)
_HEADS = (*VARIANT_FACTS, columns.SIGMA_D)


def low_percentiles(
    gathered: pd.DataFrame, metric: str = columns.ACCURACY, percentiles: Sequence[int] = tuple(LOW_PERCENTILES)
) -> pd.DataFrame:
    """A row per variant, sigma_d and percentile: the percentile with its limits, as `percentile_at`.

    `num_instances` counts the chips of the training that met the fewest.
    """
    rows: list[dict[str, object]] = []
    for curve, cell in _cells(gathered, metric):
        values = seeds_by_chips(cell, metric).to_numpy(dtype=float)
        fewest = {columns.NUM_INSTANCES: int((~np.isnan(values)).sum(axis=1).min()) if values.size else 0}
        for percentile in percentiles if values.size else ():
            found = percentile_at(values, percentile / 100, sigma_d=float(str(curve[columns.SIGMA_D])))
            ends = dict(zip((columns.VALUE, columns.LOWER, columns.UPPER), found, strict=True))
            rows.append({**curve, **fewest, columns.PERCENTILE: percentile, **ends})
    heads = (*_HEADS, columns.PERCENTILE, columns.VALUE, columns.LOWER, columns.UPPER)
    return pd.DataFrame(rows, columns=[*heads, columns.NUM_SEEDS, columns.NUM_INSTANCES, columns.RUN_IDS])


def variance_parts(gathered: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per variant and sigma_d: how far single values spread, and what of it is trainings, chips, and both.

    Two-way random effects: the variance of one training on one chip is var(training) + var(chip) + var(rest). The
    chip's part is luck that all trainings share, the rest that of one chip in one training. Columns: the std of each
    part, of all (`std`), and each part's share of the variance. With one training the three cannot be told apart:
    `std` alone is known, over chips.
    """
    rows: list[dict[str, object]] = []
    for curve, cell in _cells(gathered, metric):
        values = seeds_by_chips(cell, metric).to_numpy(dtype=float)
        values = values[:, ~np.isnan(values).any(axis=0)]
        variances = _variances(values)
        total = float(np.nansum(variances)) if np.isfinite(variances).any() else _variance(values)
        shares = [part / total if total else float("nan") for part in variances]
        stds = np.sqrt(variances)
        rows.append(
            {**curve, columns.STD: np.sqrt(total), **dict(zip(PARTS, stds, strict=True))}
            | dict(zip(SHARES, shares, strict=True))
        )
    heads = [*_HEADS, columns.MEAN, columns.STD, *PARTS, *SHARES, columns.NUM_SEEDS, columns.NUM_INSTANCES]
    return pd.DataFrame(rows, columns=heads)


def difference_curves(gathered: pd.DataFrame, reference: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per other variant and sigma_d: its paired difference to a reference variant, with its interval's ends."""
    found: list[pd.DataFrame] = []
    for sigma_d, rows in gathered.groupby(columns.SIGMA_D) if not gathered.empty else ():
        differences = differences_to(rows, reference, metric)
        half = differences[columns.CI95].astype(float).fillna(0)
        limits = {columns.LOWER: differences[columns.MEAN] - half, columns.UPPER: differences[columns.MEAN] + half}
        found.append(differences.assign(**{columns.SIGMA_D: sigma_d}, **limits))
    known = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*_HEADS, columns.MEAN])
    return known if known.empty else known[known[columns.NUM_SEEDS] > 0].reset_index(drop=True)


def read_out(gathered: pd.DataFrame) -> pd.DataFrame:
    """A row per variant and sigma_d: mean accuracy with interval, low percentiles with limits, failed trainings.

    A training failed where its mean over chips lies more than 5 points below that of its method's trainings.
    """
    curves = metric_curves(gathered)
    return curves if curves.empty else curves.join(_failures(gathered), on=[columns.VARIANT, columns.SIGMA_D])


def _failures(gathered: pd.DataFrame) -> "pd.Series[int]":
    counts: dict[tuple[str, float], int] = {}
    for sigma_d, rows in gathered.groupby(columns.SIGMA_D):
        _, means = convergence(rows.assign(**{columns.POSITION: 0}))
        for row in means.to_dict("records"):
            counts[str(row[columns.VARIANT]), float(str(sigma_d))] = int(row[NUM_FAILED])
    index = pd.MultiIndex.from_tuples(list(counts), names=[columns.VARIANT, columns.SIGMA_D])
    return pd.Series(list(counts.values()), index=index, name=NUM_FAILED, dtype=int)


def _cells(gathered: pd.DataFrame, metric: str) -> list[tuple[dict[str, object], pd.DataFrame]]:
    """Each variant's curve row at each sigma_d, with its chips."""
    if gathered.empty:
        return []
    cells = dict(list(gathered.groupby([columns.VARIANT, columns.SIGMA_D])))
    curves = metric_curves(gathered, metric).to_dict("records")
    return [
        ({str(name): value for name, value in row.items()}, cells[row[columns.VARIANT], row[columns.SIGMA_D]])
        for row in curves
    ]


def _variances(values: np.ndarray) -> np.ndarray:
    """Variances of trainings, chips and the rest; NaN where they cannot be told apart."""
    num_seeds, num_chips = values.shape
    if num_seeds < 2 or num_chips < 2:
        return np.full(3, np.nan)
    known = spread(values)
    return np.array([known.var_seeds, known.var_chips, known.ms_rest])


def _variance(values: np.ndarray) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else float("nan")


def worst_chips(instances: pd.DataFrame) -> pd.DataFrame:
    """A row per sigma_d: the accuracy of the worst of a run's chips, which one it is, and how many there are.

    Of equally bad ones the lower number.

    Args:
        instances: a run's chips.
    """
    ordered = instances.sort_values([columns.SIGMA_D, columns.ACCURACY, columns.INSTANCE])
    worst = ordered.groupby(columns.SIGMA_D).first()[[columns.ACCURACY, columns.INSTANCE]]
    counts = instances.groupby(columns.SIGMA_D).size().rename(columns.NUM_INSTANCES)
    return worst.join(counts).reset_index()
