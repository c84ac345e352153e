"""neft sweep."""

import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from neft.cli.common import data_dir_option, json_option, print_json, print_table, store_option
from neft.errors import NeftError, unknown_name
from neft.presets import PRESETS, PlannedRun
from neft.store import RunStore, Stores
from neft.sweep import Outcome, SweepSettings, missing
from neft.sweep import sweep as run_sweep


@click.command()
@click.argument("preset", required=False)
@click.option("--workers", type=click.IntRange(0, 1024), default=0, help="Processes. [default: one a core]")
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Threads in each process.")
@click.option("--dry-run", is_flag=True, help="List what would be run, and stop.")
@data_dir_option
@store_option
@json_option
def sweep(
    preset: str | None,
    workers: int,
    threads: int,
    data_dir: Path | None,
    store_root: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run a named experiment: many trainings, in parallel. Without PRESET, list those there are.

    What is stored already is skipped, and an interrupted training goes on where it stood: run the same command again
    after a Ctrl-C or a crash. Runs that ship with the package count as stored unless --store names another folder.
    """
    if preset is None:
        _list_presets(as_json=as_json)
        return
    if preset not in PRESETS:
        error = unknown_name("preset", preset, PRESETS)
        raise error
    chosen = PRESETS[preset]
    planned = chosen.plan()
    stores = Stores.default()
    target = RunStore(store_root) if store_root else stores.own
    if store_root is None:
        planned = [one for one in planned if one.config.run_id not in stores.shipped]
    if dry_run:
        _print_plan([one.config.run_id for one in missing(planned, target)], as_json=as_json)
        return
    settings = SweepSettings(
        store_root=target.root, num_workers=workers, threads=threads, data_dir=data_dir, preset=preset
    )
    outcomes = _watched(planned, settings, num_missing=len(missing(planned, target)))
    _report(outcomes, skipped=len(chosen.plan()) - len(outcomes), as_json=as_json)


def _watched(planned: Sequence[PlannedRun], settings: SweepSettings, *, num_missing: int) -> list[Outcome]:
    console = Console(stderr=True)
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("{task.fields[last]}"),
        TimeElapsedColumn(),
        TextColumn("[dim]left"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(settings.preset or "", total=num_missing, last="")

        def tell(outcome: Outcome) -> None:
            if outcome.error:
                console.print(f"[red]{outcome.run_id}[/]: {outcome.error}", soft_wrap=True)
            progress.update(task, advance=1, last=outcome.run_id)

        return run_sweep(planned, settings, on_outcome=tell)


def _report(outcomes: list[Outcome], *, skipped: int, as_json: bool) -> None:
    failed = [outcome for outcome in outcomes if outcome.error]
    if as_json:
        facts = [{"run_id": one.run_id, "seconds": round(one.seconds, 3), "error": one.error} for one in outcomes]
        print_json({"runs": facts, "skipped": skipped})
    else:
        seconds = sum(outcome.seconds for outcome in outcomes)
        click.echo(
            f"{len(outcomes) - len(failed)} runs stored, {skipped} already there, {len(failed)} failed; "
            f"{time.strftime('%H:%M:%S', time.gmtime(seconds))} of computing."
        )
    if failed:
        message = f"{len(failed)} of {len(outcomes)} runs failed; the first: {failed[0].run_id}: {failed[0].error}"
        raise NeftError(message)


def _print_plan(run_ids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(run_ids)
        return
    for run_id in run_ids:
        click.echo(run_id)
    click.echo(f"{len(run_ids)} runs to do.", err=True)


def _list_presets(*, as_json: bool) -> None:
    counts = {name: len(preset.plan()) for name, preset in PRESETS.items()}
    if as_json:
        print_json([{"name": n, "question": p.question, "num_runs": counts[n]} for n, p in PRESETS.items()])
        return
    table = Table(title="Presets")
    for heading in ("name", "runs", "question"):
        table.add_column(heading)
    for name, preset in PRESETS.items():
        table.add_row(name, str(counts[name]), preset.question)
    print_table(table)
