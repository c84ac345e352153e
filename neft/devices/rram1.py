"""RRAM1, from NeFT's released configuration (doi 10.1109/TCAD.2025.3591409)."""

from typing import ClassVar, Literal

from neft.devices.base import StateDependentDevice


class Rram1(StateDependentDevice):
    """RRAM whose four levels all miss alike (s = 1): the uniform model of the papers' figures."""

    name: Literal["rram1"] = "rram1"
    label: ClassVar[str] = "RRAM1"
    state_ratio: ClassVar[float] = 1.0
