"""neft worst-case."""

from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.config_options import at_its_place, place_parameters
from neft.cli.fitting_tables import print_tables, say
from neft.cli.output import json_rows, print_json
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option, torch_device_option
from neft.cli.watch import check_torch_device, stop_on_signals, watching
from neft.component import build
from neft.errors import ConfigError, StoppedError
from neft.evaluation.search_settings import SearchSettings
from neft.inspection.worst_case import search_stored
from neft.options import parse_sigma_ds
from neft.pipeline import Progress, Settings, chip_law, load_data, restore_network, single_threaded
from neft.runs import worst_cases
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.runs.worst_cases import DEFAULTS, WorstCaseRecord
from neft.tables import worst_chips

FOUND_BY = {"none": "–", "projected": "projected gradient", "lagrangian": "Lagrangian form"}


@click.command(params=place_parameters())
@click.argument("run_id")
@click.option(
    "--th-g",
    "th_g",
    default="0:0.05:0.01",
    show_default=True,
    metavar="LIST",
    help="th_g: The largest deviations of a weight over its layer's largest weight, as '0.03' or 'first:last:step'.",
)
@click.option(
    "--steps",
    type=int,
    default=DEFAULTS.num_steps,
    show_default=True,
    help="Sign-gradient steps of a projected search. More find lower, at their price.",
)
@click.option(
    "--restarts",
    type=int,
    default=DEFAULTS.num_restarts,
    show_default=True,
    help="Random points from which the projected search starts again.",
)
@click.option(
    "--seed", type=int, default=DEFAULTS.seed, show_default=True, help="Of the random deviations and restarts."
)
@data_dir_option
@store_option
@threads_option
@torch_device_option
@json_option
def worst_case(run_id: str, th_g: str, steps: int, restarts: int, seed: int, *, as_json: bool, **options: Any) -> None:
    r"""Search the worst that small deviations can do to a stored network.

    That is the lowest accuracy where no weight deviates by more than th_g times its layer's largest weight, searched by
    projected sign gradient with restarts and by the Lagrangian form; the lower of both counts, as a plain pass through
    the network gives it. It is an upper bound on the true minimum: a better search may find lower. Beside it stand
    random deviations within the same bound and the worst of the run's own chips.

    The result is stored and shown again when the same is asked.

    \b
    Examples:
      neft worst-case ID
      neft worst-case ID --th-g 0.03 --steps 200 --restarts 10
      neft worst-case ID --th-g 0:0.02:0.0025 --json
    """
    stores = Stores.at(options["store_root"])
    run_id = stores.find(run_id)
    store = stores.holder(run_id)
    record = store.record(run_id)
    th_gs = _bounds(th_g)
    settings = build(
        SearchSettings, DEFAULTS.model_dump() | {"num_steps": steps, "num_restarts": restarts, "seed": seed}
    )
    found = worst_cases.find(record, th_gs, settings)
    was_stored = found is not None
    if found is None:
        check_torch_device(options["torch_device"])
        with single_threaded():
            found = _search(record, store, th_gs, settings, options)
    chips = worst_chips(store.instances(record))
    if as_json:
        print_json(found.model_dump(mode="json") | {"worst_chips": json_rows(chips.to_dict("records"))})
        return
    print_tables([_table(record, found), _chip_table(chips)])
    say("Stored before; not searched again." if was_stored else f"Searched for {found.seconds:.1f} s and stored.")


def _bounds(text: str) -> tuple[float, ...]:
    flag = "--th-g (largest deviation)"
    values = tuple(sorted(set(parse_sigma_ds(text, flag=flag))))
    if not values or not all(0 <= value <= 1 for value in values):
        message = f"{flag}: every value must lie in [0, 1]; got '{text}'."
        raise ConfigError(message)
    return values


def _search(
    record: RunRecord,
    store: RunStore,
    th_gs: tuple[float, ...],
    settings: SearchSettings,
    options: dict[str, Any],
) -> WorstCaseRecord:
    config = at_its_place(stored_config(record), options)
    weights = store.weights(record)
    places = Settings(store=store, data_dir=options["data_dir"] or default_data_dir())
    with stop_on_signals() as asked, watching(None) as (watcher, _):
        watcher(Progress("loading", message=f"Loading {config.dataset.label}"))
        data = load_data(config, places)
        network = restore_network(config, data, weights)
        law, torch_device = chip_law(config), options["torch_device"]
        states = search_stored(
            record,
            network,
            data,
            law,
            th_gs=th_gs,
            settings=settings,
            torch_device=torch_device,
            cores=options["threads"],
        )
        num_found = 0
        for state in states:
            watcher(Progress("searching", state.done, state.total))
            if state.record is not None:
                return state.record
            num_found = len(state.rows)
            if asked.is_set():
                break
    message = f"Stopped after {num_found} of {len(th_gs)} values of th_g; nothing is stored."
    raise StoppedError(message, epoch=-1)


def _table(record: RunRecord, found: WorstCaseRecord) -> Table:
    facts = record.facts
    draws = found.settings.num_draws
    table = Table(
        title=f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}: accuracy %",
        caption=(
            f"no weight deviates by more than th_g times its layer's largest; {found.num_images:,} test images\n"
            f"random: mean (minimum) of {draws} draws, uniform within the bound; Gaussian of std th_g, cut at it\n"
            f"an upper bound on the true minimum: a better search may find lower · {record.id}"
        ),
    )
    table.add_column("th_g", justify="right")
    for heading in ("worst found", "uniform", "Gaussian"):
        table.add_column(heading, justify="right")
    table.add_column("found by")
    for row in found.rows:
        table.add_row(
            f"{row.th_g:g}",
            f"{100 * row.accuracy:.2f}",
            f"{100 * row.uniform_mean:.2f} ({100 * row.uniform_min:.2f})",
            f"{100 * row.gaussian_mean:.2f} ({100 * row.gaussian_min:.2f})",
            FOUND_BY[row.found_by],
        )
    return table


def _chip_table(chips: pd.DataFrame) -> Table:
    table = Table(title="The worst of the run's own chips")
    for heading in ("test σ_d", "chips", "accuracy %", "chip"):
        table.add_column(heading, justify="right")
    for row in chips.to_dict("records"):
        table.add_row(
            f"{row[columns.SIGMA_D]:g}",
            str(row[columns.NUM_INSTANCES]),
            f"{100 * row[columns.ACCURACY]:.2f}",
            str(row[columns.INSTANCE]),
        )
    return table
