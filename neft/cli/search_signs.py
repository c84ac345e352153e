"""neft search-signs."""

import shlex
from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.config_options import SectionedCommand, config_from, config_parameters
from neft.cli.fitting_tables import print_table, say
from neft.cli.output import json_rows, print_json
from neft.cli.printing import say_beside
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option, torch_device_option
from neft.cli.watch import stop_on_signals
from neft.errors import ConfigError, StoppedError
from neft.options import option_words
from neft.pipeline import Settings, identified, load_data
from neft.runs.places import default_data_dir
from neft.runs.searches import SearchRecord
from neft.runs.store import Stores
from neft.sweeps import sign_search
from neft.sweeps.sign_search import SignSearch
from neft.tables.sign_search import trials_table
from neft.training.loop import input_shape

DECIDED = "sign"
"""The setting of these parts that the search chooses itself."""
PARTS = ("dataset", "backbone", "device", "mapping", "method", "converters", "training")


@click.command(
    "search-signs",
    cls=SectionedCommand,
    params=[one for one in config_parameters(PARTS) if one.name != DECIDED],
)
@click.option("--trials", type=click.IntRange(2, 10_000), default=30, show_default=True, help="Trainings.")
@click.option(
    "--area-weight",
    type=click.FloatRange(0, 10),
    default=0.1,
    show_default=True,
    help="μ: what the whole area of the network with both signs counts, in validation accuracy.",
)
@click.option(
    "--max-drop",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="How far the choice's validation accuracy may lie below that of both signs everywhere.",
)
@click.option("--widths", default="1", show_default=True, help="Factors on the backbone's width to try, as '1,1.5'.")
@click.option("--search-seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Of the proposals. [default: 0]")
@data_dir_option
@store_option
@threads_option
@torch_device_option
@json_option
def search_signs(
    trials: int, area_weight: float, max_drop: float, widths: str, search_seed: int, *, as_json: bool, **options: Any
) -> None:
    r"""Choose a sign for every layer: one sign takes half the devices, and costs accuracy.

    Merit is validation accuracy less μ times area, the devices over those of the same network with both signs; test
    images play no part. The first trials are both signs everywhere and one everywhere. Where the best loses more than
    the drop allows, both signs come back layer by layer. Stopped, the same command goes on. Trials are stored runs.

    \b
    Examples:
      neft search-signs --backbone mlp --sigma-d 0.02 --temperature 16 --trials 20
      neft search-signs --width 0.125 --area-weight 0.3 --widths 1,1.5
    """
    own = {"trials": trials, "area-weight": area_weight, "max-drop": max_drop}
    own |= {"widths": widths, "search-seed": search_seed}
    words = [f"--{name}={value}" for name, value in own.items()]
    command = f"{option_words('neft search-signs', options)} {shlex.join(words)}"
    stores = Stores.at(options["store_root"])
    config = identified(config_from(options, None))
    with stop_on_signals() as asked:
        settings = Settings(
            store=stores.own,
            pretrained_stores=stores,
            data_dir=options["data_dir"] or default_data_dir(),
            torch_device=options["torch_device"],
            cores=options["threads"],
            command=command,
            should_stop=asked.is_set,
        )
        search = SignSearch(
            base=config,
            shape=input_shape(load_data(config, settings)),
            widths=_numbers(widths),
            area_weight=area_weight,
            max_drop=max_drop,
            num_trials=trials,
            seed=search_seed,
        )
        try:
            found = sign_search.search_signs(search, settings, on_trial=_say_trial, on_word=_say_beside)
        except StoppedError as stopped:
            message = f"{stopped} Whole trials are kept; go on with the same command."
            raise StoppedError(message, epoch=stopped.epoch) from None
    judged = _judged(found)
    chosen = next(row for row in judged.to_dict("records") if row[columns.IS_CHOSEN])
    if as_json:
        print_json({"chosen": json_rows([chosen])[0], "trials": json_rows(judged.to_dict("records"))})
        return
    print_table(_table(judged.sort_values(columns.MERIT, ascending=False)))
    width = "" if chosen[columns.WIDTH] == 1 else f" at {chosen[columns.WIDTH]:g} times the width"
    say(
        f"Chosen: signs {chosen[columns.SIGNS]}{width}: validation accuracy "
        f"{100 * chosen[columns.VALIDATION_ACCURACY]:.1f} %, {100 * chosen[columns.AREA_SHARE]:.0f} % of the devices. "
        f"Train it with --constraint unipolar --signs={chosen[columns.SIGNS]} --sign by_layer. "
        "All trials are drawn on the dashboard's page Hardware."
    )


def _judged(found: SearchRecord) -> pd.DataFrame:
    return trials_table(found.trials, area_weight=found.area_weight, max_drop=found.max_drop)


def _say_beside(word: str) -> None:
    say_beside(word, style="yellow")


def _say_trial(so_far: SearchRecord) -> None:
    last = _judged(so_far).iloc[-1]
    say(
        f"trial {last[columns.TRIAL]}: {last[columns.SIGNS]} × {last[columns.WIDTH]:g}: "
        f"{100 * last[columns.VALIDATION_ACCURACY]:.1f} %, area {100 * last[columns.AREA_SHARE]:.0f} %, "
        f"merit {last[columns.MERIT]:.3f}"
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        found = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        found = ()
    if not found or not all(0 < number <= 16 for number in found):
        message = f"--widths must be numbers in (0, 16], as '1,1.5'; got '{text}'."
        raise ConfigError(message)
    return found


def _table(trials: pd.DataFrame) -> Table:
    table = Table(title="Trials, best merit first", caption="merit = validation accuracy − μ × area")
    for heading in ("trial", "signs", "width", "validation %", "area %", "merit", "run"):
        table.add_column(heading, justify="left" if heading in ("signs", "run") else "right")
    for row in trials.to_dict("records"):
        table.add_row(
            str(row[columns.TRIAL]),
            row[columns.SIGNS],
            f"{row[columns.WIDTH]:g}",
            f"{100 * row[columns.VALIDATION_ACCURACY]:.1f}",
            f"{100 * row[columns.AREA_SHARE]:.1f}",
            f"{row[columns.MERIT]:.3f}",
            row[columns.RUN_ID],
        )
    return table
