"""Inputs to be drawn: images as their pixels, others as the network sees them, on one scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neft.datasets.base import Split
from neft.datasets.float_inputs import float_data
from neft.errors import ConfigError
from neft.inspection.drawn_image import drawn_image, takes_drawings
from neft.inspection.drawn_inputs import drawn_inputs
from neft.seeding import generator


def data(*shape: int):
    inputs = 5 + 2 * torch.randn(40, *shape, generator=generator(0, "inputs"))
    split = Split(inputs, torch.arange(40) % 2)
    return float_data(split, split, split, ("a", "b"))


@pytest.mark.parametrize("shape", [(12,), (3, 20)])
def test_what_is_no_image_is_drawn_from_0_to_1_with_the_mean_at_one_half(shape: tuple[int, ...]):
    made = data(*shape)
    drawn = np.stack(drawn_inputs(made, range(40)))

    assert drawn.shape == (40, *shape)
    assert 0 <= drawn.min() < 0.1
    assert 0.9 < drawn.max() <= 1
    assert drawn.mean() == pytest.approx(0.5, abs=1e-2)
    flat = made.normalise(made.test.images).numpy().ravel()
    inside = (drawn.ravel() > 0) & (drawn.ravel() < 1)
    assert np.allclose(np.corrcoef(flat[inside], drawn.ravel()[inside])[0, 1], 1)


def test_what_stands_out_is_drawn_at_the_edge_and_does_not_flatten_the_others():
    made = data(3, 20)
    made.test.images[0, 0, 0] = 1e6
    drawn = drawn_inputs(made, [0, 1])

    assert drawn[0][0, 0] == 1
    assert np.ptp(drawn[1]) > 0.3


def test_images_that_are_floats_are_drawn_from_their_lowest_to_their_highest():
    drawn = np.stack(drawn_inputs(data(1, 8, 8), range(40)))
    assert (drawn.dtype, drawn.min(), drawn.max()) == (np.uint8, 0, 255)


def test_equal_inputs_are_drawn_without_a_division_by_zero():
    made = data(1, 8, 8)
    same = Split(torch.ones(4, 1, 8, 8), torch.zeros(4, dtype=torch.long))
    assert np.isfinite(drawn_inputs(replace(made, test=same), [0])[0]).all()


@pytest.mark.parametrize(("shape", "what"), [((12,), "feature vectors"), ((1, 20), "series"), ((3, 8, 8), "3")])
def test_a_drawing_is_made_none_of_them(shape: tuple[int, ...], what: str):
    made = data(*shape)

    assert not takes_drawings(made)
    with pytest.raises(ConfigError, match=rf"the network takes {what}\. Allowed: networks for grey images\."):
        _ = drawn_image(torch.ones(8, 8), made)
