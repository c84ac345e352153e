"""neft runs."""

import click
from rich.console import Console
from rich.table import Table

from neft import columns
from neft.cli.common import json_option, print_json, print_table
from neft.store import Stores
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
PERCENT = ("clean_accuracy", "accuracy_at_train_sigma_d")


@click.command()
@click.option("--dataset", metavar="NAME", help="Only runs on this data set.")
@click.option("--backbone", metavar="NAME", help="Only runs whose backbone's short name starts so (vgg8, vgg8w4, mlp).")
@click.option("--method", metavar="NAME", help="Only runs of this method.")
@json_option
def runs(dataset: str | None, backbone: str | None, method: str | None, *, as_json: bool) -> None:
    """List the stored runs: those that ship with the package and your own."""
    listing = Stores.default().list()
    table = runs_table(listing.records)
    if dataset:
        table = table[table[columns.DATASET] == dataset]
    if backbone:
        table = table[table[columns.BACKBONE].str.startswith(backbone)]
    if method:
        table = table[table[columns.METHOD] == method]
    if as_json:
        clean = table.astype(object).where(table.notna(), None)
        print_json({"runs": clean.to_dict("records"), "problems": listing.problems})
        return
    drawn = Table(title=f"{len(table)} runs")
    for name, heading in SHOWN.items():
        drawn.add_column(heading, justify="left" if name in (columns.RUN_ID, columns.LABEL) else "right", no_wrap=True)
    for row in table.to_dict("records"):
        drawn.add_row(*(_cell(str(name), row[name]) for name in SHOWN))
    print_table(drawn)
    for run_id, reason in listing.problems.items():
        Console(stderr=True).print(f"[yellow]{run_id}[/]: {reason}", soft_wrap=True)


def _cell(name: str, value: object) -> str:
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN
            return "–"
        return f"{value * 100:.1f}" if name in PERCENT else f"{value:g}"
    return "–" if value is None else str(value)
