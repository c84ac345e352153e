"""One input and many chips: what each of them says of it, and of which inputs they disagree."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.special import entr, ndtri, softmax

from neft import columns


def votes(logits: Float[ndarray, "chips classes"]) -> pd.DataFrame:
    """A row per chip, in the given order: `predicted_class` and its `probability`."""
    probabilities = softmax(logits, axis=1)
    return pd.DataFrame(
        {columns.PREDICTED_CLASS: probabilities.argmax(axis=1), columns.PROBABILITY: probabilities.max(axis=1)}
    )


def tally(logits: Float[ndarray, "chips classes"]) -> pd.DataFrame:
    """A row per class: how many chips predict it, their share with its 95 % interval, and the class's mean probability.

    The interval is Wilson's ([Wilson1927]): over which chips were drawn.

    Returns:
        predicted_class, num_votes, share, lower, upper, probability.
    """
    probabilities = softmax(logits, axis=1)
    num_chips, num_classes = probabilities.shape
    counts = np.bincount(probabilities.argmax(axis=1), minlength=num_classes)
    share = counts / num_chips
    lower, upper = _wilson(share, num_chips)
    return pd.DataFrame(
        {
            columns.PREDICTED_CLASS: range(num_classes),
            columns.NUM_VOTES: counts,
            columns.SHARE: share,
            columns.LOWER: lower,
            columns.UPPER: upper,
            columns.PROBABILITY: probabilities.mean(axis=0, dtype=np.float64),
        }
    )


def contested(logits: Float[ndarray, "chips images classes"], labels: Int[ndarray, " images"]) -> pd.DataFrame:
    """Images from the one that chips disagree about the most.

    By the entropy of their votes; where that is equal, by the entropy of their mean probabilities.

    Returns:
        image (its place in the logits), true_class, share (of chips that have it right).
    """
    probabilities = softmax(logits.astype(np.float64), axis=2)
    said = probabilities.argmax(axis=2)
    shares = np.eye(logits.shape[2])[said].mean(axis=0)
    by_votes, by_mean = (entr(table).sum(axis=1) for table in (shares, probabilities.mean(axis=0)))
    order = np.lexsort((-by_mean, -by_votes.round(9)))
    right = (said == labels).mean(axis=0)
    return pd.DataFrame({columns.IMAGE: order, columns.TRUE_CLASS: labels[order], columns.SHARE: right[order]})


def _wilson(share: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of the 95 % interval; `scipy.stats` has it too, at 45 MB of memory."""
    z = float(ndtri(0.975))
    centre = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return np.maximum((centre - half) / scale, 0.0), np.minimum((centre + half) / scale, 1.0)
