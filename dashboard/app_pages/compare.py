"""Any stored runs side by side on shared axes, and what each differs from one of them, chip by chip."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.charts.run_marks import Marks, run_marks
from dashboard.data import comparisons, suggestions
from dashboard.data.comparisons import MOST_RUNS, Row, Side
from dashboard.data.stored import look
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.control import sigma_d_control
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.page_link import page_link
from dashboard.widgets.run_choice import choose_reference, choose_runs, choose_shown
from dashboard.widgets.share_popover import Shared, shareable_page
from dashboard.widgets.shown_table import shown_table
from dashboard.widgets.streamlit_names import DeltaGenerator
from dashboard.widgets.theme_mode import readable_tags, theme_mode
from dashboard.words import comparison_words, percentile_words
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

USUAL_SLICE = 0.1
SUMMARY = {
    "name": st.column_config.TextColumn("Run", pinned=True, width="medium"),
    "shown": st.column_config.CheckboxColumn("Shown", width="small"),
    columns.ACCURACY: st.column_config.NumberColumn("Accuracy", format="%.2f %%"),
    columns.CI95: st.column_config.NumberColumn("± 95 %", format="%.2f", help="Half-width over chips, in points."),
    columns.PERCENTILE_1: st.column_config.TextColumn(
        "1st percentile", help="99 of 100 chips beat it; in brackets its one-sided 95 % limits."
    ),
    columns.PERCENTILE_5: st.column_config.TextColumn(
        "5th percentile", help="95 of 100 chips beat it; in brackets its one-sided 95 % limits."
    ),
    columns.DIFFERENCE: st.column_config.NumberColumn(
        "Difference", format="%+.2f", help="To the reference, in points of accuracy."
    ),
    columns.DIFFERENCE_CI95: st.column_config.NumberColumn(
        "± paired", format="%.2f", help="95 % half-width over the chips that both met; unpaired where they met others."
    ),
    columns.INDEPENDENT_CI95: st.column_config.NumberColumn(
        "± independent", format="%.2f", help="Had each run been given chips of its own."
    ),
    "pairing": st.column_config.TextColumn("Pairing", help="How many independent chips would know as much."),
    columns.NUM_INSTANCES: st.column_config.NumberColumn("Chips", format="%d"),
    columns.PULSES: st.column_config.NumberColumn("Pulses", format="%.3g", help="A weight, to program it; expected."),
    columns.READS: st.column_config.NumberColumn("Reads", format="%.3g", help="A weight, while programming; expected."),
    "tags": st.column_config.ListColumn("Tags"),
    "note": st.column_config.TextColumn("Note", width="medium"),
    columns.RUN_ID: st.column_config.TextColumn("Id"),
}
PERCENT = (
    columns.ACCURACY,
    columns.CI95,
    columns.DIFFERENCE,
    columns.DIFFERENCE_CI95,
    columns.INDEPENDENT_CI95,
)
CURVES_DEFINITION = rf"""
**Each run by itself.** A line is one trained network; every point its mean over the stored chips of that $\sigma_d$,
with Student's 95 % interval over chips. Nothing is pooled over seeds: an interval says how well the mean of *this*
network is known, not how another training would have come out. For methods over seeds see
{Page.EXPLORE.title} and {Page.CLAIMS.title}.
"""
DIFFERENCE_DEFINITION = r"""
**Differences chip by chip.** Instance 7 is the same chip for every run of equal shape and chip law, so what a bad chip
takes from both runs drops out of their difference:

$$\text{paired: } t_{n-1}\sqrt{\operatorname{var}(A-B)/n}\qquad
\text{independent: } t_w\sqrt{\operatorname{var}A/n_A+\operatorname{var}B/n_B}$$

