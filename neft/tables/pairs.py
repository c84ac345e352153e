"""Runs compared chip by chip: what the same chips say of a difference, and what independent ones would have said.

Instance 7 is the same chip for every run of equal shape and chip law, so that what is common to two runs (a chip that
is bad for both) drops out of their difference:

    paired:       t_{n-1} sqrt(var(A - B) / n)
    independent:  t_w sqrt(var A / n_A + var B / n_B), w by [Welch1947]
    n_independent = n (var A + var B) / var(A - B), chips drawn for either run by itself that know as much as n pairs

All of it is over chips of networks as they were trained; none of it says anything of another training seed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from neft import columns
from neft.chip_statistics import student_t
from neft.errors import ConfigError
from neft.other_images import ONLY_ITS_OWN
from neft.runs.records import RunRecord
from neft.sigma_d import rounded_sigma_d, same_sigma_d
from neft.tables.intervals import crossed_interval
from neft.tables.percentiles import difference_of_percentiles, percentile_at
from neft.tables.runs import flat_config, told_by_content

ROUNDING = 1e-6
"""Metrics are computed in single precision: values that differ by less, relative to the largest, are equal."""
IMAGE_SETTINGS = ("evaluation.max_test",)
NO_IMAGE_SETTINGS = ("dataset.max_train",)
NO_CHIP_SETTINGS = (
    "evaluation.sigma_ds",
    "evaluation.num_instances",
    "evaluation.precision",
    "evaluation.min_instances",
    "evaluation.recalibrate_batchnorm",
    "evaluation.arithmetic",
    "backbone.checksum",
    "backbone.title",
)
"""Settings that leave each chip what it is."""
PERCENTILE_OF_RUN = (columns.PERCENTILE_VALUE, columns.PERCENTILE_LOWER, columns.PERCENTILE_UPPER)
PERCENTILE_DIFFERENCE = (
    columns.PERCENTILE_DIFFERENCE,
    columns.PERCENTILE_DIFFERENCE_LOWER,
    columns.PERCENTILE_DIFFERENCE_UPPER,
)
COMPARISON_COLUMNS = (
    columns.RUN_ID,
    columns.LABEL,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.PERCENTILE,
    *PERCENTILE_OF_RUN,
    columns.NUM_INSTANCES,
    columns.DIFFERENCE,
    columns.DIFFERENCE_CI95,
    columns.INDEPENDENT_CI95,
    columns.NUM_PAIRS,
    columns.NUM_INDEPENDENT,
    *PERCENTILE_DIFFERENCE,
)


class Difference(NamedTuple):
    """A difference of two runs' means with the half-widths of its 95 % intervals."""

    mean: float
    ci95: float
    """Over pairs; over independent chips where there are no pairs."""
    independent_ci95: float
    """What as many chips, drawn for either run by itself, give."""
    num_pairs: int
    num_independent: float
    """Infinite where the difference is the same on every chip; NaN where there are no pairs or chips change nothing."""


