"""Documents that work offline: one HTML file with its charts, tables and words, and nothing that is fetched.

Every text is escaped, whoever wrote it; formulae become MathML, which browsers draw by themselves; a policy in the
file forbids its own scripts any request. Figures keep the colours that they were drawn in.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import pandas as pd
import plotly.graph_objects as go
from latex2mathml.converter import convert as to_mathml
from markdown_it import MarkdownIt
from plotly.offline import get_plotlyjs

from dashboard.charts import Mode, chart_config
from dashboard.charts.theme import FONT_FAMILY, palette

MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+(?:\n[^$\n]+)?)\$", re.DOTALL)
DOI = re.compile(r"\bdoi (10\.\d{4,9}/[^\s<>\",;)]*[^\s<>\",;).])")
NO_MATH = frozenset("<>&\"'")
"""In a formula these are no formula's; it is shown as text."""
PLACE = "\N{OBJECT REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Chart:
    """A chart with its words, which are Markdown."""

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

    title: str
    frame: pd.DataFrame
    caption: str = ""


@dataclass(frozen=True)
class Text:
    """Words, as Markdown."""

    title: str
    words: str


@dataclass(frozen=True)
class Commands:
    """Command lines, each under the name of what it makes."""

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
    page = palette(document.mode)
    has_charts = any(isinstance(section, Chart) for section in document.sections)
    alone = len(document.sections) == 1
    return _PAGE.substitute(
        title=html.escape(document.title),
        style=_STYLE.substitute(
            text=page.text,
            muted=page.muted,
            background=page.background,
            grid=page.grid,
            axis=page.axis,
            font=FONT_FAMILY,
            scheme=document.mode,
        ),
        library=f"<script>{get_plotlyjs()}</script>" if has_charts else "",
        lead=markdown_html(document.lead),
        sections="\n".join(
            _section(section, titled=not alone, place=place) for place, section in enumerate(document.sections)
        ),
        origin="".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in document.origin.items()
        ),
    )


def markdown_html(text: str) -> str:
    r"""Markdown without links, pictures and HTML, its formulae as MathML, digital object identifiers as links.

    >>> markdown_html("**A** & <b>, doi 10.1000/1.")
    '<p><strong>A</strong> &amp; &lt;b&gt;, <a href="https://doi.org/10.1000/1">doi 10.1000/1</a>.</p>\n'
    """
    formulae: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        formulae.append(_formula(found))
        return f"{PLACE}{len(formulae) - 1}{PLACE}"

    rendered = _MARKDOWN.render(MATH.sub(put_away, text.replace(PLACE, "")))
    linked = DOI.sub(r'<a href="https://doi.org/\1">doi \1</a>', rendered)
    return re.sub(f"{PLACE}(\\d+){PLACE}", lambda found: formulae[int(found[1])], linked)


def table_html(table: Table) -> str:
    """The table, every cell escaped."""
    heads = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in table.frame.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in table.frame.itertuples(index=False, name=None)
    )
    caption = f"<p class='caption'>{_inline(table.caption)}</p>" if table.caption else ""
    whole = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="table" tabindex="0">{whole}</div>{caption}'


def _section(section: Section, *, titled: bool, place: int) -> str:
    title = f"<h2>{html.escape(section.title)}</h2>" if titled else ""
    if isinstance(section, Chart):
        inside = _chart(section, place)
    elif isinstance(section, Table):
        inside = table_html(section)
    elif isinstance(section, Text):
        inside = markdown_html(section.words)
    else:
        inside = _commands(section)
    return f"<section>{title}{inside}</section>"


def _chart(chart: Chart, place: int) -> str:
    drawn = chart.figure.to_html(
        config=chart_config(chart.key), include_plotlyjs=False, full_html=False, div_id=f"chart-{place}"
    )
    return (
        f'<figure><div role="img" aria-label="{html.escape(chart.alt)}">{drawn}</div>'
        f"<figcaption>{_inline(chart.caption)}</figcaption></figure>"
        f"<div class='definition'>{markdown_html(chart.definition)}</div>"
    )


def _commands(section: Commands) -> str:
    lines = "".join(
        f"<dt>{html.escape(name)}</dt><dd><code>{html.escape(line)}</code></dd>" for name, line in section.lines.items()
    )
    return f"<p class='caption'>{_inline(section.caption)}</p><dl class='commands'>{lines}</dl>"


def _inline(text: str) -> str:
    """One paragraph's Markdown, without the paragraph."""
    return markdown_html(text).strip().removeprefix("<p>").removesuffix("</p>")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.6g}"  # noqa: PLR0124 - NaN alone differs from itself
    return "–" if value is None else html.escape(str(value))


def _formula(found: re.Match[str]) -> str:
    tex = found["block"] or found["inline"]
    if set(tex) & NO_MATH:
        return html.escape(found[0])
    return to_mathml(tex, display="block" if found["block"] else "inline")


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["link", "image", "autolink", "html_inline", "html_block"]
)
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
$library
</head>
<body>
<main>
<h1>$title</h1>
$lead
$sections
<footer><dl>$origin</dl></footer>
</main>
<script>
function fit(width) {
  document.querySelectorAll(".js-plotly-plot").forEach(
    plot => Plotly.relayout(plot, width ? {width: width, autosize: false} : {width: null, autosize: true}));
}
window.addEventListener("beforeprint", () => fit(660));
window.addEventListener("afterprint", () => fit(null));
</script>
</body>
</html>
""")
_STYLE = Template("""
:root { color-scheme: $scheme; }
body { margin: 0; background: $background; color: $text; font: 15px/1.5 $font; }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 12px; }
h2 { font-size: 1.15rem; margin: 32px 0 8px; }
figure { margin: 0; }
figcaption, .caption { color: $muted; font-size: 0.9rem; margin: 4px 0 8px; }
.definition { font-size: 0.9rem; border-left: 3px solid $grid; padding-left: 12px; margin-top: 12px; }
math[display="block"] { overflow-x: auto; overflow-y: hidden; padding: 2px 0; }
a { color: inherit; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.85em; overflow-wrap: anywhere; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid $grid; vertical-align: top; }
th { color: $muted; font-weight: 600; }
dt { font-weight: 600; overflow-wrap: anywhere; }
dd { margin: 0 0 6px; overflow-wrap: anywhere; }
footer { margin-top: 40px; border-top: 1px solid $axis; padding-top: 12px; font-size: 0.85rem; }
footer dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
footer dd { margin: 0; }
@media print {
  :root { color-scheme: light; }
  body, figcaption, .caption, th { background: none; color: #000; }
  main { max-width: none; padding: 0; }
  section > h2, figure, tr, dt { break-inside: avoid; }
  h2, dt { break-after: avoid; }
  .table { overflow: visible; }
  table { font-size: 0.7rem; }
  td, th { overflow-wrap: anywhere; }
  .modebar { display: none; }
}
""")