($w$ by [Welch1947]). Chips drawn for either run by itself that would know as much as
$n$ pairs: $n\,(\operatorname{var}A+\operatorname{var}B)/\operatorname{var}(A-B)$. Where the chips differ, the
independent interval is drawn. Many runs make many comparisons: of twenty intervals one misses by chance.
"""
SPREAD_DEFINITION = r"""
**The spread over chips.** For every accuracy the share of a run's chips that do not exceed it (empirical distribution,
201 quantiles). The 1st and 5th percentile in the table are where a line crosses 1 % and 5 %.
"""
TRAINING_DEFINITION = r"""
**Training.** Validation accuracy after every epoch, mean over validation chips at the run's own training $\sigma_d$;
the epoch of the best one was kept. Runs trained at different $\sigma_d$ met different chips here. Nothing is smoothed.
"""


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    readable_tags()
    with shareable_page("Compare runs") as shared:
        headline = st.container()
        run_ids = choose_runs(comparisons.readable_names(), most=MOST_RUNS)
        if len(run_ids) < 2:
            with headline:
                _start(run_ids)
        else:
            _side_by_side(run_ids, headline, shared)
    show_problems()


def _side_by_side(run_ids: list[str], headline: DeltaGenerator, shared: Shared) -> None:
    sides = comparisons.sides(run_ids)
    by_id = {side.id: side for side in sides}
    reference, sigma_d, shown = _controls(by_id)
    differences, reasons = comparisons.differences(tuple(run_ids), reference)
    curves = comparisons.curves(run_ids)
    means, rows = comparisons.at(curves, sigma_d), comparisons.at(differences, sigma_d)
    seen = [side for side in sides if side.id in shown]
    shared.run_ids = tuple(run_ids)
    shared.lead = comparison_words.finding(seen, by_id[reference], sigma_d, means, rows)
    with headline:
        st.markdown(shared.lead)
    unpaired = comparisons.unpaired(run_ids, reference)
    for words in comparison_words.why_not(seen, by_id[reference], reasons, unpaired):
        st.info(words, icon=":material/link_off:")
    marks = run_marks([(s.id, look(s.record), s.letter, s.label) for s in sides], mode=theme_mode())
    left, right = st.columns(2)
    with left:
        _curves(seen, _rows_of(curves, shown), marks, sigma_d)
    with right:
        _differences(seen, _rows_of(differences, shown), rows, marks, by_id[reference], sigma_d)
    left, right = st.columns(2)
    with left:
        _spread(shown, marks, sigma_d)
    with right:
        _training(shown, marks)
    _summary(sides, shown, means, rows, sigma_d)
    _settings(sides)
    page_link(Page.RUNS, "Details and notes of these runs", query_params={address.RUNS: run_ids})


def _start(run_ids: Sequence[str]) -> None:
    """Too few runs: what to do, and pairs to start with."""
    missing = "Choose a second run to compare this one with" if run_ids else "Choose two runs or more to compare"
    st.markdown(f"{missing}, pick them on the page of all runs, or start here:")
    for number, suggestion in enumerate(suggestions.suggestions()):
        page_link(
            Page.COMPARE,
            suggestion.title,
            icon=":material/compare_arrows:" if number == 0 else ":material/stacked_line_chart:",
            query_params={address.RUNS: list(suggestion.run_ids)},
        )
    page_link(Page.RUNS)


def _controls(by_id: Mapping[str, Side]) -> tuple[str, float, list[str]]:
    run_ids = list(by_id)
    left, right = st.columns(2)
    with left:
        reference = choose_reference(run_ids, lambda run_id: by_id[run_id].name)
    with right:
        sigma_d = _pick_slice(run_ids)
    return reference, sigma_d, choose_shown(run_ids, lambda run_id: by_id[run_id].name)


def _pick_slice(run_ids: Sequence[str]) -> float:
    control = sigma_d_control(
        address.SLICE,
        f"Slice at {SIGMA_D}",
        comparisons.tested_sigma_ds(run_ids),
        near=USUAL_SLICE,
        help="Device variation at which the sentence, the distribution and the table look.",
    )
    return float(control.draw())


@alone
def _curves(seen: Sequence[Side], curves: pd.DataFrame, marks: Marks, sigma_d: float) -> None:
    classes = {side.record.facts.num_classes for side in seen}
    card = Card(
        key="compare_accuracy",
        question="How fast does accuracy fall?",
        caption="Each line is one trained network; intervals are over its chips and say nothing of another seed.",
        definition=CURVES_DEFINITION,
        alt=f"Accuracy against device variation of {len(seen)} runs, each with its 95 % interval over chips.",
    )
    if curves.empty:
        empty_card(card, "No run is shown: press a button above to show it.")
        return
    figure = charts.run_curves(
        curves,
        marks,
        slice_sigma_d=sigma_d,
        chance=1 / classes.pop() if len(classes) == 1 else None,
        mode=theme_mode(),
    )
    chart_card(card, figure, curves)


@alone
def _differences(
    seen: Sequence[Side],
    differences: pd.DataFrame,
    rows: Mapping[str, Row],
    marks: Marks,
    reference: Side,
    sigma_d: float,
) -> None:
    shown = {side.id: rows[side.id] for side in seen if side.id in rows}
    card = Card(
        key="compare_differences",
        question=f"What differs from {reference.letter}, chip by chip?",
        caption=f"Intervals that keep clear of zero are differences. {comparison_words.pairing(shown)}".strip(),
        definition=DIFFERENCE_DEFINITION,
        alt=f"Differences in accuracy to run {reference.letter} against device variation, with 95 % intervals.",
    )
    if differences.empty:
        empty_card(card, "No shown run can be compared with the reference. Choose another reference, or show a run.")
        return
    figure = charts.run_differences(
        differences, marks, reference=reference.id, slice_sigma_d=sigma_d, mode=theme_mode()
    )
    chart_card(card, figure, differences)


@alone
def _spread(shown: Sequence[str], marks: Marks, sigma_d: float) -> None:
    quantiles = comparisons.quantiles(shown, sigma_d)
    card = Card(
        key="compare_spread",
        question="How much do chips differ?",
        caption=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}. Further right is better; a long foot is a few bad chips.",
        definition=SPREAD_DEFINITION,
        alt="Distribution of accuracy over chips, one rising line a run.",
    )
    if quantiles.empty:
        empty_card(card, f"No shown run has chips at this {SIGMA_D}.")
        return
    chart_card(card, charts.run_distributions(quantiles, marks, mode=theme_mode()), quantiles)


@alone
def _training(shown: Sequence[str], marks: Marks) -> None:
    histories = comparisons.histories(shown)
    card = Card(
        key="compare_training",
        question="How did they train?",
        caption="Lines that still rise at their end may have been stopped early.",
        definition=TRAINING_DEFINITION,
        alt="Validation accuracy by epoch, one line a run.",
    )
    if histories.empty:
        empty_card(card, "No history to show.")
        return
    chart_card(card, charts.run_histories(histories, marks, mode=theme_mode()), histories)


@alone
def _summary(
    sides: Sequence[Side], shown: Sequence[str], means: Mapping[str, Row], rows: Mapping[str, Row], sigma_d: float
) -> None:
    st.markdown(f"## The runs at {SIGMA_D} = {sigma_d_text(sigma_d)}")
    table = comparisons.summary(sides, shown, means, rows)
    table[list(PERCENT)] = table[list(PERCENT)].astype(float) * 100
    table["pairing"] = [comparison_words.saving(rows[run_id]) if run_id in rows else "" for run_id in table["run_id"]]
    shown_table(
        percentile_words.in_cells(table),
        title=f"The runs at σ_d = {sigma_d_text(sigma_d)}",
        hide_index=True,
        column_order=list(SUMMARY),
        column_config=SUMMARY,
        placeholder="",
        key="compare_summary",
        alt="The chosen runs: accuracy, low percentiles, difference to the reference, tags and note.",
    )
    missing = percentile_words.too_few_words(table[columns.NUM_INSTANCES])
    if missing:
        st.caption(missing)


@alone
def _settings(sides: Sequence[Side]) -> None:
    st.markdown("## What differs in their settings")
    only = st.toggle(
        "Differences only",
        value=True,
        key=address.DIFFERENCES_ONLY,
        bind="query-params",
        persist_state="session",
        help="Off: every setting of the runs.",
    )
    table = comparisons.settings([side.id for side in sides], differences_only=only)
    if table.empty:
        st.caption("Nothing: these runs have the same settings.")
        return
    named = table.rename(columns={side.id: side.name for side in sides})
    shown_table(
        named.astype(object).where(named.notna(), "–").astype(str).reset_index(),
        hide_index=True,
        column_config={columns.SETTING: st.column_config.TextColumn("Setting", pinned=True)},
        key="compare_settings",
        title="Settings of the runs",
        alt="Settings of the chosen runs, a column a run.",
    )


def _rows_of(frame: pd.DataFrame, run_ids: Sequence[str]) -> pd.DataFrame:
    return frame[frame[columns.RUN_ID].isin(run_ids)] if not frame.empty else frame


page()
