"""What `neft evaluate --percentile` does: race many chips for the unlucky ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table, say
from neft.cli.output import json_rows, print_json, with_limits
from neft.cli.watch import stop_on_signals, watching
from neft.component import build
from neft.config import RunConfig
from neft.errors import ConfigError, StoppedError
from neft.inspection.race import check_question, race_stored
from neft.pipeline import Progress, Settings, network_on_chips, single_threaded
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.races import RaceQuestion, RaceRecord
from neft.runs.records import RunRecord
from neft.runs.waterfalls import usual_sigma_d
from neft.sigma_d import sigma_d_text
from neft.tables.percentiles import percentile_name
from neft.tables.races import race_chips, race_percentile

SHOWN = 10
"""Of the worst chips, for people; programs are given all that are known."""
NOT_RACED = ("precision", "min_instances", "worst_case")
"""Options of an evaluation that a race has no use for."""


def race(
    source: RunRecord,
    config: RunConfig,
    settings: Settings,
    options: dict[str, Any],
    *,
    percentile: int,
    as_json: bool,
) -> None:
    """Race the chips of a config for its percentile, at each device variation that was asked for, and print it.

    Args:
        source: the run.
        config: the run's with the evaluation that is asked for.
        settings: where things are.
        options: as they were given.
        percentile: of accuracy over chips.
        as_json: print for programs.

    Raises:
        ConfigError: options that do not fit.
        StoppedError: by Ctrl-C; nothing is stored of the race that was stopped.
    """
    asked = _questions(source, config, options, percentile)
    known = [races.find(source, one) for one in asked]
    found = known if all(known) else _race_all(source, config, settings, asked, known)
    records = [record for record in found if record is not None]
    if as_json:
        print_json({"run_id": source.id, "races": [_as_json(record) for record in records]})
        return
    for record, before in zip(records, known, strict=True):
        print_table(_table(source, record))
        say(_finding(record))
        say("Stored before; not raced again." if before else f"Raced for {record.seconds:.1f} s and stored.")


def check_options(options: Mapping[str, Any]) -> None:
    """See that no option is given that a race would have to ignore.

    Raises:
        ConfigError: one is.
    """
    for name in NOT_RACED:
        if options[name] is not None:
            message = f"--{name.replace('_', '-')} goes with an evaluation of all chips, not with --percentile."
            raise ConfigError(message)
    if click.get_current_context().get_parameter_source("threads") is ParameterSource.COMMANDLINE:
        message = "--threads goes with an evaluation of all chips, not with --percentile: a race takes one core."
        raise ConfigError(message)


def _questions(source: RunRecord, config: RunConfig, options: dict[str, Any], percentile: int) -> list[RaceQuestion]:
    given = options["num_instances"] is not None
    count = config.evaluation.num_instances if given else races.NUM_INSTANCES
    weights, chips = races.weights_of(source), chips_key(config)
    asked = [
        build(
            RaceQuestion,
            {"weights": weights, "chips": chips, "sigma_d": at, "num_instances": count, "percentile": percentile},
        )
        for at in _sigma_ds(source, config, is_given=options["test_sigma_d"] is not None)
    ]
    check_question(asked[0])
    return asked


def _sigma_ds(source: RunRecord, config: RunConfig, *, is_given: bool) -> Sequence[float]:
    if is_given:
        return config.evaluation.sigma_ds
    usual = usual_sigma_d(source)
    if usual is None:
        message = (
            f"--test-sigma-d (test σ_d): run '{source.id}' was neither trained nor tested under device variation; say "
            "at which its chips are raced."
        )
        raise ConfigError(message)
    return (usual,)


def _race_all(
    source: RunRecord,
    config: RunConfig,
    settings: Settings,
    asked: Sequence[RaceQuestion],
    known: Sequence[RaceRecord | None],
) -> list[RaceRecord | None]:
    """The answers, those that are not known raced for."""
    found = list(known)
    open_ones = [place for place, record in enumerate(known) if record is None]
    total = sum(asked[place].num_instances for place in open_ones)
    done = before = 0
    with single_threaded(), stop_on_signals() as stop, watching(None) as (watcher, _):
        watcher(Progress("loading", message=f"Loading {config.dataset.label}"))
        network, data, law = network_on_chips(source, config, settings)
        for place in open_ones:
            for state in race_stored(
                source,
                network,
                data,
                law,
                asked=asked[place],
                seed=config.evaluation.seed,
                torch_device=settings.torch_device,
            ):
                done = before + state.done
                watcher(Progress("evaluating", done, total))
                found[place] = state.record
                if stop.is_set() and state.record is None:
                    message = f"Stopped after about {done} of {total} chips; nothing is stored of the race that ran."
                    raise StoppedError(message, epoch=-1)
            before = done
    return found


def _table(source: RunRecord, record: RaceRecord) -> Table:
    facts, asked = source.facts, record.asked
    at = f"σ_d = {sigma_d_text(asked.sigma_d)}"
    table = Table(
        title=f"{facts.label}, {facts.backbone_label}, {facts.dataset_label}: the worst of {asked.num_instances:,} "
        f"chips at {at}",
        caption=f"accuracy on all {record.num_images:,} test images · {source.id}",
    )
    for heading in ("rank", "chip", "accuracy %"):
        table.add_column(heading, justify="right")
    for row in race_chips(record).head(SHOWN).to_dict("records"):
        table.add_row(str(row[columns.RANK]), str(row[columns.INSTANCE]), f"{100 * row[columns.ACCURACY]:.2f}")
    return table


def _finding(record: RaceRecord) -> str:
    found = race_percentile(record)
    return (
        f"{percentile_name(record.asked.percentile)}: {with_limits(*found)} %, one-sided 95 % limits over "
        f"{record.asked.num_instances:,} chips. {_whole_words(record)}: {100 * record.cost:.1f} % of the whole "
        f"evaluation's passes. Its answer would be another in at most {100 * record.chance_of_error:g} of 100 races."
    )


def _whole_words(record: RaceRecord) -> str:
    images = f"all {record.num_images:,} images"
    if not record.still_in:  # it was not kept how many came to the last image bit by bit
        return f"{record.num_whole:,} chips met {images} at once"
    return f"{record.still_in[-1][1]:,} chips met {images}"


def _as_json(record: RaceRecord) -> dict[str, Any]:
    found = race_percentile(record)
    return {
        **record.asked.model_dump(mode="json", exclude={"weights", "chips"}),
        **json_rows([dict(zip((columns.VALUE, columns.LOWER, columns.UPPER), found, strict=True))])[0],
        "cost": record.cost,
        **record.model_dump(mode="json", include={"num_images", "num_whole", "passes", "chance_of_error", "seconds"}),
        "chips": json_rows(race_chips(record).to_dict("records")),
    }
