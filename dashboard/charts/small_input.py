"""An input that is no image as a small picture: a series as lines, one a channel, a feature vector as bars."""

import numpy as np

from dashboard.charts.shades import shade
from dashboard.charts.theme import PALETTES, Mode

WIDTH, HEIGHT = 120, 72
"""Of the picture, in its own units."""
MOST_POINTS = 240
"""Of a line or of bars: more than twice the pixels it is drawn on say nothing more."""


def small_input(values: np.ndarray, *, mode: Mode) -> str:
    """The picture as SVG.

    Args:
        values: [channels, steps] of a series, [features] of a feature vector; 0 … 1 from the bottom, with the mean at
            one half.
        mode: of the page.
    """
    palette = PALETTES[mode]
    middle = f'<path d="M0 {HEIGHT / 2:g}H{WIDTH}" stroke="{palette.axis}" stroke-width="0.8" fill="none"/>'
    if values.ndim == 1:
        drawn = f'<path d="{_bars(values)}" stroke="{palette.mark}" stroke-width="{_bar_width(values):.2f}"/>'
    else:
        drawn = "".join(
            f'<path d="{_line(channel)}" stroke="{shade(index, len(values), mode=mode)}" stroke-width="1.3" '
            'stroke-linejoin="round" fill="none"/>'
            for index, channel in enumerate(values)
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{2 * WIDTH}" '
        f'height="{2 * HEIGHT}">{middle}{drawn}</svg>'
    )


def thinned(values: np.ndarray) -> np.ndarray:
    """At most `MOST_POINTS` of a row of values: of more, each stretch's lowest and highest, so that no peak is lost."""
    if len(values) <= MOST_POINTS:
        return values
    stretches = np.array_split(values, MOST_POINTS // 2)
    return np.array([extreme for stretch in stretches for extreme in (stretch.min(), stretch.max())])


def _line(channel: np.ndarray) -> str:
    shown = thinned(channel)
    across = np.linspace(1, WIDTH - 1, len(shown)) if len(shown) > 1 else np.array([WIDTH / 2])
    return "M" + "L".join(f"{x:.1f} {_height(y):.1f}" for x, y in zip(across, shown, strict=True))


def _bars(values: np.ndarray) -> str:
    shown = thinned(values)
    step = WIDTH / len(shown)
    return "".join(f"M{(index + 0.5) * step:.1f} {HEIGHT / 2:g}V{_height(y):.1f}" for index, y in enumerate(shown))


def _bar_width(values: np.ndarray) -> float:
    return min(0.8 * WIDTH / min(len(values), MOST_POINTS), 12.0)


def _height(value: float) -> float:
    return (1 - value) * (HEIGHT - 2) + 1
