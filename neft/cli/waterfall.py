"""neft waterfall."""

from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.config_options import at_its_place, place_parameters
from neft.cli.fitting_tables import print_table, say
from neft.cli.output import json_rows, print_json
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option
from neft.cli.watch import stop_on_signals, watching
from neft.errors import ConfigError, StoppedError
from neft.inspection.waterfall import take_steps
from neft.options import parse_sigma_ds
from neft.pipeline import Progress, Settings, law_of_chips, load_data, restore_network, single_threaded
from neft.runs import waterfalls
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.runs.waterfalls import NUM_INSTANCES, WaterfallRecord
from neft.tables.waterfall import cost_by_cause, waterfall_table

WORDS = {
    "training_images": "training images, without devices",
    "test_images": "test images",
    "quantised": "weights as codes",
    "mapping": "what devices aim at",
    "programming": "+ misreading while programmed",
    "variation": "+ variation in {layer}",
    "effect": "+ {effect}",
}
CAUSES = {
    "training_images": "what training did not learn",
    "test_images": "images it has not seen",
    "quantised": "quantising the weights",
    "mapping": "mapping the weights to devices",
    "programming": "misreading devices while they are programmed",
    "variation": "device variation (of its layers, in this order, {layer} costs the most)",
    "effect": "{effect}",
}
ROUNDING = 5e-5
"""Fractions that are smaller are shown as 0.00 %."""


@click.command(params=place_parameters())
@click.argument("run_id")
@click.option(
    "--sigma-d",
    "sigma_d",
    metavar="NUMBER",
    help="σ_d: Device variation. [default: that of the training; of a training without, the largest tested]",
)
@click.option(
    "--num-instances",
    type=click.IntRange(2, 100_000),
    default=NUM_INSTANCES,
    show_default=True,
    help="Chips, the first of the run's evaluation.",
)
@data_dir_option
@store_option
@threads_option
@json_option
def waterfall(run_id: str, sigma_d: str | None, num_instances: int, *, as_json: bool, **options: Any) -> None:
    r"""Say why a stored network's accuracy is so low: the step that costs it.

    From the images it was trained on to images it has not seen, to M-bit codes, to what devices aim at where the
    mapping is not the plain one, to what is misread while they are programmed, to device variation as programming
    leaves it in one layer after another, from the input to the output, and to one effect on the devices after another:
    each step keeps those before it, so the costs add up. Those of variation and effects are taken chip by chip, on the
    run's own chips; what a layer costs depends on those before it.

    The result is stored and shown again when the same is asked.

    \b
    Examples:
      neft waterfall ID
      neft waterfall ID --sigma-d 0.2 --num-instances 200
      neft waterfall ID --json
    """
    stores = Stores.at(options["store_root"])
    run_id = stores.find(run_id)
    store = stores.holder(run_id)
    record = store.record(run_id)
    at = _sigma_d(sigma_d, record)
    found = waterfalls.find(record, at, num_instances)
    was_stored = found is not None
    if found is None:
        with single_threaded():
            found = _take_steps(record, store, at, num_instances, options)
    table = waterfall_table(found.steps)
    if as_json:
        head = found.model_dump(mode="json", exclude={"steps"})
        print_json(head | {"steps": json_rows(table.to_dict("records"))})
        return
    print_table(_table(record, found, table))
    say(_finding(found))
    say("Stored before; not computed again." if was_stored else f"Computed in {found.seconds:.1f} s and stored.")


def _sigma_d(text: str | None, record: RunRecord) -> float:
    flag = "--sigma-d (σ_d)"
    if text is None:
        usual = waterfalls.usual_sigma_d(record)
        if usual is None:
            message = f"{flag}: run '{record.id}' was neither trained nor tested under device variation; say at which."
            raise ConfigError(message)
        return usual
    values = parse_sigma_ds(text, flag=flag)
    if len(values) != 1 or not 0 < values[0] <= 1:
        message = f"{flag} must lie in (0, 1]; got '{text}'."
        raise ConfigError(message)
    return values[0]


def _take_steps(
    record: RunRecord, store: RunStore, sigma_d: float, num_instances: int, options: dict[str, Any]
) -> WaterfallRecord:
    config = at_its_place(stored_config(record), options)
    weights = store.weights(record)
    places = Settings(store=store, data_dir=options["data_dir"] or default_data_dir())
    done = 0
    with stop_on_signals() as asked, watching(None) as (watcher, _):
        watcher(Progress("loading", message=f"Loading {config.dataset.label}"))
        data = load_data(config, places)
        network = restore_network(config, data, weights)
        states = take_steps(
            record,
            network,
            data,
            law_of_chips(config, network, data),
            has_real_weights=not store.keeps_codes(record),
            sigma_d=sigma_d,
            num_instances=num_instances,
            cores=options["threads"],
        )
        for state in states:
            watcher(Progress("evaluating", state.done, state.total))
            done = state.done
            if state.record is not None:
                return state.record
            if asked.is_set():
                break
    message = f"Stopped after {done} of {num_instances} chips; nothing is stored."
    raise StoppedError(message, epoch=-1)


def _table(record: RunRecord, found: WaterfallRecord, table: pd.DataFrame) -> Table:
    facts = record.facts
    drawn = Table(
        title=f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}: accuracy % at σ_d = {found.sigma_d:g}",
        caption=(
            f"mean ± 95 % interval over {found.num_instances} chips, costs chip by chip; {found.num_test_images:,} "
            f"test and {found.num_training_images:,} training images\n"
            f"chips: {facts.device_label}\n"
            f"each step keeps those before it · {record.id}"
        ),
    )
    drawn.add_column("step")
    for heading in ("accuracy %", "cost (points)"):
        drawn.add_column(heading, justify="right")
    for row in table.to_dict("records"):
        drawn.add_row(
            WORDS[str(row[columns.STEP])].format(layer=row[columns.LAYER], effect=row[columns.EFFECT]),
            _shown(row[columns.ACCURACY], row[columns.CI95]),
            _shown(row[columns.COST], row[columns.COST_CI95]),
        )
    return drawn


def _finding(found: WaterfallRecord) -> str:
    codes = "" if found.has_real_weights else " The run kept codes alone: what quantising cost is not known."
    dearest = cost_by_cause(found.steps).iloc[0]
    cost, half = float(dearest[columns.COST]), float(dearest[columns.COST_CI95])
    if cost - half <= 0:
        return f"No step costs anything for certain.{codes}"
    words = CAUSES[str(dearest[columns.STEP])].format(layer=dearest[columns.LAYER], effect=dearest[columns.EFFECT])
    return f"The most is lost to {words}: {_shown(cost, half)} points.{codes}"


def _shown(value: float, half: float) -> str:
    text = f"{100 * value:.2f}" if abs(value) >= ROUNDING else "0.00"
    text = text.replace("-", "−")
    return text if half == 0 or pd.isna(half) else f"{text} ± {100 * half:.2f}"
