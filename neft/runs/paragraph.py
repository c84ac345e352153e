"""What a paper says of a stored run: a paragraph for its section on methods, and an entry for its references."""

import math
import re
from collections.abc import Mapping
from typing import Any

from neft import columns
from neft.errors import RunCorruptError
from neft.runs.records import RunRecord
from neft.sigma_d import same_sigma_d, sigma_d_text

HUNDRED = 100
"""Chips below which no percentile is told."""
TOLD_ELSEWHERE = ("name", "max_train", "image_size", "checksum", "path", "labels")
"""Settings of a part that its label or another sentence says."""


def methods_paragraph(record: RunRecord) -> str:
    """How the run was trained and evaluated, and what came of it, from its record alone: plain text.

    Raises:
        RunCorruptError: the record says not all of that.
    """
    try:
        told = (_trained(record), _deployed(record), _found(record), _software(record))
    except (LookupError, TypeError, ValueError, AttributeError):
        message = f"Run '{record.id}' is corrupt: its config lacks what a paper says of a run."
        raise RunCorruptError(message) from None
    return " ".join(sentence for sentence in told if sentence)


def bibtex(record: RunRecord) -> str:
    """The run as an entry of a BibTeX file."""
    made = record.provenance
    revision = f", revision {made.git_revision[:12]}" if made.git_revision else ""
    fields = {
        "title": f"{{{record.facts.name}, on {record.facts.dataset_label}}}",
        "year": made.created[:4],
        "howpublished": f"Stored run of neft {made.versions.get('neft', '')}{revision}",
        "note": f"Run {record.id}",
    }
    body = ",\n".join(f"  {name} = {{{_escaped(words)}}}" for name, words in fields.items())
    return f"@misc{{{re.sub('[^A-Za-z0-9:-]', '-', record.id)},\n{body},\n}}\n"


def _trained(record: RunRecord) -> str:
    facts, training = record.facts, record.config["training"]
    if not record.summary.num_epochs:
        return f"The network ({facts.backbone_label}) was trained elsewhere; its weights were deployed as they are."
    under = f"under device variation σ_d = {sigma_d_text(facts.train_sigma_d)}" if facts.uses_noise else "without noise"
    settings = _settings(record.config["method"])
    kept = (
        f" The epoch of the best validation accuracy under variation ({record.summary.selected_epoch}) was kept."
        if training["keep_best"]
        else ""
    )
    return (
        f"A network ({facts.backbone_label}) was trained on {facts.dataset_label} with {facts.label}{settings} {under} "
        f"for {record.summary.num_epochs} epochs (batches of {training['batch_size']}, learning rate "
        f"{training['learning_rate']:g}, seed {facts.seed}).{kept}"
    )


def _deployed(record: RunRecord) -> str:
    facts, evaluation = record.facts, record.config["evaluation"]
    mapping = evaluation.get("mapping") or record.config["mapping"]
    bits = f"{mapping['weight_bits']}-bit weights on {mapping['device_bits']}-bit devices"
    images = f" of {facts.num_test_images:,} test images each" if facts.num_test_images else ""
    plural = "" if facts.num_instances == 1 else "s"
    most = "at most " if evaluation.get("precision") is not None else ""
    at = ", ".join(sigma_d_text(sigma_d) for sigma_d in facts.sigma_ds)
    return (
        f"It was evaluated as {bits} ({facts.device_label}) on {most}{facts.num_instances:,} sampled "
        f"chip{plural}{images} (chip seed {facts.chip_seed}) at σ_d = {at}, the standard deviation of a "
        "device's error over its maximal conductance."
    )


def _found(record: RunRecord) -> str:
    own = next((row for row in record.summary.test if same_sigma_d(row.sigma_d, record.facts.train_sigma_d)), None)
    metric = own.metrics.get(columns.ACCURACY) if own else None
    if own is None or metric is None or metric.mean is None:
        return ""
    lowest = metric.percentile_1 if metric.num_instances >= HUNDRED else None
    low = "" if lowest is None else f"; the 1st percentile over chips is {100 * lowest:.1f} %"
    mean = _with_interval(100 * metric.mean, 100 * (metric.ci95 or 0.0))
    return f"At σ_d = {sigma_d_text(own.sigma_d)} its mean accuracy is {mean}{low}."


def _with_interval(mean: float, half: float) -> str:
    """Two digits of the interval decide those of the mean: `95.30 ± 0.38 %`."""
    if half <= 0:
        return f"{mean:.1f} %"
    digits = max(1 - math.floor(math.log10(half)), 0)
    return f"{mean:.{digits}f} ± {half:.{digits}f} % (95 % interval over chips)"


def _software(record: RunRecord) -> str:
    versions = record.provenance.versions
    used = ", ".join(f"{name} {versions[name]}" for name in ("neft", "torch", "python") if name in versions)
    return f"Computed with {used}; run {record.id}."


def _settings(part: Mapping[str, Any]) -> str:
    """A part's settings in brackets; empty where it has none."""
    told = [
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in part.items()
        if name not in TOLD_ELSEWHERE and value is not None
    ]
    return f" ({', '.join(told)})" if told else ""


def _escaped(words: str) -> str:
    """As BibTeX reads it: no sign of LaTeX's in a word."""
    return re.sub(r"([&%$#_])", r"\\\1", words.replace("σ_d", "sigma_d")).replace("×", "x")
