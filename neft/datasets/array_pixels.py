"""Arrays of pixels as images of 8 bits: which axis is which, and what is white."""

from collections.abc import Mapping

import numpy as np

from neft.datasets.found_images import named
from neft.datasets.image_files import DARK, DEEPEST, Seen, of_eight_bits
from neft.errors import ConfigError

OWNER = "ImageArrays"
CHANNELS = (1, 3, 4)


def shaped(array: np.ndarray, name: str) -> np.ndarray:
    """Images by height, width and channels (none for grey), whatever the order they came in.

    Raises:
        ConfigError: the order is not clear.
    """
    shape = array.shape
    if array.ndim == 2 and round(shape[1] ** 0.5) ** 2 == shape[1]:
        side = round(shape[1] ** 0.5)
        return array.reshape(shape[0], side, side)
    if array.ndim == 3:
        return array
    if array.ndim == 4 and (shape[3] in CHANNELS) != (shape[1] in CHANNELS):
        last = array if shape[3] in CHANNELS else np.moveaxis(array, 1, 3)
        return last[..., 0] if last.shape[3] == 1 else last
    message = (
        f"{OWNER}: '{name}' must be images by height by width, with 1, 3 or 4 channels before or after, or images by "
        f"pixels of a square; got the shape {shape}."
    )
    raise ConfigError(message)


def eight_bits(arrays: Mapping[str, np.ndarray], seen: Seen) -> tuple[list[np.ndarray], str]:
    """As uint8 of 0 … 255, every split on one scale, and which: shares of white (0 … 1), 8 bits or 16 bits.

    Raises:
        ConfigError: the values are none of these, as normalised ones, or the arrays are on different scales.
    """
    scales = {name: _scale(name, array) for name, array in arrays.items()}
    if len(set(scales.values())) > 1:
        ranges = (f"'{name}' ({array.dtype}) goes to {array.max():g}" for name, array in arrays.items())
        message = (
            f"{OWNER}: the arrays are not on one scale: {named(ranges)}. Bring them all to 0 … 1, 0 … 255 or 0 … "
            f"{DEEPEST:,}."
        )
        raise ConfigError(message)
    scale = next(iter(scales.values()))
    if scale == "deep":
        return [of_eight_bits(np.rint(array).astype(np.int64), seen) for array in arrays.values()], scale
    white = 255 if scale == "shares" else 1
    scaled = [np.rint(array.astype(np.float64) * white).astype(np.uint8) for array in arrays.values()]
    seen.brightest, seen.white = max(int(array.max()) for array in scaled), 255
    return scaled, scale


def _scale(name: str, array: np.ndarray) -> str:
    """What white is in an array.

    Raises:
        ConfigError: that is not clear.
    """
    if array.dtype.kind not in "buif":
        message = f"{OWNER}: images must be numbers; '{name}' holds {array.dtype}."
        raise ConfigError(message)
    if not np.isfinite(array).all():
        message = f"{OWNER}: images must be finite; '{name}' holds NaN or infinity."
        raise ConfigError(message)
    lowest, highest = float(array.min()), float(array.max())
    if lowest < 0 or highest > DEEPEST:
        message = (
            f"{OWNER}: pixels must lie in 0 … 1, 0 … 255 or 0 … {DEEPEST:,}; those of '{name}' go from {lowest:g} to "
            f"{highest:g}. Undo their normalisation: it is done here."
        )
        raise ConfigError(message)
    if lowest == highest:
        message = f"{OWNER}: every pixel of '{name}' is {lowest:g}: nothing is to be seen."
        raise ConfigError(message)
    if highest <= 1:
        return "shares"
    is_deep = array.dtype == np.uint16
    is_unclear = (is_deep and highest <= 255) or (highest <= 255 / DARK and bool((array != np.rint(array)).any()))
    if is_unclear:
        message = (
            f"{OWNER}: '{name}' ({array.dtype}) goes from {lowest:g} to {highest:g}: what is white in it is not clear. "
            f"Bring it to 0 … 1, to 0 … 255 as uint8, or to 0 … {DEEPEST:,} as uint16."
        )
        raise ConfigError(message)
    return "deep" if is_deep or highest > 255 else "plain"
