"""Pooling by pairs is torch's pooling."""

import pytest
import torch
from torch import nn

from neft.chips.pooling import PairwiseMaxPool2d, pool_pairwise


@pytest.mark.parametrize("shape", [(3, 4, 8, 8), (2, 3, 7, 5), (1, 1, 2, 2), (2, 4, 3, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_equals_torchs_to_the_bit(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    assert torch.equal(PairwiseMaxPool2d()(images), nn.MaxPool2d(2)(images))


def test_what_is_not_a_number_stays_so() -> None:
    images = torch.tensor([[[[float("nan"), 1.0], [2.0, 3.0]]]])
    assert PairwiseMaxPool2d()(images).isnan().all()


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.MaxPool2d(2, stride=1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(2, dilation=2),
        nn.MaxPool2d(2, return_indices=True),
    ],
)
def test_every_other_pooling_is_left_alone(pool: nn.MaxPool2d) -> None:
    inner = nn.Sequential(pool)
    network = nn.Sequential(inner, nn.MaxPool2d((2, 2)))
    pool_pairwise(network)
    assert inner[0] is pool
    assert isinstance(network[1], PairwiseMaxPool2d)
