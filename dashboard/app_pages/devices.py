"""Device technologies: where each is from, how far it misses, and one std in every unit."""

import streamlit as st

from dashboard import address, charts
from dashboard.data import technologies
from dashboard.data.foreign import foreign
from dashboard.data.technologies import Technology
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.component_form import form_address
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.page_link import page_link
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import technology_words as words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.errors import NeftError

AT, VALUE, UNIT, G_MAX = "card_at", "card_value", "card_unit", "card_g_max"
USUAL_BITS = "2"
USUAL_G_MAX = 100.0  # µS, where a technology tells none
FORMULA_DEFINITION = r"""
**Formula and samples.** The line is $\sigma(g)$ as published, over the range in which it was measured. Each ring is the
standard deviation of 2,000 devices of one level, drawn by the steps that make chips: the level's std over
$\sigma_d\,g_{max}$, rounded to four digits as a run keeps it, times a normal number, as a weight of one device. Bars
are 95 % intervals ($\chi^2$). The formula lies outside one bar in twenty.

Levels lie evenly over the range. $\sigma_d$ is the root mean square of their stds over $g_{max}$, so that the level
stds' root mean square is 1, as RRAM1's. Where the range does not begin at 0, chips need its on/off ratio, which the
command has.

The published devices are $(1, s, s, 1)/n(s)$ with $n(s)=\sqrt{0.4 s^2+0.6}$, $s$ = 1, 2, 4, 6, at any $\sigma_d$
([Qin2025], released configuration).
"""


def page() -> None:
    """Draw the page."""
    st.title("How far do known devices miss?")
    with st.sidebar:
        found = _chosen()
    if found is None:
        return
    st.markdown(words.finding_words(found))
    left, right = st.columns(2)
    with left:
        _formula_card(found)
        _converter(found)
    with right:
        _facts_card(found)
        _use_card(found)
    _overview()


def _chosen() -> Technology | None:
    name = Control(
        key=address.TECHNOLOGY,
        label="Technology",
        options=technologies.names(),
        kind="list",
        help="Measured technologies first, then the devices of NeFT's released configuration.",
    ).draw()
    bits = Control(
        key=address.TECHNOLOGY_BITS,
        label="Bits a device K",
        options={str(count): str(count) for count in technologies.bits_of(name)},
        default=USUAL_BITS,
        help="2^K levels, evenly over the range; some devices are known for four levels alone.",
    ).draw()
    try:
        return technologies.technology(name, int(bits))
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return None


@alone
def _formula_card(found: Technology) -> None:
    card = Card(
        key="formula",
        question="How far does each conductance miss?",
        caption=words.sampled_words(found),
        definition=FORMULA_DEFINITION,
        alt=f"Std against conductance of {found.label}: formula and {len(found.sampled)} levels of samples.",
    )
    figure = charts.std_vs_conductance(
        found.curve, found.sampled, unit=found.unit, mode=theme_mode(), by_level=found.is_open
    )
    chart_card(card, figure, found.sampled)


@alone
def _facts_card(found: Technology) -> None:
    with st.container(border=True, key="card_facts"):
        st.markdown("## Where is it from?")
        st.latex(found.equation)
        unit = f"σ and g in {found.unit}" if found.unit else "σ over the maximal conductance"
        st.text(f"{found.text}; {unit}.")
        for what, fact in words.facts_table(found).items():
            st.markdown(f"**{what}.** {fact}")
        shown_unit = found.unit or "÷ g_max"
        shown_table(
            words.shown_levels(found),
            key="device_levels_table",
            title=f"Levels of {found.label}",
            hide_index=True,
            alt="Every level's conductance, std by the formula and of sampled devices.",
            column_config={
                columns.LEVEL: st.column_config.NumberColumn("Level", width="small"),
                columns.CONDUCTANCE: st.column_config.NumberColumn(f"g {shown_unit}", format="%.4g"),
                columns.STD: st.column_config.NumberColumn(f"σ(g) {shown_unit}", format="%.4g"),
                columns.SAMPLED_STD: st.column_config.NumberColumn("Sampled", format="%.4g"),
                columns.LEVEL_STD: st.column_config.NumberColumn(
                    "Level std", format="%.4g", help="Over σ_d × maximal conductance."
                ),
                columns.RANGE_SHARE: st.column_config.NumberColumn("% of range", format="%.3g"),
            },
        )


