"""neft sweep."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from neft.cli.common import data_dir_option, json_option, print_json, print_table, store_option
from neft.cli.config_options import SectionedCommand, config_from, config_parameters
from neft.errors import ConfigError, NeftError, unknown_name
from neft.options import option_words, parse_sigma_ds, shown
from neft.plans import save_plan
from neft.presets import PRESETS, PlannedRun, Preset, Scale, Stored
from neft.store import Stores
from neft.sweep import Outcome, SweepSettings, missing, plan_record
from neft.sweep import sweep as run_sweep

SET_BY_THE_PRESET = ("seed", "pretrained_run", "recalibrate_batchnorm", "test_device")
PARTS = ("dataset", "backbone", "device", "mapping", "training", "evaluation")
SCALE_PARAMETERS = [option for option in config_parameters(PARTS) if option.name not in SET_BY_THE_PRESET]


@click.command(cls=SectionedCommand, params=SCALE_PARAMETERS)
@click.argument("preset", required=False)
@click.option("--seeds", type=click.IntRange(1, 1000), help="Trainings of each setting. [default: the preset's]")
@click.option(
    "--train-sigma-ds",
    metavar="LIST",
    help="σ_d of the comparison against σ_d, as '0.1,0.2' or first:last:step. [default: the preset's]",
)
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
    **options: Any,
) -> None:
    r"""Run a named experiment: many trainings, in parallel. Without PRESET, list those there are.

    What is stored already is skipped, and an interrupted training goes on where it stood: run the same command again
    after a Ctrl-C or a crash. Runs that ship with the package count as stored unless --store names another folder.

    An experiment can be run at any size: the options of a training change the preset's.

    \b
    Examples:
      neft sweep feedback_terms --dry-run
      neft sweep accuracy --dataset fashion_mnist --image-size 16 --max-train 5000 --epochs 10 --seeds 3
      neft sweep paper_digits --epochs 2 --seeds 1 --num-instances 10 --store quick
    """
    if preset is None:
        _list_presets(as_json=as_json)
        return
    if preset not in PRESETS:
        error = unknown_name("preset", preset, PRESETS)
        raise error
    chosen = PRESETS[preset]
    rescale = _rescaling(chosen, options)
    settings = SweepSettings(
        store_root=store_root or Stores.default().own.root,
        num_workers=workers,
        threads=threads,
        data_dir=data_dir,
        preset=preset,
        counts_shipped=store_root is None,
    )

    def plan(stored: Stored) -> list[PlannedRun]:
        return chosen.plan(stored, rescale=rescale)

    absent = missing(plan(_find(settings)), settings.stores)
    if dry_run:
        _print_plan([one.config.run_id for one in absent], as_json=as_json)
        return
    name, command = _plan_name(chosen, options, rescale), _command(chosen, options)

    def keep(planned: Sequence[PlannedRun]) -> None:
        record = plan_record(planned, name=name, preset=preset, command=command)
        if record is not None:
            save_plan(settings.store_root, record)

    outcomes = _watched(plan, settings, keep)
    planned = plan(_find(settings))
    _report(outcomes, num_stored=len(planned) - len(missing(planned, settings.stores)), as_json=as_json)


def _find(settings: SweepSettings) -> Stored:
    stores = settings.stores
    return lambda run_id: stores.holder(run_id).record(run_id) if run_id in stores else None


def _rescaling(preset: Preset, options: Mapping[str, Any]) -> Callable[[Scale], Scale]:
    """What the options make of each part's scale.

    Raises:
        ConfigError: the preset has but one size, or an option that cannot be.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if given and preset.fixed is not None:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        message = f"The preset '{preset.name}' has one size; it takes no {flags}. See `neft sweep` for those that do."
        raise ConfigError(message)
    seeds, sigma_ds = given.pop("seeds", None), given.pop("train_sigma_ds", None)

    def rescale(scale: Scale) -> Scale:
        return replace(
            scale,
            base=config_from(given, base=scale.base) if given else scale.base,
            num_seeds=seeds or scale.num_seeds,
            sigma_ds=parse_sigma_ds(sigma_ds, flag="--train-sigma-ds") if sigma_ds else scale.sigma_ds,
        )

    return rescale


def _plan_name(preset: Preset, options: Mapping[str, Any], rescale: Callable[[Scale], Scale]) -> str:
    """The preset's name, with a key of its scale where options change it."""
    changed = any(value is not None for value in options.values())
    return f"{preset.name}-{rescale(preset.parts[0].scale).key}" if changed else preset.name


def _command(preset: Preset, options: Mapping[str, Any]) -> str:
    words = option_words(f"neft sweep {preset.name}", options)
    for name in ("seeds", "train_sigma_ds"):
        if options.get(name) is not None:
            words += f" --{name.replace('_', '-')} {shlex.quote(shown(options[name]))}"
    return words


def _watched(
    plan: Callable[[Stored], Sequence[PlannedRun]],
    settings: SweepSettings,
    keep: Callable[[Sequence[PlannedRun]], None],
) -> list[Outcome]:
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
        task = progress.add_task(settings.preset or "", total=None, last="")

        def begin(planned: Sequence[PlannedRun], num_missing: int) -> None:
            keep(planned)
            progress.update(task, total=int(progress.tasks[0].completed) + num_missing)

        def tell(outcome: Outcome) -> None:
            if outcome.error:
                console.print(f"[red]{outcome.run_id}[/]: {outcome.error}", soft_wrap=True)
            progress.update(task, advance=1, last=outcome.run_id)

        return run_sweep(plan, settings, on_plan=begin, on_outcome=tell)


def _report(outcomes: list[Outcome], *, num_stored: int, as_json: bool) -> None:
    failed = [outcome for outcome in outcomes if outcome.error]
    skipped = num_stored - (len(outcomes) - len(failed))
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
