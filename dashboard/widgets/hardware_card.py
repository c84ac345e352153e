"""What a run's network takes on a chip: its totals in words, and which parts take the area and the energy."""

from collections.abc import Callable

import streamlit as st

from dashboard import charts
from dashboard.data import hardware
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import hardware_words
from neft import columns
from neft.errors import NeftError

DEFINITION = r"""
**Counts.** A layer of $O$ outputs and $I$ inputs under $M$-bit weights on $K$-bit devices has
$O\,\lceil M/K\rceil\,c\,p$ columns of $I$ devices: $c$ copies, and $p = 2$ for a sign crossbar or a differential pair,
$1$ for weights of one sign or with an offset ([GarciaRedondo2019]). Columns longer than an array's 128 rows are cut,
and every piece is converted. Inputs are streamed bit by bit, a conversion a column and bit; both columns of a pair are
converted, then subtracted. Sign crossbars are read as such pairs. Accuracies are those of one ADC an output, behind
that sum: what is priced here converts more often, and rounds more finely.

**Area and energy** are counts and operations times unit costs, those of [Shafiee2016] (modelled at 32 nm) unless a file
of your own is named; the page Hardware lists each with its source. A layer pays for the part of an array that it fills.
Buffers, buses, routers, activations, digital factors and programming are left out.

**100 %** is the same network with weights of both signs in pairs of devices and a bank of converters a layer.
"""
QUESTION = "What does it take on a chip?"


@alone
def hardware_card(record: RunRecord, *, controls: Callable[[], object] | None = None) -> None:
    """Draw it, or say why it is not known.

    Args:
        record: the run.
        controls: draws what stands beside the question.
    """
    try:
        size, parts = hardware.size(record), hardware.parts(record)
        assumed = hardware_words.assumed_words(is_assumed=hardware.has_assumed_bits(record))
    except NeftError as error:
        st.markdown(f"## {QUESTION}")
        if controls is not None:
            controls()
        st.caption(foreign(str(error)))
        return
    labelled = parts.assign(**{columns.LABEL: parts[columns.COMPONENT].map(hardware_words.PARTS)})
    card = Card(
        key=f"hardware_{record.id}",
        runs=(record.id,),
        question=QUESTION,
        caption=f"{hardware_words.size_words(size)} {assumed}".rstrip(),
        definition=DEFINITION,
        alt="Shares of each part of the chip in the network's area and energy.",
        command=f"neft hardware {record.id}",
    )
    chart_card(card, charts.hardware_parts(labelled, mode=theme_mode()), labelled, controls=controls)
