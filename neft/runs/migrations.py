"""Records and tables of earlier versions, brought to this one when they are read; what lies on the disk stays as it is.

Names stand here as they were then: this file is history, not a registry.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from neft import columns
from neft.runs.commands import whole_command, with_fewest_chips

Raw = dict[str, Any]

_ADDED: dict[str, Raw] = {
    "training": {"max_validation": None},
    "evaluation": {"max_test": None, "recalibrate_batchnorm": False, "precision": None, "min_instances": 30},
    "ovf": {"raised_layers": "all"},
}
"""Settings that came while records were of version 1, by section or method, at what earlier runs were made with."""
NEW_PARTS: dict[str, Raw] = {
    "constraint": {"name": "none"},
    "programming": {"name": "open_loop"},
    "converters": {
        "dac_bits": None,
        "adc_bits": None,
        "converter_ranges": "calibrated",
        "scaling": "layer",
        "scaling_penalty": 0.01,
    },
}
"""Parts of a config that came later, at what earlier runs were made with; a recipe's key leaves them out at that."""
NEW_SETTINGS: dict[str, Raw] = {
    "backbone": {"compensation": 0.0},
    "training": {"validation_sigma_d": None},
    "mapping": {
        "significance_base": None,
        "scale": "layer",
        "sign": "crossbar",
        "rotation": "none",
        "clip_for": 0.0,
        "on_off_ratio": None,
        "copies": 1,
    },
    "evaluation": {
        "arithmetic": "float32",
        "worst_case": [],
        "mapping": None,
        "programming": None,
        "converters": None,
        "effects": {
            "drift_seconds": 0.0,
            "drift_law": "pcm",
            "drift_exponent": 0.05,
            "drift_spread": 0.02,
            "drift_compensation": False,
            "retention_seconds": 0.0,
            "retention_law": "ember",
            "retention_std": 0.0,
            "retention_growth": 0.0,
            "retention_programmed": 0.0,
            "read_noise": 0.0,
            "read_noise_each": 0.0,
            "stuck_low": 0.0,
            "stuck_high": 0.0,
            "common_mode": 0.0,
            "common_to": "chip",
            "level_bias": [],
        },
    },
}
"""Settings that came after records of version 2, likewise; a recipe's key leaves them out at that, too."""
_METHOD_LABELS = {"vanilla": "Vanilla", "noise_injection": "Noise injection", "ovf": "OVF", "irs": "IRS"}
_NUM_TEST_IMAGES = {
    "digits": 397,
    "fashion_mnist": 10_000,
    "mnist": 10_000,
    "cifar10": 10_000,
    "cifar100": 10_000,
    "tiny_imagenet": 10_000,
}
_DEVICES_A_MAGNITUDE = {"crossbar": 2, "differential": 2, "offset": 1, "unipolar": 1}  # by layer came later
_RANKS = {"vanilla": 0, "noise_injection": 1, "ovf": 3, "irs": 4}


def migrated(raw: Mapping[str, Any]) -> Raw:
    """A record's JSON, of any version up to this one, as this version writes it; what is no record is left alone."""
    record = dict(raw)
    while (step := _STEPS.get(record.get("schema_version", 0))) is not None:
        record = step(record)
    return _with_devices(_with_words_of_chips(_with_words_of_today(_with_whole_command(record))))


def migrated_plan(raw: Mapping[str, Any]) -> Raw:
    """A plan's JSON, of any version up to this one, as this version writes it; what is no plan is left alone.

    Words that no rule knows are kept beside the plan, by the keys that they are given.
    """
    plan = dict(raw)
    if not isinstance(plan.get("entries"), list):
        return plan
    version = plan.get("plan_version", 1)
    if version == 1:
        words: dict[str, str] = {}
        entries = [_keyed(entry, words) if isinstance(entry, dict) else entry for entry in plan["entries"]]
        plan |= {"entries": entries, "words": words}
    if version in (1, 2):
        plan |= {"plan_version": 3, "fixed_seeds": _fixed_seeds(plan)}
    return plan


