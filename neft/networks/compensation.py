"""Small digital layers that compensate errors of the layers in devices before them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, linear
from typing_extensions import override


class DigitalCompensation(nn.Module):
    """x + E relu(R x) at every position, with R of hidden x channels and E of channels x hidden; digital and exact.

    [Eldebiky2022] generates compensation data by small convolutions and adds it to a layer's output. *Reconstruction*:
    kernels of size 1, a residual form that begins as the identity, trained along with all else rather than afterwards.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Parameter(torch.zeros(hidden, channels))
        self.expand = nn.Parameter(torch.zeros(channels, hidden))

    def initialise(self, rng: torch.Generator) -> None:
        """Kaiming-normal, fan-out, for R; E stays 0."""
        _ = nn.init.kaiming_normal_(self.reduce, mode="fan_out", nonlinearity="relu", generator=rng)

    @override
    def forward(self, features: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        """Of a layer's output."""
        if features.dim() == 2:
            return features + linear(torch.relu(linear(features, self.reduce)), self.expand)
        if features.dim() == 3:
            hidden = torch.relu(conv1d(features, self.reduce[:, :, None]))
            return features + conv1d(hidden, self.expand[:, :, None])
        hidden = torch.relu(conv2d(features, self.reduce[:, :, None, None]))
        return features + conv2d(hidden, self.expand[:, :, None, None])
