"""RunRecords and their rows -> tidy DataFrames, and every statistic that is ever shown.

Chips are common: instance 7 is the same chip for every run of equal shape, and a seed gives every method the same start. A
mean over seeds x chips therefore has two sources of spread, and a difference between methods is taken chip by chip.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from neft import columns
from neft.records import MetricSummary, RunRecord, SigmaSummary

Protocol = Literal["matched", "fixed"]
"""matched: every point trained at its own sigma_d (the papers); fixed: one model over all sigma_d."""

METRIC_COLUMNS = (columns.ACCURACY, columns.EKL, columns.MEAN_CONFIDENCE, columns.CALIBRATION_ERROR)
ECDF_POINTS = 201
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean with the half-width of its 95 % interval (NaN where one value says nothing of spread)."""

    mean: float
    ci95: float
    num_seeds: int
    num_instances: int


def summarise(instances: pd.DataFrame) -> tuple[SigmaSummary, ...]:
    """One run's numbers at each sigma_d: mean, std, ci95 over chips, count, 1st and 5th percentile."""
    return tuple(
        SigmaSummary(
            sigma_d=float(str(sigma_d)),
            metrics={name: _summary(rows[name].to_numpy(dtype=float)) for name in METRIC_COLUMNS},
        )
        for sigma_d, rows in instances.groupby(columns.SIGMA_D)
    )


def runs_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run: what it is, and its accuracy clean and at its own training sigma_d."""
    return pd.DataFrame([_run_row(record) for record in records], columns=list(RUN_COLUMNS))


RUN_COLUMNS = (
    columns.RUN_ID,
    columns.DATASET,
    "dataset_label",
    columns.BACKBONE,
    "backbone_label",
    columns.DEVICE,
    "device_label",
    columns.METHOD,
    columns.VARIANT,
    columns.LABEL,
    columns.TRAIN_SIGMA_D,
    columns.SEED,
    columns.RECIPE,
    columns.FAMILY,
    "temperature",
    "beta",
    columns.NUM_FEEDBACK,
    columns.DECAY,
    columns.NUM_INSTANCES,
    "chip_seed",
    "num_classes",
    "num_sigma_ds",
    "num_epochs",
    "selected_epoch",
    "validation_accuracy",
    "clean_accuracy",
    "accuracy_at_train_sigma_d",
    "percentile_1_at_train_sigma_d",
    "num_parameters",
    "training_seconds",
    "created",
)


NOT_PART_OF_A_RECIPE = ("training.seed", "training.sigma_d", "evaluation.sigma_ds")
DECAY_SETTINGS = ("method.num_feedback", "method.decay")


def recipe(record: RunRecord, *, ignoring: Sequence[str] = ()) -> str:
    """A key of everything that must agree for runs to be repetitions of each other: all but seed and sigma_d.

    Args:
        record: a run.
        ignoring: further settings, as `method.decay`, that may differ.
    """
    left_out = {*NOT_PART_OF_A_RECIPE, *ignoring}
    kept = {name: value for name, value in flat_config(record).items() if name not in left_out}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8]


def flat_config(record: RunRecord) -> dict[str, object]:
    """A run's config as one level of `section.setting` names."""
    flat: dict[str, object] = {}
    for section, settings in record.config.items():
        for name, value in settings.items():
            nested = isinstance(value, dict)
            flat[f"{section}.{name}"] = json.dumps(value) if nested or isinstance(value, list) else value
    return flat


