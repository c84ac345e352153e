"""Colours of what comes in an order: levels, devices. One sequential scale, the part of it that stands out."""

from plotly.colors import sample_colorscale

from dashboard.charts.theme import Mode

ENDS: dict[Mode, tuple[float, float]] = {"light": (0.0, 0.65), "dark": (0.35, 1.0)}


def shade(index: int, count: int, *, mode: Mode, opacity: float = 1.0) -> str:
    """The colour of one of so many, as CSS rgba."""
    low, high = ENDS[mode]
    place = low + (high - low) * index / max(count - 1, 1)
    parts = sample_colorscale("cividis", [place], colortype="tuple")[0]
    red, green, blue = (round(255 * float(part)) for part in parts)
    return f"rgba({red}, {green}, {blue}, {opacity:g})"
