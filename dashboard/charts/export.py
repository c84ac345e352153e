"""How a chart leaves the page: what its toolbar offers and saves."""

from typing import Any

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
