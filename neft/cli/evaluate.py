"""neft evaluate."""

from dataclasses import replace
from typing import Any

import click

from neft.cli.config_options import (
    SectionedCommand,
    at_its_place,
    config_from,
    config_parameters,
    place_parameters,
)
from neft.cli.output import print_json, print_results, record_json
from neft.cli.race import check_options, race
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option, torch_device_option
from neft.cli.watch import check_torch_device, stop_on_signals, watching
from neft.errors import StoppedError
from neft.options import as_of_test_chips, on_its_own_device, option_words
from neft.pipeline import Settings, reevaluate
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.store import Stores


@click.command(
    cls=SectionedCommand,
    params=[*config_parameters(("mapping", "programming", "converters", "evaluation", "effects")), *place_parameters()],
)
@click.argument("run_id")
@data_dir_option
@store_option
@threads_option
@torch_device_option
@click.option(
    "--percentile",
    type=click.IntRange(1, 50),
    help=(
        "Race the chips for this low percentile of accuracy and the worst chips alone: most chips meet few images. "
        "Of 10,000 chips, if no number is given, at the training's σ_d. [default: evaluate all chips]"
    ),
)
@json_option
def evaluate(
    run_id: str,
    *,
    percentile: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    r"""Evaluate a stored run's network under other conditions.

    With more chips, at other σ_d, on another device, mapped or programmed otherwise, or after some time. The result is
    stored as a run of its own with the same training.

    \b
    Examples:
      neft evaluate ID --num-instances 1000
      neft evaluate ID --precision --num-instances 2000  mean accuracy within ± 0.01
      neft evaluate ID --precision 0.02 --num-instances 1000
      neft evaluate ID --test-device fefet6 --test-sigma-d 0:0.3:0.02
      neft evaluate ID --path NEW_FOLDER                 its images, which were moved there
      neft evaluate ID --programming residual --scale channel
      neft evaluate ID --programming selective --verified-share 0.2 --chosen-by magnitude
      neft evaluate ID --drift-seconds 86400 --drift-compensation
      neft evaluate ID --percentile 1 --num-instances 10000

    With --percentile, the answer is that of the evaluation of all chips on a CPU with a probability of at least 99 %. A
    race takes one core; it saves the more passes the more chips and images there are and the lower the percentile is:
    of few images, or towards the median, none. What was found is kept in NEFT_HOME/races and shown again.

    Mapping and programming are those of the test chips here; the training stays as it was.
    """
    given = dict(options)
    if percentile is not None:
        check_options(given)
    stores = Stores.at(options["store_root"])
    run_id = stores.find(run_id)
    source = stores.holder(run_id).record(run_id)
    base = at_its_place(stored_config(source), options)
    config = on_its_own_device(config_from(as_of_test_chips(options, base), base=base), base)
    check_torch_device(options["torch_device"])
    settings = Settings(
        store=stores.own,
        pretrained_stores=stores,
        data_dir=options["data_dir"] or default_data_dir(),
        torch_device=options["torch_device"],
        cores=options["threads"],
        command=option_words(f"neft evaluate {run_id}", given),
    )
    if percentile is not None:
        race(source, config, settings, given, percentile=percentile, as_json=as_json)
        return
    with stop_on_signals() as asked, watching(None) as (watcher, _):
        try:
            record = reevaluate(source, config, replace(settings, on_progress=watcher, should_stop=asked.is_set))
        except StoppedError as stopped:
            message = f"{stopped} The same command goes on from there."
            raise StoppedError(message, epoch=stopped.epoch) from None
    if as_json:
        print_json(record_json(record))
    else:
        print_results(record, stores.own.instances(record))
