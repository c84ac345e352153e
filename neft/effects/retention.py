"""Retention: a level's spread grows with the time since programming.

Std over the range of an RRAM (EMBER, two chips, 64 levels over the range; data published by its authors under the MIT
licence): linear in the logarithm of time between the measured times. Heavier tails than a Gaussian's were measured
(excess kurtosis 2.5); a Gaussian of the measured std is drawn.
"""

import math

import numpy as np

SECONDS = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
SPREAD = (0.022, 0.027, 0.033, 0.039, 0.044, 0.049, 0.054)
AT_ONCE = 0.019
"""Std right after programming, which is the programming's own."""
LONGEST = SECONDS[-1]


def added_std(seconds: float) -> float:
    """What retention adds to the spread of every level, std over the range; independent of programming's own.

    >>> round(added_std(1e5), 4)
    0.0505
    """
    if seconds <= 0:
        return 0.0
    if seconds < SECONDS[0]:
        spread = AT_ONCE + (SPREAD[0] - AT_ONCE) * seconds / SECONDS[0]
    else:
        spread = float(np.interp(math.log10(seconds), [math.log10(one) for one in SECONDS], SPREAD))
    return math.sqrt(spread**2 - AT_ONCE**2)
