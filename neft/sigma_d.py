"""Device variation as a value: rounded in one place, compared by one function.

sigma_d is the std of a device's error over its maximal conductance.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator

SigmaDs = float | int | Sequence[float] | NDArray[np.float64] | pd.Series
DECIMALS = 6
"""Two device variations that agree to so many are the same one."""


def rounded_sigma_d(sigma_d: float) -> float:
    """As it is stored and looked up.

    >>> rounded_sigma_d(0.1 + 0.2), rounded_sigma_d(3 * 0.05)
    (0.3, 0.15)
    """
    # -0 and 0 are one
    return round(float(sigma_d), DECIMALS) + 0.0


def same_sigma_d(one: SigmaDs, other: SigmaDs) -> NDArray[np.bool_]:
    """Whether device variations are the same, element by element; what is not a number is the same as nothing.

    >>> bool(same_sigma_d(0.1 + 0.2, 0.3)), same_sigma_d([0.1, 0.2], 0.2).tolist()
    (True, [False, True])
    """
    # rounded ones differ by nothing or by a whole step
    difference = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    return np.asarray(np.abs(difference) < 0.5 * 10.0**-DECIMALS)


def sigma_d_text(sigma_d: float) -> str:
    """How a device variation is written, in addresses and on pages.

    >>> sigma_d_text(0.1), sigma_d_text(0.15), sigma_d_text(0.1 + 0.2)
    ('0.1', '0.15', '0.3')
    """
    return f"{rounded_sigma_d(sigma_d):g}"


SigmaD = Annotated[float, AfterValidator(rounded_sigma_d)]
"""The type of a setting that is a device variation."""
