"""A method's line and symbol as a small picture, for words on a page: the same as charts draw."""

import base64
import math

from dashboard.charts.theme import VariantStyle

WIDTH, HEIGHT, RADIUS = 34, 14, 5.0
DASHES = {"solid": "", "dash": "6 4", "dot": "2 3", "dashdot": "6 3 2 3", "longdash": "9 4", "longdashdot": "9 3 2 3"}
"""Plotly's names in SVG's lengths, in pixels; what is no name is a list of lengths itself."""
Points = list[tuple[float, float]]


def _ring(corners: int, *, turned: float, radii: tuple[float, ...] = (1.0,)) -> Points:
    """Corners on a circle from `turned` degrees on (0 is right, 90 below), with radii that take turns."""
    angles = [math.radians(turned + 360 * index / corners) for index in range(corners)]
    return [
        (radii[index % len(radii)] * math.cos(angle), radii[index % len(radii)] * math.sin(angle))
        for index, angle in enumerate(angles)
    ]


_PLUS: Points = [
    (-1, -0.35), (-0.35, -0.35), (-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35),
    (1, 0.35), (0.35, 0.35), (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35),
]  # fmt: skip
SHAPES: dict[str, Points] = {
    "circle": _ring(24, turned=0),
    "square": _ring(4, turned=45, radii=(1.15,)),
    "diamond": _ring(4, turned=90, radii=(1.2,)),
    "triangle-up": _ring(3, turned=-90, radii=(1.2,)),
    "triangle-down": _ring(3, turned=90, radii=(1.2,)),
    "pentagon": _ring(5, turned=-90, radii=(1.1,)),
    "star": _ring(10, turned=-90, radii=(1.3, 0.55)),
    "hexagon": _ring(6, turned=-90, radii=(1.1,)),
    "cross": _PLUS,
    "x": [((a - b) * math.sqrt(0.5), (a + b) * math.sqrt(0.5)) for a, b in _PLUS],
    "hourglass": [(-0.9, -0.9), (0.9, -0.9), (-0.9, 0.9), (0.9, 0.9)],
    "bowtie": [(-0.9, -0.9), (-0.9, 0.9), (0.9, -0.9), (0.9, 0.9)],
}
"""Of every symbol that a variant may have, in units of its radius."""


def swatch(style: VariantStyle) -> str:
    """The picture as an HTML image; it says nothing of its own, the method's name stands beside it."""
    dash = DASHES.get(style.dash, style.dash.replace("px", ""))
    x, y = WIDTH / 2, HEIGHT / 2
    points = " ".join(f"{x + RADIUS * a:.1f},{y + RADIUS * b:.1f}" for a, b in SHAPES[style.symbol])
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<line x1="0" y1="{y:g}" x2="{WIDTH}" y2="{y:g}" stroke="{style.colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/><polygon points="{points}" fill="{style.colour}"/></svg>'
    )
    coded = base64.b64encode(svg.encode()).decode()  # as an image: pages clean away what is drawn in their markup
    return f'<img src="data:image/svg+xml;base64,{coded}" width="{WIDTH}" height="{HEIGHT}" alt="">'
