"""Searches for the signs of layers: their trials in a chart and a table, and the choice in words."""

import streamlit as st

from dashboard import address, charts
from dashboard.data import searches
from dashboard.data.foreign import foreign
from dashboard.data.searches import SearchRecord
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import search_words
from neft import columns

QUESTION = "Which layers can do with one sign?"
DEFINITION = """
A layer whose weights have one sign takes one crossbar where both signs take two. Each **trial** is a training with a
sign for every layer, judged on validation images under variation; test images play no part.

**Merit** is validation accuracy less μ times area, the devices over those of the same network with both signs
everywhere. The **choice** has the best merit among the trials that lie above the **floor**: so far below both signs
everywhere, and no further. It is the best of many on the same validation images, so its accuracy there is a little too
high; train it and read its test chips.

**Front**: trials than which none takes as few devices and keeps as much, and is better in one.
"""
HEADS = {
    columns.TRIAL: "Trial",
    columns.SIGNS: "Signs",
    columns.WIDTH: "Width",
    columns.VALIDATION_ACCURACY: "Validation %",
    columns.AREA_SHARE: "Devices %",
    columns.MERIT: "Merit",
    columns.RUN_ID: "Run",
}
FRACTIONS = (columns.VALIDATION_ACCURACY, columns.AREA_SHARE)


def search_cards() -> None:
    """Draw the chosen search; where there is none, say how to begin one."""
    listing = searches.listed()
    for reason in listing.problems.values():
        st.warning(foreign(reason), icon=":material/warning:")
    if not listing.records:
        st.markdown(f"## {QUESTION}")
        st.caption("No search for signs is kept yet. `neft search-signs --help` tells how to begin one.")
        return
    by_key = {record.key: record for record in listing.records}
    control = Control(
        key=address.HARDWARE_SEARCH,
        label="Search",
        options={key: record.name for key, record in by_key.items()},
        kind="list",
        width=420,
        shows_label=False,
        help="The latest first.",
    )
    _cards(by_key[control.chosen()], control)


@alone
def _cards(record: SearchRecord, control: Control) -> None:
    trials = searches.table(record)
    card = Card(
        key="search_trials",
        question=QUESTION,
        caption=search_words.finding(trials, record),
        definition=DEFINITION,
        alt=f"Validation accuracy against devices of {len(trials)} trials.",
        command=record.command,
    )
    floor = searches.floor(trials, record)
    figure = charts.search_trials(trials, area_weight=record.area_weight, floor=floor, mode=theme_mode())
    chart_card(card, figure, trials, controls=control.draw)
    number = st.column_config.NumberColumn
    shown = trials[list(HEADS)].sort_values(columns.MERIT, ascending=False, kind="stable", ignore_index=True)
    formats = {HEADS[name]: number(format="%.1f") for name in FRACTIONS} | {"Merit": number(format="%.3f")}
    shown_table(
        shown.assign(**{name: 100 * shown[name] for name in FRACTIONS}).rename(columns=HEADS),
        key="search_table",
        title="Trials, best merit first",
        numbers=trials,
        column_config=formats,
        hide_index=True,
        alt="Signs, width, validation accuracy, devices and merit of each trial.",
    )
