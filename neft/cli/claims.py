"""neft claims."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from neft import columns
from neft.cli.output import json_rows, print_json, print_table
from neft.cli.shared_options import json_option
from neft.errors import StoreError
from neft.experiments.claims import claims_table
from neft.runs.plans import load_plans
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores

UNITS = {"points": "points", "percent": "% of EKL", "share": "of 100 trainings"}


@click.command()
@click.option(
    "--store",
    "store_root",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder of runs to read. [default: the user's own and those that ship]",
)
@json_option
def claims(store_root: Path | None, *, as_json: bool) -> None:
    """Say which claims the stored experiments support: the paper's, and what the controls say.

    A claim is supported where its paired 95 % interval lies above zero, not supported where it lies below the smallest
    effect that would matter (a point of accuracy, a tenth of the EKL, a training in ten), and undecided otherwise.
    """
    stores = Stores.default()
    if store_root is not None:
        stores = Stores(own=RunStore(store_root), shipped=RunStore(store_root))
    (shipped, problems), (own, own_problems) = load_plans(stores.shipped.root), load_plans(stores.own.root)
    plans = shipped | own
    runs, run_problems = _read({entry.run_id for plan in plans.values() for entry in plan.entries}, stores)
    for name, reason in (problems | own_problems | run_problems).items():
        Console(stderr=True).print(f"[yellow]{name}[/]: {reason}", soft_wrap=True)
    rows = claims_table(list(plans.values()), runs).to_dict("records")
    if as_json:
        print_json(json_rows(rows))
        return
    table = Table(title="Claims", caption="effect with its paired 95 % interval over seeds × chips")
    for heading in ("claim", "verdict", "more seeds", "effect", "published", "unit", "seeds × chips", "run on"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            str(row["words"]),
            str(row["verdict"]),
            _count(row["more_seeds"]),
            _effect(row),
            _signed(row["published"]),
            UNITS[row["unit"]],
            f"{row[columns.NUM_SEEDS]} × {row[columns.NUM_INSTANCES]}",
            str(row["data"]),
        )
    print_table(table)


def _read(needed: set[str], stores: Stores) -> tuple[dict[str, tuple[RunRecord, pd.DataFrame]], dict[str, str]]:
    """Record and chips of the runs that plans name, and why some cannot be read."""
    listing = stores.list()
    runs: dict[str, tuple[RunRecord, pd.DataFrame]] = {}
    problems = {run_id: reason for run_id, reason in listing.problems.items() if run_id in needed}
    for record in listing.records:
        if record.id not in needed:
            continue
        try:
            runs[record.id] = (record, stores.holder(record.id).instances(record))
        except StoreError as error:
            problems[record.id] = str(error)
    return runs, problems


def _effect(row: Mapping[Hashable, Any]) -> str:
    if row[columns.NUM_SEEDS] == 0:
        return "–"
    return f"{_signed(row['estimate'])} ({_signed(row[columns.LOWER])} to {_signed(row[columns.UPPER])})"


def _signed(value: float) -> str:
    return "–" if value != value else f"{value:+.1f}"  # noqa: PLR0124 - NaN alone differs from itself


def _count(value: float | None) -> str:
    return "" if value is None or value != value else f"{int(value)}"  # noqa: PLR0124
