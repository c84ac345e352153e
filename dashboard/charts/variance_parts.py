"""Where the spread of accuracies comes from: from trainings, from chips, or from one chip in one training."""

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import by_variant, count_words, look_of, numbers
from dashboard.charts.marks import typeset, wrapped
from dashboard.charts.theme import Mode, apply_layout, mix, palette, variant_style
from neft.columns import LABEL, NUM_INSTANCES, NUM_SEEDS, STD

PARTS = {
    "seeds": "the training (seed)",
    "chips": "the chip, for all trainings alike",
    "rest": "this chip in this training",
}
PATTERNS = {"seeds": "", "chips": "/", "rest": "."}
ROW_HEIGHT = 44
FRAME_HEIGHT = 150
MIN_HEIGHT = 240
LABEL_WIDTH = 15
"""Characters of a method's name before it breaks."""


def variance_parts(parts: pd.DataFrame, *, mode: Mode) -> go.Figure:
    """A bar per variant, cut by each part's share of the variance; the std of one training on one chip stands beside.

    What to look for: a bar that is mostly training calls for more seeds, one that is mostly chip for more chips.

    Args:
        parts: variant, label, std, std_seeds, std_chips, std_rest, share_seeds, share_chips, share_rest (fractions),
            num_seeds, num_instances; a row per variant.
        mode: Light or dark page.
    """
    figure = go.Figure()
    rows = [(variant, label, of.iloc[:1]) for variant, label, of in by_variant(parts)]
    known = pd.concat([of for _, _, of in rows]) if rows else parts
    for part in PARTS if rows else ():
        figure.add_trace(_bars(known, part, mode=mode))
        figure.add_trace(_legend_entry(part, mode=mode))
    figure.update_layout(barmode="stack", bargap=0.35)
    apply_layout(figure, mode=mode, height=max(MIN_HEIGHT, FRAME_HEIGHT + ROW_HEIGHT * len(rows)), right=70)
    figure.update_xaxes(title_text="share of the variance (%)", range=[0, 100], tickvals=[0, 25, 50, 75, 100])
    figure.update_yaxes(
        range=[len(rows) - 0.5, -0.5],
        tickvals=list(range(len(rows))),
        ticktext=["<br>".join(wrapped(label, width=LABEL_WIDTH)) for _, label, _ in rows],
        automargin=True,
        showgrid=False,
    )
    _add_stds(figure, known, mode=mode)
    return figure


def _bars(parts: pd.DataFrame, part: str, *, mode: Mode) -> go.Bar:
    shares, stds = 100 * numbers(parts, f"share_{part}"), 100 * numbers(parts, f"std_{part}")
    colours = [variant_style(look_of(of), mode=mode).colour for _, _, of in by_variant(parts)]
    described = zip(parts[LABEL], shares, stds, parts[NUM_SEEDS], parts[NUM_INSTANCES], strict=True)
    return go.Bar(
        x=shares,
        y=list(range(len(parts))),
        orientation="h",
        name=PARTS[part],
        legendgroup=part,
        showlegend=False,
        marker=_marker(part, colours, mode=mode),
        hovertext=[
            f"{typeset(str(label))}: {PARTS[part]}<br><b>{share:.0f} %</b> of the variance, std {std:.2f} points<br>"
            f"{count_words(seeds, 'seed')} × {count_words(chips, 'chip')}"
            for label, share, std, seeds, chips in described
        ],
        hoverinfo="text",
    )


def _legend_entry(part: str, *, mode: Mode) -> go.Bar:
    """A part's pattern in neutral grey: in the bars it wears the variant's colour."""
    marker = _marker(part, [palette(mode).muted], mode=mode)
    return go.Bar(x=[None], y=[None], orientation="h", name=PARTS[part], legendgroup=part, marker=marker)


def _marker(part: str, colours: list[str], *, mode: Mode) -> dict[str, object]:
    page = palette(mode)
    filled = [colour if part == "seeds" else mix(colour, page.background, share=0.75) for colour in colours]
    pattern = {"shape": PATTERNS[part], "fgcolor": colours, "size": 6, "solidity": 0.35}
    return {"color": filled, "line": {"color": colours, "width": 1}, "pattern": pattern}


def _add_stds(figure: go.Figure, parts: pd.DataFrame, *, mode: Mode) -> None:
    page = palette(mode)
    for place, std in enumerate(100 * numbers(parts, STD) if not parts.empty else ()):
        figure.add_annotation(
            x=1.01,
            xref="paper",
            xanchor="left",
            y=place,
            text=f"std {std:.1f}",
            showarrow=False,
            font={"size": 12, "color": page.text},
        )
