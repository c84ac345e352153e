"""On which images a chip will err, told from those it has met and from chips that have met all of them.

Chips that miss alike err alike. A chip's margins (the logit of an image's true class less the largest other one) are
taken as the mean of known chips, plus a mixture of how each known chip departs from it, plus noise: the best linear
prediction, with the known chips' covariance. The chance of an error is that of a margin below 0.

A forecast is a help and no part of any promise: `neft.evaluation.image_bets`.
"""

import numpy as np
from scipy.special import ndtr

NOISE = 1.0
"""The variance of a margin that known chips do not tell, over that which they do."""
CAUTION = 1.4
"""How much farther margins lie from what is told where they were not seen."""
SUREST = 0.003
"""No forecast is surer."""


class Forecaster:
    """What known chips say of another one.

    Args:
        margins: chips x images.
        wrong: chips x images, whether each erred.
    """

    def __init__(self, margins: np.ndarray, wrong: np.ndarray) -> None:
        count = len(margins)
        self._mean = margins.mean(axis=0)
        self._shapes = np.ascontiguousarray((margins - self._mean).T) / np.sqrt(max(count - 1, 1))
        self._noise = NOISE * float(np.square(self._shapes).sum(axis=1).mean()) + np.finfo(float).tiny
        self.start = (wrong.sum(axis=0) + 0.5) / (count + 1)
        """Of a chip that has met no image: how often known chips err on each."""

    def tell(self, met: np.ndarray, margins: np.ndarray) -> np.ndarray:
        """The chance that a chip errs, image by image.

        Args:
            met: images that it has met.
            margins: that it had on them.
        """
        if not len(met):
            return self.start
        shapes, departure = self._shapes[met], margins - self._mean[met]
        if len(met) < shapes.shape[1]:
            gram = shapes @ shapes.T
            gram.flat[:: len(met) + 1] += self._noise
            mixture = shapes.T @ np.linalg.solve(gram, departure)
        else:
            gram = shapes.T @ shapes
            gram.flat[:: shapes.shape[1] + 1] += self._noise
            mixture = np.linalg.solve(gram, shapes.T @ departure)
        told = self._mean + self._shapes @ mixture
        spread = CAUTION * float(np.sqrt(np.square(margins - told[met]).mean()))
        return np.clip(ndtr(-told / max(spread, np.finfo(float).tiny)), SUREST, 1 - SUREST)
