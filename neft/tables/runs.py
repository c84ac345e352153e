"""Runs as rows: what each is, what differs between them, and which are repetitions of each other."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from neft import columns
from neft.chips.counts import share_unseen
from neft.runs.migrations import NEW_PARTS, NEW_SETTINGS
from neft.runs.records import MetricSummary, RunRecord, SigmaSummary
from neft.runs.store import Stores
from neft.sigma_d import same_sigma_d
from neft.tables.percentiles import LOW_PERCENTILE_COLUMNS, LOW_PERCENTILES, low_percentile_columns
from neft.tables.variants import VARIANT_FACTS, variant_facts

RUN_COLUMNS = (
    columns.RUN_ID,
    columns.DATASET,
    "dataset_label",
    columns.BACKBONE,
    "backbone_label",
    columns.DEVICE,
    "device_label",
    *VARIANT_FACTS,
    columns.NUM_PASSES,
    columns.HAS_BATCHNORM,
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
    "percentile_1_at_train_sigma_d_lower",
    "percentile_1_at_train_sigma_d_upper",
    "num_parameters",
    "training_seconds",
    "created",
)

MEAN_OVER_SEEDS = (
    "accuracy_at_train_sigma_d",
    "percentile_1_at_train_sigma_d",
    "clean_accuracy",
    "validation_accuracy",
    "training_seconds",
)
NOT_PART_OF_A_RECIPE = (
    "training.seed",
    "training.sigma_d",
    "training.validation_sigma_d",
    "evaluation.sigma_ds",
    "method.teacher_run",
)
CONTENT = "dataset.checksum"
PLACES = ("dataset.path", "dataset.labels")
"""Where images lie: of no account where their content is known."""
DATA_KEY = "data_key"
"""The column that holds a run's data by key."""
STORED_ROWS = "runs_table"
"""What an index calls the rows that it keeps."""
DECAY_SETTINGS = ("method.num_feedback", "method.decay")


def data_key(record: RunRecord) -> str:
    """A run's data by key: its data set and the size of its images, if they have one, `digits8`."""
    return f"{record.facts.dataset}{record.config['dataset'].get('image_size', '')}"


def runs_table(
    records: Sequence[RunRecord], instances: Mapping[str, pd.DataFrame] = MappingProxyType({})
) -> pd.DataFrame:
    """A row per run: what it is, and its accuracy clean and at its own training sigma_d.

    Args:
        records: the runs.
        instances: their chips, by run id; the percentile of a run without them has no limits.
    """
    rows = [_run_row(record, instances.get(record.id)) for record in records]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def stored_runs_table(stores: Stores) -> pd.DataFrame:
    """`runs_table` of every stored run, without chips, and each run's data by key (`data_key`).

    A row is made once for a record: of a large store the rows are kept in its index.

    Args:
        stores: where to look.
    """
    rows = stores.made(STORED_ROWS, _row_text)
    found = json.loads(b"[" + b",".join(rows.values()) + b"]")
    return pd.DataFrame(found, columns=[*RUN_COLUMNS, DATA_KEY])


def _row_text(record: RunRecord) -> bytes:
    return json.dumps(_run_row(record, None) | {DATA_KEY: data_key(record)}).encode()


def seeds_together(table: pd.DataFrame) -> pd.DataFrame:
    """A row per training repeated from several seeds: runs that agree in all but the seed.

    Numbers are means over its runs; `seeds` and `run_ids` are those of its runs, ascending by seed, `num_seeds` counts
    them, `accuracy_std` is the std over seeds of the mean accuracy at the training's own sigma_d (NaN for one seed),
    and what else it says is its latest run's.

    Args:
        table: `runs_table`.
    """
    rows: list[dict[str, object]] = []
    keys = [columns.RECIPE, columns.TRAIN_SIGMA_D, "num_sigma_ds"]
    for _, group in table.sort_values("created").groupby(keys, sort=False):
        of_seeds = group.sort_values(columns.SEED)
        latest: dict[str, object] = {str(name): value for name, value in group.iloc[-1].items()}
        means = {name: group[name].astype(float).mean() for name in MEAN_OVER_SEEDS}
        rows.append(
            latest
            | means
            | {
                "seeds": tuple(int(seed) for seed in of_seeds[columns.SEED]),
                columns.RUN_IDS: tuple(of_seeds[columns.RUN_ID]),
                columns.NUM_SEEDS: int(group[columns.SEED].nunique()),
                "accuracy_std": group["accuracy_at_train_sigma_d"].astype(float).std(ddof=1),
            }
        )
    return pd.DataFrame(rows, columns=[*table.columns, "seeds", columns.RUN_IDS, columns.NUM_SEEDS, "accuracy_std"])


