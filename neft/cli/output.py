"""What verbs print: JSON for programs, a run's results for people."""

import json
import math
import re
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table
from neft.cli.printing import write
from neft.errors import RunCorruptError, is_hidden
from neft.runs.records import RunRecord, SigmaSummary
from neft.tables import converter_table, unseen_words
from neft.tables.percentiles import limits_in_words, low_percentiles_of_run, percentile_name, too_few_chips


def print_json(value: object) -> None:
    """Machine-readable, on standard output."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # JSON itself escapes no control characters of 8 bits, marks of direction and halves of characters
    write(re.sub(r"[^\n -~]", lambda one: json.dumps(one[0])[1:-1] if is_hidden(one[0]) else one[0], text) + "\n")


def json_rows(rows: Iterable[Mapping[Hashable, Any]]) -> list[dict[str, Any]]:
    """A table's rows; NaN and infinity, which are no JSON, as null."""
    return [{str(name): _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def record_json(record: RunRecord) -> dict[str, Any]:
    """A run as `--json` shows it."""
    return record.model_dump(mode="json")


EKL, CONFIDENCE, CALIBRATION_ERROR = "EKL (nats)", "confidence %", "calibration error %"
EFFORT = ("pulses a weight", "reads a weight")
DISPENSABLE = (CALIBRATION_ERROR, CONFIDENCE, EKL, "chips")
"""What a narrow terminal can do without; the first goes first."""


def print_results(record: RunRecord, instances: pd.DataFrame) -> None:
    """A run's results at every sigma_d, for people.

    Args:
        record: the run.
        instances: its chips.
    """
    print_table(results_table(record, instances), dispensable=DISPENSABLE)


def print_converters(layers: pd.DataFrame) -> None:
    """How the converters of a run's layers are used, for people; nothing of a run without converters.

    Args:
        layers: as stored with the run.
    """
    found = converter_table(layers)
    if found.empty:
        return
    table = Table(title="Converters", caption="on validation images and the chip that misses nothing")
    table.add_column("layer")
    heads = {name: words for name, words in _CONVERTER_HEADS.items() if name in found}
    for words in heads.values():
        table.add_column(words, justify="right")
    for row in found.to_dict("records"):
        cells = (
            f"{row[name]:.3g}" if words.endswith("range") else f"{100 * row[name]:.2f}" for name, words in heads.items()
        )
        table.add_row(str(row[columns.LAYER]), *cells)
    print_table(table)


_CONVERTER_HEADS = {
    columns.INPUT_RANGE: "DAC range",
    columns.INPUT_USED: "peak % of it",
    columns.INPUT_CLIPPED: "clipped %",
    columns.OUTPUT_RANGE: "ADC range",
    columns.OUTPUT_USED: "peak % of it ",
    columns.OUTPUT_CLIPPED: "clipped % ",
}


def results_table(record: RunRecord, instances: pd.DataFrame) -> Table:
    """Accuracy, its low percentile with limits, and EKL of a run at every sigma_d.

    Args:
        record: the run.
        instances: its chips.

    Raises:
        RunCorruptError: its summary is not that of its chips.
    """
    facts = record.facts
    limits = low_percentiles_of_run(instances).to_dict("records")
    if len(limits) != len(record.summary.test):
        message = f"Run '{record.id}' is corrupt: its summary and its chips are of different σ_d."
        raise RunCorruptError(message)
    counts = {row.metrics["accuracy"].num_instances for row in record.summary.test if row.sigma_d}
    table = Table(
        title=f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}, {facts.device_label}",
        caption="\n".join(
            filter(
                None,
                (
                    f"mean ± 95 % interval over chips · {record.id}",
                    limits_caption(1, counts),
                    unseen_words(record),
                ),
            )
        ),
    )
    headings = ("accuracy %", "1st percentile %", EKL, CONFIDENCE, CALIBRATION_ERROR)
    effort = EFFORT if any(row.effort for row in record.summary.test) else ()
    for heading in ("test σ_d", "chips", *headings, *effort):
        table.add_column(heading, justify="right")
    for row, ends in zip(record.summary.test, limits, strict=True):
        accuracy = row.metrics["accuracy"]
        table.add_row(
            f"{row.sigma_d:g}",
            str(accuracy.num_instances),
            _with_interval(accuracy.mean, accuracy.ci95, scale=100, digits=2),
            with_limits(accuracy.percentile_1, ends[columns.PERCENTILE_1_LOWER], ends[columns.PERCENTILE_1_UPPER]),
            _measured(row, "ekl", scale=1, digits=4),
            _measured(row, "mean_confidence", scale=100, digits=1),
            _measured(row, "calibration_error", scale=100, digits=1),
            *(_effort(row) if effort else ()),
        )
    return table


def _effort(row: SigmaSummary) -> tuple[str, str]:
    """Pulses and reads a weight."""
    return (f"{row.effort.pulses:.3g}", f"{row.effort.reads:.3g}") if row.effort else ("–", "–")


def limits_caption(percentile: int, counts: Collection[int]) -> str:
    """What a percentile's limits are, and where so few chips set none of one kind, which and how many would."""
    missing = too_few_chips(percentile, *counts)
    said = f"{percentile_name(percentile)}: one-sided 95 % limits over chips"
    return f"{said}; {missing}" if missing else said


def with_limits(
    value: float | None, lower: float | None, upper: float | None, *, scale: float | int = 100, digits: int = 2
) -> str:
    """`91.18 (at most 92.90)`; a dash where there is no percentile."""
    if value is None or math.isnan(value):
        return "–"
    ends = [math.nan if end is None else end for end in (lower, upper)]
    words = "" if ends == [value, value] else limits_in_words(ends[0], ends[1], scale=scale, digits=digits)
    shown = f"{value * scale:.{digits}f}"
    return f"{shown} ({words})" if words else shown


def _measured(row: SigmaSummary, name: str, *, scale: int, digits: int) -> str:
    """A metric's mean, of EKL with its interval; a dash where the record has none."""
    found = row.metrics.get(name)
    ci95 = found.ci95 if found is not None and name == "ekl" else None
    return _with_interval(found and found.mean, ci95, scale=scale, digits=digits)


def _with_interval(mean: float | None, ci95: float | None, *, scale: int, digits: int) -> str:
    if mean is None:
        return "–"
    text = f"{mean * scale:.{digits}f}"
    return text if ci95 is None else f"{text} ± {ci95 * scale:.{digits}f}"
