"""What images lose on their chips, as a preview meets them: their mean, and how well it is known."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtrit
from torch import Tensor

FEW = 3
"""Images lost, by their chances; where fewer were seen, their spread says too little of how often more are met."""


class Losses:
    """Of every condition: losses so far, against the clean prediction of the same images."""

    def __init__(self, conditions: int) -> None:
        self.count = 0
        """Draws: images, or groups of images that share a chip."""
        self.num_images = 0
        self._sum = np.zeros(conditions)
        self._sum_variance = np.zeros(conditions)
        self._seen = np.zeros(conditions)

    def add(self, losses: Float[Tensor, "conditions draws"], *, ordered: bool, num_images: int) -> None:
        """One pass's losses.

        Args:
            losses: independent draws.
            ordered: neighbours are alike: a sample that is spread evenly over an ordered list has the variance of
                their differences (successive differences; [Wolter2007], section 8.2), not that of the whole list.
            num_images: how many images they are of.
        """
        values = losses.numpy()
        draws = values.shape[1]
        neighbours = (np.diff(values, axis=1) ** 2).sum(axis=1) / (2 * (draws - 1))
        spread = neighbours if ordered else values.var(axis=1, ddof=1)
        self.count += draws
        self.num_images += num_images
        self._sum += values.sum(axis=1)
        self._sum_variance += draws * spread
        # in images; a chip that many share is seen once
        self._seen += np.minimum(np.abs(values) * num_images / draws, 1).sum(axis=1)

    @property
    def mean(self) -> Float[np.ndarray, " conditions"]:
        """Of all draws."""
        return self._sum / self.count

    def half_width(
        self, left_out: Float[np.ndarray, " conditions"], *, varied: Bool[np.ndarray, " conditions"]
    ) -> Float[np.ndarray, " conditions"]:
        """Of the mean's 95 % interval (Student's).

        What happened to none of n draws happens, at 95 %, to fewer than 3 / n of all (the rule of three,
        [Hanley1983]). The spread of one or two losses would say less than none does, so of fewer than `FEW` no interval
        is narrower than 3 / n.

        Args:
            left_out: the variance of the mean by images that no draw can be of.
            varied: whether a condition varies anything; where none does, nothing is lost.
        """
        found = float(stdtrit(self.count - 1, 0.975)) * np.sqrt(self._sum_variance / self.count**2 + left_out)
        unseen = varied & (self._seen < FEW)
        return np.where(unseen, np.maximum(found, 3 / self.count), found)
