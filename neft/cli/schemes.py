"""neft schemes."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.config_options import at_its_place, place_parameters
from neft.cli.fitting_tables import print_table, say
from neft.cli.output import json_rows, limits_caption, print_json, with_limits
from neft.cli.printing import echo
from neft.cli.shared_options import data_dir_option, json_option, store_option, threads_option
from neft.cli.text_tables import markdown_table
from neft.cli.watch import stop_on_signals, watching
from neft.errors import ConfigError
from neft.evaluation.schemes import Scheme, usual_schemes
from neft.experiments.schemes import NUM_INSTANCES, SIGMA_DS
from neft.options import parse_sigma_ds
from neft.pipeline import Progress, Settings
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from neft.sigma_d import sigma_d_text
from neft.sweeps.schemes import Bench, Tried, Trying, scheme_from_text, try_schemes
from neft.tables.percentiles import percentile_name
from neft.tables.schemes import Choice, at_sigma_d, by_cost, cheapest, schemes_table

COSTS = {
    "devices": columns.DEVICES,
    "pulses": columns.PULSES,
    "reads": columns.READS,
    "operations": columns.OPERATIONS,
}
SHOWN_SIGMA_DS = ",".join(sigma_d_text(sigma_d) for sigma_d in SIGMA_DS)


@click.command(params=place_parameters())
@click.argument("run_id")
@click.option(
    "--scheme",
    "texts",
    multiple=True,
    metavar="MAPPING~PROGRAMMING",
    help="A scheme to try, as 'scale=channel~residual:sides=one'; may be given several times. [default: the run's own, "
    "every other mapping, and every programming on two mappings]",
)
@click.option("--sigma-d", "sigma_d", default=SHOWN_SIGMA_DS, show_default=True, help="σ_d, as '0.1,0.2'.")
@click.option(
    "--chips",
    "num_instances",
    type=click.IntRange(2, 100_000),
    default=NUM_INSTANCES,
    show_default=True,
    help="Chips of each scheme: the same numbers, so that differences are paired.",
)
@click.option("--percentile", type=click.IntRange(1, 99), default=5, show_default=True, help="Percentile over chips.")
@click.option("--bar", type=click.FloatRange(0, 100), help="Name the cheapest scheme whose percentile is above, in %.")
@click.option(
    "--cost", type=click.Choice(list(COSTS)), default="devices", show_default=True, help="What is cheap; it sorts rows."
)
@data_dir_option
@store_option
@threads_option
@json_option
@click.option("--markdown", is_flag=True, help="Print tables in Markdown.")
def schemes(
    run_id: str,
    texts: Sequence[str],
    sigma_d: str,
    num_instances: int,
    percentile: int,
    bar: float | None,
    cost: str,
    *,
    as_json: bool,
    markdown: bool,
    **options: Any,
) -> None:
    r"""Try a stored network under other mappings and programmings, on the same chips, and say what each costs.

    Each scheme's evaluation is stored as a run of its own, as `neft evaluate RUN --programming …` stores it, without
    weights; what is stored is not computed again. Columns:

    \b
      accuracy    mean over chips with its 95 % interval
      percentile  over chips, with one-sided 95 % limits
      difference  of the mean to the first scheme, chip by chip
      devices     a weight takes, a second crossbar's of signs among them
      pulses      to write a weight, expected, and reads to do so
      operations  digital ones a weight read: channel factors, rotation, sums of copies
      noise       RMS of W_p - W_d over w_max, closed form; ~ where only sampling tells
      front       * where no other scheme costs as little and keeps as much

    \b
    Examples:
      neft schemes ID
      neft schemes ID --sigma-d 0.2 --chips 300 --percentile 1 --bar 90
      neft schemes ID --scheme default~open_loop --scheme scale=channel~residual:sides=one
    """
    if as_json and markdown:
        message = "Give one of --json and --markdown, not both."
        raise ConfigError(message)
    stores = Stores.at(options["store_root"])
    run_id = stores.find(run_id)
    record = stores.holder(run_id).record(run_id)
    config = at_its_place(stored_config(record), options)
    given = tuple(scheme_from_text(text, config.test_mapping) for text in texts)
    bench = Bench(
        record,
        config,
        Settings(
            store=stores.own,
            pretrained_stores=stores,
            data_dir=options["data_dir"] or default_data_dir(),
            cores=options["threads"],
            command=f"neft schemes {run_id}",
        ),
        sigma_ds=parse_sigma_ds(sigma_d, flag="--sigma-d (σ_d)"),
        num_instances=num_instances,
    )
    found = _try(bench, given or usual_schemes(config.test_mapping, config.test_programming))
    table = schemes_table(found.chips, found.costs, percentile=percentile)
    shown = [by_cost(at_sigma_d(table, at), COSTS[cost]) for at in bench.sigma_ds]
    choices = [
        cheapest(at, found.chips, sigma_d=sigma_d, cost=COSTS[cost], bar=(bar or 0) / 100, percentile=percentile)
        for at, sigma_d in zip(shown, bench.sigma_ds, strict=True)
    ]
    if as_json:
        _print_json(record, found, table, choices if bar is not None else [])
        return
    for at, choice in zip(shown, choices, strict=True):
        _print(record, at, percentile=percentile, markdown=markdown)
        tell = echo if markdown else say
        if bar is not None:
            tell(_decision(at, choice, bar=bar, percentile=percentile))
        echo("")
    for one in found.refused:
        echo(f"Cannot be: {one.label}. {one.reason}", err=True)


def _try(bench: Bench, schemes: Sequence[Scheme]) -> Tried:
    with stop_on_signals() as asked, watching(None) as (watcher, _):

        def tell(at: Trying) -> None:
            if not at.total:
                watcher(Progress("loading", message=f"{at.number + 1} of {at.count}: {at.label}"))
            else:
                done = at.number * at.total + at.done
                watcher(Progress("evaluating", done, at.count * at.total))

        settings = replace(bench.settings, should_stop=asked.is_set)
        return try_schemes(replace(bench, settings=settings), schemes, on_progress=tell)


def _print(record: RunRecord, table: pd.DataFrame, *, percentile: int, markdown: bool) -> None:
    facts, sigma_d = record.facts, float(table[columns.SIGMA_D].iloc[0])
    counts = set(table[columns.NUM_INSTANCES].astype(int))
    title = f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}, σ_d = {sigma_d_text(sigma_d)}"
    caption = (
        f"mean ± 95 % interval over {', '.join(map(str, sorted(counts)))} chips · "
        f"{limits_caption(percentile, counts) if sigma_d else percentile_name(percentile)} · {record.id}"
    )
    headings = (
        "scheme",
        "accuracy %",
        f"{percentile_name(percentile)} %",
        "difference (points)",
        "devices",
        "pulses",
        "reads",
        "operations",
        "noise %",
        "front",
    )
    rows = [_cells(row) for row in table.to_dict("records")]
    if markdown:
        echo(f"## {title}\n\n{markdown_table(headings, rows, num_left=1)}\n\n{caption}")
        return
    drawn = Table(title=title, caption=caption)
    for index, heading in enumerate(headings):
        drawn.add_column(heading, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    print_table(drawn)


def _cells(row: dict[Any, Any]) -> list[str]:
    lower, upper = row[columns.PERCENTILE_LOWER], row[columns.PERCENTILE_UPPER]
    closed_form = row[columns.CLOSED_FORM_NOISE]
    is_known = not math.isnan(closed_form)
    return [
        row[columns.LABEL],
        f"{100 * row[columns.MEAN]:.2f} ± {100 * row[columns.CI95]:.2f}",
        with_limits(row[columns.PERCENTILE_VALUE], lower, upper),
        _difference(row),
        f"{row[columns.DEVICES]:g}",
        f"{row[columns.PULSES]:.3g}",
        f"{row[columns.READS]:.3g}",
        f"{row[columns.OPERATIONS]:.2g}",
        f"{'' if is_known else '~'}{100 * (closed_form if is_known else row[columns.SAMPLED_NOISE]):.2f}",
        "*" if row[columns.ON_FRONT] else "",
    ]


def _difference(row: dict[Any, Any]) -> str:
    points, half = 100 * row[columns.DIFFERENCE], 100 * row[columns.DIFFERENCE_CI95]
    return "0" if points == half == 0 else f"{points:+.2f} ± {half:.2f}".replace("-", "−")


def _decision(table: pd.DataFrame, choice: Choice | None, *, bar: float, percentile: int) -> str:
    asked = f"{percentile_name(percentile)} above {bar:g} %"
    if choice is None:
        return f"No scheme is known to hold its {asked} on so many chips."
    label = str(table.loc[table[columns.SCHEME] == choice.scheme, columns.LABEL].iloc[0])
    below = ", ".join(map(str, choice.below)) or "none"
    place = "the worst" if choice.rank == 1 else f"number {choice.rank} from the worst"
    return (
        f"Cheapest with its {asked}: {label}. Of {choice.num_chips} chips {place}, chip {choice.instance}, keeps "
        f"{100 * choice.accuracy:.2f} %, which is the percentile's lower 95 % limit; chips below the bar: {below}."
    )


def _print_json(record: RunRecord, found: Tried, table: pd.DataFrame, choices: Sequence[Choice | None]) -> None:
    print_json(
        {
            "run_id": record.id,
            "rows": json_rows(table.to_dict("records")),
            "runs": {one.scheme.key: one.run_id for one in found.schemes},
            "refused": {one.scheme.key: one.reason for one in found.refused},
            "cheapest": [None if one is None else asdict(one) for one in choices],
        }
    )
