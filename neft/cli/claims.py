"""neft claims."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_tables, say
from neft.cli.output import json_rows, print_json
from neft.cli.printing import say_beside
from neft.cli.shared_options import json_option
from neft.errors import StoreError
from neft.experiments.claim_words import (
    NO_RUNS,
    caveats,
    effect_words,
    holm_words,
    margin_words,
    published_words,
    verdict_words,
)
from neft.experiments.claims import claimed_runs, claims_table
from neft.runs import places
from neft.runs.plans import load_plans
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores


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

    Effects within a margin, fixed in advance, do not matter: half a point of accuracy, a ratio of EKL up to 1.1, one
    training in ten. A claim is supported where the paired 95 % interval lies above zero, opposite where it lies below,
    of no effect beyond the margin where it lies within it, and undecided otherwise.

    The usual interval decides at the number of seeds that the experiment's preset fixes. At any other number the
    interval decides that holds at all numbers together, so that training more seeds until a claim is decided fools
    nobody. Where trainings fail, the median over seeds has to say the same.
    """
    stores = Stores.default()
    if store_root is not None:
        stores = Stores(own=RunStore(store_root), shipped=RunStore(store_root))
    (shipped, problems), (own, own_problems) = load_plans(stores.shipped.root), load_plans(stores.own.root)
    plans = shipped | own
    runs, run_problems = _read(set(claimed_runs(plans.values())), stores)
    for name, reason in (problems | own_problems | run_problems).items():
        say_beside(reason, name=name, style="yellow")
    found = claims_table(list(plans.values()), runs)
    rows = found.to_dict("records")
    if as_json:
        print_json(json_rows(rows))
        return
    titles = {True: "The paper's claims", False: "What the controls say"}
    print_tables(_table([row for row in rows if row["paper"] == paper], title) for paper, title in titles.items())
    say(holm_words(found))
    if places.is_selection() and (found["verdict"] == NO_RUNS).any():
        say_beside(places.MORE_RUNS)


def _table(rows: Sequence[Mapping[Hashable, Any]], title: str) -> Table:
    table = Table(title=title, caption="effect with its paired 95 % interval over seeds × chips")
    for heading in ("claim", "verdict", "effect", "does not matter", "published", "run on", "keep in mind"):
        table.add_column(heading)
    for row in rows:
        size = f"{row[columns.NUM_SEEDS]} × {row[columns.NUM_INSTANCES]}"
        runs = f"{row['data']}; {row['ours_at']}; {row['trained']}; {size}"
        published = [published_words(row), str(row["published_at"])]
        table.add_row(
            str(row["words"]),
            str(row["verdict"]) if row["verdict"] == NO_RUNS else verdict_words(row),
            effect_words(row),
            margin_words(row),
            "; ".join(words for words in published if words),
            "" if row["verdict"] == NO_RUNS else runs,
            "; ".join(caveats(row)),
        )
    return table


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
