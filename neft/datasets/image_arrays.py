"""Your own images as NumPy arrays: one .npz file with images and labels, or a .npy file of each. Never unpickled."""

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from typing_extensions import override

from neft.datasets.found_images import (
    MIN_CLASSES,
    MIN_PER_CLASS,
    FoundImages,
    class_order,
    file_checksum,
    named,
    settled_splits,
)
from neft.datasets.image_files import DEEPEST, Seen, fitted, of_eight_bits
from neft.datasets.label_files import label_path, read_label_column
from neft.datasets.own_images import OwnImages, path_field
from neft.datasets.split_names import SplitName, split_of
from neft.errors import ConfigError, DataMissingError

OWNER = "ImageArrays"
IMAGES = frozenset({"x", "image", "images", "img", "imgs", "data", "features", "arr_0"})
LABELS = frozenset({"y", "label", "labels", "target", "targets", "arr_1"})
CLASS_NAMES = frozenset({"classes", "class_names", "label_names"})
CHANNELS = (1, 3, 4)

_Pair = tuple[SplitName | None, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class _Arrays:
    """Pairs of images and labels, with the split that their names tell."""

    pairs: tuple[_Pair, ...]
    class_names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class ImageArrays(OwnImages):
    """Images in arrays; the splits that the arrays' names tell, else 70 % train, 15 % validation, 15 % test."""

    name: Literal["image_arrays"] = "image_arrays"
    label: ClassVar[str] = "Image arrays"
    source: ClassVar[str] = "The file named by `path`."

    path: str = path_field(
        "file",
        "A .npz file with images and labels (x and y, images and labels; with splits x_train, y_train, x_test, y_test, "
        "and so on), or a .npy file of images whose labels `labels` names.",
    )

    @override
    def _find(self) -> FoundImages:
        file = self._file()
        arrays = self._arrays(file)
        words: list[str] = []
        given: list[SplitName | None] = []
        for split, images, labels in arrays.pairs:
            each = _plain_labels(labels, len(images))
            words += each
            given.extend(repeat(split, len(each)))
        class_names, classes = _classes(words, arrays.class_names)
        splits, notes = settled_splits(given, classes, class_names, owner=OWNER)
        if arrays.left_out:
            notes = (*notes, f"Arrays that are not read: {named(arrays.left_out)}.")
        names = tuple(str(place) for place in range(len(words)))
        checksums = (file_checksum(file), *((file_checksum(self._label_file(file)),) if self.labels else ()))
        return FoundImages(names, classes, class_names, splits, checksums, notes)

    @override
    def _pixels(
        self, found: FoundImages, chosen: list[int], seen: Seen
    ) -> UInt8[Tensor, "images channels height width"]:
        pairs = self._arrays(self._file()).pairs
        scaled, kind = _eight_bits([images for _, images, _ in pairs], seen)
        seen.kinds[kind] += len(chosen)
        each = [image for array in scaled for image in array]
        pixels = torch.empty(len(chosen), self.channels, self.image_size, self.image_size, dtype=torch.uint8)
        for index, place in enumerate(chosen):
            image = Image.fromarray(each[place])
            pixels[index] = fitted(image, size=self.image_size, channels=self.channels, fit=self.fit, seen=seen)
        return pixels

    def _file(self) -> Path:
        file = Path(self.path).expanduser()
        if not self.path or file.suffix not in (".npz", ".npy"):
            message = f"{OWNER}.path (file) must name a .npz or .npy file; got '{self.path}'."
            raise ConfigError(message)
        if not file.is_file():
            message = f"{OWNER}.path (file): there is no file {file.absolute()}."
            raise DataMissingError(message)
        return file

    def _label_file(self, file: Path) -> Path:
        return label_path(file.parent, self.labels, owner=OWNER)

    def _arrays(self, file: Path) -> _Arrays:
        given = _loaded(file)
        if not self.labels:
            return _paired(given, file)
        beside = self._label_file(file)
        labels = _loaded(beside) if beside.suffix == ".npy" else {"": np.array(read_label_column(beside))}
        name = "" if "" in given else _only(given, file)
        images = _shaped(given.pop(name), name or file.name)
        return _Arrays(((None, images, labels[""]),), left_out=tuple(given))


def _loaded(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; that of a .npy file under no name."""
    try:
        loaded = np.load(file, allow_pickle=False)
        return {"": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        message = f"The arrays in {file} cannot be read ({error}). Arrays of Python objects are never unpickled."
        raise DataMissingError(message) from None


def _named(name: str) -> tuple[SplitName | None, str]:
    """The split and the rest of an array's name: `x_train` and `train_images` are of the training split."""
    lowered = name.lower()
    if lowered in IMAGES | LABELS | CLASS_NAMES:
        return None, lowered
    parts = re.split(r"[_\-. ]", lowered)
    rest = [part for part in parts if split_of(part) is None]
    if len(rest) < len(parts) - 1:
        return None, ""
    for part in parts:
        split = split_of(part)
        if split is not None:
            return split, "_".join(rest)
    return None, lowered


def _only(given: Mapping[str, np.ndarray], file: Path) -> str:
    fitting = [name for name in given if _named(name)[1] in IMAGES]
    if len(fitting) != 1:
        message = f"{OWNER}: {file} holds {named(given)}; one of them must be called 'images' (or 'x')."
        raise ConfigError(message)
    return fitting[0]


def _paired(given: Mapping[str, np.ndarray], file: Path) -> _Arrays:
    if "" in given:
        message = (
            f"{OWNER}.labels (labels) must name the labels of {file}: a .npy file, or a CSV file with a column 'label' "
            "and a row an image."
        )
        raise ConfigError(message)
    images: dict[SplitName | None, str] = {}
    labels: dict[SplitName | None, str] = {}
    classes: tuple[str, ...] = ()
    left_out: list[str] = []
    for name, array in given.items():
        split, rest = _named(name)
        if rest in CLASS_NAMES:
            classes = tuple(str(one) for one in array.tolist())
        elif rest in IMAGES or rest in LABELS:
            table = images if rest in IMAGES else labels
            if split in table:
                message = f"{OWNER}: in {file} both '{table[split]}' and '{name}' could be meant; leave one."
                raise ConfigError(message)
            table[split] = name
        else:
            left_out.append(name)
    if not images or images.keys() != labels.keys():
        message = (
            f"{OWNER}: {file} holds {named(given)}; there must be images and labels, called 'x' and 'y' or 'images' "
            "and 'labels', and both for each split ('x_train' and 'y_train')."
        )
        raise ConfigError(message)
    pairs: list[_Pair] = [(split, _shaped(given[name], name), given[labels[split]]) for split, name in images.items()]
    return _Arrays(tuple(pairs), classes, tuple(left_out))


def _shaped(array: np.ndarray, name: str) -> np.ndarray:
    """Images by height, width and channels (none for grey), whatever the order they came in."""
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


def _eight_bits(arrays: list[np.ndarray], seen: Seen) -> tuple[list[np.ndarray], str]:
    """As uint8 of 0 … 255, every split on one scale, and which: shares of white (0 … 1), 8 bits or 16 bits.

    Raises:
        ConfigError: the values are none of these, as normalised ones.
    """
    for array in arrays:
        if array.dtype.kind not in "buif" or not np.isfinite(array).all():
            message = f"{OWNER}: images must be finite numbers; got {array.dtype} with others among them."
            raise ConfigError(message)
    lowest, highest = min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)
    if lowest < 0 or highest > DEEPEST:
        message = (
            f"{OWNER}: pixels must lie in 0 … 1, 0 … 255 or 0 … {DEEPEST:,}; these go from {lowest:g} to {highest:g}. "
            "Undo their normalisation: it is done here."
        )
        raise ConfigError(message)
    if highest <= 1:
        return [np.rint(array.astype(np.float64) * 255).astype(np.uint8) for array in arrays], "shares"
    if highest <= 255 and all(array.dtype != np.uint16 for array in arrays):
        seen.brightest, seen.white = int(highest), 255
        return [np.rint(array).astype(np.uint8) for array in arrays], "plain"
    return [of_eight_bits(np.rint(array).astype(np.int64), seen) for array in arrays], "deep"


def _plain_labels(labels: np.ndarray, num_images: int) -> list[str]:
    """A word an image: of whole numbers, words, or rows of which one entry is 1."""
    flat = _of_one_hot(labels) if labels.ndim == 2 and labels.shape[1] > 1 else labels
    if flat.size != num_images or flat.shape[:1] != (num_images,):
        message = f"{OWNER}: {num_images:,} images need as many labels; got the shape {labels.shape}."
        raise ConfigError(message)
    column = flat.reshape(-1)
    if column.dtype.kind == "f" and not (np.isfinite(column).all() and (column == np.rint(column)).all()):
        message = f"{OWNER}: labels must be whole numbers or words; got fractions."
        raise ConfigError(message)
    if column.dtype.kind in "bf":
        column = column.astype(np.int64)
    if column.dtype.kind not in "iuU":
        message = f"{OWNER}: labels must be whole numbers or words; got {column.dtype}."
        raise ConfigError(message)
    return [str(one) for one in column.tolist()]


def _of_one_hot(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind in "buif":
        numbers = labels.astype(np.float64)
        if np.isin(numbers, (0, 1)).all() and (numbers.sum(axis=1) == 1).all():
            return numbers.argmax(axis=1)
    message = f"{OWNER}: labels of shape {labels.shape} must hold one 1 a row: one class an image."
    raise ConfigError(message)


def _classes(words: list[str], given: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the classes that occur, and each image's place among them."""
    known = class_order(words)
    counts = Counter(words)
    places = {name: place for place, name in enumerate(known)}
    small = [f"{name} has {counts[name]}" for name in known if counts[name] < MIN_PER_CLASS]
    if len(known) < MIN_CLASSES or small:
        message = (
            f"{OWNER}: there must be at least {MIN_CLASSES} classes of at least {MIN_PER_CLASS} images each; got "
            f"{len(known)} classes{': ' + named(small) if small else ''}."
        )
        raise ConfigError(message)
    labels = tuple(places[word] for word in words)
    if given and all(name.isdecimal() and int(name) < len(given) for name in known):
        return tuple(given[int(name)] for name in known), labels
    return known, labels
