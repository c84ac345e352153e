"""A layer's inputs rotated before they meet the devices: W' = W D H, read with inputs H^T D x.

H is an orthonormal Hadamard matrix over a layer's inputs, in blocks where their number is no power of two; D holds
random signs. Products are unchanged; the largest weight of a row is spread over its block, and noise goes with the
largest. Costs n log n digital additions a vector. Known from the quantisation of language models; not found in use
against programming noise.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from neft.mapping.rows import Rows
from neft.seeding import generator


@dataclass(frozen=True)
class Rotation:
    """The rotation of a layer with so many inputs (a kernel's positions are inputs of their own)."""

    num_inputs: int
    transposed_groups: int | None = None
    """Of a transposed convolution, whose inputs come first."""

    def __post_init__(self) -> None:
        if self.num_inputs < 1:
            message = f"Rotation.num_inputs must be at least 1; got {self.num_inputs}."
            raise ValueError(message)

    @property
    def blocks(self) -> tuple[int, ...]:
        """Powers of two that add up to the inputs, largest first.

        >>> Rotation(72).blocks
        (64, 8)
        """
        bits = range(self.num_inputs.bit_length() - 1, -1, -1)
        return tuple(1 << bit for bit in bits if self.num_inputs >> bit & 1)

    @property
    def additions(self) -> int:
        """Digital additions of one vector."""
        return sum(block * int(math.log2(block)) for block in self.blocks)

    def turned(self, weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        """W D H."""
        rows = self._rows(weight)
        return rows.back(self._in_blocks(rows.of(weight) * _signs(self.num_inputs).to(weight)))

    def turned_back(self, weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        """W H^T D, which undoes `turned`."""
        rows = self._rows(weight)
        return rows.back(self._in_blocks(rows.of(weight)) * _signs(self.num_inputs).to(weight))

    def variance_back(self, variance: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        """What variances of independent deviations of W' come to, weight by weight, in W: their block's mean."""
        rows = self._rows(variance)
        parts = rows.of(variance).split(list(self.blocks), dim=1)
        means = [part.mean(dim=1, keepdim=True).expand_as(part) for part in parts]
        return rows.back(torch.cat(means, dim=1))

    def _rows(self, weight: Tensor) -> Rows:
        return Rows(tuple(weight.shape), self.transposed_groups)

    def _in_blocks(self, flat: Tensor) -> Tensor:
        return torch.cat([_hadamard(part) for part in flat.split(list(self.blocks), dim=1)], dim=1)


def _hadamard(rows: Float[Tensor, "rows block"]) -> Float[Tensor, "rows block"]:
    """Every row times Sylvester's matrix, orthonormal and symmetric, so that it undoes itself."""
    count, size = rows.shape
    half = 1
    while half < size:
        pairs = rows.reshape(count, size // (2 * half), 2, half)
        rows = torch.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], dim=2)
        half *= 2
    return rows.reshape(count, size) / math.sqrt(size)


@lru_cache
def _signs(count: int) -> Tensor:
    """D: the same for every layer of so many inputs, of every network."""
    with torch.inference_mode(mode=False):  # it is kept, and trainings read it too
        return torch.randint(2, (count,), generator=generator(0, "rotation", count)).double() * 2 - 1