def summary_table(record: RunRecord, instances: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row per sigma_d of a run's summary: accuracy with its interval and low percentiles, and the other means.

    Where it was recorded, what programming takes stands beside.

    Args:
        record: the run.
        instances: its chips; without them percentiles have no limits.
    """
    rows: list[dict[str, float | None]] = []
    for row in record.summary.test:
        accuracy = row.metrics[columns.ACCURACY]
        rows.append(
            {
                columns.SIGMA_D: row.sigma_d,
                columns.ACCURACY: accuracy.mean,
                columns.CI95: accuracy.ci95,
                **summary_percentiles(accuracy, instances, row.sigma_d),
                columns.NUM_INSTANCES: accuracy.num_instances,
                **{name: found.mean for name, found in row.metrics.items() if name != columns.ACCURACY},
                **_effort(row),
            }
        )
    return pd.DataFrame(rows)


def _effort(row: SigmaSummary) -> dict[str, float]:
    return {} if row.effort is None else {columns.PULSES: row.effort.pulses, columns.READS: row.effort.reads}


def summary_percentiles(
    found: MetricSummary, instances: pd.DataFrame | None, sigma_d: float, metric: str = columns.ACCURACY
) -> dict[str, float | None]:
    """A stored summary's low percentiles with the limits that the run's chips set, by the columns of `LOW_PERCENTILES`.

    Without chips there are no limits (NaN).
    """
    limits = dict.fromkeys(LOW_PERCENTILE_COLUMNS, float("nan"))
    if instances is not None:
        at = instances[same_sigma_d(instances[columns.SIGMA_D], sigma_d)]
        limits = low_percentile_columns(at[metric].to_numpy(dtype=float)[None, :], sigma_d=sigma_d)
    stored = {columns.PERCENTILE_1: found.percentile_1, columns.PERCENTILE_5: found.percentile_5}
    return limits | stored


def recipe(record: RunRecord, *, ignoring: Sequence[str] = ()) -> str:
    """A key of everything that must agree for runs to be repetitions of each other: all but seed and sigma_d.

    Args:
        record: a run.
        ignoring: further settings, as `method.decay`, that may differ.
    """
    return _recipe(_deciding(record), ignoring)


def _deciding(record: RunRecord) -> dict[str, object]:
    """A run's settings that repetitions share, by their flat names: without those that earlier runs lack."""
    config = {name: part for name, part in record.config.items() if part != NEW_PARTS.get(name)}
    return {
        name: value
        for name, value in told_by_content(_flat(config)).items()
        if name not in NOT_PART_OF_A_RECIPE and not (name in _AT_FIRST and value == _AT_FIRST[name])
    }


def _recipe(deciding: Mapping[str, object], ignoring: Sequence[str] = ()) -> str:
    kept = {name: value for name, value in deciding.items() if name not in ignoring}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8]


def unseen_words(record: RunRecord) -> str:
    """Of a run that stopped at a precision: which failures its fewest chips can have missed; empty of any other."""
    evaluation = record.config.get("evaluation", {})
    precision, fewest = evaluation.get("precision"), evaluation.get("min_instances")
    if precision is None or not isinstance(fewest, int):
        return ""
    missed = f"{100 * share_unseen(fewest):.2g}"
    return (
        f"stopped at ± {100 * precision:g} points, from {fewest} chips on: "
        f"chips that fail in fewer than {missed} of 100 can go unseen"
    )


def told_by_content(flat: Mapping[str, object]) -> dict[str, object]:
    """A flat config without the place of images that are known by their content."""
    return {name: value for name, value in flat.items() if not (flat.get(CONTENT) and name in PLACES)}


def flat_config(record: RunRecord) -> dict[str, object]:
    """A run's config as one level of `section.setting` names."""
    return _flat(record.config)


