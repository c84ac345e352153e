"""What is stored beside a training: the plain methods on the same data, network and device."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.data import stored
from dashboard.data.caches import kept_copies
from dashboard.data.comparisons import MOST_RUNS
from dashboard.data.stored import Reading, RunRecord
from neft import columns
from neft.sigma_d import same_sigma_d

SHARED = ("dataset", "backbone", "device", "mapping", "programming", "converters")
"""Parts of a config in which runs must agree to be drawn on the same axes."""
OF_TEST_CHIPS = ("device", "mapping", "programming", "converters", "effects")
"""Those in which their test chips must agree as well."""


def runs_beside(config_json: str) -> list[RunRecord]:
    """Stored curves of plain methods that a training of this config (empty: of none) stands beside: of its sigma_d."""
    if not config_json:
        return []
    config = json.loads(config_json)
    at = config["training"]["sigma_d"]
    found = [
        record
        for record in stored.listing().records
        if stored.is_curve(record)
        and not record.facts.departure
        and (not record.facts.uses_noise or same_sigma_d(record.facts.train_sigma_d, at))
        and all(_agrees(config.get(part), record.config.get(part)) for part in SHARED)
        and all(_agrees(_of_test_chips(config, part), _of_test_chips(record.config, part)) for part in OF_TEST_CHIPS)
    ]
    # those of an uncommon recipe are no plain ones, be it the training's own
    plain = {record.id for record in stored.named_records([one.id for one in found]) if not record.facts.departure}
    return [record for record in found if record.id in plain]


@kept_copies(max_entries=16)
def curves_beside(config_json: str) -> pd.DataFrame:
    """Their accuracy against sigma_d, a row per method and sigma_d; empty where there are none."""
    found = runs_beside(config_json)
    if not found:
        return pd.DataFrame()
    at = json.loads(config_json)["training"]["sigma_d"]
    reading = Reading(tuple(record.id for record in found), "fixed", at)
    return stored.curves(reading, columns.ACCURACY)


def comparable(record: RunRecord) -> list[str]:
    """The run and the stored ones of its seed beside it, as many as can be compared at once; itself first."""
    beside = [
        one.id
        for one in runs_beside(json.dumps(record.config))
        if one.id != record.id and one.facts.seed == record.facts.seed
    ]
    return [record.id, *beside][:MOST_RUNS]


def means_of(record: RunRecord) -> pd.DataFrame:
    """The run's stored mean accuracy at every sigma_d."""
    found = [(at.sigma_d, at.metrics[columns.ACCURACY].mean) for at in record.summary.test]
    return pd.DataFrame(found, columns=[columns.SIGMA_D, columns.MEAN])


def means_so_far(means: Mapping[str, float]) -> pd.DataFrame:
    """The same of a run whose chips are still tried, from what its job tells: by sigma_d in words."""
    return pd.DataFrame({columns.SIGMA_D: [float(at) for at in means], columns.MEAN: list(means.values())})


def _of_test_chips(config: dict[str, Any], part: str) -> Any:
    """A part as it is of test chips: the training's where the evaluation has none of its own."""
    return config["evaluation"].get(part) or config.get(part)


def _agrees(one: Any, other: Any) -> bool:
    """Whether two parts of configs agree in what both of them say: each may be older than a setting."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(one[name] == other[name] for name in one.keys() & other.keys())
    return one is None or other is None or one == other
