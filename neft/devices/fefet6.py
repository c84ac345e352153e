"""FeFET6, from the released configuration of [Qin2025]."""

from typing import ClassVar, Literal

from neft.devices.base import StateDependentDevice


class Fefet6(StateDependentDevice):
    """FeFET whose middle levels miss six times as far as the outer ones (s = 6)."""

    name: Literal["fefet6"] = "fefet6"
    label: ClassVar[str] = "FeFET6"
    technology: ClassVar[str] = "FeFET"
    state_ratio: ClassVar[float] = 6.0
