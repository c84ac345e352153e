"""Accuracy against what networks take on a chip: area and energy, and which parts of the chip they go to."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.data import hardware, stored
from dashboard.data.foreign import foreign
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.control import Choices, Control
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.hardware_card import DEFINITION, hardware_card
from dashboard.widgets.search_card import search_cards
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import readable_tags, theme_mode
from dashboard.words import hardware_words, scheme_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError
from neft.sigma_d import sigma_d_text

QUESTION = "What does accuracy cost in area and energy?"
COST = Control(
    key=address.HARDWARE_COST,
    label="Cost",
    options={columns.AREA: "Area", columns.ENERGY: "Energy"},
    help="What is to be small: the chip, or what an inference takes.",
    shows_label=False,
    stays=True,
)
WORTH = Control(
    key=address.HARDWARE_WORTH,
    label="Worth",
    options={"mean": "Mean", "percentile": "1st percentile"},
    help="What is to be high: the mean over chips, or the chip that 99 of 100 beat.",
    shows_label=False,
    stays=True,
)
PARETO_DEFINITION = f"""
{DEFINITION}
**Front**: rows than which none takes as little and keeps as much, and is better in one.

**Rows** are networks with their mapping and programming, trained for the device variation at which they are read. Where
a row could be of several recipes it is of the one with the most seeds, then chips; none is chosen by what it reached.
Intervals are over seeds: they leave out the chips that all seeds share.
"""
HEADS = {
    columns.BACKBONE_LABEL: "Network",
    columns.CHIPS_LABEL: "Mapping, programming",
    columns.PROGRAMMING_LABEL: "Training",
    columns.AREA: "Area mm²",
    columns.ENERGY: "Energy nJ",
    columns.AREA_SHARE: "Area %",
    columns.ENERGY_SHARE: "Energy %",
    columns.DEVICES_IN_ALL: "Devices",
    columns.MEAN: "Accuracy %",
    columns.LOWER: "from %",
    columns.UPPER: "to %",
    columns.NUM_SEEDS: "Seeds",
    columns.ON_FRONT: "On the front",
}
FRACTIONS = (columns.MEAN, columns.LOWER, columns.UPPER, columns.AREA_SHARE, columns.ENERGY_SHARE)


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    readable_tags()
    heading = st.empty()
    heading.title(QUESTION)
    try:
        with st.sidebar:
            data, sigma_d = _pick_data()
            table = hardware.networks(data, sigma_d)
            rows = _pick_trainings(table)
        cost, value = COST.chosen(), WORTH.chosen()
        drawn = hardware.against(rows, value, cost)
        if drawn.empty:
            st.info(
                "No network whose hardware is known was tried so. Choose another σ_d or data set.",
                icon=":material/inbox:",
            )
        else:
            heading.title(hardware_words.title(drawn, cost))
            st.markdown(
                hardware_words.finding(drawn, cost, value=value, sigma_d=sigma_d, data=hardware.data_sets()[data])
            )
            _cards(drawn, cost, value, sigma_d)
        search_cards()
        _prices()
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")
    show_problems()


def _pick_data() -> tuple[str, float]:
    data = Control(
        key=address.HARDWARE_DATA,
        label="Data set",
        options=hardware.data_sets(),
        kind="list",
        stays=True,
        help="Whose networks are laid beside each other.",
    ).draw()
    by_text = {sigma_d_text(sigma_d): sigma_d for sigma_d in hardware.sigma_ds(data)} or {"0": 0.0}
    at = Control(
        key=address.HARDWARE_SIGMA_D,
        label=f"Device variation {SIGMA_D}",
        options={text: text for text in by_text},
        default="0.2",
        stays=True,
        help="At which accuracy is read; networks were trained for it, or without variation.",
    ).draw()
    return data, by_text[at]


def _pick_trainings(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    shown = stored.in_shown_order(table)
    choices = Choices(
        key=address.HARDWARE_METHODS,
        label="Trainings",
        options=dict(zip(shown[columns.VARIANT], shown[columns.LABEL], strict=True)),
        default=(hardware.broadest(table),),
        kind="list",
        help="By default the one that was tried on the most kinds of hardware.",
    )
    return table[table[columns.VARIANT].isin(choices.draw())].reset_index(drop=True)


def _cards(drawn: pd.DataFrame, cost: str, value: str, sigma_d: float) -> None:
    left, right = st.columns(2)
    with left:
        _pareto(drawn, cost, value, sigma_d)
    with right:
        _parts(drawn)
    _table(drawn, cost)


@alone
def _pareto(drawn: pd.DataFrame, cost: str, value: str, sigma_d: float) -> None:
    title = scheme_words.HARDWARE[cost]
    card = Card(
        key="hardware_pareto",
        question="Which are worth their size?",
        caption=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}, {hardware_words.spread(drawn)}. Full marks are on the front: "
        "none is as cheap and as good.",
        definition=PARETO_DEFINITION,
        alt=f"Accuracy against {title} of {len(drawn)} networks.",
    )
    figure = charts.accuracy_vs_cost(
        drawn,
        cost=cost,
        cost_title=title,
        value_title=f"{hardware_words.WORTHS[value]} (%)",
        # where all are one network its name tells none apart
        front_names=columns.BACKBONE_LABEL if len(set(drawn[columns.BACKBONE_LABEL])) > 1 else "",
        mode=theme_mode(),
    )

    def controls() -> None:
        COST.draw()
        WORTH.draw()

    chart_card(card, figure, drawn, controls=controls)


def _parts(drawn: pd.DataFrame) -> None:
    shown = drawn.sort_values([columns.ON_FRONT, columns.MEAN], ascending=False, kind="stable")
    firsts = {str(ids[0]): str(label) for ids, label in zip(shown[columns.RUN_IDS], shown[columns.LABEL], strict=True)}
    control = Control(
        key=address.HARDWARE_NETWORK,
        label="Network",
        options=firsts,
        kind="list",
        width=260,
        shows_label=False,
        help="Those on the front first, the best of them at the top.",
    )
    for record in stored.records([control.chosen()]):
        hardware_card(record, controls=control.draw)


@alone
def _table(drawn: pd.DataFrame, cost: str) -> None:
    st.markdown("## All rows")
    ordered = drawn.sort_values(cost, kind="stable", ignore_index=True)
    shown = ordered[list(HEADS)].assign(**{name: 100 * ordered[name].astype(float) for name in FRACTIONS})
    number = st.column_config.NumberColumn
    formats = {HEADS[name]: number(format="%.1f") for name in FRACTIONS}
    formats |= {HEADS[name]: number(format="%.4g") for name in (columns.AREA, columns.ENERGY)}
    formats[HEADS[columns.DEVICES_IN_ALL]] = number(format="localized")
    shown_table(
        shown.rename(columns=HEADS),
        key="hardware_table",
        title="Networks on a chip",
        numbers=ordered,
        column_config=formats,
        hide_index=True,
        alt="Area, energy and accuracy of each network.",
    )
    st.caption("Area % and energy %: of the same network with weights in pairs and a bank of converters a layer.")


@alone
def _prices() -> None:
    with st.expander("Unit costs and their sources", icon=":material/receipt_long:"):
        shown_table(
            hardware.constants_table(),
            key="hardware_prices",
            title="Unit costs",
            hide_index=True,
            alt="Every unit cost with its value, unit, source and note.",
        )
        st.caption("Your own: `neft hardware --constants > mine.toml`, change it, and name it in `NEFT_HARDWARE`.")


page()