def _fixed_seeds(plan: Raw) -> dict[str, int]:
    """Of a preset at its own size, whose plan has its name, the seeds that it has; of one at another, unknown."""
    if not isinstance(plan.get("name"), str) or plan["name"] != plan.get("preset"):
        return {}
    seeds: dict[str, set[object]] = {}
    for entry in plan["entries"]:
        if isinstance(entry, dict):
            seeds.setdefault(str(entry.get("experiment")), set()).add(str(entry.get("seed")))
    return {experiment: len(known) for experiment, known in seeds.items()}


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
    terms = facts.get("num_feedback")
    tempered = method == "noise_injection" and facts.get("temperature") != 1
    added: Raw = {
        "uses_noise": method != "vanilla",
        "has_feedback": feedback,
        "is_control": variant == "noise_injection_t4",
        "num_passes": 1 + terms if method == "ovf" and isinstance(terms, int) else 1,
        "rank": _RANKS.get(str(method), 0) + (1 if tempered else 0),
        "constraint": "none",
        "has_batchnorm": not str(facts.get("backbone")).startswith("mlp"),
    }
    sections = {
        name: {**_ADDED.get(str(part.get("name", name)), {}), **part} if isinstance(part, dict) else part
        for name, part in config.items()
    }
    return record | {"schema_version": 2, "facts": added | facts, "config": NEW_PARTS | sections}


def _to_version_3(record: Raw) -> Raw:
    """Another sigma_d for validation; the worst case. A summary without one had none."""
    config = record.get("config")
    if not isinstance(config, dict):
        return record | {"schema_version": 3}
    sections = {
        name: NEW_SETTINGS.get(name, {}) | part if isinstance(part, dict) else part for name, part in config.items()
    }
    facts = record.get("facts")
    if isinstance(facts, dict):
        clipped = str(facts.get("constraint")).startswith("clip")
        added = {
            "method_label": _METHOD_LABELS.get(str(facts.get("method")), ""),
            "constraint_name": "clip" if clipped else "none",
            "constraint_label": "Clipped weights" if clipped else "",
        }
        facts = added | facts
    return record | {"schema_version": 3, "facts": facts, "config": sections}


def _to_version_4(record: Raw) -> Raw:
    """How many test images there were."""
    facts, config = record.get("facts"), record.get("config")
    if not isinstance(facts, dict) or not isinstance(config, dict):
        return record | {"schema_version": 4}
    there = _NUM_TEST_IMAGES.get(str(facts.get("dataset")))
    evaluation = config.get("evaluation")
    most = evaluation.get("max_test") if isinstance(evaluation, dict) else None
    count = there if there is None or not isinstance(most, int) else min(there, most)
    return record | {"schema_version": 4, "facts": {"num_test_images": count} | facts}


def _to_version_5(record: Raw) -> Raw:
    """Mappings beyond bit slicing, programming and what happens after it."""
    return _with_new_settings(record, 5)


def _to_version_6(record: Raw) -> Raw:
    """Converters."""
    return _with_new_settings(record, 6)


def _to_version_7(record: Raw) -> Raw:
    """Arithmetic of the evaluation."""
    return _with_new_settings(record, 7)


def _with_new_settings(record: Raw, version: int) -> Raw:
    config = record.get("config")
    if not isinstance(config, dict):
        return record | {"schema_version": version}
    sections = {
        name: NEW_SETTINGS.get(name, {}) | part if isinstance(part, dict) else part for name, part in config.items()
    }
    return record | {"schema_version": version, "config": NEW_PARTS | sections}


def _with_words_of_today(record: Raw) -> Raw:
    """The label as a run of the same method gets it today, so that both stand under one name."""
    facts = record.get("facts")
    if not isinstance(facts, dict) or not isinstance(facts.get("label"), str):
        return record
    label = facts["label"]
    for before, now in _WORDS_ONCE.items():
        label = label.replace(before, now)
    return record | {"facts": facts | {"label": label}}


def _with_words_of_chips(record: Raw) -> Raw:
    """What of the test chips is not the usual, as their key says it, where no words were recorded."""
    facts = record.get("facts")
    if not isinstance(facts, dict) or "chips_label" in facts or not isinstance(facts.get("chips"), str):
        return record
    return record | {"facts": facts | {"chips_label": words_of_key(facts["chips"])}}


def words_of_key(chips: str) -> str:
    """The parts of a key of test chips, as words of runs of before words were recorded."""
    return chips.strip("~").replace("~", ", ")


