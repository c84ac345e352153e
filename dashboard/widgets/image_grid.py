"""Small images, or plots of other inputs, in a grid, each with its words: as many columns as there is room for."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from PIL import Image

from dashboard import charts
from dashboard.widgets.theme_mode import theme_mode

COLOURS = 3
STYLE = """
<style>
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--tile), 1fr)); gap: 0.9rem 0.6rem; }
.tiles figure { margin: 0; }
.tiles img {
    width: calc(var(--tile) - 1.2rem); max-width: 5.5rem; aspect-ratio: 1;
    object-fit: contain; image-rendering: pixelated; display: block;
}
.tiles img.plot { width: 100%; max-width: 9rem; aspect-ratio: 5 / 3; image-rendering: auto; }
.tiles figcaption { font-size: 0.85rem; line-height: 1.35; margin-top: 0.25rem; }
.tiles strong { display: block; font-size: 0.95rem; }
</style>
"""


@dataclass(frozen=True)
class Tile:
    """One image with its words."""

    pixels: np.ndarray
    """[channels, height, width], 0 … 255; or of another input, as `dashboard.computing.answers.Picture` has it."""
    title: str
    lines: tuple[str, ...]
    alt: str


def image_grid(tiles: Sequence[Tile], width: float = 8.4) -> None:
    """Draw images side by side; every pixel stays a square.

    Args:
        tiles: from the left.
        width: of a tile at least, in the text's sizes: what its words need.
    """
    figures = "".join(
        f'<figure><img{_class(tile.pixels)} src="{data_uri(tile.pixels)}" alt="{escape(tile.alt)}">'
        f"<figcaption><strong>{escape(tile.title)}</strong>{'<br>'.join(escape(line) for line in tile.lines)}"
        "</figcaption></figure>"
        for tile in tiles
    )
    st.html(f'{STYLE}<div class="tiles" style="--tile: {width:g}rem">{figures}</div>')


def _class(pixels: np.ndarray) -> str:
    return "" if pixels.ndim == 3 else ' class="plot"'


def data_uri(pixels: np.ndarray) -> str:
    """An image as a PNG in an address of its own, [channels, height, width], 0 … 255; other inputs as an SVG."""
    if pixels.ndim < 3:
        svg = charts.small_input(pixels, mode=theme_mode())
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    shown = pixels[0] if len(pixels) < COLOURS else np.moveaxis(pixels[:COLOURS], 0, -1)
    png = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(png, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
