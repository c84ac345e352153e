"""The device technologies there are. To add one: a file with its class, and its line in `Device`.

How far a level misses is here, and measurements that say so; how weights sit on devices is in `neft.mapping`, how a
chip is drawn in `neft.chips`.
"""

import re
from typing import Annotated

from pydantic import Field

from neft.component import build, members
from neft.devices.base import BaseDevice
from neft.devices.fefet2 import Fefet2
from neft.devices.fefet6 import Fefet6
from neft.devices.measured import CHECKSUM, Measured
from neft.devices.rram1 import Rram1
from neft.devices.rram4 import Rram4
from neft.errors import ConfigError, unknown_name

__all__ = [
    "DEVICES",
    "PUBLISHED",
    "BaseDevice",
    "Device",
    "Fefet2",
    "Fefet6",
    "Measured",
    "Rram1",
    "Rram4",
    "device_from_text",
    "parse_stds",
]

Device = Annotated[Rram1 | Fefet2 | Rram4 | Fefet6 | Measured, Field(discriminator="name")]

DEVICES: dict[str, type[BaseDevice]] = members(Device)
PUBLISHED: dict[str, type[BaseDevice]] = {name: device for name, device in DEVICES.items() if device is not Measured}
"""Those that need nothing given."""


def device_from_text(text: str) -> BaseDevice:
    """A device from its short name: `rram4`, `measured:1,1.8,1.8,1`, `measured:1,1.8,1.8,1:title`, `…:sha256=…`.

    Raises:
        ConfigError: no such device, or level stds that cannot be.

    >>> device_from_text("measured:1,1.8,1.8,1:HfO2").full_label
    'HfO2'
    """
    name, _, rest = text.partition(":")
    if name not in DEVICES:
        kind = "device"
        raise unknown_name(kind, name, DEVICES)
    if DEVICES[name] is not Measured:
        if rest:
            message = f"Device '{name}' takes nothing after a colon; got '{text}'."
            raise ConfigError(message)
        return build(DEVICES[name], {})
    found = re.fullmatch(rf"(.*?)(?::{CHECKSUM}([0-9a-f]{{64}}))?", rest, re.DOTALL)
    assert found is not None  # noqa: S101 - whatever is before a checksum, or without one
    levels, _, title = found[1].partition(":")
    stds = {"stds": parse_stds(levels)} if levels else {}
    return build(Measured, {"title": title, "file_sha256": found[2] or ""} | stds)


def parse_stds(text: str) -> tuple[float, ...]:
    """Level stds as they are written: `1,1.8,1.8,1`.

    Raises:
        ConfigError: no numbers separated by commas.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        message = f"Level stds must be numbers separated by commas, as '1,1.8,1.8,1'; got '{text}'."
        raise ConfigError(message) from None
