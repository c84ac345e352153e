"""How a chart leaves the page: what its toolbar saves, and on which ground."""

from typing import Any

import plotly.graph_objects as go

from dashboard.charts.theme import Mode, palette

PNG_SCALE = 2
"""Pixels of a saved picture a pixel on the page: sharp in print."""


def chart_config(name: str) -> dict[str, Any]:
    """Plotly's settings of a chart, whose toolbar saves a PNG of this name."""
    return {
        "displaylogo": False,
        "showSendToCloud": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d"],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": PNG_SCALE},
    }


def opaque(figure: go.Figure, *, mode: Mode) -> go.Figure:
    """A copy of the figure on the page's own colour instead of none: a saved picture can be read anywhere."""
    return go.Figure(figure).update_layout(paper_bgcolor=palette(mode).background)
