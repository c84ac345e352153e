"""How runs side by side are told apart: their method's hue, a letter, and a dash, symbol and shade of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dashboard.charts.theme import (
    FIRST_SYMBOL,
    FURTHER_DASHES,
    SYMBOLS,
    Look,
    Mode,
    VariantStyle,
    mix,
    palette,
    readable,
    variant_style,
)

DASHES = ("solid", "dash", *FURTHER_DASHES)
ALL_SYMBOLS = (FIRST_SYMBOL, *SYMBOLS)
SHADE = 0.45
"""How far towards the text's colour every second run of a method goes: the hue stays, the line is told apart."""


class RunMark(NamedTuple):
    """How one run is drawn and named in every chart of a comparison."""

    letter: str
    label: str
    style: VariantStyle


Marks = Mapping[str, RunMark]
"""By run id, in the order of the selection."""


def run_marks(runs: Sequence[tuple[str, Look, str, str]], *, mode: Mode) -> dict[str, RunMark]:
    """The marks of some runs: from the whole selection, so that hiding one changes no other.

    The first run of a method looks as its method does everywhere; each further one keeps the hue.

    Args:
        runs: run id, what decides the look, letter and label of each.
        mode: Light or dark page.
    """
    marks: dict[str, RunMark] = {}
    by_hue: dict[str, list[VariantStyle]] = {}
    for run_id, look, letter, label in runs:
        own = variant_style(look, mode=mode)
        taken = by_hue.setdefault(own.colour, [])
        style = _distinct(own, taken, mode=mode)
        taken.append(style)
        marks[run_id] = RunMark(letter, label, style)
    return marks


def _distinct(own: VariantStyle, taken: Sequence[VariantStyle], *, mode: Mode) -> VariantStyle:
    dash = _unused((own.dash, *DASHES), [style.dash for style in taken])
    symbol = _unused((own.symbol, *ALL_SYMBOLS), [style.symbol for style in taken])
    colour = mix(own.colour, palette(mode).text, share=SHADE) if len(taken) % 2 else own.colour
    return replace(own, colour=colour, dash=dash, symbol=symbol, label_colour=readable(colour, mode=mode))


def _unused(choices: Sequence[str], taken: Sequence[str]) -> str:
    """The first choice that is taken the least."""
    return min(choices, key=taken.count)
