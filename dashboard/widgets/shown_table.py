"""A table of a page, and its files: CSV, Markdown, LaTeX."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard.widgets.chart_card import as_csv
from dashboard.words.table_text import as_latex, as_markdown, as_shown


def shown_table(
    table: pd.DataFrame | Styler,
    *,
    key: str,
    title: str,
    column_config: Mapping[str, Any] = MappingProxyType({}),
    column_order: Sequence[str] | None = None,
    numbers: pd.DataFrame | None = None,
    **drawing: Any,
) -> None:
    """Draw a table, and offer it as files; each is made when it is asked for.

    Args:
        table: the rows.
        key: of the widget, and the files' name.
        title: what the table is, for a paper.
        column_config: heads and forms by column.
        column_order: the columns that are shown; all where not given.
        numbers: what the CSV holds, where the table holds words made of numbers.
        drawing: what else `st.dataframe` takes.
    """
    st.dataframe(table, key=key, column_config=dict(column_config), column_order=column_order, **drawing)
    table_files(table, key=key, title=title, column_config=column_config, column_order=column_order, numbers=numbers)


def table_files(
    table: pd.DataFrame | Styler,
    *,
    key: str,
    title: str,
    column_config: Mapping[str, Any] = MappingProxyType({}),
    column_order: Sequence[str] | None = None,
    numbers: pd.DataFrame | None = None,
) -> None:
    """A table's files alone, below where it is drawn."""
    frame = table.data if isinstance(table, Styler) else table  # pyright: ignore[reportAttributeAccessIssue]

    def text() -> pd.DataFrame:
        return as_shown(frame, column_config, column_order)

    with st.container(horizontal=True, horizontal_alignment="right"):
        for kind, ending, made in (
            ("CSV", "csv", lambda: as_csv(frame if numbers is None else numbers).decode()),
            ("Markdown", "md", lambda: as_markdown(text())),
            ("LaTeX", "tex", lambda: as_latex(text(), title)),
        ):
            st.download_button(
                kind,
                data=lambda made=made: made().encode(),
                file_name=f"{key}.{ending}",
                mime="text/plain",
                key=f"{key}_{ending}",
                type="tertiary",
                on_click="ignore",
            )
