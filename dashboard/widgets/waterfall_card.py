"""Why a run's accuracy is as low as it is: the step that costs it, asked for by a button and kept."""

import pandas as pd
import streamlit as st

from dashboard import charts
from dashboard.data import restorable, waterfalls
from dashboard.data.foreign import foreign
from dashboard.data.stored import RunRecord, look
from dashboard.data.waterfalls import Descent
from dashboard.widgets.changing_button import changing_button
from dashboard.widgets.chart_card import Card, chart_card
from dashboard.widgets.guards import alone
from dashboard.widgets.network_picker import say_why_not
from dashboard.widgets.streaming import streamed
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import waterfall_words
from dashboard.words.sentences import SIGMA_D
from neft.errors import StoreError
from neft.sigma_d import sigma_d_text

QUESTION = "Why is its accuracy not higher?"
DEFINITION = r"""
**Waterfall.** Accuracy on training images without devices, on test images, with weights as $M$-bit codes (Eq. 4 of
[Qin2025]), as mapped to devices where that differs, misread while programmed where the run says so, with device
variation as programming leaves it in one layer after another, from the input to the output, then with one effect on
the devices after another, where the run has any. Each step keeps those before it:

$$\text{cost}_k=\text{accuracy}_{k-1}-\text{accuracy}_k,\qquad \text{accuracy}_0=1$$

so the costs add up to all that is lost. Those of variation and effects are taken chip by chip, on the first chips of
the run's evaluation. What a layer costs depends on those before it: variation in one layer alone is on the page
Preview.
"""


def waterfall_card(record: RunRecord) -> None:
    """Draw what is stored, or offer to find it out."""
    sigma_d = waterfalls.usual_sigma_d(record)
    if sigma_d is None or not restorable.has_weights(record):
        return
    try:
        found = waterfalls.found(record, sigma_d)
    except StoreError as error:
        st.error(foreign(str(error)), icon=":material/error:")
        found = None
    if found is not None:
        causes = waterfalls.causes(found.steps)
        st.markdown(waterfall_words.finding(causes, sigma_d=sigma_d, has_real_weights=found.has_real_weights))
        dearest = waterfall_words.dearest_label(causes)
        _card(record, waterfalls.table(found.steps), dearest, sigma_d, found.num_instances)
    elif st.session_state.get(_asked(record)):
        _live(record, sigma_d)
    else:
        _offer(record, sigma_d)


def _offer(record: RunRecord, sigma_d: float) -> None:
    def ask() -> None:
        waterfalls.start_anew(record, sigma_d)
        st.session_state[_asked(record)] = True

    with st.container(border=True):
        st.markdown(f"## {QUESTION}")
        st.caption(
            f"From its training images to its chips at {SIGMA_D} = {sigma_d_text(sigma_d)}, step by step: the step "
            "that costs it."
        )
        _ = changing_button(
            "Find the step that costs it",
            icon=":material/stacked_bar_chart:",
            key=f"waterfall_ask_{record.id}",
            on_click=ask,
            help=f"{waterfalls.NUM_CHIPS} chips: seconds for a small network on digits, minutes for a wide one. Kept.",
        )
        st.code(f"neft waterfall {record.id}", language=None, wrap_lines=True)


def _live(record: RunRecord, sigma_d: float) -> None:
    way = waterfalls.descent(record, sigma_d)
    streamed(
        f"waterfall_finished_{record.id}",
        lambda: (record.id, sigma_d, st.session_state.get(_asked(record))),
        lambda: _so_far(record, sigma_d, way),
        finish=lambda: _finished(record, way),
    )


def _finished(record: RunRecord, way: Descent) -> None:
    if way.problem is None:
        st.session_state.pop(_asked(record), None)


def _so_far(record: RunRecord, sigma_d: float, way: Descent) -> list[Descent]:
    if way.problem is not None:
        say_why_not(way.problem)
        return [way]
    last = way.last
    st.progress(last.done / last.total, text=f"Trying chips: {last.done} of {last.total}")
    if last.steps and last.done > 1:
        dearest = waterfall_words.dearest_label(waterfalls.causes(last.steps))
        _card(record, waterfalls.table(last.steps), dearest, sigma_d, last.done)
    return [way]


@alone
def _card(record: RunRecord, table: pd.DataFrame, dearest: str, sigma_d: float, num_chips: int) -> None:
    card = Card(
        key=f"waterfall_{record.id}",
        runs=(record.id,),
        command=f"neft waterfall {record.id}",
        question=QUESTION,
        caption=(
            f"Accuracy step by step, at {SIGMA_D} = {sigma_d_text(sigma_d)}, {num_chips} chips of "
            f"{record.facts.device_label}. Look for the longest bar; each step keeps those before it."
        ),
        definition=DEFINITION,
        alt=f"Accuracy after each of {len(table)} steps from training images to chips, and what each step costs.",
    )
    steps = waterfall_words.labelled(table)
    chart_card(card, charts.waterfall(steps, look=look(record), dearest=dearest, mode=theme_mode()), steps)


def _asked(record: RunRecord) -> str:
    return f"waterfall_asked_{record.id}"
