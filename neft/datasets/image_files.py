"""Reading image files into one uint8 tensor: upright, on white, scaled to 8 bits, square."""

import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile
from torch import Tensor

from neft.datasets.fetching import in_one_line
from neft.errors import MOST_SHOWN, DataMissingError, one_line, without_middle

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM", "TIFF")
"""The decoders that may run, whatever a file is called: some of Pillow's others start programs."""
UNREADABLE = (OSError, EOFError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)
"""What Pillow ends in, given a file that is damaged or no image."""
DEEPEST = 65_535
"""White of 16 bits."""
DARK = 8
"""Images whose brightest pixel is below this part of white are said to be dark."""
MAX_NAMED = 3
LONGEST = 45
"""Characters of the path to each."""

Fit = Literal["crop", "pad"]


@dataclass
class Seen:
    """What is worth saying of images that were read, counted while they are."""

    num_images: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    brightest: int = 0
    """The largest value of pixels that may not use their whole range; 0 where none was looked at."""
    white: int = DEEPEST
    """The end of that range."""

    def notes(self, fit: Fit) -> list[str]:
        """In sentences."""
        kinds, total = self.kinds, self.num_images
        shaped = (
            "their middle is cropped (`--fit pad` keeps all of them)"
            if fit == "crop"
            else "they are padded with black (`--fit crop` takes their middle)"
        )
        said = [
            (kinds["oblong"], f"are not square: {shaped}"),
            (kinds["transparent"], "are transparent in part: they are laid on white"),
            (kinds["deep"], f"have 16 bits a pixel: 0 … {DEEPEST:,} is scaled to 0 … 255"),
            (kinds["shares"], "hold no value above 1: 0 … 1 is scaled to 0 … 255"),
            (kinds["frames"], "hold several pictures: the first is read"),
            (kinds["small"], "are smaller than they are asked for: they are enlarged"),
            (kinds["blank"], "are blank as the network sees them: every pixel is alike"),
        ]
        notes = [f"{count:,} of {total:,} images {words}." for count, words in said if count]
        if 0 < self.brightest * DARK <= self.white:
            notes.append(
                f"The brightest of their pixels is {self.brightest:,} of {self.white:,}, so that they are nearly "
                "black. Stretch them to the whole range beforehand."
            )
        return notes


def read_images(
    paths: Sequence[Path], *, size: int, channels: int, fit: Fit = "crop", seen: Seen | None = None
) -> UInt8[Tensor, "images {channels} {size} {size}"]:
    """The images, resized and made square.

    Args:
        paths: the files, in the order of the result.
        size: height and width in pixels.
        channels: 3 for RGB, 1 for grey.
        fit: `crop` resizes the shorter side and crops the middle; `pad` resizes the longer one and pads with black.
        seen: told what is worth saying of them.

    Raises:
        DataMissingError: naming every file that cannot be read.
    """
    seen = Seen() if seen is None else seen
    images = torch.empty(len(paths), channels, size, size, dtype=torch.uint8)
    unread: list[Path] = []
    reason = ""
    with warnings.catch_warnings():
        # large is no fault; what is too large is an error
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for index, path in enumerate(paths):
            try:
                images[index] = _read(path, size=size, channels=channels, fit=fit, seen=seen)
            except UNREADABLE as error:
                unread.append(path)
                reason = reason or in_one_line(error)
    if unread:
        more = f" and {len(unread) - MAX_NAMED:,} more" if len(unread) > MAX_NAMED else ""
        what, them = ("The image", "it") if len(unread) == 1 else (f"{len(unread):,} images", "them")
        shown = ", ".join(without_middle(str(path), LONGEST) for path in unread[:MAX_NAMED])
        first = "" if len(unread) == 1 else "the first: "
        why = f"({first}{one_line(reason, MOST_SHOWN)})"
        message = f"{what} {shown}{more} cannot be read {why}. Repair or remove {them}."
        raise DataMissingError(message)
    return images


def fitted(
    image: Image.Image, *, size: int, channels: int, fit: Fit, seen: Seen
) -> UInt8[Tensor, "{channels} {size} {size}"]:
    """One image of 8 bits: on white, in grey or colour, resized and made square."""
    seen.num_images += 1
    seen.kinds["oblong"] += image.width != image.height
    seen.kinds["small"] += min(image.size) < size
    plain = _on_white(image, seen).convert("L" if channels == 1 else "RGB")
    make_square = ImageOps.fit if fit == "crop" else ImageOps.pad
    pixels = np.array(make_square(plain, (size, size), Image.Resampling.BILINEAR))
    seen.kinds["blank"] += bool(pixels.min() == pixels.max())
    return torch.from_numpy(pixels).view(size, size, channels).permute(2, 0, 1)


def of_eight_bits(pixels: np.ndarray, seen: Seen) -> np.ndarray:
    """16-bit pixels as uint8: v / 257, rounded.

    Raises:
        ValueError: a value lies outside 0 … 65,535.
    """
    lowest, highest = int(pixels.min()), int(pixels.max())
    if lowest < 0 or highest > DEEPEST:
        message = f"its pixels have more than 16 bits: they reach from {lowest:,} to {highest:,}"
        raise ValueError(message)
    seen.brightest = max(seen.brightest, highest)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _read(path: Path, *, size: int, channels: int, fit: Fit, seen: Seen) -> Tensor:
    with Image.open(path, formats=FORMATS) as image:
        seen.kinds["frames"] += getattr(image, "n_frames", 1) > 1
        is_deep = image.mode.startswith("I")
        if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
            message = f"its pixels have more than 16 bits, mode {image.mode}"
            raise ValueError(message)
        upright = ImageOps.exif_transpose(image)
        if is_deep:  # Pillow clips, instead of scaling: a silently white image
            seen.kinds["deep"] += 1
            pixels = of_eight_bits(np.asarray(upright), seen)
            upright = Image.fromarray(255 - pixels if _is_negative(image) else pixels)
        return fitted(upright, size=size, channels=channels, fit=fit, seen=seen)


def _is_negative(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF; of 8 bits Pillow turns such itself."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0


def _on_white(image: Image.Image, seen: Seen) -> Image.Image:
    """The image laid on white where it is transparent: its colours there are whatever a program left."""
    if not image.has_transparency_data:
        return image
    layered = image.convert("RGBA")
    lowest, _ = layered.getchannel("A").getextrema()
    if lowest == 255:
        return layered
    seen.kinds["transparent"] += 1
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
