r"""Whether a chip errs on fewer images than so many, told from some of them: bets against the opposite.

The images of a split are drawn one by one, in random order and without replacement. Of a chip, x_i is 1 where it errs
on image i, T is the sum of x_i over all M images, and p_i is a forecast of x_i, made before the next image is drawn
from whatever is known then. To refute T >= t, one bets against it. After n images, of which S were wrong, it says of
y_i = x_i - p_i that its mean over the M - n images still to come is at least

    nu = (t - S - sum of their p_i) / (M - n),

and who holds one coin holds  1 + lambda (nu - y)  coins after the next image, with lambda = min(stake, 0.95 / (1 -
nu)): never less than none, as y <= 1.

**The promise.** Let T >= t be true, and nu* >= nu the true mean of y over the images to come. Coins rise with nu, the
stake's limit included, so they are at most  1 + lambda* (nu* - y), of which the mean over the next image is 1: the
product of these is a non-negative martingale that begins at 1, and ever reaches 1 / alpha with a probability of at most
alpha, however often one looks ([Ville1939]; for sampling without replacement [WaudbySmith2020]). So T >= t may be
called false as soon as its coins once came to 1 / alpha. Forecasts and stakes decide how many images that takes, and
nothing else. As coins rise with t, it may also be decided afterwards for which t they are counted: for every t <= T
they are at most those of T.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 0.95
"""The share of all coins that is staked at most."""
LEAST = 1e-9


@dataclass(frozen=True)
class Bets:
    """Bets on some images in a row; the stake was set before the first of them."""

    num_before: int
    """Images of the split that were still to come, these included."""
    wrong_before: int
    """Images on which the chip had erred before."""
    wrong: np.ndarray
    """Whether it erred on each of these."""
    forecast: np.ndarray
    """Of each, from 0 to 1."""
    forecast_before: float
    """The sum of forecasts of all images that were still to come, these included."""
    stake: float
    """At least 0."""

    def log_coins(self, at_least: int) -> np.ndarray:
        """Of each bet against `at_least` wrong images in all, the logarithm of what is left of one coin."""
        left = self.num_before - np.arange(len(self.wrong))
        seen = np.cumsum(self.wrong) - self.wrong
        told = np.cumsum(self.forecast) - self.forecast
        mean = (at_least - self.wrong_before - seen - (self.forecast_before - told)) / left
        stake = np.minimum(self.stake, MOST / np.maximum(1 - mean, LEAST))
        return np.log(np.maximum(1 + stake * (mean - (self.wrong - self.forecast)), LEAST))


def best_stake(mean: float, variance: float) -> float:
    """The stake that lets coins grow fastest where forecasts are right: Kelly's, mean / E[(nu - y)^2].

    Args:
        mean: nu, by how much the forecasts fall short of what is to be refuted; where they do not, a little is staked.
        variance: of what the forecasts leave open, per image.
    """
    mean = max(mean, 0.002)
    return mean / (variance + mean**2)


def most_log_coins(bets: Sequence[Bets], at_least: int) -> float:
    """The logarithm of the most coins that these bets, one after another, once came to."""
    return float(np.concatenate([one.log_coins(at_least) for one in bets]).cumsum().max())
