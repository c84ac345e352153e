"""How soon a race leaves its chips out: how many meet at least so many images."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.frames import Floats, numbers
from dashboard.charts.theme import Look, Mode, apply_layout, palette, translucent, variant_style
from neft.columns import NUM_IMAGES, NUM_INSTANCES

ROOM = 1.03


def race_still_in(still_in: pd.DataFrame, *, image_name: str, look: Look, mode: Mode) -> go.Figure:
    """A stair of the chips that are still in after so many images, its area filled; the frame is all on all.

    What to look for: the filled part of the frame, which is what the race computes; the stair's last step are the
    chips that meet every image.

    Args:
        still_in: num_images, ascending, and num_instances, the chips that met at least so many; a row a step.
        image_name: what the images are called, several.
        look: Whose colour the stair wears.
        mode: Light or dark page.
    """
    page, style = palette(mode), variant_style(look, mode=mode)
    images, chips = numbers(still_in, NUM_IMAGES), numbers(still_in, NUM_INSTANCES)
    figure = go.Figure()
    if len(images):
        figure.add_shape(
            type="rect",
            x0=0,
            x1=images[-1],
            y0=0,
            y1=chips[0],
            line={"color": page.muted, "width": 1, "dash": "dot"},
            fillcolor=translucent(page.muted, opacity=0.08),
            layer="below",
        )
        figure.add_annotation(
            x=images[-1],
            y=chips[0],
            xanchor="right",
            yanchor="top",
            text=f"all chips on all {image_name}",
            showarrow=False,
            font={"size": 12, "color": page.muted},
        )
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([np.zeros(min(len(images), 1)), images]),
            y=np.concatenate([chips[:1], chips]),
            mode="lines",
            line={"color": style.colour, "width": 2, "shape": "vh"},
            fill="tozeroy",
            fillcolor=translucent(style.colour, opacity=0.25),
            name="chips still in",
            hovertext=_words(images, chips),
            hoverinfo="text",
        )
    )
    apply_layout(figure, mode=mode)
    ends = (images[-1], chips[0]) if len(images) else (1.0, 1.0)
    figure.update_xaxes(title_text=f"{image_name} that a chip met", range=[0, ROOM * ends[0]])
    figure.update_yaxes(title_text="chips", range=[0, ROOM * ends[1]], tickformat=",")
    figure.update_layout(showlegend=False)
    return figure


def _words(images: Floats, chips: Floats) -> list[str]:
    steps = [f"<b>{int(count):,} chips</b> met {int(met):,} or more" for met, count in zip(images, chips, strict=True)]
    return [*steps[:1], *steps]  # the stair begins at no image
