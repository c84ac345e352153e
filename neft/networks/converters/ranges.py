"""The ranges of a network's converters, and what passes them: one pair a layer, or one for all (uniform scaling)."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neft.networks.converters.rounding import convert
from neft.networks.converters.settings import Converters
from neft.networks.converters.watching import Watch

INPUTS, OUTPUTS = "inputs", "outputs"
R_W = 1.0
"""The range of weights that all layers share: of R_w and R_y only the ratio counts."""


class Ranges(nn.Module):
    """Ranges as the network's own parameters, their logarithms: what is learned stays positive, whatever its scale.

    With uniform scaling all layers have one triple (R_x, R_w, R_y), a reconstruction of [GarciaRedondo2019]: layer l
    lies in the devices as W_l R_w / w_max,l, so that each layer fills the same range of conductances, and its ADC sees
    y_l R_w / w_max,l. In the units of y_l the ADC's range is R_y w_max,l / R_w. Only R_y / R_w counts, so R_w is fixed
    (`R_W`). w_max,l is that of the weights without variation.

    Args:
        settings: bits, and whose the ranges are.
        layers: the weights' names, from the input to the output.
    """

    def __init__(self, settings: Converters, layers: Sequence[str]) -> None:
        super().__init__()
        self.settings = settings
        self.layers = tuple(layers)
        count = 1 if settings.are_shared else len(layers)
        if settings.dac_bits is not None:
            self.input_ranges = nn.Parameter(torch.zeros(count))
        if settings.adc_bits is not None:
            self.output_ranges = nn.Parameter(torch.zeros(count))
        self.register_buffer("input_sides", torch.zeros(len(layers)))
        self.register_buffer("output_sides", torch.zeros(len(layers)))
        self.register_buffer("largest_weights", torch.ones(len(layers)))
        self._first_end = OUTPUTS if settings.dac_bits is None else INPUTS
        self._watch: Watch | None = None
        self._strays: list[Tensor] = []

    def reach(self, end: str, layer: int) -> Float[Tensor, ""]:
        """A converter's range, in the units of what passes it."""
        logarithms: Tensor = self.get_parameter("input_ranges" if end == INPUTS else "output_ranges")
        reach = logarithms[0 if self.settings.are_shared else layer].exp()
        if end == OUTPUTS and self.settings.are_shared:
            return reach * self.get_buffer("largest_weights")[layer] / R_W
        return reach

    def sides(self, end: str, layer: int) -> Float[Tensor, ""]:
        """+1 where what passes a converter is never negative, -1 where never positive, 0 where it is both."""
        return self.get_buffer("input_sides" if end == INPUTS else "output_sides")[layer]

    def bits(self, end: str) -> int | None:
        """Of the converters at one end of all layers."""
        return self.settings.dac_bits if end == INPUTS else self.settings.adc_bits

    def passed(self, end: str, layer: int, values: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """What a layer's converter makes of these values."""
        bits = self.bits(end)
        if self._watch is not None:
            self._watch.see(end, layer, values, None if bits is None else self.reach(end, layer))
            if not self._watch.converts:
                return values
        if bits is None:
            return values
        reach = self.reach(end, layer)
        if self.training and self.settings.are_shared and torch.is_grad_enabled():
            if layer == 0 and end == self._first_end:
                self._strays = []
            self._strays.append((values.abs().amax() / reach - 1).square())
        return convert(values, reach, bits=bits, sides=self.sides(end, layer))

    def penalty(self) -> Float[Tensor, ""] | float:
        """Lambda times sum over layers of (max |x_l| / R_x - 1)^2 and likewise of y, of the last pass since last asked.

        Of several passes the last: of those before it a method may have taken gradients already.
        """
        strays, self._strays = self._strays, []
        if not strays or not self.settings.scaling_penalty:
            return 0.0
        return self.settings.scaling_penalty * torch.stack(strays).sum()

    @torch.no_grad()
    def follow(self, weights: Mapping[str, Tensor]) -> None:
        """Take w_max of every layer from these weights, without variation."""
        largest = [weights[name].abs().amax() for name in self.layers]
        _ = self.get_buffer("largest_weights").copy_(torch.stack(largest))

    @contextmanager
    def watched(self, watch: Watch) -> Generator[None]:
        """Have what passes the converters be seen meanwhile."""
        self._watch = watch
        try:
            yield
        finally:
            self._watch = None
