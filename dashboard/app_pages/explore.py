"""The landing page: four views of one selection, side by side."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import address, charts
from dashboard.address import Selection
from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
from dashboard.widgets import streamlit_parts as parts
from dashboard.widgets.accuracy_card import accuracy_card, has_methods, no_chips_here
from dashboard.widgets.chart_card import KEPT, Card, Made, NothingToDraw, made_card, show_card
from dashboard.widgets.ekl_card import ekl_card
from dashboard.widgets.guards import alone, show_problems, stop_without_runs
from dashboard.widgets.layer_deviation_card import layer_deviation_card
from dashboard.widgets.method_numbers import finding_title, method_numbers, numbers_html
from dashboard.widgets.player import player
from dashboard.widgets.presenter import is_presenting
from dashboard.widgets.run_picker import pick_runs
from dashboard.widgets.share_popover import Shared, shareable_page
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences
from dashboard.words.sentences import SIGMA_D
from neft import columns
from neft.sigma_d import sigma_d_text

DECAY_DEFINITION = r"""
**Decay factors.** Feedback training minimises

$$\mathrm{CE}\Big(\big(O - \beta\textstyle\sum_{n=1}^{N}\gamma_n\,\mathrm{Out}_n\big)/(N+1),\ y\Big)$$

([Qin2025], section 3). Paper: $\gamma_n = 10^{\,n-N}$ for OVF, $10^{\,1-n}$ for IRS; *reversed* swaps the order;
*constant* is $\gamma_n = 1$ (our reconstruction). N also sets the temperature N+1, so the number of terms and the
temperature move together.
Each mark is the difference to noise injection at temperature 4 (zero), the control without any feedback for N = 3,
seed by seed and chip by chip.
"""


UPPER_ROW, LOWER_ROW = (3, 2), (9, 11)
# where they stand, as CSS
TITLE, NUMBERS = f"{parts.MAIN} h1", f".st-key-numbers {parts.HTML}"
QUESTION = "How does accuracy survive device variation?"
LOW = 200  # of a chart, in pixels: so that the whole page fits one screen


def page() -> None:
    """Draw the page."""
    stop_without_runs()
    selection = pick_runs()
    rows = stored.at_slice(selection.reading, selection.sigma_d) if selection.variants else pd.DataFrame()
    with shareable_page(QUESTION, finding_title(selection, rows, QUESTION)) as shared:
        if has_methods(selection):
            _views(selection, rows, shared)
    show_problems()


def _views(selection: Selection, rows: pd.DataFrame, shared: Shared) -> None:
    shared.run_ids = (*selection.run_ids, *selection.ablation_ids)
    if rows.empty:
        no_chips_here(selection)
    else:
        shared.lead = method_numbers(selection, rows)
        at = f"σ_d = {sigma_d_text(selection.sigma_d)}"
        shared.further[f"EKL at {at}"] = lambda: stored.means(rows, columns.EKL)
        control = stored.control_of(rows)
        if control:
            label = rows.loc[rows[columns.VARIANT] == control, columns.LABEL].iloc[0]
            shared.further[f"Accuracy at {at}, paired differences to {label}"] = lambda: stored.differences(
                rows, control
            )
    places = [*st.columns(UPPER_ROW), *st.columns(LOWER_ROW)]
    for place, draw in zip(places, _cards(selection, rows), strict=True):
        with place:
            draw()
    with st.container() if is_presenting() else st.sidebar:
        _player(selection)


def _cards(selection: Selection, rows: pd.DataFrame) -> tuple[Callable[[], None], ...]:
    """What draws each of the four."""
    return (
        lambda: accuracy_card(selection, height=LOW, has_legend=False),
        lambda: ekl_card(selection, rows, height=LOW, has_legend=False),
        lambda: _decay(selection),
        lambda: layer_deviation_card(selection, height=LOW),
    )


def _player(selection: Selection) -> None:
    def draw(stop: str) -> None:
        there = replace(selection, sigma_d=float(stop))
        for card in _cards(there, stored.at_slice(there.reading, there.sigma_d)):
            card()

    def tell(stop: str) -> dict[str, str]:
        from dashboard.report.markdown import inline_html  # noqa: PLC0415 - what writes documents is needed at a click alone

        there = replace(selection, sigma_d=float(stop))
        rows = stored.at_slice(there.reading, there.sigma_d)
        numbers = "" if rows.empty else numbers_html(there, rows)
        return {TITLE: inline_html(finding_title(there, rows, QUESTION)), NUMBERS: numbers}

    stops = [sigma_d_text(sigma_d) for sigma_d in selection.stops]
    player(slider=address.SLICE, stops=stops, at=sigma_d_text(selection.sigma_d), draw=draw, tell=tell)


@alone
def _decay(selection: Selection) -> None:
    show_card(_decay_card(selection.ablation_ids, _ablation_sigma(selection), mode=theme_mode()))


@kept(max_entries=KEPT, stamp=stored.of_its_runs)
def _decay_card(ablation_ids: tuple[str, ...], sigma_d: float, *, mode: charts.Mode) -> Made | NothingToDraw:
    points = stored.decay_differences(ablation_ids, sigma_d)
    control = _control(ablation_ids)
    card = Card(
        key="decay",
        question="Do the decay factors matter?",
        caption=f"At {SIGMA_D} = {sigma_d_text(sigma_d)}, less the control, {_paired_words(points, control)}",
        definition=DECAY_DEFINITION,
        alt="Accuracy over the number of feedback terms for three decay schedules, as differences to the control.",
    )
    if points.empty or control is None:
        return NothingToDraw(
            card,
            "No runs with other decay factors are stored for this selection, or no control beside them. Choose OVF or "
            "IRS, or train one with another γ schedule or N.",
        )
    figure = charts.decay_ablation(
        points, reference=stored.look(control), reference_label=control.facts.label, height=LOW, mode=mode
    )
    return made_card(card, figure, points, without=(f"{control.facts.label} (zero)",))


def _paired_words(points: pd.DataFrame, control: RunRecord | None) -> str:
    """Over what the differences are taken, and where the control has another temperature."""
    if points.empty or control is None:
        return ""
    terms = control.facts.temperature - 1
    has_others = (points[columns.NUM_FEEDBACK] != terms).any()
    other = f" At N other than {terms:g} the temperature differs too." if has_others else ""
    return f"paired: {sentences.spread_words(points)}.{other}"


def _control(ablation_ids: tuple[str, ...]) -> RunRecord | None:
    """A run of what the ablation is held against."""
    return next((one for one in stored.named_records(ablation_ids) if one.facts.is_control), None)


def _ablation_sigma(selection: Selection) -> float:
    """The training sigma_d nearest to the slice at which more than the main runs exist."""
    counts: dict[float, set[str]] = {}
    for record in stored.records(selection.ablation_ids):
        counts.setdefault(record.facts.train_sigma_d, set()).add(record.facts.variant)
    most = max((len(variants) for variants in counts.values()), default=0)
    rich = [sigma_d for sigma_d, variants in counts.items() if len(variants) == most]
    return min(rich, key=lambda sigma_d: abs(sigma_d - selection.sigma_d), default=selection.sigma_d)


page()
