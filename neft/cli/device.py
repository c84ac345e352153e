"""neft device."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table
from neft.cli.output import json_rows, print_json
from neft.cli.printing import echo, write
from neft.cli.shared_options import data_dir_option, json_option
from neft.config import RunConfig
from neft.devices import Measured
from neft.devices.lab_files import units
from neft.devices.lab_files.decoding import MAX_BYTES
from neft.devices.lab_files.effects import Effects
from neft.devices.lab_files.examples import EXAMPLES
from neft.devices.lab_files.levels import CHOICES
from neft.devices.lab_files.roles import ROLES
from neft.devices.measured import MAX_TITLE
from neft.devices.measurements import FileOptions, MeasuredLevels, device_of, read_measurements
from neft.devices.spreads import rounded
from neft.errors import ConfigError, unknown_name
from neft.inspection.device_trial import DeviceTrial, mapping_on, try_device
from neft.mapping.bit_slicing import BitSlicing
from neft.options import command_line, option_words
from neft.pipeline import Settings, law_of_chips, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.files import write_whole
from neft.runs.places import default_data_dir
from neft.runs.store import Stores

TRIED_AT = (0.0, 0.5, 1.0, 1.5, 2.0)
"""In units of the device's sigma_d."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--column",
    "columns_of",
    metavar="ROLE=NAME",
    multiple=True,
    help=f"Which column is what, by its name or its place from 1; an empty NAME: none. Roles: {', '.join(ROLES)}.",
)
@click.option(
    "--unit",
    "units_of",
    metavar="ROLE=UNIT",
    multiple=True,
    help=f"A column's unit, over the header's. Known: {units.KNOWN}.",
)
@click.option(
    "--in-turn", "cycle", type=int, metavar="COUNT", help="Rows go through so many levels in turn; 1: one state."
)
@click.option("--g-max", metavar="NUMBER [UNIT]", help="The maximal conductance, in the file's unit or as '40 µS'.")
@click.option("--read-voltage", type=float, metavar="VOLTS", help="At which currents were read.")
@click.option("--at-time", type=float, metavar="SECONDS", help="The levels as they are then. [default: the earliest]")
@click.option(
    "--time",
    "time",
    type=float,
    metavar="SECONDS",
    help="Chips as they are then, by the file's own law a + b log10(t) of stds that grow with time.",
)
@click.option(
    "--levels",
    "choice",
    metavar="|".join(CHOICES),
    default="auto",
    show_default=True,
    help="Which 2^K of the file's levels: nearest to even steps, every so-many-th, or stds interpolated at even steps.",
)
@click.option(
    "--device-bits", type=int, metavar="COUNT", help="K of the device. [default: as many as there are levels for]"
)
@click.option("--title", default=None, metavar="TEXT", help="What the device is called. [default: the file's name]")
@click.option("--try", "run_id", metavar="RUN_ID", help="Try this stored network on the device at once.")
@click.option(
    "--write", type=click.Path(path_type=Path), metavar="JSON", help="Write the device for neft train --config."
)
@click.option("--example", metavar="NAME", help=f"Print an example file instead: {', '.join(EXAMPLES)}.")
@data_dir_option
@json_option
def device(file: Path | None, *, example: str | None, as_json: bool, **options: Any) -> None:
    r"""Read a laboratory's file of conductances: a device of your own, to try and to train with.

    CSV with or without a header, separated by commas, semicolons, tabs or blanks, also gzipped. Which column is what is
    guessed and said; --column and --unit overrule it. Units are converted: resistances are inverted, currents divided
    by the read voltage. The device keeps the file's SHA-256, and so does every run with it.

    What else the file tells (biases, failed cells, stds that grow with time) is shown. Chips have it only where it is
    asked for: "Besides" names the options of neft evaluate for biases, for failed cells as if stuck at level 0, and,
    with --time, for the spread that the file's own law adds by then; --try has that spread at once.

    \b
    Examples:
      neft device measurements.csv
      neft device log.tsv --column measured=5 --column window_low=7 --column window_high=8 --unit measured=Ω
      neft device retention.csv.gz --at-time 1e5 --levels interpolate --device-bits 2
      neft device retention.csv --time 1e6 --try RUN_ID
      neft device stds.csv --g-max "40 µS" --try RUN_ID
      neft device --example write_verify > log.tsv
    """
    if example is not None:
        _print_example(example)
        return
    if file is None:
        message = "Name a file, or ask for an example of one with --example."
        raise ConfigError(message)
    content = _content(file)
    g_max, g_max_unit = _top(options["g_max"])
    asked = FileOptions(
        g_max_unit=g_max_unit,
        columns=_pairs(options["columns_of"], "--column"),
        units=_pairs(options["units_of"], "--unit"),
        cycle=options["cycle"],
        read_voltage=options["read_voltage"],
        at_time=options["at_time"],
        choice=options["choice"],
        device_bits=options["device_bits"],
    )
    found = read_measurements(content, g_max=g_max, options=asked)
    title = file.name.split(".")[0][:MAX_TITLE].strip() if options["title"] is None else options["title"]
    made = device_of(found, title=title)
    effects = found.asked_effects if options["time"] is None else found.effects_at(options["time"])
    if options["write"] is not None:
        write_whole(options["write"], json.dumps(config_part(found, made), indent=2) + "\n", what="The device")
    retained = {name: value for name, value in effects.items() if name not in found.asked_effects}
    trial = None if options["run_id"] is None else _tried(options["run_id"], made, found, retained, options["data_dir"])
    if as_json:
        print_json(_as_json(found, made, effects, trial))
        return
    _print(file, found, made, effects)
    if trial is not None:
        print_table(_trial_table(trial, str(options["run_id"])))


