"""What a page of charts hands on: a report of all it shows, and the address that shows it again."""

import datetime
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import exchange, stored
from dashboard.data.stored import RunRecord
from dashboard.pages import Page
from dashboard.widgets.chart_card import Drawn, collected_cards, report_chart
from dashboard.widgets.page_link import page_link
from dashboard.widgets.theme_mode import theme_mode
from neft import __version__

RESULTS_CAPTION = (
    "As stored: over the chips of one network; of more than a dozen runs only at the σ_d that each was trained at."
)
LIMITS_CAPTION = "Limits of percentiles are one-sided 95 % limits, missing where so few chips set none."
NUMBERS_CAPTION = (
    f"Accuracies are fractions, EKL is in nats; ± is the half-width of the 95 % interval. {LIMITS_CAPTION}"
)


@dataclass
class Shared:
    """What a page says to be handed on beside its cards."""

    lead: str = ""
    """Its first sentence, as Markdown."""
    run_ids: tuple[str, ...] = ()
    """The runs that it shows."""
    further: dict[str, Callable[[], pd.DataFrame]] = field(default_factory=dict)
    """What computes tables of means beside those of the cards, by title; a report alone asks."""


@contextmanager
def shareable_page(title: str, finding: str = "") -> Generator[Shared]:
    """Draw the title and, beside it, what hands the page on; the cards that are drawn inside are in the report.

    Args:
        title: of the report, and of the page unless it has a finding.
        finding: what stands above the page instead.
    """
    shared = Shared()
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.title(finding or title)
        place = st.container(width="content")
    with collected_cards() as drawn:
        yield shared
    with place:
        _popover(title, shared, drawn)


def _popover(title: str, shared: Shared, drawn: Sequence[Drawn]) -> None:
    """Offer a report of this page, its runs, and its address."""
    if not drawn:
        return  # the page says what is missing
    records, mode, here = stored.records(list(dict.fromkeys(shared.run_ids))), theme_mode(), page_address()
    with st.popover("Share", icon=":material/ios_share:", key="share"):
        st.download_button(
            "Report as HTML",
            data=lambda: report_bytes(title, shared, drawn, records, mode=mode, here=here),
            file_name="neft_report.html",
            mime="text/html",
            key="report",
            icon=":material/description:",
            on_click="ignore",
            help="One file that works offline and prints: the finding, the charts, the numbers with their intervals, "
            "the runs and the commands that make them again. About 5 MB.",
        )
        st.caption("In the colours of this page: for paper, choose the light theme in the menu first.")
        page_link(
            Page.SHARE,
            f"The {len(records)} runs as one file",
            icon=":material/folder_zip:",
            query_params={address.BUNDLE: [record.id for record in records]},
        )
        st.markdown("The address of this view:")
        st.code(here, language=None, wrap_lines=True)


def page_address() -> str:
    """This page's whole address, its selection included."""
    url = st.context.url or ""
    path = url.partition("://")[2].partition("/")[2]
    return exchange.whole_address(url, path, {key: st.query_params.get_all(key) for key in st.query_params})


def report_bytes(
    title: str,
    shared: Shared,
    drawn: Sequence[Drawn],
    records: Sequence[RunRecord],
    *,
    mode: charts.Mode,
    here: str,
) -> bytes:
    """The report as a file."""
    from dashboard import report  # noqa: PLC0415 - what writes documents is needed at a click alone

    further = {name: computed() for name, computed in shared.further.items()}
    numbers = {one.card.question: one.table for one in drawn} | further
    found = {name: exchange.means_table(table) for name, table in numbers.items()}
    sections: list[report.Section] = [report_chart(one) for one in drawn]
    sections += [
        report.Table(f"{name} – in numbers", table, NUMBERS_CAPTION)
        for name, table in found.items()
        if table is not None
    ]
    sections += [
        report.Table(f"The {len(records)} runs", exchange.runs_table(records)),
        report.Table("What differs between them", exchange.differences_table(records), "Settings that not all share."),
        report.Table("Every run by itself", exchange.results_table(records), f"{RESULTS_CAPTION} {LIMITS_CAPTION}"),
        report.Commands(
            "To make them again",
            "Each from its settings alone; data that is missing is asked for.",
            exchange.commands(records),
        ),
    ]
    kept = [section for section in sections if not isinstance(section, report.Table) or not section.frame.empty]
    origin = {
        "Made": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, neft {__version__}",
        "Runs made with": exchange.versions(records),
        "Address": here,
    }
    document = report.Document(title=title, lead=shared.lead, sections=kept, origin=origin, mode=mode)
    return report.document_html(document).encode()
