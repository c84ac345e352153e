"""What a page of charts hands on: a report of all it shows, and the address that shows it again."""

import datetime
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import charts, data, exchange, state
from dashboard.data import RunRecord
from dashboard.widgets.chart_card import Drawn, report_chart
from dashboard.widgets.theme_mode import theme_mode
from neft import __version__

NUMBERS_CAPTION = "Accuracies are fractions, EKL is in nats. Mean over seeds and chips with its 95 % interval."


def share_popover(
    title: str,
    lead: str,
    drawn: Sequence[Drawn],
    run_ids: Sequence[str],
    *,
    further: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Offer a report of this page and its address.

    Args:
        title: of the page.
        lead: its first sentence, as Markdown.
        drawn: its cards.
        run_ids: the runs that they show.
        further: tables of means beside those of the cards, by title.
    """
    records, mode, here = data.records(list(dict.fromkeys(run_ids))), theme_mode(), page_address()
    with st.popover("Share", icon=":material/ios_share:", key="share"):
        st.download_button(
            "Report as HTML",
            data=lambda: report_bytes(title, lead, drawn, records, further or {}, mode=mode, here=here),
            file_name="neft_report.html",
            mime="text/html",
            key="report",
            icon=":material/description:",
            on_click="ignore",
            help="One file that works offline and prints: the finding, the charts, the numbers with their intervals, "
            "the runs and the commands that make them again. About 5 MB.",
        )
        st.caption("In the colours of this page: for paper, choose the light theme in the menu first.")
        st.page_link(
            "app_pages/share.py",
            label="These runs as one file",
            icon=":material/folder_zip:",
            query_params={state.RUNS: [record.id for record in records]},
        )
        st.markdown("The address of this view:")
        st.code(here, language=None, wrap_lines=True)


def page_address() -> str:
    """This page's whole address, its selection included."""
    url = st.context.url or ""
    path = url.partition("://")[2].partition("/")[2]
    return exchange.address(url, path, {key: st.query_params.get_all(key) for key in st.query_params})


def report_bytes(
    title: str,
    lead: str,
    drawn: Sequence[Drawn],
    records: Sequence[RunRecord],
    further: Mapping[str, pd.DataFrame],
    *,
    mode: charts.Mode,
    here: str,
) -> bytes:
    """The report as a file."""
    from dashboard import report  # noqa: PLC0415 - what writes documents is needed at a click alone

    numbers = {one.card.question: one.table for one in drawn} | dict(further)
    found = {name: exchange.means_table(table) for name, table in numbers.items()}
    sections: list[report.Section] = [report_chart(one) for one in drawn]
    sections += [
        report.Table(f"{name} In numbers", table, NUMBERS_CAPTION) for name, table in found.items() if table is not None
    ]
    sections += [
        report.Table(f"The {len(records)} runs", exchange.runs_table(records)),
        report.Table("What differs between them", exchange.differences_table(records), "Settings that not all share."),
        report.Table(
            "Every run by itself", exchange.results_table(records), "As stored: over the chips of one network."
        ),
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
    document = report.Document(title=title, lead=lead, sections=kept, origin=origin, mode=mode)
    return report.document_html(document).encode()
