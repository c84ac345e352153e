"""A layer's weights as a matrix with a row an output channel and a column an input, as a crossbar holds them.

torch keeps outputs first, but for transposed convolutions: theirs are [inputs, outputs / groups, kernel …], and each
group's outputs read that group's inputs alone.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """How a weight of this shape lies."""

    shape: tuple[int, ...]
    transposed_groups: int | None = None
    """Of a transposed convolution; None of any other layer."""

    @property
    def num_outputs(self) -> int:
        """Output channels."""
        groups = self.transposed_groups
        return self.shape[0] if groups is None else self.shape[1] * groups

    def of(self, weight: Float[Tensor, "..."]) -> Float[Tensor, "outputs inputs"]:
        """The matrix."""
        if self.transposed_groups is None:
            return weight.reshape(self.num_outputs, -1)
        return weight.reshape(self._grouped).transpose(1, 2).reshape(self.num_outputs, -1)

    def back(self, rows: Float[Tensor, "outputs inputs"]) -> Float[Tensor, "..."]:
        """The weight that such a matrix is."""
        if self.transposed_groups is None:
            return rows.reshape(self.shape)
        groups, inputs, outputs, taps = self._grouped
        return rows.reshape(groups, outputs, inputs, taps).transpose(1, 2).reshape(self.shape)

    def spread(self, of_outputs: Float[Tensor, " outputs"]) -> Float[Tensor, "..."]:
        """One number an output channel, in a shape that broadcasts over the weight."""
        ones = (1,) * (len(self.shape) - 2)
        if self.transposed_groups is None:
            return of_outputs.reshape(self.num_outputs, 1, *ones)
        groups, inputs, outputs, _ = self._grouped
        apart = of_outputs.reshape(groups, 1, outputs).expand(groups, inputs, outputs)
        return apart.reshape(*self.shape[:2], *ones)

    @property
    def _grouped(self) -> tuple[int, int, int, int]:
        """Groups, a group's inputs, its outputs, and the kernel's positions."""
        groups = self.transposed_groups or 1
        taps = 1
        for size in self.shape[2:]:
            taps *= size
        return groups, self.shape[0] // groups, self.shape[1], taps
