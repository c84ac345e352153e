"""Your own images as NumPy arrays: one .npz file with images and labels, or a .npy file of each. Never unpickled."""

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from typing_extensions import override

from neft.datasets.array_pixels import OWNER, eight_bits, shaped
from neft.datasets.found_images import (
    MIN_CLASSES,
    MIN_PER_CLASS,
    FoundImages,
    class_order,
    file_checksum,
    named,
    settled_splits,
)
from neft.datasets.image_files import Seen, fitted
from neft.datasets.label_columns import read_label_column
from neft.datasets.label_files import label_path
from neft.datasets.own_images import GB, MAX_BYTES, OwnImages, path_field
from neft.datasets.split_names import SplitName, resembled, split_of
from neft.errors import ConfigError, DataMissingError

IMAGES = frozenset({"x", "image", "images", "img", "imgs", "data", "features", "arr_0"})
LABELS = frozenset({"y", "label", "labels", "target", "targets", "arr_1"})
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
"""What NumPy ends in, given a file that is damaged or holds no arrays."""
CLASS_NAMES = frozenset({"classes", "class_names", "label_names"})


@dataclass(frozen=True)
class _Pair:
    """Images and their labels, with the splits that names or a column tell."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    splits: tuple[SplitName | None, ...]


@dataclass(frozen=True)
class _Arrays:
    """What there is, and what is to be said of it."""

    pairs: tuple[_Pair, ...]
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


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
        for pair in arrays.pairs:
            words += _plain_labels(pair.labels, len(pair.images))
            given += pair.splits
        class_names, classes, unnamed = _classes(words, arrays.class_names)
        splits, notes = settled_splits(given, classes, class_names, owner=OWNER)
        names = tuple(str(place) for place in range(len(words)))
        checksums = (file_checksum(file), *((file_checksum(self._label_file(file)),) if self.labels else ()))
        notes, doubts = (*notes, *arrays.notes), (*arrays.doubts, *unnamed)
        return FoundImages(names, classes, class_names, splits, checksums, notes, doubts)

    @override
    def _pixels(
        self, found: FoundImages, chosen: list[int], seen: Seen
    ) -> UInt8[Tensor, "images channels height width"]:
        pairs = self._arrays(self._file()).pairs
        scaled, kind = eight_bits({pair.name: pair.images for pair in pairs}, seen)
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
        name = "" if "" in given else _only(given, file)
        images = shaped(given.pop(name), name or file.name)
        left_out = _left_out(list(given))
        if beside.suffix == ".npy":
            pair = _Pair(name or file.name, images, _loaded(beside)[""], (None,) * len(images))
            return _Arrays((pair,), notes=left_out)
        column = read_label_column(beside)
        pair = _Pair(name or file.name, images, np.array(column.labels), column.splits)
        return _Arrays((pair,), notes=(*column.notes, *left_out), doubts=column.doubts)


def _loaded(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; that of a .npy file under no name."""
    _demand_size(file)
    try:
        # a .npy file's header may promise more than there is: only what is there can be mapped
        loaded = np.load(file, allow_pickle=False, mmap_mode="r" if file.suffix == ".npy" else None)
        return {"": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (*UNREADABLE, MemoryError) as error:
        message = f"The arrays in {file} cannot be read ({error}). Arrays of Python objects are never unpickled."
        raise DataMissingError(message) from None


def _demand_size(file: Path) -> None:
    """Refuse arrays that unpack to too much, by what the archive says; it is not unpacked beyond that.

    Raises:
        ConfigError: they do.
        DataMissingError: it is no archive.
    """
    try:
        if file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        else:
            size = file.stat().st_size
    except UNREADABLE as error:
        message = f"The arrays in {file} cannot be read ({error})."
        raise DataMissingError(message) from None
    if size > MAX_BYTES:
        message = f"{OWNER}: the arrays in {file} take {size / GB:.1f} GB; at most {MAX_BYTES / GB:.0f} GB are read."
        raise ConfigError(message)


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
    pairs = [
        _Pair(name, shaped(given[name], name), given[labels[split]], (split,) * len(given[name]))
        for split, name in images.items()
    ]
    like_splits = [name for name in left_out if resembled(name)]
    doubts = (f"Arrays called like splits are not read: {named(like_splits)}.",) if like_splits else ()
    return _Arrays(tuple(pairs), classes, _left_out(left_out), doubts)


def _left_out(names: list[str]) -> tuple[str, ...]:
    return (f"Arrays that are not read: {named(names)}.",) if names else ()


def _plain_labels(labels: np.ndarray, num_images: int) -> list[str]:
    """A word an image: of whole numbers, words, or rows of which one entry is 1."""
    flat = _of_one_hot(labels) if labels.ndim == 2 and labels.shape[1] > 1 else labels
    if flat.size != num_images or flat.shape[:1] != (num_images,):
        message = f"{OWNER}: {num_images:,} images need as many labels; got the shape {labels.shape}."
        raise ConfigError(message)
    column = flat.reshape(-1)
    if column.dtype.kind == "f" and not (np.isfinite(column).all() and (column == np.rint(column)).all()):
        message = f"{OWNER}: labels must be whole numbers or words; got {_no_label(column)}."
        raise ConfigError(message)
    if column.dtype.kind in "bf":
        column = column.astype(np.int64)
    if column.dtype.kind not in "iuU":
        message = f"{OWNER}: labels must be whole numbers or words; got {column.dtype}."
        raise ConfigError(message)
    return [str(one) for one in column.tolist()]


def _no_label(column: np.ndarray) -> str:
    return "fractions" if np.isfinite(column).all() else "NaN or infinity"


def _of_one_hot(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind in "buif":
        numbers = labels.astype(np.float64)
        if np.isin(numbers, (0, 1)).all() and (numbers.sum(axis=1) == 1).all():
            return numbers.argmax(axis=1)
    message = f"{OWNER}: labels of shape {labels.shape} must hold one 1 a row: one class an image."
    raise ConfigError(message)


def _classes(words: list[str], given: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Names of the classes that occur, each image's place among them, and what is not clear about the names."""
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
    if not given or set(known) <= set(given):
        return known, labels, ()
    if all(name.isdecimal() and int(name) < len(given) for name in known) and len(set(given)) == len(given):
        return tuple(given[int(name)] for name in known), labels, ()
    unclear = (
        f"The classes are named {named(given)}, but the labels are {named(known)}, not numbers from 0 to "
        f"{len(given) - 1}: the names would not be used."
    )
    return known, labels, (unclear,)