def config_differences(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run and a column for every setting in which the runs differ; empty cells where one has no such setting."""
    flat = pd.DataFrame(
        [flat_config(record) for record in records], index=[record.id for record in records], dtype=object
    )
    varying = [name for name in flat.columns if flat[name].map(repr).nunique() > 1]
    return flat[varying]


def deviation_ratios(layers: pd.DataFrame) -> pd.DataFrame:
    """Per variant how large a typical deviation is beside a typical weight (RMS over RMS), as the mean over layers."""
    grouped = layers.groupby([columns.VARIANT, columns.LABEL], sort=False)["deviation_to_weight"].mean()
    return grouped.rename(columns.MEAN).reset_index()


def settings_in_words(records: Sequence[RunRecord], *, without: Sequence[str]) -> "pd.Series[str]":
    """Per run, by id, the settings in which it differs from others of its method, as `decay reversed, num feedback 2`.

    Args:
        records: the runs.
        without: sections (`dataset`) or settings (`training.seed`) that are shown elsewhere.
    """
    words: dict[str, str] = {}
    by_method: dict[str, list[RunRecord]] = {}
    for record in records:
        by_method.setdefault(record.facts.method, []).append(record)
    for group in by_method.values():
        differing = config_differences(group)
        kept = [name for name in differing.columns if name not in without and name.partition(".")[0] not in without]
        for run_id, row in differing[kept].iterrows():
            said = [f"{_setting(name)} {row[name]}" for name in kept if not _is_missing(row[name])]
            words[str(run_id)] = ", ".join(said)
    return pd.Series(words, dtype=object)


def told_apart(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs, those of an uncommon recipe with a variant and a label of their own: they are no repetitions of the others.

    Of the recipes that share a variant (the same method, otherwise trained or tested), the one of most runs keeps the plain
    name; another is named by the settings in which it differs.
    """
    by_variant: dict[str, list[RunRecord]] = {}
    for record in records:
        by_variant.setdefault(record.facts.variant, []).append(record)
    found: list[RunRecord] = []
    for group in by_variant.values():
        recipes = [recipe(record) for record in group]
        counts = Counter(recipes)
        commonest = max(counts, key=lambda key: (counts[key], key))
        model = group[recipes.index(commonest)]
        found += [
            record if key == commonest else _renamed(record, key, model)
            for record, key in zip(group, recipes, strict=True)
        ]
    return found


def _setting(name: str) -> str:
    """`training.batch_size` in words."""
    return name.rpartition(".")[2].replace("_", " ")


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))


def _renamed(record: RunRecord, key: str, model: RunRecord) -> RunRecord:
    ours, theirs = flat_config(record), flat_config(model)
    differing = [
        f"{_setting(name)} {ours[name]}"
        for name in ours
        if name not in NOT_PART_OF_A_RECIPE and ours[name] != theirs.get(name)
    ]
    facts = record.facts.model_copy(
        update={
            "variant": f"{record.facts.variant}_{key}",
            "label": f"{record.facts.label} ({', '.join(differing)})",
        }
    )
    return record.model_copy(update={"facts": facts})


def summary_table(record: RunRecord) -> pd.DataFrame:
    """A row per sigma_d of a run's stored summary: accuracy with its interval and low percentiles, and the other means."""
    rows: list[dict[str, float | None]] = []
    for row in record.summary.test:
        accuracy = row.metrics[columns.ACCURACY]
        rows.append(
            {
                columns.SIGMA_D: row.sigma_d,
                columns.ACCURACY: accuracy.mean,
                columns.CI95: accuracy.ci95,
                columns.PERCENTILE_1: accuracy.percentile_1,
                columns.PERCENTILE_5: accuracy.percentile_5,
                **{name: row.metrics[name].mean for name in METRIC_COLUMNS if name != columns.ACCURACY},
            }
        )
    return pd.DataFrame(rows)