def config_part(found: MeasuredLevels, made: Measured) -> dict[str, Any]:
    """The part of a config that trains with the device at its own sigma_d."""
    mapping = mapping_on(BitSlicing(), made)
    part: dict[str, Any] = {"device": made.model_dump(mode="json"), "mapping": mapping.model_dump(mode="json")}
    return part | ({} if found.never_misses else {"training": {"sigma_d": rounded(found.sigma_d)}})


def _print_example(name: str) -> None:
    if name not in EXAMPLES:
        kind = "example"
        raise unknown_name(kind, name, EXAMPLES)
    write(EXAMPLES[name].text())


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"'{file}' cannot be read: {error.strerror}."
        raise ConfigError(message) from None


def _pairs(given: Iterable[str], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        role, equals, name = text.partition("=")
        if not equals:
            message = f"{flag} must be like 'measured=…', with a role before the sign; got '{text}'."
            raise ConfigError(message)
        found[role.strip()] = name.strip()
    return found


def _top(text: str | None) -> tuple[float | None, str]:
    """A maximal conductance and its unit, if it has one of its own."""
    if text is None:
        return None, ""
    number, _, unit = text.strip().partition(" ")
    try:
        return float(number), unit.strip()
    except ValueError:
        message = f"--g-max must be a number, perhaps with a unit as '40 µS'; got '{text}'."
        raise ConfigError(message) from None


def _tried(
    run_id: str, made: Measured, found: MeasuredLevels, effects: dict[str, object], data_dir: Path | None
) -> DeviceTrial:
    stores = Stores.default()
    run_id = stores.find(run_id)
    holder = stores.holder(run_id)
    record = holder.record(run_id)
    config = stored_config(record)
    images = load_data(config, Settings(store=stores.own, data_dir=data_dir or default_data_dir()))
    network = restore_network(config, images, holder.weights(record))
    law = law_of_chips(config, network, images)
    return try_device(law, network, images, made, sigma_ds=_tried_at(found), effects=effects)


def _tried_at(found: MeasuredLevels) -> tuple[float, ...]:
    """At none, and around the device's own; 1 is the most there is."""
    return tuple(rounded(min(share * found.sigma_d, 1.0)) for share in TRIED_AT)


# ---------------------------------------------------------------- what is shown
def _print(file: Path, found: MeasuredLevels, made: Measured, effects: dict[str, object]) -> None:
    print_table(_levels_table(file, found))
    taken = ", ".join(f"{role}: {name}" for role, name in found.roles.columns.items())
    echo(f"Columns  {taken}")
    for note in (*found.notes, *([found.shape] if found.shape else [])):
        echo(f"- {note}")
    echo(f"SHA-256  {found.checksum}")
    if found.never_misses:
        return
    config = RunConfig.make(**config_part(found, made), evaluation={"sigma_ds": _tried_at(found)})
    echo(f"Train    {command_line(config)}")
    shown = ",".join(f"{value:g}" for value in config.evaluation.sigma_ds)
    echo(f"Try      neft evaluate RUN_ID --test-device '{made.short_name}' --test-sigma-d {shown}")
    if effects:
        echo(f"Besides  {option_words('', effects)}")


def _levels_table(file: Path, found: MeasuredLevels) -> Table:
    unit = f" {found.unit}" if found.unit else ""
    table = Table(
        title=f"{file.name}: σ_d = {found.sigma_d:.4g}, g_max = {found.g_max:.4g}{unit}",
        caption="over g_max, %; level std: std ÷ (σ_d g_max)",
    )
    for heading in ("level", "target", "mean", "bias", "std", "95 %", "level std", "measured"):
        table.add_column(heading, justify="right")
    for row, level_std in zip(found.levels.to_dict("records"), found.level_stds, strict=True):
        low, high = _percent(row[columns.LOWER]), _percent(row[columns.UPPER])
        table.add_row(
            str(row[columns.LEVEL]),
            _percent(row[columns.TARGET]),
            _percent(row.get(columns.MEAN, float("nan"))),
            _percent(row[columns.BIAS]),
            _percent(row[columns.STD]),
            f"{low}–{high}" if low != "" else "",
            f"{level_std:.4g}",
            ""
            if row[columns.NUM_MEASUREMENTS] != row[columns.NUM_MEASUREMENTS]
            else f"{row[columns.NUM_MEASUREMENTS]:,.0f}",
        )
    return table


def _percent(share: Any) -> str:
    return "" if math.isnan(share) else f"{100 * share:.4g}".replace("-", "−")


def _trial_table(trial: DeviceTrial, run_id: str) -> Table:
    table = Table(
        title="Accuracy %, mean over chips",
        caption=f"{run_id} by {trial.num_images:,} images, a preview",
    )
    for heading in ("σ_d", "on this device", "on the run's own"):
        table.add_column(heading, justify="right")
    for here, there in zip(trial.here.to_dict("records"), trial.there.to_dict("records"), strict=True):
        table.add_row(f"{here[columns.SIGMA_D]:.4g}", _mean(here), _mean(there))
    return table


def _mean(row: Any) -> str:
    return f"{100 * row[columns.MEAN]:.1f} ± {100 * row[columns.CI95]:.1f}"


def _as_json(
    found: MeasuredLevels, made: Measured, effects: dict[str, object], trial: DeviceTrial | None
) -> dict[str, Any]:
    return {
        "sigma_d": found.sigma_d,
        "device": made.model_dump(mode="json"),
        "short_name": made.short_name,
        "g_max": found.g_max,
        "unit": found.unit,
        "kind": found.kind,
        "columns": dict(found.roles.columns),
        "levels": json_rows(found.levels.to_dict("records")),
        "file_levels": json_rows(found.file_levels.to_dict("records")),
        "effects": _effects_json(found.effects) | {"options": option_words("", effects)},
        "notes": list(found.notes),
        "sha256": found.checksum,
        "trial": None
        if trial is None
        else {"here": json_rows(trial.here.to_dict("records")), "there": json_rows(trial.there.to_dict("records"))},
    }


def _effects_json(effects: Effects) -> dict[str, Any]:
    """What is known and not applied."""
    retention = effects.retention
    return {
        "applied": False,
        "bias": [None if math.isnan(value) else value for value in effects.bias],
        "num_failed": effects.num_failed,
        "num_cells": effects.num_cells,
        "failed_shares": list(effects.failed_shares),
        "time_s": effects.time,
        "retention": None
        if retention is None
        else {
            "a": retention.a,
            "b_per_decade": retention.b,
            "b_error": None if math.isnan(retention.b_error) else retention.b_error,
            "times": json_rows(retention.times.to_dict("records")),
        },
    }