def _with_devices(record: Raw) -> Raw:
    """How many devices hold a weight, where its chips are the usual or what programming them takes was recorded."""
    summary, config, facts = (record.get(part) for part in ("summary", "config", "facts"))
    if not (isinstance(summary, dict) and isinstance(config, dict) and isinstance(facts, dict)):
        return record
    tests, evaluation = summary.get("test"), config.get("evaluation")
    mapping = (isinstance(evaluation, dict) and evaluation.get("mapping")) or config.get("mapping")
    is_told = not facts.get("chips") or (
        isinstance(tests, list) and any(isinstance(at, dict) and at.get("effort") for at in tests)
    )
    if "devices_a_weight" in summary or not is_told or not isinstance(mapping, dict):
        return record
    bits, device_bits, copies = (mapping.get(name) for name in ("weight_bits", "device_bits", "copies"))
    a_magnitude = _DEVICES_A_MAGNITUDE.get(str(mapping.get("sign")))
    if not (isinstance(bits, int) and isinstance(device_bits, int) and isinstance(copies, int) and a_magnitude):
        return record
    devices = a_magnitude * -(-bits // max(device_bits, 1)) * copies
    return record | {"summary": summary | {"devices_a_weight": devices}}


def _with_whole_command(record: Raw) -> Raw:
    """The command with what it left out at first: threads, torch's device and, of a precision, the fewest chips.

    They came while records were of versions 3 and 4, so of such a one its version does not tell.
    """
    provenance, config = record.get("provenance"), record.get("config")
    if not isinstance(provenance, dict) or not isinstance(config, dict):
        return record
    command, threads, torch_device = (provenance.get(name) for name in ("command", "threads", "torch_device"))
    evaluation = config.get("evaluation")
    if not (isinstance(command, str) and isinstance(threads, int) and isinstance(torch_device, str)):
        return record
    if isinstance(evaluation, dict):
        command = with_fewest_chips(command, evaluation)
    command = whole_command(command, threads=threads, torch_device=torch_device)
    return record | {"provenance": provenance | {"command": command}}


_WORDS_ONCE = {
    "BatchNorm moved by feedback = False": "first pass moves BatchNorm",
    "classifier noise = False": "noise-free heads",
}
"""Of a label, what was written once, and what is today."""
_SERIES = {
    "vanilla": "Vanilla",
    "noise_injection": "Noise injection",
    "noise_injection_t4": "Noise injection, T = 4",
    "noise_injection_t": "Noise injection, T = N + 1",
    "ovf": "OVF",
    "ovf_bn": "OVF, first pass moves them",
    "irs": "IRS",
}
"""Labels that plans of version 1 held, by series."""
_SETTINGS = {
    "no feedback": "no_feedback",
    "paper": "paper",
    "reversed": "reversed",
    "constant": "constant",
    "noisy": "noisy",
    "noise-free": "noise_free",
    "pretrained": "pretrained",
    "+ 1/4 of the epochs": "epochs_0.25",
    "+ 1/2": "epochs_0.5",
    "+ all": "epochs_1",
    "from scratch": "from_scratch",
    "RRAM1": "rram1",
    "FeFET2": "fefet2",
    "RRAM4": "rram4",
    "FeFET6": "fefet6",
    "of training": "of_training",
    "gathered anew": "gathered_anew",
    "all (paper)": "all",
    "first and last (code)": "first_and_last",
    "published recipe": "published_recipe",
    "tuned": "tuned",
}
"""Settings that plans of version 1 held in words."""
_QUANTITIES = {
    "accuracy": ("σ_d = ", "sigma_d"),
    "feedback_terms": ("N = ", "n"),
    "delta_sigma": ("Δσ = ", "delta_sigma"),
    "beta": ("", "beta"),
    "temperature": ("T = ", "t"),
    "over_noise": ("train σ_d = ", "train_sigma_d"),
}
"""By experiment, what stood before a number, and what stands before it in a key."""


def _keyed(entry: Raw, words: dict[str, str]) -> Raw:
    """A plan's entry with keys for words; words that have no key of old are told to `words`."""
    keyed = dict(entry)
    series, label, said = keyed.get("series"), keyed.pop("label", None), keyed.get("setting")
    if not isinstance(series, str) or not isinstance(said, str):
        return keyed
    if isinstance(label, str) and _SERIES.get(series) != label:
        words[series] = label
    key = _setting_key(str(keyed.get("experiment")), series, label, said)
    if key is None:
        key = _slug(said)
        words[key] = said
    return keyed | {"setting": key}


def _setting_key(experiment: str, series: str, label: object, said: str) -> str | None:
    before, quantity = _QUANTITIES.get(experiment, (None, ""))
    if before is not None and re.fullmatch(re.escape(before) + r"-?[\d.]+(e[+-]?\d+)?", said):
        return f"{quantity}_{said.removeprefix(before)}"
    if experiment == "convergence" and said == label:
        return series
    return _SETTINGS.get(said)


def _slug(said: str) -> str:
    """A key for words that none was known for: what is ASCII of them, and what tells them from others."""
    digest = hashlib.sha256(said.encode()).hexdigest()[:6]
    return "_".join([*re.findall("[a-z0-9]+", said.lower()), digest])


_STEPS: dict[object, Callable[[Raw], Raw]] = {
    1: _to_version_2,
    2: _to_version_3,
    3: _to_version_4,
    4: _to_version_5,
    5: _to_version_6,
    6: _to_version_7,
}
