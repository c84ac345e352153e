"""Bit slicing: a magnitude as a code, spread over M/K devices of K bits each.

[Qin2025], Eq. 4: W_d = w_max / (2^M - 1) * sum_i m_i 2^i; slice j holds the level g_j = sum_{i<K} m_{jK+i} 2^i of one
device. With another significance base b than 2^K ([LeGallo2022], Eq. 8) slice j counts b^j: codes are the whole numbers
up to (2^K - 1) sum_j b^j, fewer than 2^M and each on several devices, whose errors average out the more the smaller b
is.
"""

from math import sqrt
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from neft.component import Component, build

MAX_WEIGHT_BITS = 16
S = TypeVar("S", bound="BitSlicing")


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

    significance_base: int | None = Field(
        default=None,
        ge=1,
        le=256,
        title="b",
        description="How many times the next device counts: 1 for equal devices; 2^K, plain bit slicing, if not given.",
        json_schema_extra={"noun": "significance base", "default_text": "2^K"},
    )

    @model_validator(mode="after")
    def _bits_divide(self) -> "BitSlicing":
        if self.weight_bits % self.device_bits:
            message = (
                f"weight_bits (M) must be a multiple of device_bits (K); got M = {self.weight_bits}, "
                f"K = {self.device_bits}"
            )
            raise ValueError(message)
        if self.significance_base is not None and self.significance_base > self.max_level + 1:
            message = (
                f"significance_base (b) must be at most 2^K = {self.max_level + 1}, or some codes have no levels; got "
                f"{self.significance_base}"
            )
            raise ValueError(message)
        return self

    @property
    @override
    def idle_fields(self) -> frozenset[str]:
        """The base where it is plain bit slicing's own."""
        restated = {"significance_base"} if self.significance_base == self.max_level + 1 else set[str]()
        return super().idle_fields | restated

    def on_devices_of(self: S, device_bits: int) -> S:
        """The same weights on devices of other bits; with the next more weight bits that these divide, or fewer at 16.

        >>> BitSlicing(weight_bits=8, device_bits=2).on_devices_of(3)
        BitSlicing(weight_bits=9, device_bits=3, significance_base=None)
        """
        slices = -(-self.weight_bits // device_bits)
        fitting = slices if slices * device_bits <= MAX_WEIGHT_BITS else slices - 1
        sizes = {"weight_bits": fitting * device_bits, "device_bits": device_bits}
        return build(type(self), self.model_dump() | sizes)

    @property
    def num_slices(self) -> int:
        """L = M/K, the devices that hold one magnitude."""
        return self.weight_bits // self.device_bits

    @property
    def max_code(self) -> int:
        """2^M - 1, the largest code; (2^K - 1) sum_j b^j with another base."""
        return self.max_level * sum(self.significance)

    @property
    def max_level(self) -> int:
        """2^K - 1, a device's highest level: its maximal conductance in level units."""
        return 2**self.device_bits - 1

    @property
    def significance(self) -> tuple[int, ...]:
        """b^j for each slice j, least significant first; 2^{jK} in plain bit slicing."""
        base = 2**self.device_bits if self.significance_base is None else self.significance_base
        return tuple(base**j for j in range(self.num_slices))

    @property
    def closed_form_factor(self) -> float:
        """The c of std(W_p - W_d) = c sigma_d w_max where every level has std sigma_d.

        c = sqrt(sum_j b^{2j}) (2^K - 1) / ((2^K - 1) sum_j b^j), because sigma_d is relative to a device's *maximal*
        conductance: a level error has std sigma_d (2^K - 1) in level units. In plain bit slicing the root is
        sqrt((4^M - 1) / (4^K - 1)) and the sum 2^M - 1.

        >>> [round(BitSlicing(significance_base=b).closed_form_factor, 4) for b in (None, 2, 1)]
        [0.7776, 0.6146, 0.5]
        """
        return sqrt(sum(step**2 for step in self.significance)) * self.max_level / self.max_code

    def quantise(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> Int[Tensor, "..."]:
        """The magnitude's code, |W| / w_max rounded to M bits (Eq. 4). A layer of zeros has codes of zero.

        Args:
            weight: of a layer.
            maximum: w_max of the layer, or in a shape that broadcasts.
        """
        # the floor keeps the scale itself finite: 0 x infinity is no code
        scale = self.max_code / maximum.clamp_min(self.max_code * torch.finfo(weight.dtype).tiny)
        return (weight.abs() * scale).round().clamp_max(self.max_code).to(torch.int32)

    def dequantise(
        self, codes: Int[Tensor, "..."], sign: Float[Tensor, "..."], maximum: Float[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """W_d of Eq. 4 from codes, signs (-1, 0, 1) and the layer's w_max."""
        return sign * codes.to(sign.dtype) * (maximum / self.max_code)

    def slice_levels(self, codes: Int[Tensor, "..."]) -> Int[Tensor, "slices ..."]:
        """g_j for every slice, least significant first; of a code's choices the one that fills the most significant.

        Equal devices share the code evenly instead, as there is no most significant one.
        """
        if self.significance_base is None:
            return torch.stack([(codes // significance) % (self.max_level + 1) for significance in self.significance])
        if self.significance_base == 1:
            return torch.stack([(codes + j) // self.num_slices for j in range(self.num_slices)])
        left = codes
        found: list[Tensor] = []
        for significance in reversed(self.significance):
            level = (left // significance).clamp_max(self.max_level)
            left = left - level * significance
            found.append(level)
        return torch.stack(found[::-1])

    def join_levels(self, levels: Float[Tensor, "slices ..."]) -> Float[Tensor, "..."]:
        """sum_j g_j 2^{jK}: from levels (also noisy ones) back to a code; the digital shift-and-add."""
        weights = torch.tensor(self.significance, dtype=levels.dtype, device=levels.device)
        return torch.tensordot(weights, levels, dims=1)
