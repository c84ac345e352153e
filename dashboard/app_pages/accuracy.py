"""Accuracy in full: the mean chip, the unlucky one, what spreads, what is told apart, and a table to take along."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.address import Selection
from dashboard.charts.frames import look_of
from dashboard.data import results, stored
from dashboard.data.sources import runs_in
from dashboard.widgets.accuracy_card import (
    PERCENTILE_DEFINITION,
    accuracy_card,
    has_methods,
    no_chips_here,
)
from dashboard.widgets.chart_card import Card, chart_card, empty_card, labels_of
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.method_numbers import finding_title, method_numbers
from dashboard.widgets.run_picker import pick_runs
from dashboard.widgets.share_popover import Shared, shareable_page
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import percentile_words, result_words, sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text

QUESTION = "How accurate are the chips?"
UNLUCKY = Control(
    key=address.PERCENTILE,
    label="Unlucky means",
    shows_label=False,
    options={str(percentile): results.percentile_name(percentile) for percentile in (5, 1)},
    help="How many chips of a hundred are worse than the one shown.",
)
SPREAD_DEFINITION = r"""
**Chips, from the worst to the best.** The share of chips at or below an accuracy, every seed and chip one value. Dotted
lines mark the 5th percentile and the median.
"""
PARTS_DEFINITION = r"""
**Whose luck it is.** The accuracy of training $s$ on chip $c$ is taken as

$$a_{sc} = \mu + \alpha_s + \beta_c + \varepsilon_{sc}$$

(two-way random effects). $\mathrm{Var}(\alpha)$: some trainings are better on all chips. $\mathrm{Var}(\beta)$: some
chips are bad for all trainings. $\mathrm{Var}(\varepsilon)$: a chip is bad for one training. From mean squares:
$\hat\sigma^2_\alpha = (MS_s - MS_\varepsilon)/C$, $\hat\sigma^2_\beta = (MS_c - MS_\varepsilon)/S$, not below zero.

More chips narrow the interval of a mean only by what chips vary; where trainings differ, only more seeds do.
"""
DIFFERENCE_DEFINITION = r"""
**Paired differences.** Chip 7 is the same chip for every method of equal shape, and a seed gives every method the same
start. So the difference to the reference is taken seed by seed and chip by chip, and luck that both share cancels. The
interval is that of the mean difference, seeds and chips both counted as random.

