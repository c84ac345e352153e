"""A chart with what belongs to it: a question, a line on what to look for, its data and its definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st


@dataclass(frozen=True)
class Card:
    """The words of a card."""

    key: str
    question: str
    caption: str
    definition: str
    """Markdown: the equation, its source, and how the picture was computed."""
    alt: str


def chart_card(
    card: Card, figure: go.Figure, table: pd.DataFrame, *, controls: Callable[[], None] | None = None
) -> None:
    """Draw one card."""
    with st.container(border=True, key=f"card_{card.key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"## {card.question}")
            st.space("stretch")
            with st.popover("About", icon=":material/info:", key=f"about_{card.key}"):
                st.markdown(card.definition)
                st.download_button(
                    "Data as CSV",
                    data=lambda: table.to_csv(index=False).encode(),
                    file_name=f"{card.key}.csv",
                    mime="text/csv",
                    key=f"csv_{card.key}",
                    icon=":material/download:",
                    on_click="ignore",
                )
        if controls is not None:
            controls()
        st.plotly_chart(
            figure,
            key=f"chart_{card.key}",
            theme=None,
            alt=card.alt,
            config={"displaylogo": False, "showSendToCloud": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]},
        )
        st.caption(card.caption)


def chosen_control(key: str, labels: Mapping[str, str]) -> Any:
    """What a card's control, bound to the address, will hold once it is drawn: the first of its options by default.

    A figure is made before its card; on the first run the address alone knows what the control will show.
    """
    if key in st.session_state:
        return st.session_state[key]
    said = st.query_params.get(key)
    return next((name for name, label in labels.items() if label == said), next(iter(labels)))


def empty_card(card: Card, reason: str) -> None:
    """A card with nothing to draw: what is missing and why."""
    with st.container(border=True, key=f"card_{card.key}"):
        st.markdown(f"## {card.question}")
        st.info(reason, icon=":material/inbox:")
