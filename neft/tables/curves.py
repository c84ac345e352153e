"""Chips as curves, distributions and differences."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.records import RunRecord
from neft.sigma_d import same_sigma_d
from neft.tables.intervals import Interval, crossed_interval
from neft.tables.percentiles import LOW_PERCENTILE_COLUMNS, low_percentile_columns
from neft.tables.variants import VARIANT_FACTS, facts_of, variant_facts

Protocol = Literal["matched", "fixed"]
"""matched: every point trained at its own sigma_d (the papers); fixed: one model over all sigma_d."""

ECDF_POINTS = 201
CURVE_COLUMNS = (
    *VARIANT_FACTS,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    *LOW_PERCENTILE_COLUMNS,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    columns.RUN_IDS,
)


_CELL_COLUMNS = (*VARIANT_FACTS, columns.SIGMA_D, columns.SEED, columns.INSTANCE, columns.RUN_ID)


def gather(runs: Sequence[tuple[RunRecord, pd.DataFrame]]) -> pd.DataFrame:
    """All chips of some runs in one table, each row with its run's facts; texts as categories, which are small."""
    if not runs:
        return pd.DataFrame()
    facts = pd.DataFrame(
        [
            {
                columns.RUN_ID: record.id,
                **variant_facts(record),
                columns.TRAIN_SIGMA_D: record.facts.train_sigma_d,
                columns.SEED: record.facts.seed,
                columns.DECAY: record.facts.decay,
                columns.NUM_FEEDBACK: record.facts.num_feedback,
            }
            for record, _ in runs
        ]
    )
    texts = [columns.RUN_ID, columns.METHOD, columns.VARIANT, columns.LABEL, columns.DEPARTURE, columns.DECAY]
    of = np.repeat(np.arange(len(runs)), [len(rows) for _, rows in runs])
    repeated = facts.astype(dict.fromkeys(texts, "category")).iloc[of].reset_index(drop=True)
    return pd.concat([pd.concat([rows for _, rows in runs], ignore_index=True), repeated], axis=1)


def select_protocol(gathered: pd.DataFrame, protocol: Protocol, *, train_sigma_d: float | None = None) -> pd.DataFrame:
    """The rows that a way of reading asks for; training without noise is one model at every sigma_d in both.

    Args:
        gathered: from `gather`.
        protocol: `matched` or `fixed`.
        train_sigma_d: which model, where `fixed`.
    """
    if gathered.empty:
        return gathered
    noise_free = ~gathered[columns.USES_NOISE].astype(bool)
    at = gathered[columns.SIGMA_D] if protocol == "matched" else train_sigma_d
    chosen = same_sigma_d(gathered[columns.TRAIN_SIGMA_D], at if at is not None else np.nan)
    return gathered[noise_free | chosen]


def metric_curves(gathered: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per variant and sigma_d: the mean over seeds x chips with its interval, low percentiles with limits."""
    rows: list[dict[str, object]] = []
    if not gathered.empty:
        needed = gathered[[*_CELL_COLUMNS, metric]]
        for (_, sigma_d), cell in needed.groupby([columns.VARIANT, columns.SIGMA_D], sort=False):
            rows.append(_curve_row(float(str(sigma_d)), cell, metric))
    frame = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    return frame.sort_values([columns.VARIANT, columns.SIGMA_D], ignore_index=True)


def clean_means(curves: pd.DataFrame) -> pd.DataFrame:
    """The rows of curves at sigma_d = 0: what each variant keeps without variation."""
    return curves[curves[columns.SIGMA_D] == 0].reset_index(drop=True)


def differences_to(gathered: pd.DataFrame, reference: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per other variant: it minus a reference variant at the rows' one sigma_d, seed by seed and chip by chip.

    Pairs are the seeds and chips that both have. Where the reference is absent, there are no rows.
    """
    rows: list[dict[str, object]] = []
    needed = gathered[[*VARIANT_FACTS, columns.SEED, columns.INSTANCE, metric]] if not gathered.empty else gathered
    cells = {str(name): cell for name, cell in needed.groupby(columns.VARIANT, sort=False)} if len(needed) else {}
    theirs = seeds_by_chips(cells[reference], metric) if reference in cells else None
    for variant, cell in cells.items():
        if variant != reference and theirs is not None:
            interval = _paired(seeds_by_chips(cell, metric), theirs)
            rows.append(
                {
                    **facts_of(cell),
                    columns.MEAN: interval.mean,
                    columns.CI95: interval.ci95,
                    columns.NUM_SEEDS: interval.num_seeds,
                    columns.NUM_INSTANCES: interval.num_instances,
                }
            )
    names = (*VARIANT_FACTS, columns.MEAN, columns.CI95)
    return pd.DataFrame(rows, columns=[*names, columns.NUM_SEEDS, columns.NUM_INSTANCES])


def metric_quantiles(gathered: pd.DataFrame, metric: str = columns.EKL) -> pd.DataFrame:
    """The distribution of a metric over seeds x chips as quantiles, a row per variant and quantile."""
    quantiles = np.linspace(0, 1, ECDF_POINTS)
    frames: list[pd.DataFrame] = []
    if not gathered.empty:
        for _, cell in gathered.groupby(columns.VARIANT, sort=False):
            values = cell[metric].dropna().to_numpy(dtype=float)
            if len(values):
                frames.append(
                    pd.DataFrame(
                        {
                            **facts_of(cell),
                            columns.QUANTILE: quantiles,
                            columns.VALUE: np.quantile(values, quantiles),
                            columns.NUM_INSTANCES: len(values),
                        }
                    )
                )
    names = [*VARIANT_FACTS, columns.QUANTILE, columns.VALUE, columns.NUM_INSTANCES]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)


