"""A device of the user's own: how far each level misses is given in the config, level by level.

std of level l's conductance error = sigma_d x level_stds[l] x maximal conductance, as for the devices that ship; only
the products sigma_d x level_stds[l] decide a chip. `neft.devices.measurements` finds both from measured conductances.
"""

import hashlib
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from neft.component import number_text
from neft.devices.base import BaseDevice
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing

MAX_BITS = 8
MAX_STD = 1000.0
MAX_TITLE = 40
CHECKSUM = "sha256="
"""What stands before a file's checksum in a short name: no title is as long as both."""
SHOWN_LEVELS = 4
"""A device with more levels is not named by all of them."""


class Measured(BaseDevice):
    """The user's own device, from one number a level."""

    name: Literal["measured"] = "measured"
    stds: tuple[float, ...] = Field(
        default=(1.0, 1.0, 1.0, 1.0),
        title="level stds",
        description=(
            "Std of each level's conductance error over (σ_d × maximal conductance), from level 0 (no conductance) to "
            "the highest, as '1,1.8,1.8,1': 2^K numbers >= 0 for devices of K bits."
        ),
    )
    title: str = Field(
        default="",
        max_length=MAX_TITLE,
        title="device title",
        description="What charts and lists call the device; named by its level stds if not given.",
    )
    file_sha256: str = Field(
        default="",
        pattern="^([0-9a-f]{64})?$",
        exclude_if=lambda value: not value,  # stored configs without one stay as they are
        title="checksum of the file",
        description="SHA-256 of the file of measurements that the level stds are from, kept with the run.",
    )
    label: ClassVar[str] = "Own device"
    source: ClassVar[str] = "level stds of the user's own, in the device model of [Qin2025]"

    @field_validator("stds")
    @classmethod
    def _a_number_a_level(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        counts = [2**bits for bits in range(1, MAX_BITS + 1)]
        if len(values) not in counts:
            allowed = f"{', '.join(str(count) for count in counts[:-1])} or {counts[-1]}"
            message = f"must be one number a level, 2^K of them: {allowed}; here are {len(values)}"
            raise ValueError(message)
        if not all(0 <= value <= MAX_STD for value in values):
            message = f"every level's std must lie in [0, {MAX_STD:g}]"
            raise ValueError(message)
        if not any(values):
            message = "must have a level that misses: all are 0, which is σ_d = 0"
            raise ValueError(message)
        return values

    @field_validator("title")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            message = "must be one line of plain text, without blanks at its ends"
            raise ValueError(message)
        return value

    @property
    def device_bits(self) -> int:
        """K: the bits that one device with so many levels holds."""
        return len(self.stds).bit_length() - 1

    @property
    @override
    def short_name(self) -> str:
        """`measured:1,1.8,1.8,1`, perhaps with `:title` and `:sha256=…`; `neft.devices.device_from_text` reads it."""
        levels = f"{self.name}:{','.join(number_text(value) for value in self.stds)}"
        titled = f"{levels}:{self.title}" if self.title else levels
        return f"{titled}:{CHECKSUM}{self.file_sha256}" if self.file_sha256 else titled

    @property
    @override
    def full_label(self) -> str:
        """The title, or the levels: `Own device (1, 1.8, 1.8, 1)`."""
        if self.title:
            return self.title
        if len(self.stds) <= SHOWN_LEVELS:
            return f"{self.label} ({', '.join(number_text(value) for value in self.stds)})"
        digest = hashlib.sha256(self.short_name.encode()).hexdigest()[:4]
        return f"{self.label} ({len(self.stds)} levels, {digest})"

    @override
    def level_stds(self, device_bits: int) -> Float[Tensor, " levels"]:
        """As they are given."""
        if device_bits != self.device_bits:
            message = (
                f"The device's level stds are {len(self.stds)}, for device_bits (K) = {self.device_bits}; got "
                f"K = {device_bits}. Give {2**device_bits} level stds, or set K to {self.device_bits}."
            )
            raise ConfigError(message)
        return torch.tensor(self.stds)

    @override
    def one_factor(self, magnitude: Float[Tensor, "..."], mapping: BitSlicing) -> Float[Tensor, "..."] | float:
        """C x the level std of the most significant slice, which |W| / w_max in steps of 2^-K tells.

        With (1, s, s, 1) / n(s) that is the released code's rule, but for |W| = w_max / 4: an outer weight there.
        """
        stds = self.level_stds(mapping.device_bits).to(magnitude)
        if len(set(self.stds)) == 1:
            return mapping.closed_form_factor * self.stds[0]
        levels = (magnitude * len(self.stds)).long().clamp(0, mapping.max_level)
        return mapping.closed_form_factor * stds[levels]
