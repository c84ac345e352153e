"""Records and tables of earlier versions, brought to this one when they are read; what lies on the disk stays as it is.

Names stand here as they were then: this file is history, not a registry.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from neft import columns

Raw = dict[str, Any]

_ADDED: dict[str, Raw] = {
    "training": {"max_validation": None},
    "evaluation": {"max_test": None, "recalibrate_batchnorm": False, "precision": None, "min_instances": 30},
    "ovf": {"raised_layers": "all"},
}
"""Settings that came while records were of version 1, by section or method, at what earlier runs were made with."""
NEW_PARTS: dict[str, Raw] = {"constraint": {"name": "none"}}
"""Parts of a config that came later, at what earlier runs were made with; a recipe's key leaves them out at that."""
_RANKS = {"vanilla": 0, "noise_injection": 1, "ovf": 3, "irs": 4}


def migrated(raw: Mapping[str, Any]) -> Raw:
    """A record's JSON, of any version up to this one, as this version writes it; what is no record is left alone."""
    record = dict(raw)
    while (step := _STEPS.get(record.get("schema_version", 0))) is not None:
        record = step(record)
    return record


def migrated_instances(table: pd.DataFrame) -> pd.DataFrame:
    """A table of chips with every column of today; a metric that was not taken then is NaN."""
    missing = [name for name in (columns.CALIBRATED_EKL,) if name not in table]
    return table.assign(**dict.fromkeys(missing, float("nan"))) if missing else table


def _to_version_2(record: Raw) -> Raw:
    """Facts of methods and backbones, which pages told by names before; weight constraints."""
    facts, config = record.get("facts"), record.get("config")
    if not isinstance(facts, dict) or not isinstance(config, dict):
        return record | {"schema_version": 2}
    method, variant = facts.get("method"), str(facts.get("variant"))
    feedback = method in ("ovf", "irs")
    tempered = method == "noise_injection" and facts.get("temperature") != 1
    added: Raw = {
        "uses_noise": method != "vanilla",
        "has_feedback": feedback,
        "is_control": variant == "noise_injection_t4",
        "num_passes": 1 + int(facts.get("num_feedback") or 0) if method == "ovf" else 1,
        "rank": _RANKS.get(str(method), 0) + (1 if tempered else 0),
        "constraint": "none",
        "has_batchnorm": not str(facts.get("backbone")).startswith("mlp"),
    }
    sections = {
        name: {**_ADDED.get(str(part.get("name", name)), {}), **part} if isinstance(part, dict) else part
        for name, part in config.items()
    }
    return record | {"schema_version": 2, "facts": added | facts, "config": NEW_PARTS | sections}


_STEPS: dict[object, Callable[[Raw], Raw]] = {1: _to_version_2}
