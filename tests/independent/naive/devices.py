"""How far a device misses, level by level; and how far a weight of several devices does."""

from collections.abc import Callable, Sequence
from math import exp, sqrt

STATE_RATIOS = {"rram1": 1.0, "fefet2": 2.0, "rram4": 4.0, "fefet6": 6.0}
"""s of the level stds sigma_d / n(s) x (1, s, s, 1): NeFT (doi 10.1109/TCAD.2025.3591409), released configuration."""


def level_stds(name: str, num_levels: int, given: Sequence[float] = ()) -> list[float]:
    """Std of every level over (sigma_d x maximal conductance); of a user's own device the given ones.

    n(s) = sqrt(0.4 s^2 + 0.6), as in the released configuration; s = 1 has any number of levels.
    """
    if name == "measured":
        return list(given)
    ratio = STATE_RATIOS[name]
    if ratio == 1.0:
        return [1.0] * num_levels
    norm = sqrt(0.4 * ratio * ratio + 0.6)
    return [1.0 / norm, ratio / norm, ratio / norm, 1.0 / norm]


def one_factor(name: str, magnitude: float, factor: float, given: Sequence[float] = ()) -> float:
    """The released code's std of a weight over (sigma_d w_max): one factor, larger for 0.25 < |W|/w_max < 0.75.

    Of a user's own device the std of the level that the most significant device is in, |W|/w_max in steps of 2^-K.
    """
    if name == "measured":
        return factor * given[min(int(magnitude * len(given)), len(given) - 1)]
    ratio = STATE_RATIOS[name]
    return factor / sqrt(0.4 * ratio * ratio + 0.6) * (ratio if 0.25 < magnitude < 0.75 else 1.0)


NAMES = {*STATE_RATIOS, "measured"}


def _polynomial(*coefficients: float, unit: float = 1.0) -> Callable[[float], float]:
    return lambda g: sum(factor * (g / unit) ** power for power, factor in enumerate(coefficients))


SPREADS: dict[str, tuple[Callable[[float], float], float, float]] = {
    # as in IBM aihwkit, noise model of Nandakumar et al. 2019
    "pcm_nandakumar": (_polynomial(0.26348, 1.9650, -1.1731, unit=25.0), 0.0, 25.0),
    # Joshi et al. 2020, as in CrossSim
    "pcm_joshi": (_polynomial(0.28638599, 0.07585724, -0.00178767), 0.0, 25.0),
    # IBM Hermes, one device, as in aihwkit
    "pcm_hermes": (_polynomial(0.1578, 2.3244, -2.1631, 0.6884, unit=10.35), 0.0, 10.35),
    # Analog Foundation Models (arXiv 2505.09663), the published code
    "pcm_buchel": (
        lambda g: (
            2.9398e-5 * g**3 - 3.7158e-3 * g**2 + 0.22420 * g + 2.5797
            if g <= 52.5
            else 1.2330e-5 * g**3 - 3.0550e-3 * g**2 + 0.24535 * g + 2.1103
        ),
        0.0,
        180.0,
    ),
    # Wan et al. 2022, as in aihwkit
    "rram_wan_1s": (_polynomial(0.348, 16.030, -43.853, 45.393, -16.815, unit=40.0), 0.0, 40.0),
    "rram_wan_1d": (_polynomial(0.701, 22.086, -50.773, 47.095, -16.458, unit=40.0), 0.0, 40.0),
    "rram_wan_2d": (_polynomial(0.782, 20.274, -43.507, 37.062, -11.934, unit=40.0), 0.0, 40.0),
    # Milo et al. 2021, as in CrossSim
    "rram_milo": (_polynomial(4.782321, -0.009107), 50.0, 225.0),
    # arXiv 2502.04524, as in aihwkit
    "rram_cmo_fine": (_polynomial(0.00081107, 0.00106879), 9.0, 88.2),
    "rram_cmo": (_polynomial(0.01121854, 0.01129027), 9.0, 88.2),
    # IEDM 2022, as in CrossSim: A (1 - exp(-I/B)) nA up to 1600 nA, which stand for 16 uS
    "sonos_fresh": (lambda g: 19.887 * (1 - exp(-100 * g / 176.31)) / 100, 0.0, 16.0),
    "sonos_1d": (lambda g: 25.591 * (1 - exp(-100 * g / 186.86)) / 100, 0.0, 16.0),
    "sonos_5d": (lambda g: 34.579 * (1 - exp(-100 * g / 207.34)) / 100, 0.0, 16.0),
    # EMBER: 1.9 % of the range at once; SWIM (arXiv 2202.08395): 0.1 before, 0.03 after write-verify
    "rram_ember": (lambda _g: 0.019, 0.0, 1.0),
    "nvm_unverified": (lambda _g: 0.1, 0.0, 1.0),
    "nvm_verified": (lambda _g: 0.03, 0.0, 1.0),
}
"""By technology std(g), the least and the largest conductance that were measured, in one unit."""
