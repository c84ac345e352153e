"""How sure chips are, image by image: what one number per chip leaves out.

EKL is a mean over the images that a chip gets right. Here stand the images behind it: how sure the chips are of each,
how often they are right on it, and whether their confidence says how often that is (calibration). Chips are the random
part; the images and the network are as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from neft import columns
from neft.chip_statistics import student_t
from neft.tables import Interval, crossed_interval
from neft.tables.curves import ECDF_POINTS

Binning = Literal["width", "count"]
NUM_BINS = 15
"""As many as the stored calibration error has."""
NUM_RIGHT = "num_right"
NATS = "nats"
OUTCOME = "outcome"
RIGHT, WRONG = "right", "wrong"
MIDDLE = (0.1, 0.9)
BIN_COLUMNS = (
    columns.BIN_LEFT,
    columns.BIN_RIGHT,
    columns.MEAN_CONFIDENCE,
    columns.ACCURACY,
    columns.LOWER,
    columns.UPPER,
    "num_predictions",
    columns.SHARE,
)


@dataclass(frozen=True)
class ChipOutcome:
    """What one chip says of each image."""

    confidence: Float[ndarray, " images"]
    """The largest probability."""
    nats: Float[ndarray, " images"]
    """-ln p of the true class, whatever is predicted."""
    correct: Bool[ndarray, " images"]
    calibration_error: float
    """Of this chip (`neft.metrics`)."""


class Split(NamedTuple):
    """A mean over right predictions, over wrong ones, and over all, each over chips; NaN where there are none."""

    right: Interval
    wrong: Interval
    every: Interval


def per_image(chips: Sequence[ChipOutcome]) -> pd.DataFrame:
    """A row per image: `ekl`, the mean of -ln p_y over the chips that get it right, with `ci95` over those chips.

    NaN where no chip gets it right: EKL does not know such an image. Beside it `num_right`, `accuracy` (the share of
    chips), and `nats`, the mean of -ln p_y over all chips.
    """
    nats, correct = (np.stack([getattr(chip, name) for chip in chips]) for name in ("nats", "correct"))
    num_right = correct.sum(axis=0)
    known = np.maximum(num_right, 1)
    mean = np.where(num_right > 0, np.where(correct, nats, 0.0).sum(axis=0) / known, np.nan)
    squares = np.where(correct, (nats - mean) ** 2, 0.0).sum(axis=0)
    freedom = np.maximum(num_right - 1, 1)
    half = student_t_of(freedom) * np.sqrt(squares / freedom / known)
    return pd.DataFrame(
        {
            columns.IMAGE: np.arange(nats.shape[1]),
            columns.EKL: mean,
            columns.CI95: np.where(num_right > 1, half, np.nan),
            NUM_RIGHT: num_right,
            columns.NUM_INSTANCES: len(chips),
            columns.ACCURACY: num_right / len(chips),
            NATS: nats.mean(axis=0),
        }
    )


def image_quantiles(images: pd.DataFrame) -> pd.DataFrame:
    """The distribution of EKL over images that some chip gets right: quantile and value.

    Args:
        images: from `per_image`.
    """
    values = images[columns.EKL].dropna().to_numpy(dtype=float)
    quantiles = np.linspace(0, 1, ECDF_POINTS)
    if not len(values):
        return pd.DataFrame({columns.QUANTILE: [], columns.VALUE: [], columns.NUM_INSTANCES: []})
    found = {columns.QUANTILE: quantiles, columns.VALUE: np.quantile(values, quantiles)}
    return pd.DataFrame({**found, columns.NUM_INSTANCES: len(values)})


def reliability(chips: Sequence[ChipOutcome], *, binning: Binning = "width", num_bins: int = NUM_BINS) -> pd.DataFrame:
    """A row per bin of confidence: its mean confidence beside the share of predictions that are right.

    The interval is over chips: a bin's accuracy is a ratio of two sums over chips, sum h_c / sum n_c, with the
    linearised variance C / (C - 1) sum (h_c - a n_c)^2 / (sum n_c)^2 ([Cochran1977], section 6.3) and Student's t.
    Bins without a prediction are left out.

    Args:
        chips: two or more for an interval.
        binning: bins of equal width, as the calibration error has, or of equally many predictions.
        num_bins: how many.
    """
    confidence, correct = (np.stack([getattr(chip, name) for chip in chips]) for name in ("confidence", "correct"))
    edges = _edges(confidence, binning, num_bins)
    places = np.searchsorted(edges[1:-1], confidence, side="right")
    rows: list[dict[str, float]] = []
    for place in range(len(edges) - 1):
        member = places == place
        count = int(member.sum())
        if count:
            hits, tries = (member & correct).sum(axis=1), member.sum(axis=1)
            accuracy, half = _ratio(hits, tries)
            limits = np.clip([accuracy - half, accuracy + half], 0, 1)
            values = (edges[place], edges[place + 1], float(confidence[member].mean()), accuracy, *map(float, limits))
            rows.append(dict(zip(BIN_COLUMNS, (*values, count, count / member.size), strict=True)))
    return pd.DataFrame(rows, columns=list(BIN_COLUMNS))


def mean_calibration_error(chips: Sequence[ChipOutcome]) -> Interval:
    """The mean over chips of their calibration errors."""
    return over_chips([chip.calibration_error for chip in chips])


def mean_confidences(chips: Sequence[ChipOutcome]) -> Split:
    """How sure chips are of what they get right, of what they get wrong, and of all."""
    right = [_mean(chip.confidence[chip.correct]) for chip in chips]
    wrong = [_mean(chip.confidence[~chip.correct]) for chip in chips]
    return Split(over_chips(right), over_chips(wrong), over_chips([_mean(chip.confidence) for chip in chips]))


def middle_confidences(chips: Sequence[ChipOutcome]) -> dict[str, tuple[float, float]]:
    """By outcome, the 10 % and 90 % quantiles of confidence over all chips' predictions; NaN where there are none."""
    confidence, correct = (
        np.concatenate([getattr(chip, name) for chip in chips]) for name in ("confidence", "correct")
    )
    found: dict[str, tuple[float, float]] = {}
    for outcome, member in ((RIGHT, correct), (WRONG, ~correct)):
        low, high = np.quantile(confidence[member], MIDDLE) if member.any() else (float("nan"), float("nan"))
        found[outcome] = float(low), float(high)
    return found


def over_chips(values: Sequence[float]) -> Interval:
    """The mean of a value per chip with its 95 % interval; chips without a value are left out."""
    return crossed_interval(np.asarray([values], dtype=float))


def student_t_of(freedom: Int[ndarray, " images"]) -> Float[ndarray, " images"]:
    """Student's t by degrees of freedom."""
    known = {int(value): student_t(int(value)) for value in np.unique(freedom)}
    return np.array([known[int(value)] for value in freedom])


def _edges(confidence: np.ndarray, binning: Binning, num_bins: int) -> np.ndarray:
    """Edges of the bins; equal ones of equal counts fall together, so that equal confidences share a bin."""
    if binning == "width":
        return np.linspace(0, 1, num_bins + 1)
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, num_bins + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0]])


def _ratio(hits: np.ndarray, tries: np.ndarray) -> tuple[float, float]:
    """The ratio of two sums over chips with the half-width of its interval; NaN for a single chip."""
    ratio, count = float(hits.sum() / tries.sum()), len(hits)
    if count < 2:
        return ratio, float("nan")
    variance = count / (count - 1) * float(((hits - ratio * tries) ** 2).sum()) / float(tries.sum()) ** 2
    return ratio, student_t(count - 1) * variance**0.5


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
