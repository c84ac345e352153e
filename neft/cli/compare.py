"""neft compare."""

import math
import string
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import click
import pandas as pd
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_tables, say
from neft.cli.output import json_rows, limits_caption, print_json, with_limits
from neft.cli.shared_options import json_option
from neft.errors import ConfigError, unknown_name
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from neft.tables import compare_runs, other_chips, settings_in_a_sentence
from neft.tables.pairs import PERCENTILE_DIFFERENCE, PERCENTILE_OF_RUN
from neft.tables.percentiles import percentile_name

LETTERS = string.ascii_uppercase
FRACTION = "fraction"
"""The unit of what is shown in per cent."""

Row = Mapping[Hashable, Any]


@click.command()
@click.argument("run_ids", metavar="RUN_A RUN_B [RUN_C]...", nargs=-1, required=True)
@click.option(
    "--metric",
    metavar="NAME",
    default=columns.ACCURACY,
    show_default=True,
    help="What to compare: accuracy, ekl or another metric that the runs keep.",
)
@click.option(
    "--sigma-d",
    "sigma_ds",
    metavar="LIST",
    help="Only these device variations, as '0.1,0.2' or first:last:step. [default: all that the runs share]",
)
@click.option(
    "--percentile",
    type=click.IntRange(1, 99),
    metavar="K",
    help="The percentile over chips beside the mean. [default: 1; 99 of a metric of which more is worse]",
)
@json_option
def compare(
    run_ids: tuple[str, ...], metric: str, sigma_ds: str | None, percentile: int | None, *, as_json: bool
) -> None:
    r"""Compare stored runs chip by chip: each run's mean and unlucky chip, and their differences to the first.

    Runs of one network shape meet the same chips. What a bad chip takes from both drops out of their difference, whose
    paired interval is narrower for it than the one that chips drawn for either run by itself would have given. Both are
    shown, and how many such chips would have been needed to know the difference as well as the pairs do. Runs that met
    other chips are compared unpaired.

    A percentile's limits are one-sided 95 % limits: each holds by itself. So few chips may set none: the 1st percentile
    has a lower one from 299 chips on. The difference of two percentiles cannot be taken chip by chip; it is bounded by
    their limits alone, from 368 chips on.

    All intervals are over chips of these trained networks. They say nothing of another training seed: over seeds,
    methods are compared by `neft claims` and in the dashboard.

    \b
    Examples:
      neft compare RUN_A RUN_B
      neft compare RUN_A RUN_B RUN_C --sigma-d 0.1,0.2
      neft compare RUN_A RUN_B --metric ekl --json
      neft runs --backbone vgg8w4        the ids there are; as much of one as no other begins with is enough
    """
    if not 2 <= len(run_ids) <= len(LETTERS):
        message = f"Name 2 to {len(LETTERS)} runs to compare; got {len(run_ids)}. See `neft runs` for those there are."
        raise ConfigError(message)
    percentile = _unlucky(metric) if percentile is None else percentile
    stores = Stores.default()
    runs = [_read(run_id, stores) for run_id in run_ids]
    records = [record for record, _ in runs]
    table = compare_runs(runs, metric, sigma_ds=_parsed(sigma_ds), percentile=percentile)
    if as_json:
        print_json(_as_json(records, table, metric))
        return
    of_each: list[list[Row]] = [[] for _ in runs]
    for index, row in enumerate(table.to_dict("records")):
        of_each[index * len(runs) // len(table)].append(row)
    tables = [
        _runs_table(records),
        _means_table(of_each, metric),
        _percentiles_table(of_each, metric, percentile),
        _differences_table(of_each, metric),
    ]
    if table[list(PERCENTILE_DIFFERENCE[1:])].notna().any(axis=None):
        tables.append(_percentile_differences_table(of_each, metric, percentile))
    print_tables(tables)
    for letter, record in zip(LETTERS[1:], records[1:], strict=False):
        differing = other_chips(record, records[0])
        if differing:
            say(f"{letter} met other chips than A, so no pairs are taken: {settings_in_a_sentence(differing)}.")


def _read(run_id: str, stores: Stores) -> tuple[RunRecord, pd.DataFrame]:
    run_id = stores.find(run_id)
    store = stores.holder(run_id)
    record = store.record(run_id)
    return record, store.instances(record)


def _parsed(sigma_ds: str | None) -> tuple[float, ...] | None:
    if sigma_ds is None:
        return None
    from neft.options import parse_sigma_ds  # noqa: PLC0415 - imports torch

    return parse_sigma_ds(sigma_ds, flag="--sigma-d (σ_d)")


def _runs_table(records: Sequence[RunRecord]) -> Table:
    table = Table(title="Runs")
    for heading in ("", "method", "train σ_d", "seed", "id"):
        table.add_column(heading)
    for letter, record in zip(LETTERS, records, strict=False):
        facts = record.facts
        table.add_row(letter, facts.label, f"{facts.train_sigma_d:g}", str(facts.seed), record.id)
    return table


def _means_table(of_each: Sequence[Sequence[Row]], metric: str) -> Table:
    table = Table(title=f"{_heading(metric)}: mean ± 95 % interval over chips")
    for heading in ("test σ_d", *LETTERS[: len(of_each)], "chips"):
        table.add_column(heading, justify="right")
    for rows in zip(*of_each, strict=True):
        means = [_number(row, columns.MEAN, columns.CI95, metric) for row in rows]
        counts = [str(row[columns.NUM_INSTANCES]) for row in rows]
        chips = counts[0] if len(set(counts)) == 1 else ", ".join(counts)
        table.add_row(f"{rows[0][columns.SIGMA_D]:g}", *means, chips)
    return table


def _percentiles_table(of_each: Sequence[Sequence[Row]], metric: str, percentile: int) -> Table:
    counts = {int(row[columns.NUM_INSTANCES]) for rows in of_each for row in rows if row[columns.SIGMA_D]}
    title, caption = f"{_heading(metric)}: {percentile_name(percentile)} over chips", limits_caption(percentile, counts)
    table = Table(title=title, caption=caption, min_width=max(len(title), len(caption)))
    for heading in ("test σ_d", *LETTERS[: len(of_each)]):
        table.add_column(heading, justify="right")
    for rows in zip(*of_each, strict=True):
        found = [_limited(row, PERCENTILE_OF_RUN, metric) for row in rows]
        table.add_row(f"{rows[0][columns.SIGMA_D]:g}", *found)
    return table


def _percentile_differences_table(of_each: Sequence[Sequence[Row]], metric: str, percentile: int) -> Table:
    title = f"{_heading(metric)}: difference of {percentile_name(percentile)}s"
    caption = "one-sided 95 % limits, from both runs' own at 97.5 %"
    table = Table(title=title, caption=caption, min_width=max(len(title), len(caption)))
    for heading in ("test σ_d", "", "difference"):
        table.add_column(heading, justify="right")
    for rows in zip(*of_each, strict=True):
        for letter, row in zip(LETTERS[1:], rows[1:], strict=False):
            found = _limited(row, PERCENTILE_DIFFERENCE, metric)
            table.add_row(f"{row[columns.SIGMA_D]:g}", f"{letter} − A", found)
    return table


def _differences_table(of_each: Sequence[Sequence[Row]], metric: str) -> Table:
    table = Table(
        title=f"{_heading(metric)}: difference ± 95 % interval over chips",
        caption="independent: had each run been given chips of its own",
    )
    for heading in ("test σ_d", "", "difference", "independent", "pairing"):
        table.add_column(heading, justify="left" if heading == "pairing" else "right")
    for rows in zip(*of_each, strict=True):
        for letter, row in zip(LETTERS[1:], rows[1:], strict=False):
            table.add_row(
                f"{row[columns.SIGMA_D]:g}",
                f"{letter} − A",
                _number(row, columns.DIFFERENCE, columns.DIFFERENCE_CI95, metric, signed=True),
                f"± {_scaled(row[columns.INDEPENDENT_CI95], metric)}",
                _saving(row),
            )
    return table


def _saving(row: Row) -> str:
    pairs, independent = int(row[columns.NUM_PAIRS]), float(row[columns.NUM_INDEPENDENT])
    if pairs == 0:
        return "unpaired"
    if math.isnan(independent):
        return f"{pairs} pairs"
    work = "any number" if math.isinf(independent) else f"{independent:,.0f}"
    return f"{pairs} chips did the work of {work}"


def _heading(metric: str) -> str:
    unit = _unit(metric)
    return f"{metric.replace('_', ' ')} ({'%' if unit == FRACTION else unit})"


def _unlucky(metric: str) -> int:
    """The percentile at which a metric's unlucky chips lie.

    Raises:
        ConfigError: there is no such metric.
    """
    if metric == columns.ACCURACY:
        return 1
    _ = _unit(metric)
    from neft.metrics import METRICS  # noqa: PLC0415 - imports torch

    return METRICS[metric].unlucky_percentile


def _unit(metric: str) -> str:
    """The unit that a metric is stored in; that of accuracy is known without loading torch.

    Raises:
        ConfigError: there is no such metric.
    """
    if metric == columns.ACCURACY:
        return FRACTION
    from neft.metrics import METRICS  # noqa: PLC0415 - imports torch

    if metric not in METRICS:
        kind = "metric"
        raise unknown_name(kind, metric, METRICS)
    return METRICS[metric].unit


def _number(row: Row, value: str, ci95: str, metric: str, *, signed: bool = False) -> str:
    if math.isnan(row[value]):
        return "–"
    return f"{_scaled(row[value], metric, signed=signed)} ± {_scaled(row[ci95], metric)}"


def _limited(row: Row, names: Sequence[str], metric: str) -> str:
    scale, digits = _scale(metric)
    value, lower, upper = (row[name] for name in names)
    return with_limits(value, lower, upper, scale=scale, digits=digits)


def _scaled(value: float, metric: str, *, signed: bool = False) -> str:
    if math.isnan(value):
        return "–"
    scale, digits = _scale(metric)
    return f"{value * scale:{'+' if signed else ''}.{digits}f}"


def _scale(metric: str) -> tuple[int, int]:
    """What a metric is multiplied with to be shown, and its digits."""
    return (100, 2) if _unit(metric) == FRACTION else (1, 4)


def _as_json(records: Sequence[RunRecord], table: pd.DataFrame, metric: str) -> dict[str, Any]:
    """Fractions and nats; null where there is no number, and where chips needed have no bound."""
    unpaired = {record.id: settings_in_a_sentence(other_chips(record, records[0])) for record in records[1:]}
    return {
        "metric": metric,
        "reference": records[0].id,
        "rows": json_rows(table.to_dict("records")),
        "unpaired": {run_id: reason for run_id, reason in unpaired.items() if reason},
    }