def gather(runs: Sequence[tuple[RunRecord, pd.DataFrame]]) -> pd.DataFrame:
    """All chips of some runs in one table, each row with its run's facts."""
    frames = [
        rows.assign(
            **{
                columns.RUN_ID: record.id,
                columns.METHOD: record.facts.method,
                columns.VARIANT: record.facts.variant,
                columns.LABEL: record.facts.label,
                columns.TRAIN_SIGMA_D: record.facts.train_sigma_d,
                columns.SEED: record.facts.seed,
                columns.DECAY: record.facts.decay,
                columns.NUM_FEEDBACK: record.facts.num_feedback,
            }
        )
        for record, rows in runs
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def select_protocol(gathered: pd.DataFrame, protocol: Protocol, *, train_sigma_d: float | None = None) -> pd.DataFrame:
    """The rows that a way of reading asks for; training without noise is one model at every sigma_d in both.

    Args:
        gathered: from `gather`.
        protocol: `matched` or `fixed`.
        train_sigma_d: which model, where `fixed`.
    """
    if gathered.empty:
        return gathered
    noise_free = gathered[columns.METHOD] == "vanilla"
    at = gathered[columns.SIGMA_D] if protocol == "matched" else train_sigma_d
    chosen = np.isclose(gathered[columns.TRAIN_SIGMA_D], at if at is not None else np.nan)
    return gathered[noise_free | chosen]


def crossed_interval(values: np.ndarray) -> Interval:
    """Mean of a seeds x chips table with its 95 % interval, seeds and chips both counted as random.

    Two-way random effects with one value a cell: Var(mean) = (MS_seeds + MS_chips - MS_rest) / (S C), with Satterthwaite's
    degrees of freedom. With one seed the interval is over chips alone (t, C - 1), with one chip over seeds alone.
    Chips without a value for some seed (EKL where nothing is right) are left out.
    """
    values = values[:, ~np.isnan(values).any(axis=0)]
    num_seeds, num_chips = values.shape
    if values.size == 0:
        return Interval(float("nan"), float("nan"), num_seeds, 0)
    mean = float(values.mean())
    if num_seeds == 1 or num_chips == 1:
        flat = values.ravel()
        ci95 = _t(len(flat) - 1) * float(flat.std(ddof=1)) / np.sqrt(len(flat)) if len(flat) > 1 else float("nan")
        return Interval(mean, float(ci95), num_seeds, num_chips)
    by_seed = values.mean(axis=1)
    by_chip = values.mean(axis=0)
    rest = values - by_seed[:, None] - by_chip[None, :] + mean
    df_seeds, df_chips = num_seeds - 1, num_chips - 1
    df_rest = df_seeds * df_chips
    ms_seeds = num_chips * float(by_seed.var(ddof=1))
    ms_chips = num_seeds * float(by_chip.var(ddof=1))
    ms_rest = float((rest**2).sum()) / df_rest
    # the estimate of a variance may fall below what one source alone gives; then that source decides
    total = max(ms_seeds + ms_chips - ms_rest, ms_seeds, ms_chips)
    if total == 0:
        return Interval(mean, 0.0, num_seeds, num_chips)
    spread = ms_seeds**2 / df_seeds + ms_chips**2 / df_chips + ms_rest**2 / df_rest
    freedom = max(1.0, (ms_seeds + ms_chips - ms_rest) ** 2 / spread)
    return Interval(mean, _t(freedom) * float(np.sqrt(total / values.size)), num_seeds, num_chips)


def metric_curves(gathered: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per variant and sigma_d: the mean over seeds x chips, its interval and low percentiles."""
    rows: list[dict[str, object]] = []
    if not gathered.empty:
        for (variant, sigma_d), cell in gathered.groupby([columns.VARIANT, columns.SIGMA_D], sort=False):
            rows.append(_curve_row(str(variant), float(str(sigma_d)), cell, metric))
    frame = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    return frame.sort_values([columns.VARIANT, columns.SIGMA_D], ignore_index=True)


CURVE_COLUMNS = (
    columns.VARIANT,
    columns.LABEL,
    columns.METHOD,
    columns.SIGMA_D,
    columns.MEAN,
    columns.CI95,
    columns.LOWER,
    columns.UPPER,
    columns.PERCENTILE_1,
    columns.PERCENTILE_5,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    "run_ids",
)


def paired_difference(gathered: pd.DataFrame, variant: str, reference: str, metric: str = columns.ACCURACY) -> Interval:
    """Variant - reference at one sigma_d, seed by seed and chip by chip, over the seeds and chips that both have."""
    ours = _seeds_by_chips(gathered[gathered[columns.VARIANT] == variant], metric)
    theirs = _seeds_by_chips(gathered[gathered[columns.VARIANT] == reference], metric)
    difference = (ours - theirs).dropna(how="all").dropna(how="all", axis=1)
    return crossed_interval(difference.to_numpy(dtype=float))


def clean_losses(curves: pd.DataFrame) -> pd.DataFrame:
    """Variants that do worse without variation than with some: their mean at sigma_d = 0 and at their best sigma_d.

    A narrow network trained at a large sigma_d shows it: BatchNorm's statistics, gathered under noise, do not fit the clean
    network. Only gaps wider than both half-widths together are listed.
    """
    rows: list[dict[str, object]] = []
    for variant, curve in curves.groupby(columns.VARIANT, sort=False):
        clean = curve[curve[columns.SIGMA_D] == 0]
        if clean.empty:
            continue
        best = curve.iloc[int(curve[columns.MEAN].argmax())]
        gap = float(best[columns.MEAN] - clean[columns.MEAN].iloc[0])
        if gap > float(np.nan_to_num([best[columns.CI95], clean[columns.CI95].iloc[0]]).sum()):
            rows.append(
                {
                    columns.VARIANT: str(variant),
                    columns.LABEL: best[columns.LABEL],
                    "clean_mean": float(clean[columns.MEAN].iloc[0]),
                    columns.SIGMA_D: float(best[columns.SIGMA_D]),
                    columns.MEAN: float(best[columns.MEAN]),
                }
            )
    return pd.DataFrame(rows, columns=[columns.VARIANT, columns.LABEL, "clean_mean", columns.SIGMA_D, columns.MEAN])


def differences_to(gathered: pd.DataFrame, reference: str, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """A row per other variant: its paired difference to a reference variant, at the rows' one sigma_d."""
    rows: list[dict[str, object]] = []
    known = gathered.drop_duplicates(columns.VARIANT).set_index(columns.VARIANT) if not gathered.empty else gathered
    for variant in known.index:
        if variant != reference and reference in known.index:
            interval = paired_difference(gathered, str(variant), reference, metric)
            rows.append(
                {
                    columns.VARIANT: variant,
                    columns.LABEL: known.loc[variant, columns.LABEL],
                    columns.METHOD: known.loc[variant, columns.METHOD],
                    columns.MEAN: interval.mean,
                    columns.CI95: interval.ci95,
                    columns.NUM_SEEDS: interval.num_seeds,
                    columns.NUM_INSTANCES: interval.num_instances,
                }
            )
    names = (columns.VARIANT, columns.LABEL, columns.METHOD, columns.MEAN, columns.CI95)
    return pd.DataFrame(rows, columns=[*names, columns.NUM_SEEDS, columns.NUM_INSTANCES])


def metric_quantiles(gathered: pd.DataFrame, metric: str = columns.EKL) -> pd.DataFrame:
    """The distribution of a metric over seeds x chips as quantiles, a row per variant and quantile."""
    quantiles = np.linspace(0, 1, ECDF_POINTS)
    frames: list[pd.DataFrame] = []
    if not gathered.empty:
        for variant, cell in gathered.groupby(columns.VARIANT, sort=False):
            values = cell[metric].dropna().to_numpy(dtype=float)
            if len(values):
                frames.append(
                    pd.DataFrame(
                        {
                            columns.VARIANT: str(variant),
                            columns.LABEL: cell[columns.LABEL].iloc[0],
                            columns.QUANTILE: quantiles,
                            columns.VALUE: np.quantile(values, quantiles),
                            columns.NUM_INSTANCES: len(values),
                        }
                    )
                )
    names = [columns.VARIANT, columns.LABEL, columns.QUANTILE, columns.VALUE, columns.NUM_INSTANCES]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)


def decay_points(gathered: pd.DataFrame, metric: str = columns.ACCURACY) -> pd.DataFrame:
    """The decay-factor ablation: a row per method, schedule and number of feedback terms, at the rows' sigma_d.

    With one feedback term every schedule is gamma_1 = 1: that run is a point of all three.
    """
    feedback = gathered[gathered[columns.NUM_FEEDBACK].notna()] if not gathered.empty else gathered
    curves = metric_curves(feedback, metric)
    if curves.empty:
        return curves.assign(**{columns.DECAY: [], columns.NUM_FEEDBACK: []})
    facts = feedback.drop_duplicates(columns.VARIANT).set_index(columns.VARIANT)
    curves[columns.DECAY] = curves[columns.VARIANT].map(facts[columns.DECAY])
    curves[columns.NUM_FEEDBACK] = curves[columns.VARIANT].map(facts[columns.NUM_FEEDBACK]).astype(int)
    single = curves[curves[columns.NUM_FEEDBACK] == 1]
    shared = [single.assign(**{columns.DECAY: other}) for other in ("reversed", "constant")]
    known = pd.concat([curves, *shared], ignore_index=True)
    return known.sort_values([columns.METHOD, columns.DECAY, columns.NUM_FEEDBACK], ignore_index=True)


def scaled_deviations(
    runs: Sequence[tuple[RunRecord, pd.DataFrame, pd.DataFrame]], *, sigma_d: float, unit: Literal["w_max", "rms"]
) -> pd.DataFrame:
    """Histograms of several runs' weight deviations at one sigma_d.

    Args:
        runs: each run's record, layers and deviations (stored over sigma_d w_max, to which they are proportional).
        sigma_d: where to show them.
        unit: deviations over the layer's w_max, or over its RMS weight (1 = as large as a typical weight).
    """
    frames: list[pd.DataFrame] = []
    for record, layers, deviations in runs:
        known = layers.set_index(columns.LAYER)
        scale = pd.Series(sigma_d, index=known.index)
        if unit == "rms":
            scale = scale * known[columns.W_MAX] / known[columns.RMS_WEIGHT]
        factor = deviations[columns.LAYER].map(scale)
        scaled = deviations.assign(
            **{
                columns.VARIANT: record.facts.variant,
                columns.LABEL: record.facts.label,
                columns.LAYER: deviations[columns.LAYER].map(layer_label),
            }
        )
        for edge in (columns.BIN_LEFT, columns.BIN_RIGHT):
            scaled[edge] = scaled[edge] * factor
        for density in (columns.DENSITY, columns.CLOSED_FORM_DENSITY):
            scaled[density] = scaled[density] / factor
        frames.append(scaled)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def layer_table(runs: Sequence[tuple[RunRecord, pd.DataFrame]], *, sigma_d: float) -> pd.DataFrame:
    """A row per run and layer: asked and realised std at one sigma_d, over w_max and over the RMS weight."""
    frames: list[pd.DataFrame] = []
    for record, layers in runs:
        asked = layers[columns.CLOSED_FORM_STD] * sigma_d
        realised = layers[columns.REALISED_STD] * sigma_d
        ratio = layers[columns.W_MAX] / layers[columns.RMS_WEIGHT]
        frames.append(
            layers.assign(
                **{
                    columns.VARIANT: record.facts.variant,
                    columns.LABEL: record.facts.label,
                    columns.LAYER: layers[columns.LAYER].map(layer_label),
                    columns.CLOSED_FORM_STD: asked,
                    columns.REALISED_STD: realised,
                    "deviation_to_weight": realised * ratio,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def layer_label(layer: str) -> str:
    """A layer's name for people: where it stands in the network.

    >>> layer_label("stages.1.0.conv"), layer_label("stages.2.0.first.conv"), layer_label("classifier.3")
    ('stage 2 conv', 'stage 3 block 1 first', 'classifier 3')
    """
    words: list[str] = []
    parts = layer.split(".")
    if parts[0] != "stages":
        return " ".join(parts)
    words.append(f"stage {int(parts[1]) + 1}")
    inner = parts[2:]
    if any(name in inner for name in ("first", "second", "shortcut")):
        words += [f"block {int(inner[0]) + 1}", inner[1]]
    elif "conv" in inner:
        words.append("conv")
    return " ".join(words)


def _summary(values: np.ndarray) -> MetricSummary:
    known = values[~np.isnan(values)]
    if not len(known):
        return MetricSummary(mean=None, std=None, ci95=None, num_instances=0, percentile_1=None, percentile_5=None)
    several = len(known) > 1
    std = float(known.std(ddof=1)) if several else None
    return MetricSummary(
        mean=float(known.mean()),
        std=std,
        ci95=_t(len(known) - 1) * std / float(np.sqrt(len(known))) if std is not None else None,
        num_instances=len(known),
        percentile_1=float(np.percentile(known, 1)),
        percentile_5=float(np.percentile(known, 5)),
    )


def _t(freedom: float | int) -> float:
    """Student's t that cuts 2.5 % off either side."""
    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))


def _seeds_by_chips(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    return rows.pivot_table(index=columns.SEED, columns=columns.INSTANCE, values=metric, aggfunc="mean", dropna=False)


def _curve_row(variant: str, sigma_d: float, cell: pd.DataFrame, metric: str) -> dict[str, object]:
    interval = crossed_interval(_seeds_by_chips(cell, metric).to_numpy(dtype=float))
    values = cell[metric].dropna().to_numpy(dtype=float)
    low = np.percentile(values, [1, 5]) if len(values) else (float("nan"), float("nan"))
    half = 0.0 if np.isnan(interval.ci95) else interval.ci95
    return {
        columns.VARIANT: variant,
        columns.LABEL: cell[columns.LABEL].iloc[0],
        columns.METHOD: cell[columns.METHOD].iloc[0],
        columns.SIGMA_D: sigma_d,
        columns.MEAN: interval.mean,
        columns.CI95: interval.ci95,
        columns.LOWER: interval.mean - half,
        columns.UPPER: interval.mean + half,
        columns.PERCENTILE_1: float(low[0]),
        columns.PERCENTILE_5: float(low[1]),
        columns.NUM_SEEDS: interval.num_seeds,
        columns.NUM_INSTANCES: interval.num_instances,
        "run_ids": ", ".join(sorted({str(run_id) for run_id in cell[columns.RUN_ID]})),
    }


def _run_row(record: RunRecord) -> dict[str, object]:
    facts = record.facts
    clean = record.summary.at(0.0)
    own = record.summary.at(facts.train_sigma_d)
    return {
        **{name: getattr(facts, name) for name in RUN_COLUMNS if name in type(facts).model_fields},
        columns.RUN_ID: record.id,
        columns.RECIPE: recipe(record),
        columns.FAMILY: recipe(record, ignoring=DECAY_SETTINGS),
        "num_sigma_ds": len(facts.sigma_ds),
        "num_epochs": record.summary.num_epochs,
        "selected_epoch": record.summary.selected_epoch,
        "validation_accuracy": record.summary.validation_accuracy,
        "clean_accuracy": clean.metrics[columns.ACCURACY].mean if clean else None,
        "accuracy_at_train_sigma_d": own.metrics[columns.ACCURACY].mean if own else None,
        "percentile_1_at_train_sigma_d": own.metrics[columns.ACCURACY].percentile_1 if own else None,
        "num_parameters": record.summary.num_parameters,
        "training_seconds": record.provenance.training_seconds,
        "created": record.provenance.created,
    }
