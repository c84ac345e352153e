"""Retention: a level's spread grows with the time since programming.

Std over the range of an RRAM (EMBER, two chips, 64 levels over the range; data published by its authors under the MIT
licence): linear in the logarithm of time between the measured times. Heavier tails than a Gaussian's were measured
(excess kurtosis 2.5); a Gaussian of the measured std is drawn.
"""

import math
from typing import Literal

import numpy as np

RetentionLaw = Literal["ember", "given"]
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


def added_by_law(seconds: float, *, at_1s: float, per_decade: float, programmed: float) -> float:
    """What the spread a + b log10(t) adds to one that devices have as programmed; nothing before it is larger.

    Args:
        seconds: since programming, > 0.
        at_1s: a.
        per_decade: b.
        programmed: std of devices as programmed.

    >>> round(added_by_law(100.0, at_1s=0.03, per_decade=0.01, programmed=0.03), 6)
    0.04
    """
    spread = at_1s + per_decade * math.log10(seconds)
    return math.sqrt(max(spread, programmed) ** 2 - programmed**2)