def difference_over_pairs(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    """Ours - theirs on the same chips, one value a chip in the same order; a chip without both values is left out."""
    both = ~(np.isnan(ours) | np.isnan(theirs))
    ours, theirs = ours[both], theirs[both]
    count = len(ours)
    if count == 0:
        return Difference(float("nan"), float("nan"), float("nan"), 0, float("nan"))
    scale = float(max(np.abs(ours).max(), np.abs(theirs).max()))
    difference = ours - theirs
    variance = _variance(difference, scale)
    apart = _variance(ours, scale) + _variance(theirs, scale)
    return Difference(
        mean=float(difference.mean()),
        ci95=student_t(count - 1) * float(np.sqrt(variance / count)),
        independent_ci95=_welch_half_width(ours, theirs, scale),
        num_pairs=count,
        num_independent=_ratio(count * apart, variance),
    )


def difference_over_independent_chips(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    """Ours - theirs on chips that have nothing in common; chips without a value are left out."""
    ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
    if not (len(ours) and len(theirs)):
        return Difference(float("nan"), float("nan"), float("nan"), 0, float("nan"))
    scale = float(max(np.abs(ours).max(), np.abs(theirs).max()))
    half = _welch_half_width(ours, theirs, scale)
    return Difference(float(ours.mean() - theirs.mean()), half, half, 0, float("nan"))


def compare_runs(
    runs: Sequence[tuple[RunRecord, pd.DataFrame]],
    metric: str = columns.ACCURACY,
    *,
    sigma_ds: Sequence[float] | None = None,
    percentile: int = 1,
) -> pd.DataFrame:
    """Each run's mean and percentile, and their differences to the first run, at every sigma_d that all were tested at.

    A run that met other chips than the first (`other_chips`) is compared unpaired. Percentiles are over each run's own
    chips, and their differences as `difference_of_percentiles`.

    Args:
        runs: records and their chips; at least one.
        metric: the metric's column.
        sigma_ds: only these of the shared device variations.
        percentile: which one (1 for the 1st).

    Returns:
        A row per run, in the given order, and sigma_d; the first run's differences are NaN.

    Raises:
        ConfigError: the runs were tested on different images, have no sigma_d in common, or not those asked for.
    """
    first, first_chips = runs[0]
    for record, _ in runs[1:]:
        _refuse_other_images(record, first)
    rows: list[dict[str, object]] = []
    shared = _chosen_sigma_ds(runs, sigma_ds)
    for position, (record, chips) in enumerate(runs):
        paired = not other_chips(record, first)
        for sigma_d in shared:
            ours = _by_chip(chips, sigma_d, metric)
            values = ours.to_numpy(dtype=float)
            mean = crossed_interval(values[None, :])
            of_chips = percentile_at(values[None, :], percentile / 100, sigma_d=sigma_d)
            row: dict[str, object] = {
                columns.RUN_ID: record.id,
                columns.LABEL: record.facts.label,
                columns.SIGMA_D: sigma_d,
                columns.MEAN: mean.mean,
                columns.CI95: mean.ci95,
                columns.PERCENTILE: percentile,
                **dict(zip(PERCENTILE_OF_RUN, of_chips, strict=True)),
                columns.NUM_INSTANCES: mean.num_instances,
            }
            if position:
                theirs = _by_chip(first_chips, sigma_d, metric)
                difference = _difference(ours, theirs, paired=paired)
                low = difference_of_percentiles(values, theirs.to_numpy(dtype=float), percentile / 100)
                row |= {
                    columns.DIFFERENCE: difference.mean,
                    columns.DIFFERENCE_CI95: difference.ci95,
                    columns.INDEPENDENT_CI95: difference.independent_ci95,
                    columns.NUM_PAIRS: difference.num_pairs,
                    columns.NUM_INDEPENDENT: difference.num_independent,
                    **dict(zip(PERCENTILE_DIFFERENCE, low, strict=True)),
                }
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def other_chips(record: RunRecord, other: RunRecord) -> dict[str, tuple[object, object]]:
    """The settings in which two runs' chips differ, with both values; empty where the chips are the same.

    Chips are the same where network, bit slicing, test device and every setting of the evaluation but its counts are.
    """
    return _differing(_chip_settings(record), _chip_settings(other))


def other_images(record: RunRecord, other: RunRecord) -> dict[str, tuple[object, object]]:
    """The settings in which two runs' test images differ, with both values; empty where they are the same."""
    return _differing(_image_settings(record), _image_settings(other))


def settings_in_a_sentence(differing: dict[str, tuple[object, object]]) -> str:
    """`evaluation.seed is 1, not 0; device is fefet6, not rram1`."""
    return "; ".join(f"{name} is {value}, not {other}" for name, (value, other) in differing.items())


def _variance(values: np.ndarray, scale: float) -> float:
    """The sample variance; 0 where all are equal up to rounding, NaN for a single value."""
    if len(values) < 2:
        return float("nan")
    return 0.0 if float(np.ptp(values)) <= ROUNDING * scale else float(values.var(ddof=1))


def _ratio(above: float, below: float) -> float:
    if below > 0 or np.isnan(below):
        return above / below
    return float("inf") if above > 0 else float("nan")


def _welch_half_width(ours: np.ndarray, theirs: np.ndarray, scale: float) -> float:
    parts = [(_variance(values, scale) / len(values), len(values) - 1) for values in (ours, theirs)]
    square = sum(part for part, _ in parts)
    if square == 0 or np.isnan(square):
        return square
    freedom = 1 / sum((part / square) ** 2 / freedom for part, freedom in parts)
    return student_t(freedom) * float(np.sqrt(square))


def _difference(ours: "pd.Series[float]", theirs: "pd.Series[float]", *, paired: bool) -> Difference:
    if not paired:
        return difference_over_independent_chips(ours.to_numpy(dtype=float), theirs.to_numpy(dtype=float))
    shared = ours.index.intersection(theirs.index)
    return difference_over_pairs(ours.loc[shared].to_numpy(dtype=float), theirs.loc[shared].to_numpy(dtype=float))


def _by_chip(chips: pd.DataFrame, sigma_d: float, metric: str) -> "pd.Series[float]":
    """A run's values at one sigma_d, by instance."""
    return chips[same_sigma_d(chips[columns.SIGMA_D], sigma_d)].set_index(columns.INSTANCE)[metric]


def _chosen_sigma_ds(runs: Sequence[tuple[RunRecord, pd.DataFrame]], asked: Sequence[float] | None) -> list[float]:
    """The device variations that all runs share, or those of them that were asked for."""
    each = [{rounded_sigma_d(sigma_d) for sigma_d in chips[columns.SIGMA_D].unique()} for _, chips in runs]
    shared = set[float].intersection(*each)
    if not shared:
        tested = "; ".join(
            f"{record.id} was tested at {_listed(found)}" for (record, _), found in zip(runs, each, strict=True)
        )
        message = f"The runs have no σ_d in common: {tested}. `neft evaluate ID --test-sigma-d LIST` tests at others."
        raise ConfigError(message)
    chosen = shared if asked is None else {rounded_sigma_d(sigma_d) for sigma_d in asked}
    if not chosen <= shared:
        message = f"Not all runs were tested at σ_d {_listed(chosen - shared)}; all of them at {_listed(shared)}."
        raise ConfigError(message)
    return sorted(chosen)


def _listed(sigma_ds: set[float]) -> str:
    return ", ".join(f"{sigma_d:g}" for sigma_d in sorted(sigma_ds))


def _refuse_other_images(record: RunRecord, first: RunRecord) -> None:
    differing = other_images(record, first)
    if differing:
        message = (
            f"Only runs that were tested on the same images can be compared: {settings_in_a_sentence(differing)} "
            f"in {record.id}."
        )
        if any(name.startswith("dataset.") for name in differing):
            message = f"{message} {ONLY_ITS_OWN}"
        raise ConfigError(message)


def _image_settings(record: RunRecord) -> dict[str, object]:
    return {
        name: value
        for name, value in told_by_content(flat_config(record)).items()
        if name in IMAGE_SETTINGS or (name.startswith("dataset.") and name not in NO_IMAGE_SETTINGS)
    }


def _chip_settings(record: RunRecord) -> dict[str, object]:
    left_out = {*NO_CHIP_SETTINGS, *IMAGE_SETTINGS, "evaluation.device"}
    sections = ("backbone.", "mapping.", "evaluation.")
    found = {
        name: value for name, value in flat_config(record).items() if name.startswith(sections) and name not in left_out
    }
    return found | {"test device": record.facts.device}


def _differing(ours: dict[str, object], theirs: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What differs; of a component that was chosen otherwise its name alone."""
    found = {
        name: (ours.get(name), theirs.get(name)) for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)
    }
    return {name: both for name, both in found.items() if name == _name_of(name) or _name_of(name) not in found}


def _name_of(setting: str) -> str:
    """`backbone.name` of `backbone.width`."""
    return f"{setting.partition('.')[0]}.name"
