"""neft train."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from neft.cli.config_options import SectionedCommand, config_from, config_parameters
from neft.cli.output import print_json, print_results, record_json
from neft.cli.printing import echo
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option, torch_device_option
from neft.cli.watch import check_torch_device, failure, stop_on_signals, watching
from neft.config import RunConfig
from neft.errors import ConfigError, DataMissingError, NeftError, RunCorruptError, RunExistsError, StoppedError
from neft.options import command_line, option_table
from neft.other_images import other_images
from neft.pipeline import Settings, identified, run
from neft.run_id import is_run_id
from neft.runs import unfinished
from neft.runs.events import Finished, Started, Stopped
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import RunRecord
from neft.runs.store import Stores


@click.command(cls=SectionedCommand, params=config_parameters())
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Start from this JSON config (as `neft show ID --config` prints); other options go on top.",
)
@click.option("--download", is_flag=True, help="Fetch the data set if it is not there.")
@click.option("--resume", is_flag=True, help="Go on after the last whole epoch of an interrupted training.")
@click.option("--restart", is_flag=True, help="Start over, forgetting an interrupted training of the same settings.")
@click.option(
    "--events",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append progress to this file, a JSON object a line.",
)
@click.option("--dry-run", is_flag=True, help="Print the config and the run's id, and stop.")
@click.option("--estimate", is_flag=True, help="Say how long it will take, judging by the stored runs, and stop.")
@data_dir_option
@store_option
@threads_option
@torch_device_option
@json_option
def train(
    config_file: Path | None,
    events: Path | None,
    *,
    as_json: bool,
    dry_run: bool,
    estimate: bool,
    **options: Any,
) -> None:
    r"""Train a network and evaluate it on sampled chips; the run is stored and appears in the dashboard.

    The same settings give the same numbers (on the CPU): a run that is stored is not trained again.

    \b
    Examples:
      neft train --backbone mlp --method ovf --sigma-d 0.15 --epochs 20
      neft train --backbone vgg8 --width 0.25 --method noise_injection --temperature 8
      neft train --backbone mlp --precision --num-instances 2000
      neft train --dataset fashion_mnist --image-size 16 --max-train 10000 --width 0.125 --method irs
      neft train --dataset image_folder --path photos --image-size 32 --backbone mlp
    """
    stores = Stores.at(options["store_root"])
    for name, option in option_table().items():
        if option.is_run and options.get(name) is not None and not is_run_id(options[name]):
            options[name] = stores.find(options[name])
    config = config_from(options, config_file)
    if estimate:
        _say_estimate(config, stores, as_json=as_json)
        return
    given, config = config, identified(config)
    if dry_run:
        print_json({"id": config.run_id, "config": config.model_dump(mode="json")})
        return
    if given != config and config.run_id not in stores:
        _refuse_changed_images(config, stores)
    _refuse_what_is_there(config, stores, resume=options["resume"], restart=options["restart"])
    check_torch_device(options["torch_device"])
    record = _run(config, stores, events, options)
    if as_json:
        print_json(record_json(record))
    else:
        print_results(record, stores.own.instances(record))


def _say_estimate(config: RunConfig, stores: Stores, *, as_json: bool) -> None:
    # fitting prices loads scipy's optimiser, which a training's start can do without
    from neft.sweeps import run_time  # noqa: PLC0415

    own = {run_id for store in (stores.own, *stores.others) for run_id in store.ids()}
    found = run_time.estimate(config, run_time.past(stores.list().records, own))
    if as_json:
        print_json(None if found is None else asdict(found))
    elif found is None:
        echo("Not known beforehand: nothing stored tells, or only loading the images does.")
    else:
        words = run_time.in_words(found)
        echo(f"{words[0].upper()}{words[1:]}.")


def _refuse_changed_images(config: RunConfig, stores: Stores) -> None:
    """Whoever did not say which images are meant may not know that they changed."""
    begun = None if unfinished.exists(config) else unfinished.on_other_images(config)
    if begun is not None:
        other, epoch = begun
        whose = f"of the interrupted training with the same settings, after epoch {epoch} of {config.training.epochs}"
        raise DataMissingError(_other_images(config, other, whose))
    for run_id in sorted({run_id for store in stores.all for run_id in store.ids()}):
        if not run_id.startswith(config.run_id.removesuffix(config.key)):
            continue
        try:
            other = stored_config(stores.holder(run_id).record(run_id))
        except NeftError:  # a damaged run is named in the list of runs
            continue
        if config.is_of_other_images(other):
            raise RunExistsError(_other_images(config, other, f"of run '{run_id}' with the same settings"))


def _other_images(config: RunConfig, other: RunConfig, whose: str) -> str:
    # only images of one's own have a place, and only they can be others there
    place = str(getattr(config.dataset, "path", ""))
    return other_images(place, found=config.dataset.content, meant=other.dataset.content, whose=whose)


def _refuse_what_is_there(config: RunConfig, stores: Stores, *, resume: bool, restart: bool) -> None:
    if resume and restart:
        message = "--resume and --restart exclude each other."
        raise ConfigError(message)
    if config.run_id in stores:
        unfinished.discard(config)  # killed between storing the run and forgetting its last epoch
        message = (
            f"A run '{config.run_id}' is already stored; see `neft show {config.run_id}`. Another --seed gives another."
        )
        raise RunExistsError(message)
    if restart:
        unfinished.discard(config)
    elif unfinished.exists(config) and not resume:
        try:
            state = unfinished.load(config)
        except RunCorruptError as error:
            message = f"An interrupted training with these settings is there: {error} Start over with --restart."
            raise RunExistsError(message) from None
        epoch = state.epoch if state else 0
        message = (
            f"An interrupted training with these settings stands after epoch {epoch} of {config.training.epochs}: "
            "go on with --resume, or start over with --restart."
        )
        raise RunExistsError(message)


def _run(config: RunConfig, stores: Stores, events_path: Path | None, options: dict[str, Any]) -> RunRecord:
    with stop_on_signals() as asked, watching(events_path) as (watcher, events):
        settings = Settings(
            store=stores.own,
            pretrained_stores=stores,
            data_dir=options["data_dir"] or default_data_dir(),
            download=options["download"],
            torch_device=options["torch_device"],
            cores=options["threads"],
            command=command_line(config),
            resume=options["resume"],
            on_progress=watcher,
            should_stop=asked.is_set,
        )
        events.write(Started(run_id=config.run_id, epochs=config.training.epochs))
        try:
            record = run(config, settings)
        except StoppedError as stopped:
            events.write(Stopped(message=str(stopped)))
            kept = " Go on with the same command and --resume." if unfinished.exists(config) else ""
            message = f"{stopped}{kept}"
            raise StoppedError(message, epoch=stopped.epoch) from None
        except BaseException as error:
            events.write(failure(error))
            raise
        events.write(Finished(run_id=record.id))
    return record
