"""What many chips say of one input: class by class, and chip by chip."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import numbers, percent, range_words
from dashboard.charts.marks import error_bars
from dashboard.charts.theme import DIVERGING_ENDS, Mode, apply_layout, mix, palette
from neft.columns import INSTANCE, LOWER, NUM_VOTES, PREDICTED_CLASS, PROBABILITY, SHARE, UPPER

MAX_NAME = 12
SHORT = 3
"""Letters of a class that have room in a chip's cell."""
CHIPS_A_ROW = 10
HEIGHT = 400
RING = 11


def class_votes(tally: pd.DataFrame, *, class_names: Sequence[str], truth: int, mode: Mode) -> go.Figure:
    """A bar per class: the share of chips that say it; a ring at the class's mean probability.

    What to look for: a ring beside its bar's end; chips that are sure of different classes have a mean that is not.

    Args:
        tally: predicted_class, num_votes, share, lower, upper, probability (fractions); a row per class.
        class_names: By number.
        truth: The true class.
        mode: Light or dark page.
    """
    page = palette(mode)
    right, wrong = vote_colours(mode)
    share = percent(tally, SHARE)
    voted = np.where(share > 0, share, np.nan)  # no whiskers where nobody says so
    places = list(range(len(tally)))
    figure = go.Figure(
        go.Bar(
            y=places,
            x=share,
            orientation="h",
            marker={"color": [right if place == truth else wrong for place in places]},
            error_x=error_bars(voted, percent(tally, LOWER), percent(tally, UPPER), colour=page.text),
            name="chips that say it",
            showlegend=False,
            hovertext=[
                f"{class_names[place]}: <b>{int(votes)} chips</b>{range_words(low, high, form='.0f')}"
                for place, votes, low, high in zip(
                    places, numbers(tally, NUM_VOTES), percent(tally, LOWER), percent(tally, UPPER), strict=True
                )
            ],
            hoverinfo="text",
        )
    )
    probability = percent(tally, PROBABILITY)
    figure.add_trace(
        go.Scatter(
            y=places,
            x=probability,
            mode="markers",
            marker={"color": page.text, "symbol": "circle-open", "size": RING, "line": {"width": 2}},
            name="mean probability",
            cliponaxis=False,
            hovertext=[
                f"{class_names[place]}: mean probability <b>{value:.1f} %</b>"
                for place, value in zip(places, probability, strict=True)
            ],
            hoverinfo="text",
        )
    )
    for name, colour in (("chips right", right), ("chips wrong", wrong)):
        figure.add_trace(go.Bar(x=[None], y=[None], orientation="h", marker={"color": colour}, name=name))
    apply_layout(figure, mode=mode, height=max(HEIGHT, 110 + 22 * len(places)))
    figure.update_layout(bargap=0.25, barmode="overlay")
    figure.update_xaxes(title_text="chips (%); probability (%)", range=[0, 103], tickvals=[0, 25, 50, 75, 100])
    figure.update_yaxes(
        tickvals=places,
        ticktext=[
            f"<b>{_cut(name)} (true)</b>" if place == truth else _cut(name) for place, name in enumerate(class_names)
        ],
        autorange="reversed",
        automargin=True,
        ticklabelstandoff=RING,
    )
    return figure


def chip_votes(votes: pd.DataFrame, *, class_names: Sequence[str], truth: int, num_chips: int, mode: Mode) -> go.Figure:
    """A cell per chip, ten a row, with the class that it says; the surer it is, the stronger the colour.

    What to look for: which chips change their mind as σ_d grows; each keeps its place.

    Args:
        votes: instance, predicted_class, probability (fraction); a row per chip.
        class_names: By number.
        truth: The true class.
        num_chips: How many there will be; each has its place from the start.
        mode: Light or dark page.
    """
    page = palette(mode)
    right, wrong = vote_colours(mode)
    said = [int(value) for value in numbers(votes, PREDICTED_CLASS)]
    chips = [int(value) for value in numbers(votes, INSTANCE)]
    sure = numbers(votes, PROBABILITY)
    places = np.arange(len(said))
    num_rows = max(ceil(max(len(said), num_chips) / CHIPS_A_ROW), 1)
    # right towards +1, wrong towards -1, by sureness
    signed = np.where(np.array(said) == truth, sure, -sure) if said else np.array([])
    z = np.full((num_rows, CHIPS_A_ROW), np.nan)
    texts = np.full((num_rows, CHIPS_A_ROW), "", dtype=object)
    hover = texts.copy()
    for place, value, chip, told, certainty in zip(places, signed, chips, said, sure, strict=True):
        cell = divmod(int(place), CHIPS_A_ROW)
        z[cell], texts[cell] = value, class_names[told][:SHORT]
        hover[cell] = f"chip {chip} says {class_names[told]}<br><b>{100 * certainty:.0f} %</b> sure"
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=list(range(CHIPS_A_ROW)),
            y=list(range(num_rows)),
            zmin=-1,
            zmax=1,
            colorscale=[[0, wrong], [0.5, mix(page.background, page.grid, share=0.5)], [1, right]],
            showscale=False,
            xgap=2,
            ygap=2,
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 12},
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            hoverongaps=False,
        )
    )
    apply_layout(figure, mode=mode, height=HEIGHT)
    figure.update_xaxes(
        showgrid=False, showline=False, ticks="", tickvals=list(range(CHIPS_A_ROW)), range=[-0.5, CHIPS_A_ROW - 0.5]
    )
    figure.update_xaxes(title_text="chip: last digit")
    figure.update_yaxes(
        showgrid=False,
        tickvals=list(range(num_rows)),
        ticktext=[str(CHIPS_A_ROW * row) for row in range(num_rows)],
        range=[num_rows - 0.5, -0.5],
    )
    return figure


def vote_colours(mode: Mode) -> tuple[str, str]:
    """Of right and of wrong votes; never without words."""
    return DIVERGING_ENDS[mode]


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
