"""How a chart leaves the page: what its toolbar offers, and what a saved picture says of itself."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

PNG_SCALE = 2
"""Pixels of a saved picture a pixel on the page: sharp in print."""
DRESS = """
const wrapped = (text, most) => text.split(" ").reduce((lines, word) => {
  const last = lines[lines.length - 1];
  if (last !== undefined && last.length + word.length < most) lines[lines.length - 1] = `${last} ${word}`;
  else lines.push(word);
  return lines;
}, []);
const escaped = text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const lowered = (plot, by, height) => {
  const now = plot._fullLayout.legend;  // none while nothing is shown in it
  return now && now.yref !== "container" ? plot.layout.legend : {...plot.layout.legend, y: (now?.y ?? 1) - by / height};
};
const dress = plot => {
  const said = plot.layout.meta, full = plot._fullLayout;
  if (!said || !said.title || !full) return () => {};
  const title = wrapped(said.title, (full.width - 24) / 8.5), legend = said.legend || [], lines = said.source.flatMap(
    line => wrapped(line, (full.width - 24) / 5.6));
  const above = 16 + 20 * title.length + 20 * Math.ceil(legend.length / 3), below = 10 + 14 * lines.length;
  const size = full._size, layout = plot.layout, data = plot.data, options = plot._context.toImageButtonOptions;
  const height = full.height + above + below, text = found => found.map(escaped).join("<br>");
  plot.data = data.map(trace => legend.includes(trace.name) ? {...trace, showlegend: true} : trace);
  plot.layout = {...layout, height, width: full.width, autosize: false,
    showlegend: layout.showlegend || legend.length > 0,
    title: {text: text(title), font: {size: 16, color: full.font.color}, xref: "container", x: 0, xanchor: "left",
      yref: "container", y: 1, yanchor: "top", pad: {t: 12, l: 12}},
    margin: {...layout.margin, t: size.t + above, b: size.b + below},
    legend: lowered(plot, 16 + 20 * title.length, height),
    annotations: [...(layout.annotations || []), {text: text(lines), font: {size: 10, color: full.font.color},
      showarrow: false, align: "left", xref: "paper", x: 0, xanchor: "left", xshift: 12 - size.l, yref: "paper", y: 0,
      yanchor: "top", yshift: -size.b - 4}]};
  plot._context.toImageButtonOptions = {...options, width: full.width, height};
  return () => { plot.layout = layout; plot.data = data; plot._context.toImageButtonOptions = options; };
};
document.addEventListener("click", event => {
  const button = event.target.closest?.(".modebar-btn[data-title^='Download plot']");
  const plot = button && button.closest(".js-plotly-plot");
  if (plot) setTimeout(dress(plot));
}, true);
"""
"""Plotly clones a figure in the very click on its camera: for that moment the figure wears its title and its source,
which on a page stand beside it."""


def chart_config(name: str) -> dict[str, Any]:
    """Plotly's settings of a chart, whose toolbar saves a PNG of this name."""
    return {
        "displaylogo": False,
        "showSendToCloud": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d"],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": PNG_SCALE},
    }


def say_source(figure: go.Figure, *, title: str, source: Sequence[str], legend: Sequence[str] = ()) -> None:
    """Have the figure carry what a saved picture says.

    Args:
        figure: changed in place.
        title: stands above.
        source: where its numbers come from; stands below, a line each.
        legend: names that the page's own legend holds, and a picture without the page must.
    """
    figure.update_layout(meta={"title": title, "source": list(source), "legend": list(legend)})
