"""RRAM4, from the released configuration of [Qin2025]."""

from typing import ClassVar, Literal

from neft.devices.base import StateDependentDevice


class Rram4(StateDependentDevice):
    """RRAM whose middle levels miss four times as far as the outer ones (s = 4)."""

    name: Literal["rram4"] = "rram4"
    label: ClassVar[str] = "RRAM4"
    technology: ClassVar[str] = "RRAM"
    state_ratio: ClassVar[float] = 4.0
