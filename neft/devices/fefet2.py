"""FeFET2, from the released configuration of [Qin2025]."""

from typing import ClassVar, Literal

from neft.devices.base import StateDependentDevice


class Fefet2(StateDependentDevice):
    """FeFET whose middle levels miss twice as far as the outer ones (s = 2)."""

    name: Literal["fefet2"] = "fefet2"
    label: ClassVar[str] = "FeFET2"
    technology: ClassVar[str] = "FeFET"
    state_ratio: ClassVar[float] = 2.0