def _flat(config: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for section, settings in config.items():
        for name, value in settings.items():
            nested = isinstance(value, dict)
            flat[f"{section}.{name}"] = json.dumps(value) if nested or isinstance(value, list) else value
    return flat


_AT_FIRST = _flat(NEW_SETTINGS)
"""Settings that came later, by their flat names, at what earlier runs were made with."""


def config_differences(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row per run and a column for every setting in which they differ; empty where a run has no such setting."""
    found = [flat_config(record) for record in records]
    flat = pd.DataFrame(found, index=[record.id for record in records], dtype=object)
    return flat[_varying(found)]


def _varying(flat: Iterable[Mapping[str, object]]) -> list[str]:
    """The settings in which flat configs differ, in the order in which they are first met."""
    first: dict[str, str] = {}
    counts, varying, num_configs = Counter[str](), set[str](), 0
    for one in flat:
        num_configs += 1
        counts.update(one.keys())
        for name, value in one.items():
            said = repr(value)
            if first.setdefault(name, said) != said:
                varying.add(name)
    missing = repr(float("nan"))
    return [name for name in first if name in varying or (counts[name] < num_configs and first[name] != missing)]


def differing_settings(records: Sequence[RunRecord], *, without: Sequence[str]) -> "pd.Series[str]":
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
        # flat configs of ten thousand runs take more room than it takes time to make them twice
        varying = _varying(_without(flat_config(record), without) for record in group)
        kept = {name: _setting(name) for name in varying}
        for record in group:
            one = flat_config(record)
            said = [f"{title} {one[name]}" for name, title in kept.items() if not _is_missing(one.get(name))]
            words[record.id] = ", ".join(said)
    return pd.Series(words, dtype=object)


def comparable_variants(records: Sequence[RunRecord]) -> set[str]:
    """The variants that differ from the most others in their method alone: same data, network, training and evaluation.

    A difference between any other two says something of their epochs or chips, not of their methods.
    """
    conditions = [_conditions(record) for record in records]
    counts = Counter(conditions)
    commonest = max(counts, key=lambda key: (counts[key], key), default="")
    pairs = zip(records, conditions, strict=True)
    return {record.facts.variant for record, condition in pairs if condition == commonest}


def named_by_recipe(
    records: Sequence[RunRecord], *, standing: Callable[[RunRecord], int] = lambda _: 0
) -> list[RunRecord]:
    """The runs, those of an uncommon recipe under a variant and a label of their own: they repeat none of the others.

    Of the recipes that share a variant (the same method, otherwise trained or tested), the one of most runs keeps the
    plain name; another is named by the settings in which it differs.

    Args:
        records: the runs, all that are ever shown together: a part of them would be named otherwise.
        standing: of the runs of a variant only those of the highest standing are counted.
    """
    by_variant: dict[str, list[RunRecord]] = {}
    for record in records:
        by_variant.setdefault(record.facts.variant, []).append(record)
    found: list[RunRecord] = []
    for group in by_variant.values():
        recipes = [recipe(record) for record in group]
        standings = [standing(record) for record in group]
        counts = Counter(key for key, at in zip(recipes, standings, strict=True) if at == max(standings))
        commonest = max(counts, key=lambda key: (counts[key], key))
        model = group[recipes.index(commonest)]
        found += [
            record if key == commonest else _renamed(record, key, model)
            for record, key in zip(group, recipes, strict=True)
        ]
    return found


def _conditions(record: RunRecord) -> str:
    """A run's recipe without its method."""
    return recipe(record, ignoring=[name for name in flat_config(record) if name.startswith("method.")])


def _without(flat: Mapping[str, object], left_out: Sequence[str]) -> dict[str, object]:
    """A flat config without some sections and settings."""
    return {
        name: value for name, value in flat.items() if name not in left_out and name.partition(".")[0] not in left_out
    }


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
            "is_control": False,
        }
    )
    return record.model_copy(update={"facts": facts})


def _run_row(record: RunRecord, instances: pd.DataFrame | None) -> dict[str, object]:
    facts, summary, provenance = record.facts, record.summary, record.provenance
    clean, own = summary.at(0.0), summary.at(facts.train_sigma_d)
    deciding = _deciding(record)
    accuracy = own.metrics[columns.ACCURACY] if own else None
    low = summary_percentiles(accuracy, instances, facts.train_sigma_d) if accuracy else {}
    return {
        **{name: getattr(facts, name) for name in RUN_COLUMNS if name in type(facts).model_fields},
        **variant_facts(record),
        columns.RUN_ID: record.id,
        columns.RECIPE: _recipe(deciding),
        columns.FAMILY: _recipe(deciding, DECAY_SETTINGS),
        "num_sigma_ds": len(facts.sigma_ds),
        "num_epochs": summary.num_epochs,
        "selected_epoch": summary.selected_epoch,
        "validation_accuracy": float("nan") if summary.validation_accuracy is None else summary.validation_accuracy,
        "clean_accuracy": clean.metrics[columns.ACCURACY].mean if clean else None,
        "accuracy_at_train_sigma_d": accuracy.mean if accuracy else None,
        **{
            name.replace(columns.PERCENTILE_1, "percentile_1_at_train_sigma_d"): low.get(name)
            for name in LOW_PERCENTILES[1]
        },
        "num_parameters": summary.num_parameters,
        "training_seconds": provenance.training_seconds,
        "created": provenance.created,
    }