Many intervals stand side by side: of twenty that hide no difference, one keeps clear of zero by chance.
"""
TABLE_HELP = {
    "Accuracy": "Mean over trainings × chips with its 95 % interval, both counted as random.",
    "N": "Trainings × chips.",
    "5th percentile": "5 % of a network's chips are worse, mean over trainings; in brackets its limits.",
    "1st percentile": "1 % of a network's chips are worse, mean over trainings; in brackets its limits.",
    "Failed": "Trainings whose mean over chips lies more than 5 points below that of their method's trainings.",
}


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    selection = pick_runs()
    rows = stored.at_slice(selection.reading, selection.sigma_d) if selection.variants else pd.DataFrame()
    with shareable_page(QUESTION, finding_title(selection, rows, QUESTION)) as shared:
        if has_methods(selection):
            _cards(selection, rows, shared)
    show_problems()


def _cards(selection: Selection, rows: pd.DataFrame, shared: Shared) -> None:
    shared.run_ids = selection.run_ids
    if rows.empty:
        no_chips_here(selection)
    else:
        shared.lead = method_numbers(selection, rows)
    left, right = st.columns(2)
    with left:
        accuracy_card(selection, has_legend=False)
    with right:
        _differences(selection)
    left, right = st.columns(2)
    with left:
        _unlucky(selection)
    with right:
        _distribution(selection, rows)
    _parts(selection, rows)
    _read_out(selection, rows)


@alone
def _unlucky(selection: Selection) -> None:
    percentile = int(UNLUCKY.chosen())
    name = UNLUCKY.options[str(percentile)]
    every = results.low_percentiles(selection.reading)
    found = every[every[columns.PERCENTILE] == percentile]
    curves = stored.curves(selection.reading, columns.ACCURACY)
    at_slice = curves[same_sigma_d(curves[columns.SIGMA_D], selection.sigma_d)]
    card = Card(
        key="unlucky",
        runs=runs_in(curves),
        question="How bad is an unlucky chip?",
        caption=(
            f"{percentile_words.unlucky_words(found, at_slice, selection.sigma_d)} "
            f"{percentile_words.percentile_limits_words(found)}"
        ),
        definition=PERCENTILE_DEFINITION,
        alt=f"The {name} of accuracy against device variation, beside the mean.",
    )
    if found.empty:
        empty_card(card, "No chips for this selection.")
        return
    figure = charts.unlucky_chips(found, curves, name=name, chance=1 / selection.num_classes, mode=theme_mode())
    chart_card(card, figure, every, controls=UNLUCKY.draw)


@alone
def _distribution(selection: Selection, rows: pd.DataFrame) -> None:
    card = Card(
        key="chips",
        runs=runs_in(rows),
        question="How much do chips differ?",
        caption=(
            f"Every chip at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}. A long foot on the left is a few bad ones."
        ),
        definition=SPREAD_DEFINITION,
        alt="Distribution of accuracy over chips, by method.",
    )
    if rows.empty:
        empty_card(card, f"No chips at this {SIGMA_D}.")
        return
    quantiles = stored.quantiles(rows, columns.ACCURACY)
    figure = charts.accuracy_distribution(
        quantiles, interval_name="every seed and chip is one value", mode=theme_mode()
    )
    chart_card(card, figure, rows[[columns.VARIANT, columns.SEED, columns.INSTANCE, columns.ACCURACY]])


@alone
def _differences(selection: Selection) -> None:
    curves = stored.curves(selection.reading, columns.ACCURACY)
    against = _reference(curves)
    reference = against.chosen() if against else ""
    zero = curves[curves[columns.VARIANT] == reference]
    found = (
        results.differences(selection.reading, reference) if len(set(curves[columns.VARIANT])) > 1 else pd.DataFrame()
    )
    name = "" if zero.empty else str(zero[columns.LABEL].iloc[0])
    drawn = results.within_reach(found, zero)
    card = Card(
        key="differences",
        runs=runs_in(curves),
        question="Which differences are told apart?",
        caption=(f"{result_words.differences_words(found, name)} {result_words.left_out_words(found, drawn)}"),
        definition=DIFFERENCE_DEFINITION,
        alt=f"Paired differences in accuracy to {name} against device variation, with intervals.",
    )
    if found.empty:
        empty_card(card, "A difference takes two methods with chips in common. Choose another one in the sidebar.")
        return
    figure = charts.difference_vs_sigma_d(
        drawn,
        reference=look_of(zero),
        reference_label=name,
        interval_name=f"paired difference, {sentences.spread_words(found)}",
        mode=theme_mode(),
    )
    chart_card(card, figure, found, controls=against.draw if against else None, without=labels_of(found))


def _reference(curves: pd.DataFrame) -> Control | None:
    """What the others are held against: the control, or the first method, unless another is chosen."""
    if curves.empty:
        return None
    ordered = curves.drop_duplicates(columns.VARIANT).sort_values(columns.IS_CONTROL, ascending=False, kind="stable")
    return Control(
        key=address.REFERENCE,
        label="Against",
        options={
            str(row[columns.VARIANT]): stored.variant_words(
                row[columns.LABEL], is_control=bool(row[columns.IS_CONTROL])
            )
            for row in ordered.to_dict("records")
        },
        kind="list",
        shows_label=False,
        width=230,
        help="The method at zero. The control is noise injection at feedback training's temperature.",
    )


@alone
def _parts(selection: Selection, rows: pd.DataFrame) -> None:
    parts = results.variance_parts(rows) if not rows.empty else pd.DataFrame()
    known = parts[parts[list(results.PARTS)].notna().all(axis=1)] if not parts.empty else parts
    card = Card(
        key="parts",
        runs=runs_in(rows),
        question="Is it the training or the chip?",
        caption=(
            f"One training on one chip at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}; std in points. "
            f"{result_words.variance_words(parts)}"
        ),
        definition=PARTS_DEFINITION,
        alt="Shares of the variance of accuracy that are due to the training, to the chip, and to both, by method.",
    )
    if known.empty:
        empty_card(card, "Trainings and chips can be told apart only where two seeds met the same two chips or more.")
        return
    chart_card(card, charts.variance_parts(known, mode=theme_mode()), parts)


@alone
def _read_out(selection: Selection, rows: pd.DataFrame) -> None:
    st.markdown(f"## Read-out at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}")
    if rows.empty:
        no_chips_here(selection)
        return
    found = results.read_out(rows)
    shown_table(
        result_words.read_out_table(found),
        title=f"Accuracy at σ_d = {sigma_d_text(selection.sigma_d)}",
        column_config={name: st.column_config.TextColumn(help=words) for name, words in TABLE_HELP.items()}
        | {"Method": st.column_config.TextColumn(pinned=True)},
        hide_index=True,
        key="read_out",
        numbers=found,
        height="content",
    )
    st.caption(
        "Accuracy is mean ± 95 % interval; in brackets a percentile's one-sided 95 % limits. "
        + percentile_words.too_few_words(found[columns.NUM_INSTANCES])
    )


page()
