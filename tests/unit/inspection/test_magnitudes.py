"""Magnitudes of weights, by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from neft import columns as c
from neft.inspection.magnitudes import NUM_BINS, magnitude_histograms
from neft.tables import small_share


def layer(weights: list[float]) -> nn.Module:
    linear = nn.Linear(len(weights), 1, bias=False)
    linear.weight.data = torch.tensor([weights])
    return nn.Sequential(linear)


def test_magnitudes_are_counted_over_the_largest_weight() -> None:
    # 2 is w_max; 0.1/2 = 0.05 and 0.19/2 = 0.095 are small, 1/2 is not
    found = magnitude_histograms(layer([2.0, -0.1, 0.19, -1.0]))

    counts = found[c.DENSITY] * 4 / NUM_BINS
    assert counts.sum() == 4
    assert counts.iloc[-1] == 1
    np.testing.assert_allclose(found[c.BIN_RIGHT].iloc[3], 0.1)
    assert small_share(found) == pytest.approx(0.5)


def test_a_layer_of_zeros_has_small_weights_alone() -> None:
    assert small_share(magnitude_histograms(layer([0.0, 0.0]))) == pytest.approx(1)
