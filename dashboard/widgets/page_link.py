"""A way to another page."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.pages import Page


def page_link(
    page: Page,
    label: str = "",
    *,
    icon: str = "",
    query_params: Mapping[str, str | Sequence[str]] | None = None,
    help: str | None = None,  # noqa: A002 - as Streamlit's
) -> None:
    """Draw a link to a page, under the page's own title and icon unless others are given."""
    st.page_link(
        page.file,
        label=label or page.title,
        icon=icon or page.icon,
        query_params=None if query_params is None else dict(query_params),
        help=help,
    )
