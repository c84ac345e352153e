"""A method's line and symbol as a small picture."""

import base64
from xml.etree import ElementTree as ET

import pytest

from dashboard.charts.swatch import DASHES, SHAPES, swatch
from dashboard.charts.theme import FURTHER_DASHES, RANK_COLOURS, SYMBOLS, Look, variant_style

LOOKS = [Look(rank, departure) for rank in range(2 * len(RANK_COLOURS)) for departure in ("", "reversed", "n1", "b0.2")]


@pytest.mark.parametrize("look", LOOKS)
def test_the_picture_of_every_look_is_a_line_and_a_symbol_in_its_colour(look: Look) -> None:
    style = variant_style(look, mode="light")
    svg = ET.fromstring(base64.b64decode(swatch(style).partition("base64,")[2].partition('"')[0]))  # noqa: S314
    line, symbol = svg

    assert line.get("stroke") == symbol.get("fill") == style.colour
    assert bool(line.get("stroke-dasharray")) == (style.dash != "solid")


def test_every_symbol_has_a_shape_of_its_own() -> None:
    assert {*SYMBOLS, "x"} == set(SHAPES)
    assert len({tuple(points) for points in SHAPES.values()}) == len(SHAPES)


def test_every_dash_has_lengths_of_its_own() -> None:
    assert all(name in DASHES or name.replace("px", "").replace(" ", "").isdigit() for name in FURTHER_DASHES)
    assert len(set(DASHES.values())) == len(DASHES)
