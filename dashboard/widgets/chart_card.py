"""A chart with what belongs to it: a question, a line on what to look for, its data, its definition, and its files."""

import datetime
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from typing_extensions import override

from dashboard import charts
from dashboard.charts.enlarged import enlarged
from dashboard.charts.export import say_source
from dashboard.data import sources
from dashboard.data.citations import with_references
from dashboard.data.sources import Source
from dashboard.widgets.chart_saver import picture_buttons
from dashboard.widgets.presenter import is_presenting
from dashboard.widgets.printing import browser, printed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words.glossary import terms_in
from neft import __version__, columns

if TYPE_CHECKING:
    from dashboard import report  # what writes documents is needed at a click alone


@dataclass(frozen=True)
class Card:
    """The words of a card."""

    key: str
    question: str
    caption: str
    definition: str
    """Markdown: the equation, its source by its key, and how the picture was computed."""
    alt: str
    runs: tuple[str, ...] = ()
    """Ids of the runs that it shows, where the rows of its table do not name them."""
    command: str = ""
    """What computes the numbers again, where that is not the training of its runs."""


@dataclass(frozen=True)
class Drawn:
    """A card as it was drawn."""

    card: Card
    figure: go.Figure
    table: pd.DataFrame

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs that it shows."""
        return self.card.runs or sources.runs_in(self.table)


class Sent(go.Figure):
    """A figure as it goes to a page: Plotly would check and copy it anew each time that it is shown."""

    def __init__(self, made: dict[str, Any]) -> None:
        super().__init__()
        self._made = made

    @override
    def to_dict(self) -> dict[str, Any]:
        """Its traces and layout; to be read only."""
        return self._made

    @override
    def to_plotly_json(self) -> dict[str, Any]:
        """Likewise."""
        return self._made


@dataclass(frozen=True)
class Made:
    """A card that needs but to be drawn; nobody changes it, so that sessions may share it."""

    drawn: Drawn
    sent: Sent
    source: Source | None


@dataclass(frozen=True)
class NothingToDraw:
    """A card without a chart."""

    card: Card
    reason: str
    """What is missing and why."""


KEPT = 48
"""Made cards of one kind that the server keeps: of the last selections that anybody looked at."""
_collected: ContextVar[list[Drawn] | None] = ContextVar("collected", default=None)


@contextmanager
def collected_cards() -> Generator[list[Drawn]]:
    """Every card that is drawn inside, in order, for a report."""
    drawn: list[Drawn] = []
    token = _collected.set(drawn)
    try:
        yield drawn
    finally:
        _collected.reset(token)


def labels_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The labels of the methods that a table has rows of."""
    return tuple(dict.fromkeys(map(str, table[columns.LABEL]))) if columns.LABEL in table else ()


@dataclass(frozen=True)
class Rehearsed:
    """What a page would show."""

    cards: list[Card] = field(default_factory=list[Card])
    figures: dict[str, go.Figure] = field(default_factory=dict[str, go.Figure])
    """By the key of their card; a card with nothing to draw has none."""


_rehearsed: ContextVar[Rehearsed | None] = ContextVar("rehearsed", default=None)


@contextmanager
def rehearsed_cards() -> Generator[Rehearsed]:
    """Cards that are drawn inside are handed over, in the place of being shown."""
    rehearsed = Rehearsed()
    token = _rehearsed.set(rehearsed)
    try:
        yield rehearsed
    finally:
        _rehearsed.reset(token)


def chart_card(
    card: Card,
    figure: go.Figure,
    table: pd.DataFrame,
    *,
    controls: Callable[[], object] | None = None,
    without: Sequence[str] = (),
) -> None:
    """Draw one card; those side by side are equally high.

    Args:
        card: its words.
        figure: its chart, whole; so it goes into files and reports.
        table: its data.
        controls: draws what stands beside the question.
        without: names that the page's own legend explains: the card's leaves them out.
    """
    show_card(made_card(card, figure, table, without=without), controls=controls)


def made_card(card: Card, figure: go.Figure, table: pd.DataFrame, *, without: Sequence[str] = ()) -> Made:
    """A card as `chart_card` draws it, all but the drawing: what many sessions look at is made once for all of them.

    Args:
        card: its words.
        figure: its chart, whole; given away, and changed by nobody from now on.
        table: its data, likewise.
        without: as for `chart_card`.
    """
    drawn = Drawn(card, figure, table)
    source = sources.source_of(drawn.runs)
    lines = [*(source.lines if source else []), f"neft {__version__}"]
    say_source(figure, title=card.question, source=lines, legend=without)
    return Made(drawn, _sent(figure, without), source)


def show_card(made: Made | NothingToDraw, *, controls: Callable[[], object] | None = None) -> None:
    """Draw one card that is made; those side by side are equally high.

    Args:
        made: the card.
        controls: draws what stands beside the question, where there is a chart.
    """
    if isinstance(made, NothingToDraw):
        empty_card(made.card, made.reason)
        return
    drawn = made.drawn
    card = drawn.card
    rehearsed = _rehearsed.get()
    if rehearsed is not None:
        rehearsed.cards.append(card)
        rehearsed.figures[card.key] = _in_size(made.sent)
        return
    others = _collected.get()
    if others is not None:
        others.append(drawn)
    with st.container(border=True, key=f"card_{card.key}", height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"## {card.question}", width="content")
                if controls is not None:
                    controls()
            terms = terms_in(f"{card.question} {card.caption}")  # on hover: beside the title there is no room
            with st.popover("About", icon=":material/info:", key=f"about_{card.key}", help=terms):
                st.markdown(_formulae_on_their_own(with_references(card.definition)))
                _files(drawn, made.source)
        draw_chart(made.sent, key=card.key, alt=card.alt)
        _foot(drawn)


