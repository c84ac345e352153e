"""How far measured technologies miss, level by level: starting points for a device of one's own.

Each is a fit of the std of the conductance's deviation against the conductance itself. Only the spread is carried over:
no drift, no read noise, no clipping at zero conductance. Levels are taken evenly from 0 to the maximal conductance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from neft.errors import ConfigError


@dataclass(frozen=True)
class FittedSpread:
    """std(g) as a polynomial, both in µS."""

    label: str
    coefficients: tuple[float, ...]
    """Of (g / unit)^0, (g / unit)^1, …, in µS."""
    unit: float
    """In µS."""
    g_max: float
    """The maximal conductance of the fit, in µS."""
    source: str

    def relative_stds(self, device_bits: int) -> tuple[float, ...]:
        """Std over the maximal conductance, of 2^K levels evenly from 0 to the maximal conductance."""
        highest = 2**device_bits - 1
        return tuple(self._std(level / highest * self.g_max) / self.g_max for level in range(highest + 1))

    def _std(self, conductance: float) -> float:
        return sum(factor * (conductance / self.unit) ** power for power, factor in enumerate(self.coefficients))


FITTED: dict[str, FittedSpread] = {
    "pcm_nandakumar": FittedSpread(
        label="PCM, doped GST (Nandakumar 2019)",
        coefficients=(0.26348, 1.9650, -1.1731),
        unit=25.0,
        g_max=25.0,
        source="[Nandakumar2019], the programming noise as fitted in IBM's aihwkit, g_max 25 µS",
    ),
    "pcm_joshi": FittedSpread(
        label="PCM (Joshi 2020)",
        coefficients=(0.28638599, 0.07585724, -0.00178767),
        unit=1.0,
        g_max=25.0,
        source="[Joshi2020], Fig. 3b as fitted in CrossSim, g_max 25 µS",
    ),
    "rram_wan_1s": FittedSpread(
        label="RRAM after 1 s (Wan 2022)",
        coefficients=(0.348, 16.030, -43.853, 45.393, -16.815),
        unit=40.0,
        g_max=40.0,
        source="[Wan2022], read off its figures and fitted in IBM's aihwkit, g_max 40 µS, 1 s",
    ),
    "rram_wan_1d": FittedSpread(
        label="RRAM after 1 day (Wan 2022)",
        coefficients=(0.701, 22.086, -50.773, 47.095, -16.458),
        unit=40.0,
        g_max=40.0,
        source="[Wan2022], read off its figures and fitted in IBM's aihwkit, g_max 40 µS, 1 day",
    ),
}


def scaled(relative_stds: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """sigma_d and level stds of a device whose levels have these stds over the maximal conductance.

    sigma_d is their root mean square over levels, so that the level stds' is 1, as RRAM1's: where all codes are equally
    common, both devices move weights equally far (RMS) at equal sigma_d, for any number of levels. The published
    devices' n(s) is another convention, for 2-bit devices alone: it counts the middle levels as 40 % of the weights.

    Raises:
        ConfigError: no level misses.

    >>> sigma_d, level_stds = scaled([0.01, 0.07])
    >>> round(sigma_d, 6), [round(std, 6) for std in level_stds]
    (0.05, [0.2, 1.4])
    """
    sigma_d = sqrt(sum(std**2 for std in relative_stds) / len(relative_stds))
    if sigma_d == 0:
        message = "No level misses: every std is 0, which is σ_d = 0."
        raise ConfigError(message)
    return sigma_d, tuple(std / sigma_d for std in relative_stds)
