"""A drawing as an image of a data set, so that a network may be asked about it."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.input_kinds import IMAGES, INPUT_KINDS

FINE = 8
"""Steps a pixel in which the drawing is placed before it is averaged down."""
INK = 0.1
"""Less is background: of the darkest stroke."""
LOOKED_AT = 500
"""Images of the data that say how large what they show is."""


def drawn_image(ink: Float[Tensor, "rows columns"], data: ImageData) -> UInt8[Tensor, "1 1 height width"]:
    """The drawing in the data's pixels and numbers, in the middle and as large as what the data's test images show.

    Where on its ground it was drawn, how large and how dark, therefore makes no difference.

    Args:
        ink: 0 where nothing is drawn, up to 1.
        data: what the network was trained on; of one channel, ink bright.

    Raises:
        ConfigError: nothing is drawn, or the data are no grey images.
    """
    if not takes_drawings(data):
        what = str(data.num_channels) if data.num_axes == IMAGES else INPUT_KINDS[data.num_axes].many
        message = f"A drawing is one grey channel; the network takes {what}. Allowed: networks for grey images."
        raise ConfigError(message)
    if not bool((ink > 0).any()):
        message = "Nothing is drawn: the drawing (ink) has no pixel above 0."
        raise ConfigError(message)
    strokes = _cropped(ink / ink.max())
    longer = round(_usual_share(data) * data.image_size * FINE)
    sides = [max(round(side * longer / max(strokes.shape)), 1) for side in strokes.shape]
    scaled = interpolate(strokes[None, None], size=sides, mode="bilinear", antialias=True, align_corners=False)
    ground = torch.zeros(1, 1, data.image_size * FINE, data.image_size * FINE)
    top, left = ((data.image_size * FINE - side) // 2 for side in sides)
    ground[..., top : top + sides[0], left : left + sides[1]] = scaled
    pixels = avg_pool2d(ground, FINE)
    return (pixels / pixels.max() * data.maximum).round().clamp(0, data.maximum).to(torch.uint8)


def takes_drawings(data: ImageData) -> bool:
    """Whether the data are grey images of which black and white are known."""
    return data.num_axes == IMAGES and data.num_channels == 1 and not data.test.images.is_floating_point()


def _cropped(ink: Tensor) -> Tensor:
    rows, columns = (torch.nonzero((ink > INK).any(dim=axis)).ravel() for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].float()


def _usual_share(data: ImageData) -> float:
    """How much of the side of the data's images the longer side of what they show takes, mean over some."""
    seen = data.test.images[:LOOKED_AT, 0] > INK * data.maximum
    extents = [_extents(seen.any(dim=axis)) for axis in (1, 2)]
    return float(torch.maximum(*extents).float().mean()) / data.image_size


def _extents(seen: Tensor) -> Tensor:
    """How many pixels lie from the first to the last that is seen, image by image."""
    places = torch.arange(seen.shape[1])
    last = torch.where(seen, places, -1).amax(dim=1)
    first = torch.where(seen, places, seen.shape[1]).amin(dim=1)
    return (last - first + 1).clamp(min=0)
