"""neft sweep."""

import shlex
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import joblib
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from neft.cli.config_options import SectionedCommand, config_parameters
from neft.cli.fitting_tables import print_table
from neft.cli.output import print_json
from neft.cli.printing import echo, say_beside
from neft.cli.shared_options import data_dir_option, json_option, store_option
from neft.cli.watch import failure
from neft.errors import ConfigError, NeftError, unknown_name
from neft.experiments.planning import PlannedRun, Scale, Stored, merge
from neft.experiments.presets import PRESETS, Preset, made_with
from neft.experiments.resizing import plan_at, rescaling
from neft.options import option_words, shown
from neft.runs.events import EndedRun, EventFile, Failed, Finished, Sweeping
from neft.runs.plans import save_plan
from neft.runs.store import Stores
from neft.sweeps.sweep import RunEnd, SweepSettings, look, plan_record, workload
from neft.sweeps.sweep import sweep as run_sweep

SET_BY_THE_PRESET = ("seed", "pretrained_run", "recalibrate_batchnorm", "test_device")
PARTS = (
    *("dataset", "backbone", "device", "mapping", "programming", "converters"),
    *("constraint", "training", "evaluation", "effects"),
)
SCALE_PARAMETERS = [option for option in config_parameters(PARTS) if option.name not in SET_BY_THE_PRESET]


