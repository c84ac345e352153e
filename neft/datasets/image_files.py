"""Reading image files into one uint8 tensor."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from neft.datasets.fetching import in_one_line
from neft.errors import DataMissingError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM", "TIFF")
"""The decoders that may run, whatever a file is called: some of Pillow's others start programs."""
UNREADABLE = (OSError, EOFError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)
"""What Pillow ends in, given a file that is damaged or no image."""


def read_images(paths: Sequence[Path], *, size: int, channels: int) -> UInt8[Tensor, "images {channels} {size} {size}"]:
    """The images, the shorter side resized to `size` pixels and the middle cropped.

    Args:
        paths: the files, in the order of the result.
        size: height and width in pixels.
        channels: 3 for RGB, 1 for grey.

    Raises:
        DataMissingError: naming the first file that cannot be read.
    """
    images = torch.empty(len(paths), channels, size, size, dtype=torch.uint8)
    for index, path in enumerate(paths):
        pixels = torch.from_numpy(_read(path, size=size, mode="L" if channels == 1 else "RGB"))
        images[index] = pixels.view(size, size, channels).permute(2, 0, 1)
    return images


def _read(path: Path, *, size: int, mode: str) -> np.ndarray:
    try:
        with Image.open(path, formats=FORMATS) as image:
            _refuse_deep(image)
            upright = ImageOps.exif_transpose(image).convert(mode)
            return np.array(ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR))
    except UNREADABLE as error:
        message = f"The image {path} cannot be read ({in_one_line(error)}). Repair or remove it."
        raise DataMissingError(message) from error


def _refuse_deep(image: Image.Image) -> None:
    """Pillow clips, instead of scaling, pixels of more than 8 bits: a silently white image."""
    if image.mode.startswith(("I", "F")):
        message = f"its pixels have more than 8 bits, mode {image.mode}"
        raise ValueError(message)
