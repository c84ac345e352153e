"""Inputs as numbers to be drawn: images as their pixels, series and feature vectors as the network sees them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neft.datasets.base import ImageData
from neft.input_kinds import IMAGES

LOOKED_AT = 500
"""Test inputs that say how far a plot must reach."""
MOST_SORTED = 1_000_000
REACHED = 0.998
"""Share of their values that a plot reaches; the others are drawn at its edge."""


def drawn_inputs(data: ImageData, places: Sequence[int]) -> list[np.ndarray]:
    """Test inputs, by their places.

    Images of [channels, height, width] are uint8, 0 … 255; those that came as floats are scaled by all that are looked
    at. Others are float32, normalised, then brought to 0 … 1 with the mean at one half and one scale for all.
    """
    chosen, looked_at = data.test.images[list(places)], data.test.images[:LOOKED_AT]
    if data.num_axes != IMAGES:
        reach = _reach(data.normalise(looked_at))
        scaled = (0.5 + 0.5 * data.normalise(chosen) / reach).clamp(0, 1)
        return list(scaled.numpy())
    if chosen.is_floating_point():
        low, high = looked_at.min(), looked_at.max()
        pixels = (chosen - low) * (255 / (high - low).clamp_min(torch.finfo(torch.float32).tiny))
    else:
        pixels = chosen.float() * (255 / data.maximum)
    return list(pixels.round().clamp(0, 255).to(torch.uint8).numpy())


def _reach(normalised: Tensor) -> float:
    magnitudes = normalised.abs().flatten()
    magnitudes = magnitudes[:: max(1, len(magnitudes) // MOST_SORTED)].numpy()
    return max(float(np.quantile(magnitudes, REACHED)), 1e-6)
