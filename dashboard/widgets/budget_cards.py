"""An experiment on the training budget: what every method brings as training lengthens, and how accurate it is."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts.frames import look_of
from dashboard.data import plans
from dashboard.data.plans import PLAIN, Experiment
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import findings, sentences
from neft import columns
from neft.experiments.questions import series_words

BEST = "best"
DEFINITION = r"""
Every method is trained at every learning rate, for as many epochs as usual and for four times as many. A **step** is
one update of the weights, on one batch; steps are epochs × batches.

The **difference** to plain noise injection of the same length is taken seed by seed and chip by chip before it is
averaged; its interval counts seeds and chips both as random (two-way random effects).

*Best on validation*: each method at the learning rate whose validation accuracy, under variation and averaged over
seeds, is the best at that length; plain noise injection too. Test chips choose nothing.
"""


def budget_cards(plan: str, experiment: Experiment, stamp: str) -> None:
    """The choice of a learning rate, the finding, a chart of differences, one of accuracies, and both as a table."""
    rates = plans.learning_rates(plan, experiment.name, stamp)
    by_key = {f"{rate:g}": rate for rate in rates}
    control = Control(
        key=address.BUDGET_RATE,
        label="Learning rate",
        options={BEST: "Best on validation", **{key: key for key in by_key}},
        help="One for all methods, or each method's own: the one that the validation split chooses at that length.",
    )
    chosen = control.draw()
    is_best = chosen == BEST
    rows = plans.advantages(plan, experiment.name, None if is_best else by_key[chosen], stamp)
    reference = rows[rows[columns.VARIANT] == PLAIN]
    label = series_words(PLAIN)
    st.markdown(findings.budget_words(rows, f"plain {label.lower()}"))
    how = findings.chosen_rates_words(rows, rates) if is_best else f"All at learning rate {chosen}."
    _advantages(experiment, rows[rows[columns.DIFFERENCE].notna()], reference, label, how)
    _accuracies(rows)
    if not rows.empty:
        _table(rows)


@alone
def _advantages(experiment: Experiment, known: pd.DataFrame, reference: pd.DataFrame, label: str, how: str) -> None:
    card = Card(
        key=experiment.name,
        question="What is left of each gain as training lengthens?",
        caption=f"{experiment.look_for} {how} {findings.tested_words(known)}",
        definition=DEFINITION,
        alt=f"Advantage over {label.lower()} against training steps, by method, with 95 % intervals.",
    )
    if known.empty:
        empty_card(card, f"A difference takes {label.lower()} and another method, trained for as many steps.")
        return
    figure = charts.advantage_by_budget(
        known,
        reference=look_of(reference),
        reference_label=label,
        interval_name=f"paired difference, {sentences.spread_words(known)}",
        mode=theme_mode(),
    )
    chart_card(card, figure, known)


@alone
def _accuracies(rows: pd.DataFrame) -> None:
    card = Card(
        key="budget_accuracy",
        question="How accurate is each, the longer it is trained?",
        caption="Where plain noise injection still rises, it was not trained to its end. Learning rates as above.",
        definition=DEFINITION,
        alt="Accuracy over training steps, by method, with 95 % intervals.",
    )
    if rows.empty:
        empty_card(card, "None of its runs can be read.")
        return
    steps = rows[columns.NUM_STEPS]
    points = rows.assign(
        **{columns.POSITION: steps.astype(float), columns.SETTING_LABEL: [f"{count:,}" for count in steps]}
    )
    figure = charts.setting_points(
        points,
        axis_title="training steps",
        numeric=False,
        logarithmic=False,
        joined=True,
        interval_name=f"mean, {sentences.spread_words(points)}",
        mode=theme_mode(),
    )
    chart_card(card, figure, rows)


@alone
def _table(rows: pd.DataFrame) -> None:
    differences = rows[[columns.DIFFERENCE, columns.DIFFERENCE_CI95, columns.DIFFERENCE_SEEDS]]
    directions = findings.direction_words(differences.set_axis([columns.MEAN, columns.CI95, columns.NUM_SEEDS], axis=1))
    is_reference = rows[columns.VARIANT] == PLAIN
    with st.container(border=True, key="card_budget_table"):
        st.markdown("## In numbers")
        shown_table(
            pd.DataFrame(
                {
                    "Steps": rows[columns.NUM_STEPS],
                    "Images": rows[columns.NUM_PRESENTATIONS],
                    "Method": rows[columns.LABEL],
                    "Learning rate": [f"{rate:g}" for rate in rows[columns.LEARNING_RATE]],
                    "Accuracy": [
                        sentences.with_interval(mean, half)
                        for mean, half in zip(rows[columns.MEAN], rows[columns.CI95], strict=True)
                    ],
                    "Difference": [findings.gain_words(row) for _, row in rows.iterrows()],
                    "Told apart": pd.Series(directions, index=rows.index).mask(is_reference, "reference"),
                }
            ).sort_values("Steps", kind="stable"),
            column_config={
                "Steps": st.column_config.NumberColumn(format="localized", help="Epochs × batches."),
                "Images": st.column_config.NumberColumn(
                    format="localized", help="Training images shown, each as often as it was."
                ),
                "Difference": st.column_config.TextColumn(help="To plain noise injection of the same length, paired."),
            },
            hide_index=True,
            key="budget_table",
            title="Accuracy by length of training",
            numbers=rows,
            height="content",
        )
        st.caption("Differences to plain noise injection of the same length, seed by seed and chip by chip.")
