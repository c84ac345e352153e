"""neft leaderboard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table, say, separate
from neft.cli.leaderboard_columns import COLUMNS, DISPENSABLE, NUM_LEFT, Column, columns_of
from neft.cli.output import json_rows, print_json
from neft.cli.printing import echo, say_beside
from neft.cli.shared_options import json_option
from neft.cli.text_tables import latex_table, markdown_table
from neft.errors import ConfigError, StoreError, unknown_name
from neft.experiments.questions import LEADERBOARD_TRIALS
from neft.hardware.constants import load_constants
from neft.hardware.costs import Deployed, Size, size_of
from neft.runs import races
from neft.runs.places import MORE_RUNS, is_selection
from neft.runs.plans import load_plans
from neft.runs.races import RaceRecord
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.sigma_d import same_sigma_d, sigma_d_text
from neft.tables.boards import Place, Runs, board_places, budget_words, entries_of
from neft.tables.leaderboard import TH_G, default_reference, leaderboard_table, pairs_told_apart, published_words
from neft.tables.percentiles import chips_needed

Form = Literal["text", "markdown", "latex"]


@dataclass(frozen=True)
class Asked:
    """Which leaderboards are asked for; None asks for all."""

    dataset: str | None
    backbone: str | None
    sigma_d: float | None
    schemes: bool = False
    """Those of trainings under many mappings and programmings, or else those of trainings alone."""
    hardware: bool = False
    """Whether with area and energy."""

    def wants(self, place: Place, sigma_d: float) -> bool:
        """Whether one is among them."""
        at = self.sigma_d is None or bool(same_sigma_d(sigma_d, self.sigma_d))
        there = self.dataset in (None, place.dataset) and place.backbone.startswith(self.backbone or "")
        return at and there and place.has_schemes == self.schemes


@dataclass(frozen=True)
class Board:
    """One ranking as it is printed."""

    place: Place
    sigma_d: float
    table: pd.DataFrame
    """The rows that are printed; ranks count them all."""
    reference: str
    budget: str
    num_rows: int = 0
    """All there are."""
    pairs: tuple[int, int] = (0, 0)
    """How many pairs of rows are told apart, and how many there are."""


@click.command()
@click.option("--dataset", metavar="NAME", help="Only leaderboards on this data set.")
@click.option(
    "--backbone", metavar="NAME", help="Only those whose backbone's short name starts so (vgg8, vgg8w8, mlp)."
)
@click.option("--sigma-d", type=float, metavar="NUMBER", help="Only at this device variation σ_d. [default: each]")
@click.option("--schemes", is_flag=True, help="Rank trainings under every mapping and programming, with their costs.")
@click.option("--with-hardware", is_flag=True, help="Add area and energy an inference, as `neft hardware` has them.")
@click.option("--method", metavar="NAME", help="Print only the rows of this method; ranks still count all rows.")
@click.option("--constraint", metavar="NAME", help="Print only the rows with this weight constraint ('none' too).")
@click.option(
    "--reference",
    metavar="ROW",
    help="Row to which the paired differences are taken. [default: noise injection without a constraint]",
)
@click.option("--sort", "sort_by", metavar="COLUMN", default="rank", show_default=True, help="Column to sort by.")
@click.option(
    "--store",
    "store_root",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder of runs to read. [default: the user's own and those that ship]",
)
@json_option
@click.option("--markdown", is_flag=True, help="Print tables in Markdown.")
@click.option("--latex", is_flag=True, help="Print tables in LaTeX, for the package booktabs.")
def leaderboard(
    dataset: str | None,
    backbone: str | None,
    sigma_d: float | None,
    method: str | None,
    constraint: str | None,
    reference: str | None,
    sort_by: str,
    store_root: Path | None,
    *,
    schemes: bool,
    with_hardware: bool,
    as_json: bool,
    markdown: bool,
    latex: bool,
) -> None:
    r"""Rank every training method with every weight constraint, as the stored leaderboards have them.

    All rows of a leaderboard share data, backbone, budget of training and of tuning, seeds and chips. Columns:

    \b
      rank         by mean accuracy, with its 95 % interval: from 1 + the rows that
                   are told to be better to n - the rows that are told to be worse,
                   by paired differences, corrected for the number of comparisons
      accuracy     mean over seeds x chips with its 95 % interval
      percentile   the 1st over chips, mean over trainings, with its 95 % limits
      raced        the same of 10,000 chips, where all of a row's trainings were raced
                   (`neft evaluate ID --percentile 1`); nothing is ranked by it
      worst        smallest accuracy found with every deviation within 3 % of a
                   layer's largest weight
      clean        without variation
      ekl          of right predictions, in nats; it falls with the temperature that
                   a row was tuned to, calibrated_ekl does not
      difference   to the reference row, seed by seed and chip by chip
      time         seconds of one training; passes: forward passes a step

    With --schemes a row is a training under a mapping and a programming, with what
    a weight costs in devices, pulses and reads; front: no row costs as little and
    keeps as much. --with-hardware adds what a whole network takes on a chip: area in
    mm² and energy an inference in nJ.

    A ROW is a method and a constraint, as noise_injection+clip; of a scheme, with it
    behind: noise_injection+clip~scale=channel~residual.

    \b
    Examples:
      neft leaderboard
      neft leaderboard --dataset digits --sigma-d 0.2 --sort percentile
      neft leaderboard --constraint none --reference vanilla+none
      neft leaderboard --schemes --sigma-d 0.2 --sort pulses
      neft leaderboard --latex > leaderboard.tex
      neft sweep leaderboard             makes what is missing; of schemes schemes_digits
    """
    if as_json + markdown + latex > 1:
        message = "Give one of --json, --markdown and --latex, not several."
        raise ConfigError(message)
    if sort_by not in COLUMNS:
        kind = "column"
        raise unknown_name(kind, sort_by, COLUMNS)
    stores = Stores.default() if store_root is None else Stores(own=RunStore(store_root), shipped=RunStore(store_root))
    found = _boards(stores, Asked(dataset, backbone, sigma_d, schemes, with_hardware), reference)
    boards = [_narrowed(board, method, constraint, COLUMNS[sort_by]) for board in found]
    if as_json:
        print_json({"leaderboards": [_as_json(board) for board in boards]})
        return
    if not boards:
        echo(f"No leaderboard is stored; `neft sweep {'schemes_digits' if schemes else 'leaderboard'}` makes one.")
        if is_selection():
            say_beside(MORE_RUNS)
    for index, board in enumerate(boards):
        if index and not (markdown or latex):
            separate()
        _print(board, "markdown" if markdown else "latex" if latex else "text")


# ---------------------------------------------------------------- what is read
def _boards(stores: Stores, asked: Asked, reference: str | None) -> list[Board]:
    """Every stored leaderboard that is asked for; what cannot be read is named on standard error.

    Raises:
        ConfigError: there are leaderboards, but none that is asked for; or a reference that one has not.
    """
    listing = stores.list()
    records = {record.id: record for record in listing.records}
    (shipped, problems), (own, own_problems) = load_plans(stores.shipped.root), load_plans(stores.own.root)
    plans, problems = shipped | own, problems | own_problems
    places = board_places(plans.values(), records)
    wanted = [(place, sigma_d) for place in places for sigma_d in place.sigma_ds if asked.wants(place, sigma_d)]
    there = [place for place in places if place.has_schemes == asked.schemes]
    if there and not wanted:
        raise ConfigError(_none_of(there))
    boards: list[Board] = []
    for place, sigma_d in wanted:
        entries = [
            entry for entry in entries_of(place, plans[place.plan], records) if same_sigma_d(entry.sigma_d, sigma_d)
        ]
        runs, unread = _read([records[entry.run_id] for entry in entries], stores)
        problems |= unread
        sizes = _sizes([record for record, _ in runs.values()]) if asked.hardware else {}
        raced, unread = _raced([record for record, _ in runs.values()], sigma_d)
        problems |= unread
        table = leaderboard_table(entries, runs, sigma_d=sigma_d, reference=reference, sizes=sizes, races=raced)
        if not table.empty:
            made = [record for record, _ in runs.values()]
            budget = budget_words(made, num_trials=LEADERBOARD_TRIALS, has_schemes=place.has_schemes)
            boards.append(Board(place, sigma_d, table, reference or default_reference(table), budget))
    for name, reason in problems.items():
        say_beside(reason, name=name, style="yellow")
    return boards


def _sizes(records: Sequence[RunRecord]) -> dict[str, Size]:
    """By run, what its network takes; without those of which it is not known."""
    from neft.inspection.hardware import deployed_of_each  # noqa: PLC0415 - imports torch, which ranking does not need

    constants = load_constants()
    found = deployed_of_each(records)
    return {run_id: size_of(one, constants) for run_id, one in found.items() if isinstance(one, Deployed)}


def _raced(records: Sequence[RunRecord], sigma_d: float) -> tuple[dict[str, RaceRecord], dict[str, str]]:
    """By run the kept race of its own chips, as many as are raced where no number is given; and what cannot be read."""
    found: dict[str, RaceRecord] = {}
    problems: dict[str, str] = {}
    for record in records:
        if unread := races.listed(record).problems:
            problems[record.id] = " ".join(unread)
        kept = races.of_own_chips(
            record, sigma_d=sigma_d, percentile=races.PERCENTILE, is_own=partial(_are_own_chips, record)
        )
        found |= {record.id: kept[races.NUM_INSTANCES]} if races.NUM_INSTANCES in kept else {}
    return found, problems


def _are_own_chips(record: RunRecord, chips: str) -> bool:
    from neft.runs.chips_key import chips_key  # noqa: PLC0415 - imports torch, which ranking does not need
    from neft.runs.facts import stored_config  # noqa: PLC0415

    return chips_key(stored_config(record)) == chips


def _none_of(places: Sequence[Place]) -> str:
    there = "; ".join(
        f"--dataset {place.dataset} --backbone {place.backbone} at σ_d = "
        f"{', '.join(sigma_d_text(sigma_d) for sigma_d in place.sigma_ds)}"
        for place in places
    )
    return f"No leaderboard of these is stored. There are: {there}."


def _read(records: Sequence[RunRecord], stores: Stores) -> tuple[Runs, dict[str, str]]:
    """Record and chips of some runs, and why others cannot be read."""
    runs: dict[str, tuple[RunRecord, pd.DataFrame]] = {}
    problems: dict[str, str] = {}
    for record in records:
        try:
            runs[record.id] = (record, stores.holder(record.id).instances(record))
        except StoreError as error:
            problems[record.id] = str(error)
    return runs, problems


def _narrowed(board: Board, method: str | None, constraint: str | None, column: Column) -> Board:
    """The board with the rows that are asked for, sorted."""
    rows = board.table
    for name, asked in ((columns.METHOD, method), (columns.CONSTRAINT, constraint)):
        known = list(dict.fromkeys(map(str, rows[name])))
        if asked is not None and asked not in known:
            raise unknown_name(name, asked, known)
        rows = rows if asked is None else rows[rows[name] == asked]
    shown = rows.sort_values(column.by, ascending=not column.falling, kind="stable", ignore_index=True)
    return replace(board, table=shown, num_rows=len(board.table), pairs=pairs_told_apart(board.table))


# ---------------------------------------------------------------- what is printed
def _print(board: Board, form: Form) -> None:
    rows = [{str(name): value for name, value in row.items()} for row in board.table.to_dict("records")]
    shown = [column for column in columns_of(board.table) if form == "text" or column.by != columns.VARIANT]
    shown = [column for column in shown if form != "text" or column.by != columns.LABEL]
    headings = [column.heading for column in shown]
    cells = [[column.cell(row) for column in shown] for row in rows]
    title = f"Leaderboard: {board.place.words}, σ_d = {sigma_d_text(board.sigma_d)}"
    notes = _notes(board)
    if form == "markdown":
        echo(f"## {title}\n\n{board.budget}\n\n{markdown_table(headings, cells, num_left=NUM_LEFT)}\n")
        echo(f"{' '.join(notes)}\n")
    elif form == "latex":
        caption = " ".join([f"{title}.", board.budget, *notes])
        echo(f"{latex_table(headings, cells, num_left=NUM_LEFT, caption=caption)}\n")
    else:
        say(f"{title}\n{board.budget}")
        table = Table()
        for index, heading in enumerate(headings):
            table.add_column(heading, justify="left" if index < NUM_LEFT else "right", no_wrap=True)
        for row in cells:
            table.add_row(*map(escape, row))
        print_table(table, dispensable=[COLUMNS[name].heading for name in DISPENSABLE if COLUMNS[name] in shown])
        say("\n".join([*notes, ""]))


def _notes(board: Board) -> list[str]:
    """What the numbers are and are not, a sentence each."""
    num_apart, num_pairs = board.pairs
    table = board.table
    notes = [
        f"Differences are to {board.reference}, seed by seed and chip by chip. Intervals are 95 %, each by itself."
    ]
    if num_pairs:
        notes.append(f"All held together, {num_apart} of {num_pairs} pairs of rows are told apart.")
    if len(table) < board.num_rows:
        notes.append(f"Ranks count all {board.num_rows} rows.")
    short = chips_needed(1, int(table[columns.NUM_INSTANCES].min())) if len(table) else ""
    notes += [short] if short else []
    if table[columns.WORST_CASE].notna().any():
        notes.append(f"Worst case: the smallest accuracy that was found with deviations up to {TH_G:g} w_max.")
    if table[columns.RACED_PERCENTILE_1].notna().any():
        notes.append("1st of 10,000: the same networks on more chips, raced; it is reported alone.")
    return [*notes, published_words(table)] if table[columns.PUBLISHED_ACCURACY].notna().any() else notes


def _as_json(board: Board) -> dict[str, Any]:
    """Fractions, nats and seconds; null where there is no number."""
    place = board.place
    num_apart, num_pairs = board.pairs
    return {
        "plan": place.plan,
        "dataset": place.dataset,
        "dataset_label": place.dataset_label,
        "backbone": place.backbone,
        "backbone_label": place.backbone_label,
        "sigma_d": board.sigma_d,
        "budget": board.budget,
        "reference": board.reference,
        "num_rows": board.num_rows,
        "pairs_told_apart": num_apart,
        "num_pairs": num_pairs,
        "worst_case_th_g": TH_G,
        "rows": json_rows(board.table.to_dict("records")),
    }
