"""neft runs."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table
from neft.cli.output import limits_caption, print_json, with_limits
from neft.cli.printing import say_beside
from neft.cli.shared_options import json_option
from neft.errors import StoreError
from neft.runs.notes import list_notes
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from neft.sigma_d import same_sigma_d
from neft.tables import runs_table

PERCENTILE = "percentile_1_at_train_sigma_d"
SHOWN = {
    columns.RUN_ID: "id",
    columns.LABEL: "method",
    "backbone_label": "backbone",
    columns.DATASET: "data",
    "device_label": "device",
    columns.TRAIN_SIGMA_D: "train σ_d",
    columns.SEED: "seed",
    "clean_accuracy": "clean %",
    "accuracy_at_train_sigma_d": "at train σ_d %",
    PERCENTILE: "1st percentile %",
}
TAGS = "tags"
DISPENSABLE = (
    *("device_label", columns.DATASET, "backbone_label", columns.SEED, columns.TRAIN_SIGMA_D, columns.LABEL),
    *(PERCENTILE, TAGS),
)
"""What a narrow terminal can do without, since the id says most of it; the first goes first."""
LEFT = (columns.RUN_ID, columns.LABEL, TAGS)
PERCENT = ("clean_accuracy", "accuracy_at_train_sigma_d")


@click.command()
@click.option("--dataset", metavar="NAME", help="Only runs on this data set.")
@click.option("--backbone", metavar="NAME", help="Only runs whose backbone's short name starts so (vgg8, vgg8w4, mlp).")
@click.option("--method", metavar="NAME", help="Only runs of this method.")
@click.option("--tag", metavar="TAG", help="Only runs that you gave this tag (`neft note RUN_ID --tag TAG`).")
@click.option("--sigma-d", type=float, metavar="NUMBER", help="Only runs trained at this σ_d; 0: without noise.")
@click.option("--mine", is_flag=True, help="Only runs of your own, none of those that ship.")
@click.option("--limit", type=click.IntRange(1), metavar="COUNT", help="Only so many, the newest.")
@json_option
def runs(*, mine: bool, limit: int | None, as_json: bool, **asked: Any) -> None:
    r"""List the stored runs: those that ship with the package and your own, with the tags of your notes.

    Of each the accuracy without variation, and at the training's own σ_d the mean and the 1st percentile over chips
    with its limits. Into a pipe: a line a run, its cells between tabs.

    \b
    Examples:
      neft runs --mine --limit 5
      neft runs --dataset digits --method ovf --sigma-d 0.2
      neft runs --sigma-d 0.1 | cut -f 1
    """
    stores = Stores.default()
    listing, notes = stores.list(), list_notes()
    tags = {run_id: list(note.tags) for run_id, note in notes.notes.items()}
    own = set(stores.own.ids()) if mine else set()
    are_all_asked_for = all(value is None for value in asked.values())
    records = [
        record
        for record in listing.records
        if (record.id in own or not mine)
        and (are_all_asked_for or _is_asked_for(record, tags.get(record.id, []), **asked))
    ]
    if limit is not None:
        records = sorted(records, key=lambda record: record.provenance.created, reverse=True)[:limit]
    chips, damaged = _chips(records, stores)
    problems = listing.problems | damaged
    table = runs_table(records, chips)
    table[TAGS] = [tags.get(run_id, []) for run_id in table[columns.RUN_ID]]
    if as_json:
        clean = table.astype(object).where(table.notna(), None)
        print_json({"runs": clean.to_dict("records"), "problems": problems})
        return
    counts = {record.facts.num_instances for record in records if record.facts.train_sigma_d}
    drawn = Table(title=f"{len(table)} runs", caption=limits_caption(1, counts))
    shown = SHOWN | ({TAGS: "tags"} if table[TAGS].map(bool).any() else {})
    for name, heading in shown.items():
        drawn.add_column(heading, justify="left" if name in LEFT else "right", no_wrap=True)
    for row in table.to_dict("records"):
        drawn.add_row(*(_percentile(row) if name == PERCENTILE else _cell(name, row[name]) for name in shown))
    print_table(drawn, dispensable=[shown[name] for name in DISPENSABLE if name in shown])
    for run_id, reason in (*problems.items(), *notes.problems.items()):
        say_beside(reason, name=run_id, style="yellow")


def _is_asked_for(
    record: RunRecord,
    tags: Sequence[str],
    *,
    dataset: str | None,
    backbone: str | None,
    method: str | None,
    sigma_d: float | None,
    tag: str | None,
) -> bool:
    facts = record.facts
    return (
        (tag is None or tag in tags)
        and (sigma_d is None or bool(same_sigma_d(facts.train_sigma_d, sigma_d)))
        and (dataset is None or facts.dataset == dataset or facts.dataset.startswith(f"{dataset}-"))
        and facts.backbone.startswith(backbone or "")
        and method in (None, facts.method)
    )


def _chips(records: Iterable[RunRecord], stores: Stores) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The runs' chips by run id, and why others cannot be read."""
    found: dict[str, pd.DataFrame] = {}
    problems: dict[str, str] = {}
    for record in records:
        try:
            found[record.id] = stores.holder(record.id).instances(record)
        except StoreError as error:
            problems[record.id] = str(error)
    return found, problems


def _percentile(row: Mapping[Hashable, Any]) -> str:
    value, lower, upper = (row[name] for name in (PERCENTILE, f"{PERCENTILE}_lower", f"{PERCENTILE}_upper"))
    return with_limits(value, lower, upper, digits=1)


def _cell(name: str, value: object) -> str:
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN
            return "–"
        return f"{value * 100:.1f}" if name in PERCENT else f"{value:g}"
    if isinstance(value, list):
        return escape(", ".join(value))
    return "–" if value is None else str(value)