def decay_differences(gathered: pd.DataFrame, reference: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """The decay-factor ablation: a row per method, schedule and number of feedback terms, at the rows' sigma_d.

    Each is the paired difference to a reference variant, with the ends of its interval; pairs are the seeds and chips
    that both have. With one feedback term every schedule is gamma_1 = 1: that run is a point of all three.
    """
    found = differences_to(gathered, reference, metric)
    half = found[columns.CI95].astype(float)
    found = found.assign(**{columns.LOWER: found[columns.MEAN] - half, columns.UPPER: found[columns.MEAN] + half})
    found = found[found[columns.HAS_FEEDBACK].astype(bool)]
    if found.empty:
        return found.assign(**{columns.DECAY: [], columns.NUM_FEEDBACK: []})
    facts = gathered.drop_duplicates(columns.VARIANT).set_index(columns.VARIANT)
    found = found.assign(
        **{
            columns.DECAY: found[columns.VARIANT].map(facts[columns.DECAY]),
            columns.NUM_FEEDBACK: found[columns.VARIANT].map(facts[columns.NUM_FEEDBACK]).astype(int),
        }
    )
    single = found[found[columns.NUM_FEEDBACK] == 1]
    shared = [single.assign(**{columns.DECAY: other}) for other in ("reversed", "constant")]
    known = pd.concat([found, *shared], ignore_index=True)
    return known.sort_values([columns.METHOD, columns.DECAY, columns.NUM_FEEDBACK], ignore_index=True)


def seeds_by_chips(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A row a seed, a column a chip; a chip that was tried twice (two runs of one recipe) counts once, by its mean.

    Seeds and chips without any value are left out: a metric may be younger than a run.
    """
    seeds, row = np.unique(rows[columns.SEED].to_numpy(), return_inverse=True)
    chips, column = np.unique(rows[columns.INSTANCE].to_numpy(), return_inverse=True)
    values = rows[metric].to_numpy(dtype=float)
    known = ~np.isnan(values)
    cells = (row * len(chips) + column)[known]
    size = len(seeds) * len(chips)
    counts = np.bincount(cells, minlength=size)
    sums = np.bincount(cells, weights=values[known], minlength=size)
    means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0).reshape(len(seeds), len(chips))
    has_value = counts.reshape(means.shape) > 0
    some_seed, some_chip = has_value.any(axis=1), has_value.any(axis=0)
    return pd.DataFrame(
        means[np.ix_(some_seed, some_chip)],
        index=pd.Index(seeds[some_seed], name=columns.SEED),
        columns=pd.Index(chips[some_chip], name=columns.INSTANCE),
    )


def _paired(ours: pd.DataFrame, theirs: pd.DataFrame) -> Interval:
    difference = (ours - theirs).dropna(how="all").dropna(how="all", axis=1)
    return crossed_interval(difference.to_numpy(dtype=float))


def _curve_row(sigma_d: float, cell: pd.DataFrame, metric: str) -> dict[str, object]:
    values = seeds_by_chips(cell, metric).to_numpy(dtype=float)
    interval = crossed_interval(values)
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    return {
        **facts_of(cell),
        columns.SIGMA_D: sigma_d,
        columns.MEAN: interval.mean,
        columns.CI95: interval.ci95,
        columns.LOWER: interval.mean - half,
        columns.UPPER: interval.mean + half,
        **low_percentile_columns(values, sigma_d=sigma_d),
        columns.NUM_SEEDS: interval.num_seeds,
        columns.NUM_INSTANCES: interval.num_instances,
        columns.RUN_IDS: tuple(sorted(str(run_id) for run_id in cell[columns.RUN_ID].unique())),
    }
