"""The main comparison that lessons are taught on: the stored plan with the most runs of the experiment `accuracy`."""

from dataclasses import dataclass

import pandas as pd

from dashboard.address import Reading
from dashboard.data import plans, stored
from dashboard.data.stored import RunRecord
from dashboard.lessons.base import Missing
from neft import columns
from neft.experiments.questions import CONTROL
from neft.sigma_d import same_sigma_d

EXPERIMENT = "accuracy"
NEAR = 0.1
"""The device variation that lessons look at, or the nearest that is stored."""
NEEDED = "the main comparison: every method trained at several σ_d"


@dataclass(frozen=True)
class Comparison:
    """One stored comparison."""

    plan: str
    words: str
    """What it was run on, and how long each was trained."""
    stamp: str
    points: pd.DataFrame
    """A row per method and sigma_d at which it was trained: mean accuracy, interval, run_ids."""

    @property
    def sigma_ds(self) -> list[float]:
        """The device variations of training, ascending."""
        return sorted(float(value) for value in self.points[columns.SIGMA_D].unique())

    @property
    def near(self) -> float:
        """The one that lessons look at."""
        return min(self.sigma_ds, key=lambda value: abs(value - NEAR))

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return plans.chance(self.plan, EXPERIMENT, self.stamp)

    @property
    def address(self) -> dict[str, str]:
        """What the pages of a selection need in their address to show the same runs."""
        ids = self.points[columns.RUN_IDS].iloc[0]
        return stored.place_address(stored.records(ids)[0])

    def of(self, *variants: str, points: pd.DataFrame | None = None) -> pd.DataFrame:
        """The rows of some methods, in the given order."""
        rows = self.points if points is None else points
        kept = [rows[rows[columns.VARIANT] == variant] for variant in variants]
        return pd.concat(kept, ignore_index=True)

    def at(self, variant: str, sigma_d: float, points: pd.DataFrame | None = None) -> "pd.Series[float]":
        """One row: a method at one sigma_d."""
        return self._rows_at(variant, sigma_d, points).iloc[0]

    def metric(self, metric: str) -> pd.DataFrame:
        """The points of another metric."""
        return plans.points(self.plan, EXPERIMENT, metric, self.stamp)

    def run_ids(self, variant: str) -> tuple[str, ...]:
        """Every run of a method."""
        return tuple(sorted({run_id for ids in self.of(variant)[columns.RUN_IDS] for run_id in ids}))

    def curves(self, variant: str, train_sigma_d: float | None) -> pd.DataFrame:
        """A method trained at one sigma_d (None: without noise) over every sigma_d at which it was tried."""
        return stored.curves(Reading(self.run_ids(variant), "fixed", train_sigma_d), columns.ACCURACY)

    def records(self, variant: str, sigma_d: float) -> list[RunRecord]:
        """The runs of a method at one sigma_d, by seed."""
        ids = self._rows_at(variant, sigma_d)[columns.RUN_IDS].iloc[0]
        return sorted(stored.records(ids), key=lambda record: record.facts.seed)

    def _rows_at(self, variant: str, sigma_d: float, points: pd.DataFrame | None = None) -> pd.DataFrame:
        rows = self.of(variant, points=points)
        return rows[same_sigma_d(rows[columns.SIGMA_D], sigma_d)]

    def differences(self, variants: tuple[str, ...], reference: str) -> pd.DataFrame:
        """The paired differences of some methods to another at every sigma_d."""
        rows = plans.differences(self.plan, EXPERIMENT, reference, None, self.stamp)
        half = rows[columns.CI95].fillna(0)
        ends = {columns.LOWER: rows[columns.MEAN] - half, columns.UPPER: rows[columns.MEAN] + half}
        return self.of(*variants, points=rows.assign(**{columns.SIGMA_D: rows[columns.POSITION]}, **ends))

    def clean_difference(self, variant: str, reference: str, train_sigma_d: float) -> "pd.Series[float]":
        """A method trained at one sigma_d less another, both without variation: one row, paired by seed."""
        run_ids = (*self.run_ids(variant), *self.run_ids(reference))
        rows = stored.at_slice(Reading(run_ids, "fixed", train_sigma_d), 0.0)
        found = stored.differences(rows[rows[columns.INSTANCE] == 0], reference)
        return found[found[columns.VARIANT] == variant].iloc[0]

    def claim(self, name: str) -> "pd.Series[float] | None":
        """A claim's row for this comparison: estimate, lower, upper; None where its runs are not stored."""
        claims = plans.claims(self.stamp, own=plans.is_own(self.plan))
        rows = claims[(claims["claim"] == name) & (claims["plan"] == self.plan) & (claims["verdict"] != "no runs")]
        return None if rows.empty else rows.iloc[0]


def main_comparison(*needed: str) -> Comparison | Missing:
    """The comparison with the most stored runs that holds these methods at two sigma_d or more."""
    stamp = plans.fingerprint()
    sizes = plans.sizes(stamp).get(EXPERIMENT, {})
    ranked = sorted(sizes, key=lambda plan: -plans.progress(plan, EXPERIMENT, stamp).num_stored)
    for plan in ranked:
        points = plans.points(plan, EXPERIMENT, columns.ACCURACY, stamp)
        counts = points.groupby(columns.VARIANT)[columns.SIGMA_D].nunique()
        if all(counts.get(variant, 0) > 1 for variant in needed):
            return Comparison(plan, plans.size_and_training(plan, EXPERIMENT, stamp), stamp, points)
    return Missing(NEEDED)


VANILLA, INJECTION = "vanilla", "noise_injection"
OVF, IRS = "ovf", "irs"
ALL = (VANILLA, INJECTION, CONTROL, OVF, IRS)
