"""neft runs."""

import click
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neft import columns
from neft.cli.output import print_json, print_table
from neft.cli.shared_options import json_option
from neft.runs.notes import list_notes
from neft.runs.store import Stores
from neft.tables import runs_table

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
}
TAGS = "tags"
LEFT = (columns.RUN_ID, columns.LABEL, TAGS)
PERCENT = ("clean_accuracy", "accuracy_at_train_sigma_d")


@click.command()
@click.option("--dataset", metavar="NAME", help="Only runs on this data set.")
@click.option("--backbone", metavar="NAME", help="Only runs whose backbone's short name starts so (vgg8, vgg8w4, mlp).")
@click.option("--method", metavar="NAME", help="Only runs of this method.")
@click.option("--tag", metavar="TAG", help="Only runs that you gave this tag (`neft note RUN_ID --tag TAG`).")
@json_option
def runs(dataset: str | None, backbone: str | None, method: str | None, tag: str | None, *, as_json: bool) -> None:
    """List the stored runs: those that ship with the package and your own, with the tags of your notes."""
    listing, notes = Stores.default().list(), list_notes()
    tags = {run_id: list(note.tags) for run_id, note in notes.notes.items()}
    table = runs_table(listing.records)
    table[TAGS] = [tags.get(run_id, []) for run_id in table[columns.RUN_ID]]
    table = _narrowed(table, dataset, backbone, method, tag)
    if as_json:
        clean = table.astype(object).where(table.notna(), None)
        print_json({"runs": clean.to_dict("records"), "problems": listing.problems})
        return
    drawn = Table(title=f"{len(table)} runs")
    shown = SHOWN | ({TAGS: "tags"} if table[TAGS].map(bool).any() else {})
    for name, heading in shown.items():
        drawn.add_column(heading, justify="left" if name in LEFT else "right", no_wrap=True)
    for row in table.to_dict("records"):
        drawn.add_row(*(_cell(str(name), row[name]) for name in shown))
    print_table(drawn)
    for run_id, reason in (*listing.problems.items(), *notes.problems.items()):
        Console(stderr=True).print(f"[yellow]{run_id}[/]: {escape(reason)}", soft_wrap=True)


def _narrowed(
    table: pd.DataFrame, dataset: str | None, backbone: str | None, method: str | None, tag: str | None
) -> pd.DataFrame:
    if dataset:
        table = table[table[columns.DATASET] == dataset]
    if backbone:
        table = table[table[columns.BACKBONE].str.startswith(backbone)]
    if method:
        table = table[table[columns.METHOD] == method]
    return table[[tag in given for given in table[TAGS]]] if tag else table


def _cell(name: str, value: object) -> str:
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN
            return "–"
        return f"{value * 100:.1f}" if name in PERCENT else f"{value:g}"
    if isinstance(value, list):
        return escape(", ".join(value))
    return "–" if value is None else str(value)
