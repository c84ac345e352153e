"""neft devices."""

from typing import Any

import click
from rich.table import Table

from neft import columns
from neft.cli.fitting_tables import print_table
from neft.cli.output import json_rows, print_json
from neft.cli.printing import echo
from neft.cli.shared_options import json_option
from neft.devices.conversion import UNITS, Conversion, converted, std_from_text
from neft.devices.presets import PRESETS
from neft.errors import ConfigError
from neft.inspection.device_cards import USUAL_BITS, DeviceCard, card_names, device_card


@click.command()
@click.argument("name", required=False)
@click.option(
    "--device-bits",
    type=int,
    default=USUAL_BITS,
    show_default=True,
    metavar="COUNT",
    help="K: 2^K levels, evenly over the range of conductances in which the technology was measured.",
)
@click.option(
    "--at",
    "conductances",
    type=float,
    multiple=True,
    metavar="µS",
    help="Its std at this conductance, with a warning outside the range; over the maximal one where it has no µS.",
)
@click.option(
    "--convert",
    "stds",
    multiple=True,
    metavar="STD",
    help="A std in every unit: '0.1' (σ_d), '2 µS', '5 %' of the range, or '0.08 w_max'.",
)
@json_option
def devices(name: str | None, *, device_bits: int, as_json: bool, **options: Any) -> None:
    r"""List the device technologies, or show one: source, equation, range, levels, and sampled devices beside it.

    \b
    Examples:
      neft devices
      neft devices pcm_joshi --device-bits 3
      neft devices rram_milo --at 100 --at 300 --convert "5 %"
    """
    if name is None:
        if options["conductances"] or options["stds"]:
            message = "--at and --convert need a technology: neft devices NAME; neft devices lists the names."
            raise ConfigError(message)
        _list(device_bits, as_json=as_json)
        return
    card = device_card(name, device_bits)
    asked = [std_from_text(text) for text in options["stds"]]
    if card.unit == "" and any(unit == "microsiemens" for _, unit in asked):
        message = f"{card.label} tells no conductances in µS: give its stds as σ_d, % of the range or w_max."
        raise ConfigError(message)
    conversions = [converted(value, unit, g_max=card.g_max, mapping=card.mapping) for value, unit in asked]
    at = [(value, *_std_at(card, value)) for value in options["conductances"]]
    if as_json:
        print_json(_as_json(card, at, conversions))
        return
    _print(card, at, conversions)


def _std_at(card: DeviceCard, conductance: float) -> tuple[float, str]:
    """std(g) and what is to be said of it.

    Raises:
        ConfigError: the technology tells stds of its levels alone.
    """
    if card.name not in PRESETS:
        message = f"{card.label} tells stds of its levels alone; leave --at out."
        raise ConfigError(message)
    preset = PRESETS[card.name]
    return float(preset.spread.stds([conductance])[0]), preset.warning(conductance)


def _list(device_bits: int, *, as_json: bool) -> None:
    cards = [card for name in card_names() if (card := _card_of(name, device_bits)) is not None]
    if as_json:
        print_json([_as_json(card, [], []) for card in cards])
        return
    table = Table(title=f"Device technologies, as devices of {device_bits} bits")
    for heading, justify in (("name", "left"), ("technology", "left"), ("range", "right"), ("σ_d", "right")):
        table.add_column(heading, justify=justify)  # pyright: ignore[reportArgumentType]
    table.add_column("source")
    for card in cards:
        sigma_d = "open" if card.is_open else f"{card.sigma_d:.4g}"
        table.add_row(card.name, card.technology, _range(card), sigma_d, card.source)
    print_table(table)


def _card_of(name: str, device_bits: int) -> DeviceCard | None:
    try:
        return device_card(name, device_bits)
    except ConfigError:
        if name in PRESETS:
            raise
        return None  # a published device of four levels only


def _range(card: DeviceCard) -> str:
    return f"{card.g_min:g}–{card.g_max:g} {card.unit}" if card.unit else "0–1 of g_max"


def _print(card: DeviceCard, at: list[tuple[float, float, str]], conversions: list[Conversion]) -> None:
    unit = card.unit or "of g_max"
    table = Table(title=f"{card.label}: σ_d = {card.sigma_d:.4g}{' (open)' if card.is_open else ''}")
    headings = ("level", f"g ({unit})", f"σ(g) ({unit})", "sampled", "95 %", "level std", "% of range")
    for heading in headings:
        table.add_column(heading, justify="right")
    for level, row in zip(card.levels.to_dict("records"), card.sampled().to_dict("records"), strict=True):
        table.add_row(
            str(level[columns.LEVEL]),
            f"{level[columns.CONDUCTANCE]:.4g}",
            f"{level[columns.STD]:.4g}",
            f"{row[columns.SAMPLED_STD]:.4g}",
            f"{row[columns.LOWER]:.4g}–{row[columns.UPPER]:.4g}",
            f"{level[columns.LEVEL_STD]:.4g}",
            f"{100 * level[columns.RANGE_SHARE]:.4g}",
        )
    print_table(table)
    echo(f"Source   {card.source}")
    echo(f"Formula  {card.text}")
    echo(f"Range    {_range(card)}")
    if card.besides:
        echo(f"Besides  {card.besides}")
    if card.effect_options:
        echo(f"Apply    neft evaluate RUN_ID {card.effect_options}")
    echo(f"Train    {card.train}")
    for conductance, std, warning in at:
        echo(f"At       g = {conductance:g} {unit}: σ = {std:.4g} {unit}")
        if warning:
            echo(f"Warning: {warning}", err=True)
    for conversion in conversions:
        shown = [f"{getattr(conversion, name):.4g} {words}" for name, words in _units(card).items()]
        echo(f"Std      {' = '.join(shown)}")


def _units(card: DeviceCard) -> dict[str, str]:
    return {name: words for name, words in UNITS.items() if card.unit or name != "microsiemens"}


def _as_json(card: DeviceCard, at: list[tuple[float, float, str]], conversions: list[Conversion]) -> dict[str, Any]:
    return {
        "name": card.name,
        "label": card.label,
        "technology": card.technology,
        "source": card.source,
        "equation": card.equation,
        "formula": card.text,
        "unit": card.unit,
        "g_min": card.g_min,
        "g_max": card.g_max,
        "device_bits": card.device_bits,
        "sigma_d": None if card.is_open else card.sigma_d,
        "device": card.device.short_name,
        "on_off_ratio": card.mapping.on_off_ratio,
        "levels": json_rows(card.levels.to_dict("records")),
        "sampled": json_rows(card.sampled().to_dict("records")),
        "besides": card.besides,
        "effects": dict(card.effects),
        "at": [{"conductance": g, "std": std, "warning": warning or None} for g, std, warning in at],
        "conversions": [{name: getattr(one, name) for name in _units(card)} for one in conversions],
    }
