"""Accuracy beside what networks take on a chip: a row per network, mapping, programming and training."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.hardware.costs import Size
from neft.runs.records import MetricSummary, RunRecord
from neft.sigma_d import same_sigma_d
from neft.tables.intervals import crossed_interval
from neft.tables.runs import recipe
from neft.tables.variants import VARIANT_FACTS, variant_facts

HARDWARE = (columns.AREA, columns.ENERGY)
SIZE_COLUMNS = (
    *VARIANT_FACTS,
    columns.BACKBONE,
    columns.BACKBONE_LABEL,
    columns.CHIPS,
    columns.CHIPS_LABEL,
    columns.DEVICES_IN_ALL,
    *HARDWARE,
    columns.AREA_SHARE,
    columns.ENERGY_SHARE,
    columns.MEAN,
    columns.LOWER,
    columns.UPPER,
    columns.PERCENTILE_1,
    columns.PERCENTILE_1_LOWER,
    columns.PERCENTILE_1_UPPER,
    columns.NUM_SEEDS,
    columns.NUM_INSTANCES,
    columns.RUN_IDS,
)


def hardware_key(record: RunRecord) -> str:
    """What of a stored run decides its hardware: runs that share it take the same. Reads the record alone."""
    config = record.config
    evaluation = config.get("evaluation", {})
    mapping, converters = (evaluation.get(part) or config.get(part) for part in ("mapping", "converters"))
    data = {name: value for name, value in config["dataset"].items() if name != "max_train"}
    parts = [config.get("backbone"), data, mapping, converters, config.get("constraint"), record.facts.num_classes]
    return json.dumps(parts, sort_keys=True)


def accuracy_vs_hardware(records: Sequence[RunRecord], sizes: Mapping[str, Size], *, sigma_d: float) -> pd.DataFrame:
    """A row per network, chips and variant that was tried at one sigma_d, the smallest area first.

    Trainings are those made for this sigma_d, or without variation. Where a row could be of several recipes (epochs,
    learning rates) it is of the one with the most seeds, then chips, then the first key: none is chosen by what it
    reached. Means and 1st percentiles are over seeds, of each run's own over its chips, with Student's interval over
    seeds; no ends with one seed.

    Args:
        records: of one data set.
        sizes: by run, what its network takes; runs without are left out.
        sigma_d: at which accuracies are read.
    """
    groups: dict[tuple[str, ...], dict[str, list[RunRecord]]] = {}
    for record in records:
        if record.id in sizes and _is_for(record, sigma_d):
            facts = record.facts
            group = groups.setdefault((hardware_key(record), facts.chips, facts.variant), {})
            group.setdefault(recipe(record), []).append(record)
    rows = [_row(max(recipes.items(), key=_standing)[1], sizes, sigma_d) for recipes in groups.values()]
    table = pd.DataFrame(rows, columns=list(SIZE_COLUMNS))
    return table.sort_values([columns.AREA, columns.METHOD_RANK, columns.VARIANT, columns.CHIPS], ignore_index=True)


def mean_size(records: Sequence[RunRecord], sizes: Mapping[str, Size]) -> dict[str, float]:
    """Area and energy, means over runs; not numbers where one's are not known."""
    if any(record.id not in sizes for record in records):
        return dict.fromkeys(HARDWARE, float("nan"))
    found = [sizes[record.id].totals for record in records]
    means = np.mean([(one.area, one.energy) for one in found], axis=0)
    return dict(zip(HARDWARE, map(float, means), strict=True))


def _is_for(record: RunRecord, sigma_d: float) -> bool:
    facts = record.facts
    is_fit = not facts.uses_noise or bool(same_sigma_d(facts.train_sigma_d, sigma_d))
    return is_fit and _accuracy(record, sigma_d) is not None


def _accuracy(record: RunRecord, sigma_d: float) -> MetricSummary | None:
    at = record.summary.at(sigma_d)
    return at.metrics.get(columns.ACCURACY) if at else None


def _standing(item: tuple[str, list[RunRecord]]) -> tuple[int, int, str]:
    key, records = item
    return len({one.facts.seed for one in records}), min(one.facts.num_instances for one in records), key


def _row(records: Sequence[RunRecord], sizes: Mapping[str, Size], sigma_d: float) -> dict[str, object]:
    first = records[0]
    accuracies = [found for record in records if (found := _accuracy(record, sigma_d))]
    size = sizes[first.id]
    return {
        **variant_facts(first),
        columns.BACKBONE: first.facts.backbone,
        columns.BACKBONE_LABEL: first.facts.backbone_label,
        columns.CHIPS: first.facts.chips,
        columns.CHIPS_LABEL: first.facts.chips_label,
        columns.DEVICES_IN_ALL: size.totals.devices,
        columns.AREA: size.totals.area,
        columns.ENERGY: size.totals.energy,
        columns.AREA_SHARE: size.area_share,
        columns.ENERGY_SHARE: size.energy_share,
        **_over_seeds([one.mean for one in accuracies], (columns.MEAN, columns.LOWER, columns.UPPER)),
        **_over_seeds(
            [one.percentile_1 for one in accuracies],
            (columns.PERCENTILE_1, columns.PERCENTILE_1_LOWER, columns.PERCENTILE_1_UPPER),
        ),
        columns.NUM_SEEDS: len({record.facts.seed for record in records}),
        columns.NUM_INSTANCES: min(one.num_instances for one in accuracies),
        columns.RUN_IDS: tuple(sorted(record.id for record in records)),
    }


def _over_seeds(values: Sequence[float | None], names: tuple[str, str, str]) -> dict[str, float]:
    known = np.array([[np.nan if value is None else value] for value in values], dtype=float)
    interval = crossed_interval(known)
    ends = (interval.mean, interval.mean - interval.ci95, interval.mean + interval.ci95)
    return dict(zip(names, ends, strict=True))
