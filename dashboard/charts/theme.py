"""Every colour, dash and symbol of the dashboard, and the layout that all charts share.

A colour belongs to a method's rank, the same on every page and in every export: a variant's style follows from its
rank and departure alone, never from its name or from which others are shown beside it.
"""

import zlib
from dataclasses import dataclass
from functools import cache
from textwrap import wrap
from typing import Any, Literal, NamedTuple, TypeVar

import plotly.graph_objects as go

Mode = Literal["light", "dark"]
Verdict = Literal["supported", "opposite", "no effect", "undecided"]
RGB = tuple[int, int, int]
T = TypeVar("T")

HEIGHT = 380
"""The height of a usual card's chart, in pixels."""
LABELS_ONLY: dict[str, Any] = {"ticks": "", "ticklabelstandoff": 4, "showline": False}
TITLE_ROOM = 14
LEGEND_WIDTH = 46
"""Characters of a line of a legend's title that fit on the narrowest page."""
FONT_FAMILY = '"Segoe UI", "Helvetica Neue", Arial, sans-serif'
"""Fonts of the system alone: one that comes with the page is not there when the browser turns a chart into a picture,
and the words, measured in it, would overlap.
"""
MIN_CONTRAST = 4.5
"""WCAG AA, text of normal size."""


@dataclass(frozen=True)
class Palette:
    """The colours of a page that belong to no method."""

    background: str
    surface: str
    """Behind hover labels."""
    text: str
    muted: str
    """Text of second rank: ticks, axis titles, annotations."""
    grid: str
    axis: str
    mark: str
    """What is drawn of a thing that is no method's."""


class Look(NamedTuple):
    """What decides how a variant is drawn."""

    rank: int
    """Its place among all methods."""
    departure: str = ""
    """What makes it another than the plain variant of that rank."""


@dataclass(frozen=True)
class VariantStyle:
    """How one variant is drawn, in every chart."""

    colour: str
    dash: str
    symbol: str
    label_colour: str
    """The colour, moved towards the text's until words written in it can be read."""


PALETTES: dict[Mode, Palette] = {
    "light": Palette(
        background="#ffffff",
        surface="#ffffff",
        text="#111111",
        muted="#4d5158",
        grid="#e6e8ec",
        axis="#9aa0a8",
        mark="#332492",
    ),
    "dark": Palette(
        background="#171614",
        surface="#1d222c",
        text="#f3f4f6",
        muted="#b6bcc6",
        grid="#272c36",
        axis="#6b7280",
        mark="#a9a6ff",
    ),
}

RANK_COLOURS: tuple[dict[Mode, str], ...] = (
    {"light": "#808080", "dark": "#777777"},
    {"light": "#332492", "dark": "#7879ec"},
    {"light": "#b37903", "dark": "#fcb442"},
    {"light": "#0994ba", "dark": "#6cd3fa"},
    {"light": "#a5035a", "dark": "#ff72a9"},
    {"light": "#b13e06", "dark": "#ec6d3d"},
    {"light": "#015c41", "dark": "#4fcb9c"},
    {"light": "#902cab", "dark": "#d07ee9"},
    {"light": "#6f9f2f", "dark": "#ace767"},
)
"""The hues of the methods by their rank, in dark mode lighter alone; the first five are told apart without colour
vision too. They begin anew where ranks outnumber them, with other symbols.
"""
VERDICT_COLOURS: dict[Verdict, dict[Mode, str]] = {
    "supported": {"light": "#0B5FA5", "dark": "#7FB2FF"},
    "opposite": {"light": "#B84A00", "dark": "#EE8866"},
    "no effect": {"light": "#4d5158", "dark": "#b6bcc6"},
    "undecided": {"light": "#4d5158", "dark": "#b6bcc6"},
}
"""Never without a symbol of its own beside it."""
DIVERGING_ENDS: dict[Mode, tuple[str, str]] = {"light": ("#0B5FA5", "#B84A00"), "dark": ("#7FB2FF", "#EE8866")}
"""Below and above zero; never without a number beside them."""
FIRST_SYMBOL = "x"
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "pentagon",
    "star",
    "hexagon",
    "cross",
    "hourglass",
    "bowtie",
)
"""Of the ranks from the second on: as many as have nothing to do with the number of hues."""
FURTHER_SYMBOLS = SYMBOLS[4:]
FURTHER_DASHES = ("dot", "dashdot", "longdash", "longdashdot", "12px 3px 3px 3px 3px 3px")
"""Of what departs from the plain variant; those are solid or dashed."""
NO_SORT = frozenset({"", "n", "t"})
"""Words of a departure that tell no sort of variant: N and T are told by their numbers."""