def _converter(found: Technology) -> None:
    with st.container(border=True, key="card_converter"):
        st.markdown("## What is a std in other units?")
        units = technologies.units()
        left, middle, right = st.columns(3)
        with left:
            value = st.number_input(
                "Std",
                min_value=0.0,
                value=found.sigma_d,
                format="%g",
                key=f"{VALUE}_{found.name}_{found.device_bits}",
                help="In the unit beside it. It begins with this technology's σ_d.",
            )
        with middle:
            unit = st.selectbox(
                "Unit",
                list(units),
                format_func=units.__getitem__,
                key=UNIT,
                help="What the number beside it is told in: a share of g_max or of w_max, µS, or % of the range.",
            )
        with right:
            g_max = st.number_input(
                "g_max (µS)",
                min_value=1e-6,
                value=found.g_max if found.unit else USUAL_G_MAX,
                format="%g",
                key=f"{G_MAX}_{found.name}",
                help="The maximal conductance. This technology's, where its source tells one.",
            )
        _converted(found, float(value), unit, float(g_max))
        _std_at(found)


def _converted(found: Technology, value: float, unit: str, g_max: float) -> None:
    try:
        conversion = technologies.conversion(found.name, found.device_bits, value, unit, g_max)
    except NeftError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        return
    st.markdown(words.conversion_table(conversion, technologies.units()))
    st.caption(
        f"std/w_max: of a {found.weight_bits}-bit weight on devices of {found.device_bits} bits that all miss so, sign "
        "on a crossbar of its own. % of range: of the range between the lowest and the highest level."
    )


def _std_at(found: Technology) -> None:
    middle = (found.g_min + found.g_max) / 2
    if technologies.std_at(found.name, middle) is None:
        st.caption("This technology tells the stds of its levels alone, not of every conductance.")
        return
    conductance = st.number_input(
        f"Std at a conductance g ({found.unit or '÷ g_max'})",
        min_value=0.0,
        value=middle,
        format="%g",
        key=f"{AT}_{found.name}",
        help="By the formula; outside the range that was measured, it is extrapolated.",
    )
    at = technologies.std_at(found.name, float(conductance))
    if at is None:
        return
    st.markdown(words.std_words(found, float(conductance), at))
    if at.warning:
        st.warning(at.warning, icon=":material/warning:")


def _use_card(found: Technology) -> None:
    with st.container(border=True, key="card_use"):
        st.markdown("## Train with it")
        st.code(found.train, language=None, wrap_lines=True)
        if found.effect_options:
            st.caption("What else is known of it, on the chips of a stored network:")
            st.code(f"neft evaluate RUN_ID {found.effect_options}", language=None, wrap_lines=True)
        page_link(
            Page.TRAIN, f"{Page.TRAIN.title} page, with this device", query_params=form_address(found.config_json)
        )


@alone
def _overview() -> None:
    with st.container(border=True, key="card_overview"):
        st.markdown("## All of them")
        table = technologies.overview()
        shares = [columns.LEAST, columns.MOST]
        shown_table(
            table.assign(**{name: 100 * table[name] for name in shares}),
            hide_index=True,
            height="content",
            key="technologies_table",
            title="Device technologies",
            alt="Every technology with its range, its stds and its source.",
            column_config={
                columns.LABEL: st.column_config.TextColumn("Device", pinned=True),
                columns.TECHNOLOGY: st.column_config.TextColumn("Technology"),
                columns.G_MIN: st.column_config.NumberColumn("From µS", format="%g"),
                columns.G_MAX: st.column_config.NumberColumn("To µS", format="%g"),
                columns.SIGMA_D: st.column_config.NumberColumn("σ_d", format="%.4g", help="As devices of 2 bits."),
                columns.LEAST: st.column_config.NumberColumn("Least %", format="%.3g", help="Std over the range."),
                columns.MOST: st.column_config.NumberColumn("Most %", format="%.3g", help="Std over the range."),
                columns.SOURCE: st.column_config.TextColumn("Source", width="large"),
            },
        )
        st.caption(
            f"None: the source tells no µS, or leaves {SIGMA_D} open. On the command line: `neft devices`, and "
            "`neft devices NAME`."
        )


page()
