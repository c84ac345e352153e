"""RRAM1, from the released configuration of [Qin2025]."""

from typing import ClassVar, Literal

from neft.devices.base import StateDependentDevice


class Rram1(StateDependentDevice):
    """RRAM whose four levels all miss alike (s = 1): the uniform model of the papers' figures."""

    name: Literal["rram1"] = "rram1"
    label: ClassVar[str] = "RRAM1"
    technology: ClassVar[str] = "RRAM"
    state_ratio: ClassVar[float] = 1.0
