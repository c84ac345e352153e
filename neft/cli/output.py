"""What verbs print: JSON for programs, tables for people."""

import json
import math
import sys
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from neft.runs.records import RunRecord

UNLIMITED = 1000
"""Characters a line; no table is wider."""


def print_json(value: object) -> None:
    """Machine-readable, on standard output."""
    _ = sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def json_rows(rows: Iterable[Mapping[Hashable, Any]]) -> list[dict[str, Any]]:
    """A table's rows; NaN and infinity, which are no JSON, as null."""
    return [{str(name): _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(table: Table) -> None:
    """For people, on standard output; wide enough not to lose columns where it is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=Console(width=UNLIMITED).measure(table).maximum)
    console.print(table)


def record_json(record: RunRecord) -> dict[str, Any]:
    """A run as `--json` shows it."""
    return record.model_dump(mode="json")


def results_table(record: RunRecord) -> Table:
    """Accuracy and EKL of a run at every sigma_d."""
    facts = record.facts
    table = Table(
        title=f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}, {facts.device_label}",
        caption=f"mean ± 95 % interval over chips · {record.id}",
    )
    headings = ("accuracy %", "1st percentile %", "EKL (nats)", "confidence %", "calibration error %")
    for heading in ("test σ_d", "chips", *headings):
        table.add_column(heading, justify="right")
    for row in record.summary.test:
        accuracy, ekl = row.metrics["accuracy"], row.metrics["ekl"]
        table.add_row(
            f"{row.sigma_d:g}",
            str(accuracy.num_instances),
            _with_interval(accuracy.mean, accuracy.ci95, scale=100, digits=2),
            _with_interval(accuracy.percentile_1, None, scale=100, digits=2),
            _with_interval(ekl.mean, ekl.ci95, scale=1, digits=4),
            _with_interval(row.metrics["mean_confidence"].mean, None, scale=100, digits=1),
            _with_interval(row.metrics["calibration_error"].mean, None, scale=100, digits=1),
        )
    return table


def _with_interval(mean: float | None, ci95: float | None, *, scale: int, digits: int) -> str:
    if mean is None:
        return "–"
    text = f"{mean * scale:.{digits}f}"
    return text if ci95 is None else f"{text} ± {ci95 * scale:.{digits}f}"
