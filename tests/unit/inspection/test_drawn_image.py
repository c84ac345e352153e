"""Drawings become images of the data: where and how large they were drawn makes no difference."""

import pytest
import torch
from torch import Tensor

from neft.datasets.base import ImageData, Split
from neft.errors import ConfigError
from neft.inspection.drawn_image import drawn_image


def data(*, share: float = 0.75, channels: int = 1, maximum: int = 16, size: int = 8) -> ImageData:
    """Images of a bright square that takes this share of their side, in the middle."""
    images = torch.zeros(4, channels, size, size, dtype=torch.uint8)
    edge = round(size * (1 - share) / 2)
    images[..., edge : size - edge, edge : size - edge] = maximum
    split = Split(images, torch.zeros(4, dtype=torch.int64))
    moments = ((0.5,) * channels, (0.25,) * channels)
    return ImageData(split, split, split, ("a", "b"), maximum, *moments)


def a_stroke(*, top: int = 4, left: int = 4, scale: int = 1, dark: float = 1.0) -> Tensor:
    """An L on a large square."""
    ink = torch.zeros(56, 56)
    ink[top : top + 24 * scale, left : left + 6 * scale] = dark
    ink[top + 18 * scale : top + 24 * scale, left : left + 18 * scale] = dark
    return ink


@pytest.mark.parametrize("other", [a_stroke(top=28, left=30), a_stroke(top=3, left=2, scale=2), a_stroke(dark=0.4)])
def test_place_size_and_darkness_of_a_drawing_make_no_difference(other: Tensor) -> None:
    found = drawn_image(a_stroke(), data())

    assert (drawn_image(other, data()).int() - found.int()).abs().max() <= 1


@pytest.mark.parametrize("share", [0.5, 0.75, 1.0])
def test_drawing_is_as_large_as_what_the_datas_images_show(share: float) -> None:
    found = drawn_image(a_stroke(), data(share=share))

    rows = torch.nonzero((found[0, 0] > 0).any(dim=1)).ravel()
    assert len(rows) == round(8 * share)
    assert int(rows[0]) == round(8 * (1 - share) / 2)


@pytest.mark.parametrize("maximum", [16, 255])
def test_drawing_has_the_datas_shape_and_its_white(maximum: int) -> None:
    found = drawn_image(a_stroke(), data(maximum=maximum, size=28))

    assert found.shape == (1, 1, 28, 28)
    assert found.dtype == torch.uint8
    assert int(found.max()) == maximum


def test_ink_stands_where_it_was_drawn() -> None:
    found = drawn_image(a_stroke(), data(share=1.0))[0, 0].float()

    left, right, below = found[:5, :4].sum(), found[:5, 4:].sum(), found[6:].sum()
    assert left > 0
    assert right == 0
    assert below > left / 2


def test_nothing_drawn_is_said() -> None:
    with pytest.raises(ConfigError, match="Nothing is drawn"):
        _ = drawn_image(torch.zeros(56, 56), data())


def test_networks_for_colour_refuse_a_drawing() -> None:
    with pytest.raises(ConfigError, match="the network takes 3"):
        _ = drawn_image(a_stroke(), data(channels=3))
