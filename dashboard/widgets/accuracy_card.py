"""What every page of one selection begins with: the finding in a sentence, and accuracy against device variation."""

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.address import Selection
from dashboard.charts.theme import HEIGHT, Mode
from dashboard.data import results, stored
from dashboard.data.caches import kept
from dashboard.pages import Page
from dashboard.widgets.chart_card import KEPT, Card, Made, NothingToDraw, labels_of, made_card, show_card
from dashboard.widgets.control import Control
from dashboard.widgets.guards import alone
from dashboard.widgets.page_link import page_link
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import percentile_words, sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import same_sigma_d, sigma_d_text

ACCURACY_DEFINITION = r"""
**Accuracy against device variation.** Every chip is the trained network with its weights programmed into devices that
miss:

$$W_p = W_d + \frac{w_{max}}{2^M-1}\sum_j \Delta g_j\,2^{jK},\qquad
\Delta g_j \sim \mathcal N\big(0,\ \sigma_d\,(2^K-1)\big)$$

([Qin2025], Eq. 4 and 5; $\sigma_d$ is relative to a device's maximal conductance). Chip 7 is the same chip for every
method.

*Matched*: every point is a network trained at that $\sigma_d$, as in the papers. *Fixed*: one network over all
$\sigma_d$.

*Published figures* (chosen in the sidebar) are the NeFT authors' measurements, digitised from the accuracy figure in
their public repository (January 2025; [Qin2025]). The figure names no device, RRAM1 is
assumed, and its CorrectNet has no compensation layers. Compare the order of the methods and the gaps, not point with
point.

The interval counts seeds and chips both as random (two-way random effects, each mean square with the t of its own
degrees of freedom).
"""


PERCENTILE_DEFINITION = r"""
**The $k$-th percentile** ($\mathrm{KPP}_k$): the accuracy that all but $k$ % of a network's chips beat, a realistic
worst case for $k = 1$ ([Yan2022]). A method's value is the mean over its trainings of each one's percentile.

Its limits ask nothing of how chips spread: of $n$ chips the number below the percentile is binomial, so the chip of
rank $r$ bounds it with known probability ([David2003], section 7.1). Either limit is a one-sided 95 % limit: it holds
with at least 95 %, both at once with at least 90 %. A method's limits are the means of its trainings' limits; they say
nothing of another training. Few chips set no lower limit: with probability $(1 - k/100)^n$ even the worst of them lies
above the percentile. That is below 5 % from 299 chips on for the 1st percentile, from 59 on for the 5th.

"""
MEAN = "mean"
STATISTIC = Control(
    key=address.STATISTIC,
    label="Lines",
    options={MEAN: "Mean"} | {str(k): f"Worst {k} %" for k in sorted(results.LOW_PERCENTILES, reverse=True)},
    help="What each line shows of the chips: their mean, or the accuracy that all but 5 or 1 of a hundred beat.",
    shows_label=False,
    once={"1st percentile": "1", "5th percentile": "5"},
)


def has_methods(selection: Selection) -> bool:
    """Whether a method is chosen; where none is, the page says how to choose one."""
    if selection.variants:
        return True
    st.info(
        f"Choose at least one method in the sidebar. Runs that were tried at fewer than three {SIGMA_D} are no "
        "curves; they stand with their experiment.",
        icon=":material/touch_app:",
    )
    page_link(Page.EXPERIMENTS)
    return False


def no_chips_here(selection: Selection) -> None:
    """Say that no chosen network was trained at the slice."""
    st.info(
        f"None of the chosen networks was trained at {SIGMA_D} = {sigma_d_text(selection.sigma_d)}. "
        "Move the slice, or read with fixed networks.",
        icon=":material/touch_app:",
    )


@alone
def accuracy_card(selection: Selection, *, height: int = HEIGHT, has_legend: bool = True) -> None:
    """Accuracy against device variation: the mean over chips, or a low percentile where one is chosen."""
    chosen = STATISTIC.chosen()
    mode = theme_mode()
    if chosen == MEAN:
        published = stored.published_beside(selection.variants) if selection.published else ()
        made = _mean_card(selection, published, height=height, has_legend=has_legend, mode=mode)
    else:
        made = _percentile_card(selection, int(chosen), height=height, has_legend=has_legend, mode=mode)
    show_card(made, controls=STATISTIC.draw)


