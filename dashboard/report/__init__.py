"""Documents that work offline: one HTML file with its charts, tables and words, and nothing that is fetched.

Every text is escaped, whoever wrote it; formulae become MathML, which browsers draw by themselves; a policy in the
file forbids its own scripts any request. Figures keep the colours that they were drawn in. How a document is laid out
is in `document.html.j2` and `style.css.j2`, how its Markdown is read in `markdown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from dashboard.charts import Mode, chart_config
from dashboard.charts.export import DRESS
from dashboard.charts.theme import FONT_FAMILY, palette
from dashboard.report.markdown import inline_html, markdown_html


@dataclass(frozen=True)
class Chart:
    """A chart with its words, which are Markdown."""

    kind: ClassVar = "chart"
    key: str
    title: str
    figure: go.Figure
    caption: str
    definition: str
    """Equation, source, and how the picture was computed."""
    alt: str


@dataclass(frozen=True)
class Table:
    """Rows as they are to be read; numbers that are texts already keep their form."""

    kind: ClassVar = "table"
    title: str
    frame: pd.DataFrame
    caption: str = ""


@dataclass(frozen=True)
class Text:
    """Words, as Markdown."""

    kind: ClassVar = "text"
    title: str
    words: str


@dataclass(frozen=True)
class Commands:
    """Command lines, each under the name of what it makes."""

    kind: ClassVar = "commands"
    title: str
    caption: str
    lines: dict[str, str]


Section = Chart | Table | Text | Commands


@dataclass(frozen=True)
class Document:
    """A document: its title, its first sentence, what it holds, and where it came from."""

    title: str
    lead: str
    sections: Sequence[Section]
    origin: dict[str, str]
    """Facts at the end, by name."""
    mode: Mode = "light"


def chart_document(chart: Chart, origin: dict[str, str], mode: Mode) -> str:
    """One chart as a file of its own."""
    return document_html(Document(title=chart.title, lead="", sections=[chart], origin=origin, mode=mode))


def document_html(document: Document) -> str:
    """The document as one HTML file."""
    return _TEMPLATES.get_template("document.html.j2").render(
        document=document,
        palette=palette(document.mode),
        font=FONT_FAMILY,
        plotly=get_plotlyjs,
        markdown=markdown_html,
        inline_markdown=inline_html,
        drawn=_drawn,
        dress=_dress,
        read=_read,
    )


def _drawn(chart: Chart, place: int) -> Markup:
    text = chart.figure.to_html(
        config=chart_config(chart.key), include_plotlyjs=False, full_html=False, div_id=f"chart-{place}"
    )
    return Markup(text)  # noqa: S704 - plotly escapes what a figure holds


def _dress() -> Markup:
    return Markup(DRESS)  # noqa: S704 - this package's own script


def _read(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.6g}"  # noqa: PLR0124 - NaN alone differs from itself
    return "–" if value is None else str(value)


_TEMPLATES = Environment(
    loader=PackageLoader("dashboard", "report"),
    autoescape=select_autoescape(["html.j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