def _foot(drawn: Drawn) -> None:
    """What to look for, and beside it the commands that make the numbers again."""
    card = drawn.card
    commands = [card.command] if card.command else sources.making(drawn.runs)
    with st.container(horizontal=True, wrap=False):
        st.caption(card.caption)
        if commands:
            with st.popover(
                "Again", icon=":material/terminal:", key=f"again_{card.key}", type="tertiary", help="Its command"
            ):
                st.markdown("From a command line; what is stored already is not computed twice:")
                st.code("\n".join(commands), language=None, wrap_lines=True)


def _sent(figure: go.Figure, without: Sequence[str]) -> Sent:
    """The figure as a page gets it: with neither those names in its legend nor, where there are some, its title."""
    found: dict[str, Any] = figure.to_dict()
    if without:
        for trace in found["data"]:
            trace["showlegend"] = trace.get("showlegend") is not False and trace.get("name") not in without
        layout = found["layout"]
        legend = layout.setdefault("legend", {})
        legend["title"] = {**legend.get("title", {}), "text": ""}
        layout["showlegend"] = any(trace["showlegend"] for trace in found["data"])
    return Sent(found)


def draw_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """A chart alone; its toolbar saves a PNG."""
    st.plotly_chart(
        _in_size(figure),
        key=f"chart_{key}",
        theme=None,
        alt=alt,
        config=charts.chart_config(key),
    )


def _in_size(figure: go.Figure) -> go.Figure:
    return enlarged(figure) if is_presenting() else figure


def empty_card(card: Card, reason: str) -> None:
    """A card with nothing to draw: what is missing and why."""
    rehearsed = _rehearsed.get()
    if rehearsed is not None:
        rehearsed.cards.append(card)
        return
    with st.container(border=True, key=f"card_{card.key}", height="stretch"):
        st.markdown(f"## {card.question}")
        st.info(reason, icon=":material/inbox:")


def _formulae_on_their_own(markdown: str) -> str:
    """Formulae of several lines between lines of `$$`: otherwise what stands beside the first `$$` is lost."""
    return re.sub(r"\$\$(.+?)\$\$", r"\n$$\n\1\n$$\n", markdown, flags=re.DOTALL)


def _files(drawn: Drawn, source: Source | None) -> None:
    """What can be saved of a card; each file is made when it is asked for."""
    key, mode = drawn.card.key, theme_mode()
    with st.container(horizontal=True):
        picture_buttons(key)
        _save("CSV", lambda: as_csv(drawn.table, facts_of(drawn, source)), f"{key}.csv", "text/csv")
        _save("HTML", lambda: _as_page(drawn, source, mode).encode(), f"{key}.html", "text/html")
        if browser():
            _save("PDF", lambda: printed(_as_page(drawn, source, mode)), f"{key}.pdf", "application/pdf")
    st.caption(
        "PNG and SVG show the chart as it stands, zoomed and filtered; HTML keeps zoom and hover and works offline "
        "(5 MB). Each says its data, network, device, seeds × chips and runs; in the CSV in lines that begin with #."
    )


def _save(kind: str, data: Callable[[], bytes], name: str, mime: str) -> None:
    st.download_button(kind, data=data, file_name=name, mime=mime, key=f"save_{name}", on_click="ignore")


def facts_of(drawn: Drawn, source: Source | None) -> dict[str, str]:
    """What a file says of itself, by name: title, data, network, device, seeds × chips, every run, and when."""
    runs = {"Runs": ", ".join(source.run_ids)} if source else {}
    made = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, neft {__version__}"
    return {"Title": drawn.card.question, **(source.facts if source else {}), **runs, "Made": made}


def as_csv(table: pd.DataFrame, facts: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A table as a file; the runs of a row are joined, and facts stand above it in lines that begin with #."""
    joined = {name: table[name].map(", ".join) for name in (columns.RUN_IDS,) if name in table}
    head = "".join(f"# {name}: {' '.join(words.split())}\n" for name, words in facts.items())
    return (head + table.assign(**joined).to_csv(index=False)).encode()


def _as_page(drawn: Drawn, source: Source | None, mode: charts.Mode) -> str:
    from dashboard import report  # noqa: PLC0415

    origin = {name: words for name, words in facts_of(drawn, source).items() if name != "Title"}
    return report.chart_document(report_chart(drawn), origin, mode)


def report_chart(drawn: Drawn) -> "report.Chart":
    """A card as a document holds it."""
    from dashboard import report  # noqa: PLC0415

    card = drawn.card
    return report.Chart(
        key=card.key,
        title=card.question,
        figure=drawn.figure,
        caption=card.caption,
        definition=with_references(card.definition),
        alt=card.alt,
    )