@kept(max_entries=KEPT, stamp=stored.of_its_runs)
def _percentile_card(
    selection: Selection, percentile: int, *, height: int, has_legend: bool, mode: Mode
) -> Made | NothingToDraw:
    every = results.low_percentiles(selection.reading)
    found = every[every[columns.PERCENTILE] == percentile]
    curves = stored.curves(selection.reading, columns.ACCURACY)
    at_slice = curves[same_sigma_d(curves[columns.SIGMA_D], selection.sigma_d)]
    name = results.percentile_name(percentile)
    beside = "" if selection.published is None else " Published figures are means, and left out."
    card = Card(
        key="accuracy",
        question="How fast does an unlucky chip fall?",
        caption=(
            f"{percentile_words.unlucky_words(found, at_slice, selection.sigma_d)} "
            f"{percentile_words.percentile_limits_words(found)}{beside}"
        ),
        definition=PERCENTILE_DEFINITION + ACCURACY_DEFINITION,
        alt=f"The {name} of accuracy over chips against device variation for {len(selection.variants)} methods.",
    )
    if found.empty:
        return NothingToDraw(card, "No chips for this selection.")
    figure = charts.accuracy_vs_sigma_d(
        found,
        slice_sigma_d=selection.sigma_d,
        chance=1 / selection.num_classes,
        interval_name=percentile_words.percentile_line_name(found),
        connect=True,
        value=columns.VALUE,
        height=height,
        mode=mode,
    )
    return made_card(card, figure, found, without=() if has_legend else labels_of(found))


@kept(max_entries=KEPT, stamp=stored.of_its_runs)
def _mean_card(
    selection: Selection, published_variants: tuple[str, ...], *, height: int, has_legend: bool, mode: Mode
) -> Made | NothingToDraw:
    """The published figures beside it where chosen."""
    curves = stored.curves(selection.reading, columns.ACCURACY)
    published = stored.published_points(selection.published, published_variants)
    images = "" if curves.empty else stored.images_words(curves, selection.reading.run_ids)
    spread = sentences.spread_words(curves)
    beside = "" if published.empty else f" Hollow marks are published for {selection.published_label}."
    card = Card(
        key="accuracy",
        question="How fast does accuracy fall?",
        caption=f"{_accuracy_caption(selection, curves)} {sentences.published_words(published, images)}".strip(),
        definition=ACCURACY_DEFINITION,
        alt=f"Accuracy against device variation for {len(selection.variants)} methods, {spread}.{beside}",
    )
    if curves.empty:
        return NothingToDraw(card, "No chips for this selection.")
    figure = charts.accuracy_vs_sigma_d(
        curves,
        slice_sigma_d=selection.sigma_d,
        chance=1 / selection.num_classes,
        interval_name=f"mean, {spread}",
        connect=True,
        published=published,
        published_name=f"hollow: published, {selection.published_label}",
        height=height,
        mode=mode,
    )
    return made_card(card, figure, curves, without=() if has_legend else labels_of(curves))


def _accuracy_caption(selection: Selection, curves: pd.DataFrame) -> str:
    if selection.protocol == "matched":
        return f"Every point is a network trained at that device variation {SIGMA_D}; training without noise is one."
    trained = f"{SIGMA_D} = {sigma_d_text(selection.train_sigma_d or 0)}"
    start = f"One network a seed, trained at {trained}, tried at every {SIGMA_D}."
    has_batchnorm = any(record.facts.has_batchnorm for record in stored.records(selection.run_ids))
    comparable = curves[curves[columns.VARIANT].isin(stored.comparable_variants(selection.run_ids))]
    clean = sentences.clean_words(stored.clean_means(comparable), has_batchnorm=has_batchnorm)
    return f"{start} {clean}".strip()
