"""How sure chips are: EKL per chip and per image, confidence, calibration."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard import charts
from dashboard.address import Selection
from dashboard.data import restorable, results, stored
from dashboard.data.stored import RunRecord
from dashboard.widgets.accuracy_card import has_methods, no_chips_here
from dashboard.widgets.chart_card import Card, chart_card, empty_card
from dashboard.widgets.ekl_card import EKL_DEFINITION, METRIC, ekl_card
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.method_numbers import numbers_table
from dashboard.widgets.outcome_cards import outcome_cards
from dashboard.widgets.run_picker import pick_runs
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import percentile_words, result_words, sentences, titles
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.input_kinds import IMAGE
from neft.sigma_d import sigma_d_text

CURVE_DEFINITION = (
    EKL_DEFINITION
    + r"""
*Calibrated*: the logits are divided by one temperature, fitted for each network at each $\sigma_d$ on validation images
and chips of their own ([Guo2017], section 4.2). It changes no prediction and leaves out the scale of the logits,
which feedback training sets by its temperature N+1.
"""
)
CALIBRATION_DEFINITION = r"""
**Expected calibration error**: $\sum_b \frac{n_b}{n}\,|a_b - c_b|$ over 15 equal bins of confidence, the accuracy of a
bin less its mean confidence ([Guo2017], Eq. 5). One value per chip.

Hollow: after the logits are divided by the stored temperature, over the chips that this page opens again (lowest seed).
A single temperature moves all confidences at once; what stays is not a matter of scale.
"""
QUESTION = "How sure are the chips?"
HIDDEN = (
    "EKL counts only the images that a chip gets right, and depends on the scale of the logits: read it calibrated, "
    "and beside the accuracy."
)


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    selection = pick_runs()
    if not selection.variants:
        st.title(QUESTION)
    if not has_methods(selection):
        return
    rows = stored.at_slice(selection.reading, selection.sigma_d)
    _finding(selection, rows)
    records = results.one_run_each(selection)
    left, right = st.columns(2)
    with left:
        ekl_card(selection, rows, has_legend=False)
    with right:
        _ekl_curves(selection)
    _calibration(selection, records)
    _image_by_image(selection, records)
    show_problems()


def _finding(selection: Selection, rows: pd.DataFrame) -> None:
    """The title and the methods' numbers: EKL as deployed and calibrated, and paired differences to the control."""
    known = rows.dropna(subset=[columns.CALIBRATED_EKL]) if columns.CALIBRATED_EKL in rows else rows.iloc[:0]
    feedback = stored.against_control(known, selection.run_ids, columns.CALIBRATED_EKL)
    told = feedback[columns.CI95].notna().any()
    st.title(titles.surer_than_control(feedback, selection.sigma_d) if told else QUESTION)
    if rows.empty:
        no_chips_here(selection)
        return
    means = stored.means(rows, columns.EKL)
    numbers = {
        "EKL (nats)": _cells(means, result_words.nats_with_interval),
        "calibrated": _cells(stored.means(known, columns.CALIBRATED_EKL), result_words.nats_with_interval),
    }
    control = stored.control_of(known)
    if control:
        differences = stored.differences(known, control, columns.CALIBRATED_EKL)
        numbers["against the control"] = _cells(differences, result_words.nats_difference) | {control: "the control"}
    shown = {words: cells for words, cells in numbers.items() if cells}
    caption = f"Mean and {sentences.spread_words(means)} · {selection.dataset_label} · {selection.backbone_label}"
    numbers_table(means, shown, caption=f"{caption} · {selection.device_label}. {HIDDEN}")


def _cells(rows: pd.DataFrame, words: Callable[[float, float], str]) -> dict[str, str]:
    """By variant, its mean and interval in words."""
    if rows.empty:
        return {}
    values = zip(rows[columns.VARIANT], rows[columns.MEAN], rows[columns.CI95], strict=True)
    return {str(variant): words(float(mean), float(ci95)) for variant, mean, ci95 in values}


@alone
def _ekl_curves(selection: Selection) -> None:
    metric = METRIC.chosen()
    curves = stored.curves(selection.reading, metric)
    known = curves[curves[columns.MEAN].notna()]
    card = Card(
        key="ekl_curves",
        question="Does that hold at every variation?",
        caption=(
            f"Lower is surer; near chance the few right answers left say little. {_unsure_words(selection, metric)}"
        ),
        definition=CURVE_DEFINITION,
        alt="Expected KL divergence against device variation, by method.",
    )
    if known.empty:
        empty_card(card, "These runs keep no calibrated EKL: they were stored before it was there. Evaluate them anew.")
        return
    figure = charts.ekl_vs_sigma_d(
        known,
        interval_name=f"mean, {sentences.spread_words(known)}",
        metric_title=f"{METRIC.options[metric]} (nats)",
        mode=theme_mode(),
    )
    chart_card(card, figure, known, controls=METRIC.draw)


def _unsure_words(selection: Selection, metric: str) -> str:
    """How unsure the chips are that are less sure than 99 of a hundred, at the slice."""
    rows = stored.at_slice(selection.reading, selection.sigma_d)
    words = percentile_words.unsure_words(results.unsure_chips(rows, metric)) if metric in rows else ""
    return f"At {SIGMA_D} = {sigma_d_text(selection.sigma_d)}: {words}" if words else ""


@alone
def _calibration(selection: Selection, records: tuple[RunRecord, ...]) -> None:
    curves = stored.curves(selection.reading, columns.CALIBRATION_ERROR)
    known = curves[curves[columns.MEAN].notna()]
    after = results.calibrated_errors(records, selection.sigma_d)
    card = Card(
        key="calibration",
        question="Do chips know how often they are right?",
        caption=(
            "0: confidence says how often an answer is right. "
            f"{result_words.calibration_words(known, selection.sigma_d)} "
            f"{'Hollow: calibrated, below.' if len(after) else ''}"
        ).strip(),
        definition=CALIBRATION_DEFINITION,
        alt="Calibration error against device variation, by method.",
    )
    if known.empty:
        empty_card(card, "No chips for this selection.")
        return
    figure = charts.calibration_vs_sigma_d(
        known,
        after,
        interval_name=f"mean, {sentences.spread_words(known)}",
        after_name=f"hollow: calibrated, at σ_d = {sigma_d_text(selection.sigma_d)}",
        mode=theme_mode(),
    )
    chart_card(card, figure, known)


def _image_by_image(selection: Selection, records: tuple[RunRecord, ...]) -> None:
    called = restorable.called(records[0]) if records else IMAGE
    st.markdown(f"## {called.one.capitalize()} by {called.one}")
    if not records:
        no_chips_here(selection)
        return
    outcome_cards(records, selection.sigma_d)


page()