@click.command(cls=SectionedCommand, params=SCALE_PARAMETERS)
@click.argument("preset", required=False)
@click.option("--seeds", type=click.IntRange(1, 1000), help="Trainings of each setting. [default: the preset's]")
@click.option(
    "--train-sigma-ds",
    metavar="LIST",
    help="σ_d of the comparison against σ_d, as '0.1,0.2' or first:last:step. [default: the preset's]",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 1024),
    default=0,
    help="Processes. [default: one a core, no more than there are runs]",
)
@click.option(
    "--threads",
    type=click.IntRange(0, 1024),
    default=0,
    help="Cores of each process, over which it spreads chips; no number depends on it. [default: shared out]",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Scheduler of a Dask cluster that does the work, as tcp://host:port. [default: this machine does it]",
)
@click.option(
    "--events",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append progress to this file, a JSON object a line.",
)
@click.option("--download", is_flag=True, help="Fetch a data set that is not there.")
@click.option("--dry-run", is_flag=True, help="List what would be run, and stop.")
@data_dir_option
@store_option
@json_option
def sweep(
    preset: str | None,
    workers: int,
    threads: int,
    cluster: str | None,
    events: Path | None,
    data_dir: Path | None,
    store_root: Path | None,
    *,
    download: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    r"""Run a named experiment: many trainings, in parallel. Without PRESET, list those there are.

    What is stored already is skipped, and an interrupted training goes on where it stood: run the same command again
    after a Ctrl-C or a crash. Runs that ship with the package count as stored unless --store names another folder.
    When a worker process is killed, what it was at goes on in another.

    An experiment can be run at any size: the options of a training change the preset's.

    \b
    Examples:
      neft sweep feedback_terms --dry-run
      neft sweep accuracy --dataset fashion_mnist --image-size 16 --max-train 5000 --epochs 10 --seeds 3
      neft sweep paper_digits --epochs 2 --seeds 1 --num-instances 10 --store quick

    On several machines, with Dask. Each has this package with the extra (pip install "neft[cluster]"), the data, and
    the folder of --store by the same path, as on a network drive:

    \b
      dask scheduler                                          on one of them; it says its address
      dask worker tcp://host:8786 --nworkers 4 --nthreads 1   on each, with as many workers as it has cores
      neft sweep accuracy --store /shared/runs --cluster tcp://host:8786
    """
    if preset is None:
        _list_presets(as_json=as_json)
        return
    chosen = _preset(preset)
    if cluster is not None and workers:
        message = "With --cluster, --workers has no meaning: `dask worker` says how many there are."
        raise ConfigError(message)
    rescale = rescaling(chosen, options)
    is_resized = any(value is not None for value in options.values())
    made = (chosen,) if is_resized else made_with(chosen)
    plan_of = {one.name: plan_at(one, options, rescale) for one in made}
    settings = SweepSettings(
        store_root=store_root or Stores.default().own.root,
        num_workers=workers,
        cores=threads,
        cluster=cluster,
        data_dir=data_dir,
        download=download,
        preset=preset,
        counts_shipped=store_root is None,
    )

    latest: dict[str, list[PlannedRun]] = {}

    def plan(stored: Stored) -> list[PlannedRun]:
        latest.update({name: of_preset(stored) for name, of_preset in plan_of.items()})
        return merge(run for planned in latest.values() for run in planned)

    _, absent = look(plan, settings)
    if dry_run:
        _print_plan(absent, settings, as_json=as_json)
        return
    names = {one.name: _plan_name(one, rescale, is_resized=is_resized) for one in made}

    def keep() -> None:
        for one in made:
            record = plan_record(
                latest[one.name],
                name=names[one.name],
                preset=one.name,
                command=_command(one, options),
                fixed_seeds=one.fixed_seeds,
            )
            if record is not None:
                save_plan(settings.store_root, record)

    ends = _watched(plan, settings, keep, EventFile(events))
    planned, absent = look(plan, settings)
    _report(ends, num_stored=len(planned) - len(absent), as_json=as_json)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        error = unknown_name("preset", name, PRESETS)
        raise error
    return PRESETS[name]


def _plan_name(preset: Preset, rescale: Callable[[Scale], Scale], *, is_resized: bool) -> str:
    """The preset's name, with a key of its scale where options change it."""
    return f"{preset.name}-{rescale(preset.parts[0].scale).key}" if is_resized else preset.name


def _command(preset: Preset, options: Mapping[str, Any]) -> str:
    words = option_words(f"neft sweep {preset.name}", options)
    for name in ("seeds", "train_sigma_ds"):
        if options.get(name) is not None:
            words += f" --{name.replace('_', '-')} {shlex.quote(shown(options[name]))}"
    return words


class _TimeLeft(ProgressColumn):
    """Counts down to a round's end: the runs that are left are taken to cost time as those that ended did."""

    def __init__(self) -> None:
        super().__init__()
        self.begin([])

    def begin(self, absent: Sequence[PlannedRun]) -> None:
        """A round begins."""
        self._began = time.monotonic()
        self._left = {one.run_id: 1 + workload(one) for one in absent}
        self._done = 0
        self._end = None if self._left else self._began

    def advance(self, run_id: str) -> None:
        """A run ended."""
        self._done += self._left.pop(run_id)
        now = time.monotonic()
        self._end = now + (now - self._began) * sum(self._left.values()) / self._done

    @override
    def render(self, task: Task) -> Text:
        text = "-:--:--" if self._end is None else _clock(max(0.0, self._end - time.monotonic()))
        return Text(text, style="progress.remaining")


def _clock(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{whole:02d}"


def _watched(
    plan: Callable[[Stored], Sequence[PlannedRun]],
    settings: SweepSettings,
    keep: Callable[[], None],
    events: EventFile,
) -> list[RunEnd]:
    console = Console(stderr=True)
    time_left = _TimeLeft()
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("{task.fields[last]}"),
        TimeElapsedColumn(),
        TextColumn("[dim]left"),
        time_left,
        console=console,
    ) as progress:
        task = progress.add_task(settings.preset or "", total=None, last="")

        def record(run: EndedRun | None = None) -> None:
            shown = progress.tasks[0]
            events.write(Sweeping(done=int(shown.completed), total=int(shown.total or 0), run=run))

        def begin(_planned: Sequence[PlannedRun], absent: Sequence[PlannedRun]) -> None:
            if absent:
                settings.stores.own.ensure_writable()
            keep()
            time_left.begin(absent)
            progress.update(task, total=int(progress.tasks[0].completed) + len(absent))
            record()

        def tell(end: RunEnd) -> None:
            if end.error:
                say_beside(end.error, name=end.run_id, style="red", console=console)
            time_left.advance(end.run_id)
            progress.update(task, advance=1, last=end.run_id)
            record(EndedRun(run_id=end.run_id, seconds=end.seconds, error=end.error))

        def notify(notice: str) -> None:
            say_beside(notice, style="yellow", console=console)

        with _ending_told(events):
            ends = run_sweep(plan, settings, on_plan=begin, on_end=tell, on_notice=notify)
            if any(end.error for end in ends):
                events.write(Failed(message=_failures(ends)))
            else:
                events.write(Finished(message=f"{len(ends)} runs stored."))
    return ends


@contextmanager
def _ending_told(events: EventFile) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        events.write(failure(error))
        raise


def _failures(ends: Sequence[RunEnd]) -> str:
    failed = [end for end in ends if end.error]
    return f"{len(failed)} of {len(ends)} runs failed; the first: {failed[0].run_id}: {failed[0].error}"


def _report(ends: list[RunEnd], *, num_stored: int, as_json: bool) -> None:
    failed = [end for end in ends if end.error]
    skipped = num_stored - (len(ends) - len(failed))
    if as_json:
        facts = [{"run_id": one.run_id, "seconds": round(one.seconds, 3), "error": one.error} for one in ends]
        print_json({"runs": facts, "skipped": skipped})
    else:
        seconds = sum((end.seconds for end in ends), start=0.0)
        echo(
            f"{len(ends) - len(failed)} runs stored, {skipped} already there, {len(failed)} failed; "
            f"{_clock(seconds)} of computing."
        )
    if failed:
        message = _failures(ends)
        raise NeftError(message)


def _print_plan(absent: Sequence[PlannedRun], settings: SweepSettings, *, as_json: bool) -> None:
    run_ids = [one.run_id for one in absent]
    if as_json:
        print_json(run_ids)
        return
    for run_id in run_ids:
        echo(run_id)
    echo(f"{len(run_ids)} runs to do{_duration(absent, settings)}.", err=True)


def _duration(absent: Sequence[PlannedRun], settings: SweepSettings) -> str:
    """How long they will take, where stored runs tell of each."""
    # fitting prices loads scipy's optimiser, which a sweep's start can do without
    from neft.sweeps import run_time  # noqa: PLC0415

    stores = Stores.default()  # what was stored elsewhere tells as well
    own = {run_id for store in (stores.own, *stores.others) for run_id in store.ids()}
    past = run_time.past(stores.list().records, own)
    found = [run_time.estimate(one.config, past, trains=one.weights_of is None) for one in absent]
    workers = settings.num_workers or joblib.cpu_count()
    whole = run_time.together([one for one in found if one is not None], workers=workers)
    if whole is None or None in found:
        return ""
    return f": {run_time.in_words(whole)}, {workers} at once"


def _list_presets(*, as_json: bool) -> None:
    counts = {name: sum(len(one.known_runs) for one in made_with(preset)) for name, preset in PRESETS.items()}
    if as_json:
        print_json([{"name": n, "question": p.question, "num_runs": counts[n]} for n, p in PRESETS.items()])
        return
    table = Table(title="Presets")
    for heading in ("name", "runs", "question"):
        table.add_column(heading)
    for name, preset in PRESETS.items():
        table.add_row(name, str(counts[name]), preset.question)
    print_table(table)
