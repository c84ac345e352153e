"""neft hardware."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_tables, say
from neft.cli.output import json_rows, print_json
from neft.cli.printing import echo
from neft.cli.shared_options import json_option
from neft.hardware.constants import VARIABLE, Constants, load_constants, named_file
from neft.hardware.costs import (
    ADC,
    COLUMN,
    DAC,
    DEVICE,
    SUBTRACTOR,
    USUAL_BITS,
    Deployed,
    Size,
    by_layer,
    hardware_costs,
    size_of,
)
from neft.inspection.hardware import deployed_of
from neft.runs.records import RunRecord
from neft.runs.store import Stores

HEADINGS = {
    DEVICE: "devices",
    COLUMN: "columns",
    DAC: "DACs",
    ADC: "ADCs",
    SUBTRACTOR: "subtractors",
    columns.NUM_OPERATIONS: "conversions",
}
BITS = click.IntRange(1, 16)


@dataclass(frozen=True)
class Priced:
    """A run with what it costs."""

    record: RunRecord
    deployed: Deployed
    costs: pd.DataFrame
    size: Size


@click.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1)
@click.option(
    "--hardware",
    "constants_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help=f"File of unit costs to take instead of those that ship. [env: {VARIABLE}]",
)
@click.option("--dac-bits", type=BITS, help=f"Bits of an input. [default: the run's, else {USUAL_BITS}]")
@click.option("--adc-bits", type=BITS, help=f"Bits of a conversion. [default: the run's, else {USUAL_BITS}]")
@click.option("--shared", is_flag=True, help="Let all layers take turns at one bank of converters.")
@click.option("--constants", "only_constants", is_flag=True, help="Print the unit costs, as a file to copy and change.")
@json_option
def hardware(
    run_ids: Sequence[str],
    constants_file: Path | None,
    dac_bits: int | None,
    adc_bits: int | None,
    *,
    shared: bool,
    only_constants: bool,
    as_json: bool,
) -> None:
    r"""Say what stored networks cost on a chip: devices, converters, area and energy an inference.

    Counts follow from the network's layers and the mapping of its test chips; area and energy from a table of unit
    costs, each with its source, which a file of your own can replace. 100 % is the same network with weights of both
    signs in pairs of devices, and a bank of converters a layer.

    \b
    Examples:
      neft hardware ID
      neft hardware ID OTHER --json
      neft hardware ID --adc-bits 6 --shared
      neft hardware --constants > mine.toml
      neft hardware ID --hardware mine.toml
    """
    constants = load_constants(constants_file)
    if only_constants:
        echo(named_file(constants_file).read_text(encoding="utf-8"), nl=False)
        return
    if not run_ids:
        message = "Missing argument 'RUN...': the beginning of a stored run's id (`neft runs`)."
        raise click.UsageError(message)
    stores = Stores.default()
    records = [stores.holder(run_id).record(run_id) for run_id in map(stores.find, run_ids)]
    found = [_priced(record, constants, dac_bits, adc_bits, shared=shared) for record in records]
    if as_json:
        print_json({"runs": [_as_json(one) for one in found], "constants": constants.in_words()})
        return
    print_tables(_table(one) for one in found)
    for one in found:
        say(_finding(one))
    say(_assumptions(found, constants, constants_file))


def _priced(
    record: RunRecord, constants: Constants, dac_bits: int | None, adc_bits: int | None, *, shared: bool
) -> Priced:
    deployed = deployed_of(record)
    given = {"dac_bits": dac_bits, "adc_bits": adc_bits, "shared": shared or None}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    deployed = replace(deployed, converters=replace(deployed.converters, **changes))
    return Priced(record, deployed, hardware_costs(deployed, constants), size_of(deployed, constants))


def _table(one: Priced) -> Table:
    facts = one.record.facts
    converters = one.deployed.converters
    table = Table(
        title=f"{facts.backbone_label}, {facts.dataset_label}, {facts.device_label}",
        caption=f"inputs of {converters.priced_dac_bits} bits, conversions of {converters.priced_adc_bits} bits · "
        f"{one.record.id}",
    )
    table.add_column("layer")
    for heading in (*HEADINGS.values(), "area (mm²)", "energy (nJ)"):
        table.add_column(heading, justify="right")
    for row in by_layer(one.costs).to_dict("records"):
        counts = [f"{row[name]:,}" for name in HEADINGS]
        table.add_row(
            escape(str(row[columns.LAYER])), *counts, f"{row[columns.AREA]:.4g}", f"{row[columns.ENERGY]:.4g}"
        )
    whole = one.size.totals
    counts = (whole.devices, whole.columns, whole.dacs, whole.adcs, whole.subtractors, whole.conversions)
    table.add_row("all", *(f"{count:,}" for count in counts), f"{whole.area:.4g}", f"{whole.energy:.4g}")
    return table


def _finding(one: Priced) -> str:
    whole = one.size.totals
    banks = "one bank of converters" if whole.banks == 1 else f"{whole.banks} banks of converters"
    shares = f"{100 * one.size.area_share:.0f} % of the area and {100 * one.size.energy_share:.0f} % of the energy"
    return (
        f"{one.record.facts.name}: {whole.area:.3g} mm² and {whole.energy:.3g} nJ an inference on {whole.devices:,} "
        f"devices and {banks}: {shares} of the same network bipolar with a bank a layer."
    )


def _assumptions(found: Sequence[Priced], constants: Constants, path: Path | None) -> str:
    assumed = any(one.deployed.converters.is_assumed for one in found)
    said = f"Where a run names no converters {USUAL_BITS} bits are priced. " if assumed else ""
    cited = f" of {constants.cited}" if constants.cited else ""
    where = f", from '{path}'" if path else ""
    return (
        f"{said}Unit costs{cited}{where}: --json lists each with its source, and what is a rule or an assumption. "
        "Buffers, buses and activations are left out."
    )


def _as_json(one: Priced) -> dict[str, Any]:
    """Areas in mm², energies in nJ an inference; shares are of the same network bipolar with a bank a layer."""
    converters = one.deployed.converters
    return {
        "run": one.record.id,
        "dac_bits": converters.priced_dac_bits,
        "adc_bits": converters.priced_adc_bits,
        "bits_are_assumed": converters.is_assumed,
        "shared": converters.shared,
        "totals": asdict(one.size.totals)
        | {columns.AREA_SHARE: one.size.area_share, columns.ENERGY_SHARE: one.size.energy_share},
        "parts": json_rows(one.costs.to_dict("records")),
    }
