"""The device technologies there are. To add one: a file with its class, and its line in `Device` and `DEVICES`."""

from typing import Annotated

from pydantic import Field

from neft.component import default_name
from neft.devices.base import BaseDevice
from neft.devices.fefet2 import Fefet2
from neft.devices.fefet6 import Fefet6
from neft.devices.rram1 import Rram1
from neft.devices.rram4 import Rram4

__all__ = ["DEVICES", "BaseDevice", "Device", "Fefet2", "Fefet6", "Rram1", "Rram4"]

Device = Annotated[Rram1 | Fefet2 | Rram4 | Fefet6, Field(discriminator="name")]

DEVICES: dict[str, type[BaseDevice]] = {default_name(device): device for device in (Rram1, Fefet2, Rram4, Fefet6)}
