"""Margins of images beside their noise, as tables, and what one network's come to; torch is not needed.

An image's margin is its label's output less the largest other one, in nats: above 0 the image is right. Chips scatter
it, and the scatter is the noise that the margin has to outlast. They lower it, too, on average: where by much (networks
that met no noise in training), the margin without variation over the noise promises more than the chips keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from neft import columns

SAFE = 2.0
"""So many times its noise, an image's margin is called safe."""
BIN_WIDTH = 0.5


@dataclass(frozen=True)
class Margins:
    """What a network's chips say of its images."""

    images: pd.DataFrame
    """A row per image: image, true_class, clean_margin (without variation), mean_margin and noise (its mean and std
    over chips), all in nats; margin_over_noise; clean_right; accuracy (the share of chips that have it right)."""
    pulls: pd.DataFrame
    """A row per temperature: temperature; right_pull and wrong_pull, the mean of 1 - p_y over right and over wrong
    answers, NaN where there are none; right_share, of the sum that the right ones have."""


@dataclass(frozen=True)
class MarginSummary:
    """One network's margins: medians over images, shares of images."""

    clean_margin: float
    mean_margin: float
    noise: float
    margin_over_noise: float
    mean_margin_over_noise: float
    """Likewise of the mean over chips: where chips lower margins, it tells better how often they are right."""
    safe_share: float
    """Whose margin is more than `SAFE` times its noise."""
    accuracy: float
    """Mean over images and chips."""


def image_table(
    clean: Float[ndarray, " images"], each: Float[ndarray, "chips images"], labels: Int[ndarray, " images"]
) -> pd.DataFrame:
    """`Margins.images` of the margins without variation and on two chips or more, in nats."""
    noise = each.std(axis=0, ddof=1)
    ratio = np.divide(clean, noise, out=np.full_like(clean, np.nan), where=noise > 0)
    return pd.DataFrame(
        {
            columns.IMAGE: np.arange(len(labels)),
            columns.TRUE_CLASS: labels,
            columns.CLEAN_MARGIN: clean,
            columns.MEAN_MARGIN: each.mean(axis=0),
            columns.NOISE: noise,
            columns.MARGIN_OVER_NOISE: ratio,
            columns.CLEAN_RIGHT: clean > 0,
            columns.ACCURACY: (each > 0).mean(axis=0),
        }
    )


def pull_table(
    temperatures: Sequence[float], sums: Float[ndarray, "temperatures 2"], *, num_right: int, num_wrong: int
) -> pd.DataFrame:
    """`Margins.pulls` of the sums of 1 - p_y over right answers and over wrong ones, and how many of each there are."""
    right, wrong = sums[:, 0], sums[:, 1]
    nothing = np.full(len(sums), np.nan)
    return pd.DataFrame(
        {
            columns.TEMPERATURE: list(map(float, temperatures)),
            columns.RIGHT_PULL: right / num_right if num_right else nothing,
            columns.WRONG_PULL: wrong / num_wrong if num_wrong else nothing,
            columns.RIGHT_SHARE: right / (right + wrong),
        }
    )


def summarise_margins(images: pd.DataFrame) -> MarginSummary:
    """The medians and shares of `Margins.images`; images that no chip moves have no margin over noise."""
    ratios = images[columns.MARGIN_OVER_NOISE].dropna()
    moved = images[images[columns.NOISE] > 0]
    medians = images[[columns.CLEAN_MARGIN, columns.MEAN_MARGIN, columns.NOISE]].median()
    return MarginSummary(
        clean_margin=float(medians[columns.CLEAN_MARGIN]),
        mean_margin=float(medians[columns.MEAN_MARGIN]),
        noise=float(medians[columns.NOISE]),
        margin_over_noise=float(ratios.median()),
        mean_margin_over_noise=float((moved[columns.MEAN_MARGIN] / moved[columns.NOISE]).median()),
        safe_share=float((ratios > SAFE).mean()),
        accuracy=float(images[columns.ACCURACY].mean()),
    )


def margin_bins(images: pd.DataFrame) -> pd.DataFrame:
    """How images spread over margin_over_noise: bin_left, bin_right, share (of images).

    Edges are whole multiples of `BIN_WIDTH`, so that networks share them; zero is one. An image at an edge counts
    below it, as one whose margin is 0 is wrong.
    """
    ratios = images[columns.MARGIN_OVER_NOISE].dropna().to_numpy(dtype=float)
    places = np.ceil(ratios / BIN_WIDTH).astype(int) - 1
    first = int(places.min(initial=0))
    counts = np.bincount(places - first, minlength=1)
    left = BIN_WIDTH * (first + np.arange(len(counts)))
    return pd.DataFrame(
        {
            columns.BIN_LEFT: left,
            columns.BIN_RIGHT: left + BIN_WIDTH,
            columns.SHARE: counts / max(len(ratios), 1),
        }
    )