def palette(mode: Mode) -> Palette:
    """The page's colours in this mode."""
    return PALETTES[mode]


def variant_style(look: Look, *, mode: Mode) -> VariantStyle:
    """Colour, dash and symbol of a variant, from its place among all methods and what it departs in.

    A rank has a hue, with a symbol and a dash that tell it from the next one of that hue. What departs from the plain
    variant keeps the hue with another dash and symbol: the words of the departure choose the dash, its number the
    symbol.
    """
    colour = RANK_COLOURS[look.rank % len(RANK_COLOURS)][mode]
    dash, symbol = _further_dash_and_symbol(look.departure) if look.departure else _dash_and_symbol(look.rank)
    return VariantStyle(colour=colour, dash=dash, symbol=symbol, label_colour=readable(colour, mode=mode))


def readable(colour: str, *, mode: Mode) -> str:
    """The colour, mixed with the text's until it stands out from the page enough to be read."""
    page = palette(mode)
    mixed = (mix(colour, page.text, share=step / 20) for step in range(21))
    return next((shade for shade in mixed if contrast(shade, page.background) >= MIN_CONTRAST), page.text)


def mix(colour: str, other: str, *, share: float) -> str:
    """The colour with a share (0 to 1) of the other in it."""
    mixed = (round(a + (b - a) * share) for a, b in zip(_rgb(colour), _rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def translucent(colour: str, *, opacity: float) -> str:
    """The colour as CSS rgba."""
    red, green, blue = _rgb(colour)
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def diverging(mode: Mode) -> list[list[float | str]]:
    """The scale of what lies on either side of zero; zero has the page's colour."""
    below, above = DIVERGING_ENDS[mode]
    return [[0.0, below], [0.5, palette(mode).background], [1.0, above]]


def sequential() -> str:
    """The scale of layers, devices and amounts: one that is read without colour vision too."""
    return "Cividis"


def contrast(colour: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted((_luminance(colour), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def apply_layout(
    figure: go.Figure, *, mode: Mode, height: int = HEIGHT, legend_title: str | None = None, right: int = 12
) -> go.Figure:
    """Give the figure the layout that all charts share, and return it.

    The ground is the page's own, so that a saved picture can be read anywhere; the legend takes what rows it needs at
    the top.

    Args:
        figure: Changed in place.
        mode: Light or dark page.
        height: Of the whole figure, in pixels.
        legend_title: Stands above the legend; names what the intervals are.
        right: Right margin in pixels, more where lines are labelled at their ends.
    """
    page = palette(mode)
    figure.update_layout(
        template=_template(mode),
        paper_bgcolor=page.background,
        font={"family": FONT_FAMILY, "size": 13, "color": page.text},
        height=height,
        margin={"l": 54, "r": right, "t": 12, "b": 46, "pad": 0},
        legend_title_text="<br>".join(wrap(legend_title or "", LEGEND_WIDTH)),
    )
    figure.update_annotations(font={"size": 12, "color": page.muted})
    return figure


@cache
def _template(mode: Mode) -> go.layout.Template:
    """What all charts share, made once: setting it on every axis of every figure would cost more than the figure."""
    page = palette(mode)
    clear = "rgba(0, 0, 0, 0)"
    axis: dict[str, Any] = {
        "automargin": True,
        "gridcolor": page.grid,
        "gridwidth": 1,
        "linecolor": page.axis,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": page.axis,
        "tickfont": {"size": 12, "color": page.muted},
        "title": {"font": {"size": 13, "color": page.muted}, "standoff": 6},
    }
    layout: dict[str, Any] = {
        "autosize": True,
        "autotypenumbers": "strict",
        "plot_bgcolor": clear,
        "colorway": [colours[mode] for colours in RANK_COLOURS],
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": page.surface,
            "bordercolor": page.axis,
            "font": {"family": FONT_FAMILY, "size": 13, "color": page.text},
            "align": "left",
            "namelength": -1,
        },
        "legend": _legend(page),
        "modebar": {"bgcolor": clear, "color": page.muted, "activecolor": page.text},
        "uirevision": "keep",
        "xaxis": axis | {"showline": True},
        "yaxis": axis | LABELS_ONLY,
        "annotationdefaults": {"arrowhead": 0, "arrowwidth": 1, "arrowcolor": page.muted},
        "shapedefaults": {"line": {"color": page.axis}},
    }
    data = {"heatmap": [{"colorbar": {"outlinewidth": 0, "ticks": ""}}]}
    return go.layout.Template(layout=layout, data=data)


def make_room_for_titles(figure: go.Figure, *, height: int = HEIGHT) -> None:
    """Lower the panels of a figure of this height, so that the titles of the uppermost keep clear of the legend."""
    scale = 1 - TITLE_ROOM / height
    axes: list[Any] = list(figure.select_yaxes())
    titles: list[Any] = list(figure.select_annotations())
    for axis in axes:
        axis.domain = [edge * scale for edge in axis.domain]
    for title in titles:
        title.y *= scale


def keep_empty_panels(figure: go.Figure) -> None:
    """Have the axes of panels without traces drawn too: plotly leaves out what nothing refers to."""
    figure.add_shape(type="line", x0=0, x1=0, y0=0, y1=0, line={"width": 0}, row="all", col="all")


def _legend(page: Palette) -> dict[str, object]:
    return {
        "orientation": "h",
        "xref": "container",
        "x": 0.01,
        "xanchor": "left",
        "yref": "container",
        "y": 1,
        "yanchor": "top",
        "bgcolor": "rgba(0, 0, 0, 0)",
        "borderwidth": 0,
        "font": {"size": 12, "color": page.text},
        "title": {"side": "top", "font": {"size": 12, "color": page.muted}},
        "itemsizing": "trace",
        "tracegroupgap": 0,
    }


def _dash_and_symbol(rank: int) -> tuple[str, str]:
    """Those of a plain variant: no two of the first 18 ranks share both, nor hue and symbol."""
    if rank == 0:
        return "dash", FIRST_SYMBOL
    return "solid" if rank < len(RANK_COLOURS) else "dash", SYMBOLS[(rank - 1) % len(SYMBOLS)]


def _further_dash_and_symbol(departure: str) -> tuple[str, str]:
    digits = "".join(letter for letter in departure if letter in "0123456789")
    words = [word.strip("0123456789.") for word in departure.split("_")]
    sort = _checksum("_".join(word for word in words if word not in NO_SORT))
    return _pick(FURTHER_DASHES, sort), _pick(FURTHER_SYMBOLS, sort + int(digits or 0))


def _pick(choices: tuple[T, ...], number: int) -> T:
    return choices[number % len(choices)]


def _checksum(key: str) -> int:
    """A number that is the same in every process, which `hash` is not."""
    return zlib.crc32(key.encode())


def _rgb(colour: str) -> RGB:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    knee = 0.04045
    scaled = (part / 255 for part in _rgb(colour))
    red, green, blue = (part / 12.92 if part <= knee else ((part + 0.055) / 1.055) ** 2.4 for part in scaled)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
