"""Technologies whose spread was measured, in µS: starting points for a device of one's own. To add one: a line below.

Each is a fit of the std of the conductance's deviation against the conductance itself, with the range in which it was
measured. Levels are taken evenly over that range; where it does not begin at no conductance, chips need its on/off
ratio (`neft.mapping.stack`). Only the spread is carried over: what else is known of a technology is said in `besides`,
with the options of an evaluation that apply it in `effects`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neft.component import build
from neft.devices.measured import Measured
from neft.devices.spreads import Floats, Polynomial, Saturating, Spread, TwoPolynomials, rounded, scaled

MICROSIEMENS = "µS"
DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class Preset:
    """One technology, at one time after programming."""

    label: str
    technology: str
    spread: Spread
    g_max: float
    """The maximal conductance, in µS; 1 where the source tells stds over the range alone."""
    source: str
    """Paper, figure or table, and where the fit is published, by keys of `neft.reference.citations`."""
    g_min: float = 0.0
    """The least conductance that was measured."""
    is_relative: bool = False
    """Whether conductances are over the maximal one, because the source tells none."""
    besides: str = ""
    """What else is known and is not in the spread, in sentences."""
    effects: Mapping[str, object] = field(default_factory=dict[str, object])
    """Options of an evaluation that apply it."""

    @property
    def unit(self) -> str:
        """Of its conductances; empty where they are over the maximal one."""
        return "" if self.is_relative else MICROSIEMENS

    @property
    def on_off_ratio(self) -> float | None:
        """g_max over the least conductance; None where that is none."""
        return self.g_max / self.g_min if self.g_min else None

    def conductances(self, num_points: int) -> Floats:
        """So many, evenly over the range in which it was measured."""
        return np.linspace(self.g_min, self.g_max, num_points)

    def relative_stds(self, device_bits: int) -> tuple[float, ...]:
        """Std over the maximal conductance, of 2^K levels evenly over the range."""
        return tuple((self.spread.stds(self.conductances(2**device_bits)) / self.g_max).tolist())

    def device(self, device_bits: int) -> tuple[float, Measured]:
        """sigma_d and the device of so many bits, to as many digits as devices of files have."""
        sigma_d, stds = scaled(self.relative_stds(device_bits))
        return rounded(sigma_d), build(Measured, {"stds": tuple(map(rounded, stds)), "title": self.label})

    def warning(self, conductance: float) -> str:
        """What is to be said where std(g) is asked for outside the range; empty inside."""
        if self.g_min <= conductance <= self.g_max:
            return ""
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{conductance:.4g}{unit} lies outside {self.g_min:g} to {self.g_max:g}{unit}, where {self.label} was "
            "measured: there its std is extrapolated, and 0 at the least."
        )


_AIHWKIT = "as in IBM's aihwkit"
_CROSSSIM = "as in CrossSim"
_WAN = f"[Wan2022], read off its figures and fitted {_AIHWKIT}"
_WAN_BESIDES = "The fit holds for one time after programming; the mean's relaxation is not in it."
_CMO = f"[Falcone2025], fitted {_AIHWKIT}"
_CMO_BESIDES = (
    "Conductances relax after programming: at t seconds the mean by −0.089 ln t and the std to 0.4118 + 0.0420 ln t, "
    "in µS. The spread here is that of acceptance, right after programming."
)
_SONOS = f"[Agrawal2022], Fig. 10(a), currents fitted {_CROSSSIM}, where 1600 nA stand for 16 µS"
_SONOS_BESIDES = "Means drift with time as well, and each read misses by 0.126 (1 − exp(−g/2.154)) µS."

PRESETS: dict[str, Preset] = {
    "pcm_nandakumar": Preset(
        label="PCM, doped GST (Nandakumar 2019)",
        technology="PCM",
        spread=Polynomial((0.26348, 1.9650, -1.1731), unit=25.0),
        g_max=25.0,
        source=f"[Nandakumar2019], a million devices, programming noise {_AIHWKIT}",
        besides=(
            "Conductances drift by g ((t + 20 s)/20 s)^−n, n by level, and each read misses by g min(0.0088/x^0.65, "
            "0.2) √ln((t + 250 ns)/500 ns), x = g/25 µS."
        ),
        effects={"drift_seconds": DAY, "drift_law": "pcm"},
    ),
    "pcm_joshi": Preset(
        label="PCM (Joshi 2020)",
        technology="PCM",
        spread=Polynomial((0.28638599, 0.07585724, -0.00178767)),
        g_max=25.0,
        source=f"[Joshi2020], Fig. 3b, fitted {_CROSSSIM}",
        besides="The paper measures drift too; the law of a million devices of the same group is at hand.",
        effects={"drift_seconds": DAY, "drift_law": "pcm"},
    ),
    "pcm_hermes": Preset(
        label="PCM, Hermes, one device (Le Gallo 2023)",
        technology="PCM",
        spread=Polynomial((0.1578, 2.3244, -2.1631, 0.6884), unit=10.35),
        g_max=10.35,
        source=f"[LeGallo2023], one device a weight, programming noise {_AIHWKIT}",
        besides="Conductances drift, with exponents of this chip's own.",
        effects={"drift_seconds": DAY, "drift_law": "hermes"},
    ),
    "pcm_buchel": Preset(
        label="PCM, 1 to 2 devices (Büchel 2025)",
        technology="PCM",
        spread=TwoPolynomials(
            52.5,
            Polynomial((2.5797410660, 0.22419685954, -3.71581208143e-3, 2.93975138113e-5)),
            Polynomial((2.1102957202, 0.24534871199, -3.05499340516e-3, 1.23297553956e-5)),
        ),
        g_max=180.0,
        source="[Buchel2025], the noise model of the published code: one device up to 52.5, two beyond",
        besides=(
            "The code names no unit; its scale of 180 is read as µS. It sets weights below 0.6 to exactly 0, and "
            "scales by output channel, which the mapping's scale does."
        ),
    ),
    "rram_wan_1s": Preset(
        label="RRAM after 1 s (Wan 2022)",
        technology="RRAM",
        spread=Polynomial((0.348, 16.030, -43.853, 45.393, -16.815), unit=40.0),
        g_max=40.0,
        source=f"{_WAN}, 1 s",
        besides=_WAN_BESIDES,
    ),
    "rram_wan_1d": Preset(
        label="RRAM after 1 day (Wan 2022)",
        technology="RRAM",
        spread=Polynomial((0.701, 22.086, -50.773, 47.095, -16.458), unit=40.0),
        g_max=40.0,
        source=f"{_WAN}, 1 day",
        besides=_WAN_BESIDES,
    ),
    "rram_wan_2d": Preset(
        label="RRAM after 2 days (Wan 2022)",
        technology="RRAM",
        spread=Polynomial((0.782, 20.274, -43.507, 37.062, -11.934), unit=40.0),
        g_max=40.0,
        source=f"{_WAN}, 2 days",
        besides=_WAN_BESIDES,
    ),
    "rram_milo": Preset(
        label="RRAM, IGVVA-100 (Milo 2021)",
        technology="RRAM",
        spread=Polynomial((4.782321, -0.009107)),
        g_min=50.0,
        g_max=225.0,
        source=f"[Milo2021], Fig. 4, the IGVVA-100 algorithm, fitted {_CROSSSIM}",
    ),
    "rram_cmo_fine": Preset(
        label="RRAM, CMO, within 0.2 % (Falcone 2025)",
        technology="CMO RRAM",
        spread=Polynomial((0.00081107, 0.00106879)),
        g_min=9.0,
        g_max=88.2,
        source=f"{_CMO}, accepted within 0.2 % of the target",
        besides=_CMO_BESIDES,
    ),
    "rram_cmo": Preset(
        label="RRAM, CMO, within 2 % (Falcone 2025)",
        technology="CMO RRAM",
        spread=Polynomial((0.01121854, 0.01129027)),
        g_min=9.0,
        g_max=88.2,
        source=f"{_CMO}, accepted within 2 % of the target",
        besides=_CMO_BESIDES,
    ),
    "sonos_fresh": Preset(
        label="SONOS 40 nm, fresh (Agrawal 2022)",
        technology="SONOS charge trap",
        spread=Saturating(0.1988665, 1.763115),
        g_max=16.0,
        source=f"{_SONOS}, right after programming",
        besides=_SONOS_BESIDES,
    ),
    "sonos_1d": Preset(
        label="SONOS 40 nm, 1 day (Agrawal 2022)",
        technology="SONOS charge trap",
        spread=Saturating(0.2559102, 1.8685544),
        g_max=16.0,
        source=f"{_SONOS}, 1 day",
        besides=_SONOS_BESIDES,
    ),
    "sonos_5d": Preset(
        label="SONOS 40 nm, 5 days (Agrawal 2022)",
        technology="SONOS charge trap",
        spread=Saturating(0.3457909, 2.0734309),
        g_max=16.0,
        source=f"{_SONOS}, 5 days",
        besides=_SONOS_BESIDES,
    ),
    "rram_ember": Preset(
        label="RRAM, EMBER, at once (Wei 2023)",
        technology="RRAM",
        spread=Polynomial((0.019,)),
        g_max=1.0,
        is_relative=True,
        source="[Wei2023], two EMBER chips with 64 levels over the range, from the published data (MIT licence)",
        besides="Stds grow nearly as a + b log10(t), to 5.4 % of the range at 1e5 s; tails are heavier than Gaussian.",
        effects={"retention_seconds": 1e5},
    ),
    "nvm_unverified": Preset(
        label="Before write-verify (Yan 2022)",
        technology="any",
        spread=Polynomial((0.1,)),
        g_max=1.0,
        is_relative=True,
        source="[Yan2022b], unverified devices: 0.1 of the range, of the 0.1 to 0.3 that are usual",
    ),
    "nvm_verified": Preset(
        label="After write-verify (Yan 2022)",
        technology="any",
        spread=Polynomial((0.03,)),
        g_max=1.0,
        is_relative=True,
        source="[Yan2022b], verified devices: 0.03 of the range",
    ),
}
"""By name, which no run keeps: a run on one holds its level stds."""
USUAL = "rram_wan_1d"
"""What an editor starts with, and example files are drawn from."""
