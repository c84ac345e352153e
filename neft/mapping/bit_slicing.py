"""Bit slicing: a weight as a sign and an M-bit code, spread over M/K devices of K bits each.

[Qin2025], Eq. 4: W_d = w_max / (2^M - 1) * sum_i m_i 2^i, with the sign kept apart on a second crossbar;
slice j holds the level g_j = sum_{i<K} m_{jK+i} 2^i of one device.
"""

from math import sqrt

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from neft.component import Component

MAX_WEIGHT_BITS = 16


class BitSlicing(Component):
    """How many bits a weight has and how many of them one device holds."""

    weight_bits: int = Field(
        default=8,
        ge=1,
        le=MAX_WEIGHT_BITS,
        title="M",
        description="Bits of a weight's magnitude.",
        json_schema_extra={"unit": "bits"},
    )
    device_bits: int = Field(
        default=2,
        ge=1,
        le=8,
        title="K",
        description="Bits that one device holds; must divide the weight bits.",
        json_schema_extra={"unit": "bits"},
    )

    @model_validator(mode="after")
    def _bits_divide(self) -> "BitSlicing":
        if self.weight_bits % self.device_bits:
            message = (
                f"weight_bits (M) must be a multiple of device_bits (K); got M = {self.weight_bits}, "
                f"K = {self.device_bits}"
            )
            raise ValueError(message)
        return self

    def on_devices_of(self, device_bits: int) -> "BitSlicing":
        """The same weights on devices of other bits; with the next more weight bits that these divide, or fewer at 16.

        >>> BitSlicing(weight_bits=8, device_bits=2).on_devices_of(3)
        BitSlicing(weight_bits=9, device_bits=3)
        """
        slices = -(-self.weight_bits // device_bits)
        fitting = slices if slices * device_bits <= MAX_WEIGHT_BITS else slices - 1
        return BitSlicing(weight_bits=fitting * device_bits, device_bits=device_bits)

    @property
    def num_slices(self) -> int:
        """L = M/K, the devices that hold one magnitude."""
        return self.weight_bits // self.device_bits

    @property
    def max_code(self) -> int:
        """2^M - 1, the largest code."""
        return 2**self.weight_bits - 1

    @property
    def max_level(self) -> int:
        """2^K - 1, a device's highest level: its maximal conductance in level units."""
        return 2**self.device_bits - 1

    @property
    def significance(self) -> tuple[int, ...]:
        """2^{jK} for each slice j, least significant first."""
        return tuple(2 ** (j * self.device_bits) for j in range(self.num_slices))

    @property
    def closed_form_factor(self) -> float:
        """The c of std(W_p - W_d) = c sigma_d w_max where every level has std sigma_d.

        c = sqrt((4^M - 1) / (4^K - 1)) (2^K - 1) / (2^M - 1), because sigma_d is relative to a device's *maximal*
        conductance: a level error has std sigma_d (2^K - 1) in level units.

        >>> round(BitSlicing(weight_bits=8, device_bits=2).closed_form_factor, 6)
        0.777628
        """
        gain = sqrt((4**self.weight_bits - 1) / (4**self.device_bits - 1))
        return gain * self.max_level / self.max_code

    def quantise(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, ""]) -> Int[Tensor, "..."]:
        """The magnitude's code, |W| / w_max rounded to M bits (Eq. 4). A layer of zeros has codes of zero."""
        # the floor keeps the scale itself finite: 0 x infinity is no code
        scale = self.max_code / maximum.clamp_min(self.max_code * torch.finfo(weight.dtype).tiny)
        return (weight.abs() * scale).round().clamp_max(self.max_code).to(torch.int32)

    def dequantise(
        self, codes: Int[Tensor, "..."], sign: Float[Tensor, "..."], maximum: Float[Tensor, ""]
    ) -> Float[Tensor, "..."]:
        """W_d of Eq. 4 from codes, signs (-1, 0, 1) and the layer's w_max."""
        return sign * codes.to(sign.dtype) * (maximum / self.max_code)

    def slice_levels(self, codes: Int[Tensor, "..."]) -> Int[Tensor, "slices ..."]:
        """g_j for every slice, least significant first."""
        return torch.stack([(codes // significance) % (self.max_level + 1) for significance in self.significance])

    def join_levels(self, levels: Float[Tensor, "slices ..."]) -> Float[Tensor, "..."]:
        """sum_j g_j 2^{jK}: from levels (also noisy ones) back to a code; the digital shift-and-add."""
        weights = torch.tensor(self.significance, dtype=levels.dtype, device=levels.device)
        return torch.tensordot(weights, levels, dims=1)
