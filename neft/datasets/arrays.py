"""Your own arrays: one .npz file with inputs x, labels y and, where you cut them yourself, split. Never unpickled."""

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from typing_extensions import override

from neft.datasets.array_files import ALLOWED, OWNER, Arrays, read_arrays
from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.doubts import numbering_note
from neft.datasets.float_inputs import float_data
from neft.datasets.found_images import (
    MIN_CLASSES,
    MIN_PER_CLASS,
    FoundImages,
    class_order,
    file_checksum,
    named,
    settled_splits,
)
from neft.datasets.own_data import OwnData, checksum_field, path_field
from neft.datasets.split_names import SPLIT_NAMES, SplitName, split_of
from neft.errors import ConfigError, DataMissingError
from neft.input_kinds import FEATURES, IMAGES, SERIES

Layout = Literal["auto", "features", "series", "images"]
AXES: dict[Layout, int] = {"features": FEATURES, "series": SERIES, "images": IMAGES}
BY_AXES: dict[int, Layout] = {axes: layout for layout, axes in AXES.items()}
SMALLEST_IMAGE, LARGEST_IMAGE = 8, 256


class OwnArrays(OwnData):
    """Series, features or images as numbers; the splits that are given, else 70 % train, 15 % validation, 15 % test."""

    idle_once_known: ClassVar[frozenset[str]] = frozenset({"path", "layout"})

    name: Literal["arrays"] = "arrays"
    label: ClassVar[str] = "Arrays"
    source: ClassVar[str] = "The file named by `path`."

    path: str = path_field(
        "file",
        "A .npz file with inputs x, labels y and, if you like, split ('train', 'validation', 'test' of each input).",
    )
    layout: Layout = Field(
        default="auto",
        title="layout",
        description=(
            "What x holds: features [n, features], series [n, channels, steps] or square images [n, channels, height, "
            "width] or [n, height, width]; by its shape where that is clear."
        ),
    )
    checksum: str = checksum_field()

    @property
    @override
    def num_axes(self) -> int | None:
        return AXES.get(self.layout)

    @override
    def identified(self) -> "OwnArrays":
        """With the checksum of what lies there, and what it holds; as it is where it has one.

        Raises:
            DataMissingError: there is nothing, or the file cannot be read.
            ConfigError: it is unclear what the inputs, classes or splits are.
        """
        if self.checksum:
            return self
        arrays = self._arrays()
        found = _found(arrays, self._layout(arrays))
        self.refuse_unmeant(found)
        return self.model_copy(update={"checksum": found.checksum, "layout": self._layout(arrays)})

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the inputs, as 32-bit floats.

        Raises:
            DataMissingError: nothing is there, the file cannot be read, or it is not that of the checksum.
            ConfigError: it is unclear what the inputs, classes or splits are, they are too few or too many, or
                `max_train` is below the number of classes.
        """
        arrays = self._arrays()
        layout = self._layout(arrays)
        found = _found(arrays, layout)
        self.refuse_unmeant(found)
        for note in filter(None, (*found.notes, numbering_note(found.class_names))):
            access.report(note)
        inputs, labels = torch.from_numpy(_shaped(arrays.inputs, layout)), torch.tensor(found.labels)
        splits = [
            Split(images=inputs[places], labels=labels[places]) for places in found.parts(self.max_train).values()
        ]
        return float_data(*splits, class_names=found.class_names)

    def _arrays(self) -> Arrays:
        file = Path(self.path).expanduser()
        if not self.path or file.suffix != ".npz":
            message = f"{OWNER}.path (file) must name a .npz file with the arrays x and y; got '{self.path}'."
            raise ConfigError(message)
        if not file.is_file():
            message = f"{OWNER}.path (file): there is no file {file.absolute()}."
            raise DataMissingError(message)
        return read_arrays(file)

    def _layout(self, arrays: Arrays) -> Layout:
        """What the inputs are: as said, else by their shape."""
        shape = arrays.inputs.shape
        if self.layout != "auto":
            allowed = {"features": (2,), "series": (3,), "images": (3, 4)}[self.layout]
            if len(shape) not in allowed:
                message = f"{OWNER}.layout (layout) is '{self.layout}', but x has the shape {shape}. {ALLOWED}"
                raise ConfigError(message)
            return self.layout
        if len(shape) == 3 and shape[1] == shape[2] >= SMALLEST_IMAGE:
            message = (
                f"{OWNER}.layout (layout) must say what x of the shape {shape} holds: 'images' of {shape[1]} rows and "
                f"columns, or 'series' of {shape[1]} channels and as many steps."
            )
            raise ConfigError(message)
        return BY_AXES[len(shape) - 2]


def _shaped(inputs: np.ndarray, layout: Layout) -> np.ndarray:
    """As [inputs, channels, …]; grey images get their one channel.

    Raises:
        ConfigError: images that are not square, too small or too large.
    """
    if layout != "images":
        return inputs
    shaped = inputs[:, None] if inputs.ndim == 3 else inputs
    height, width = shaped.shape[2:]
    if height != width or not SMALLEST_IMAGE <= height <= LARGEST_IMAGE:
        message = (
            f"{OWNER}: images must be squares of {SMALLEST_IMAGE} to {LARGEST_IMAGE} pixels, channels before rows; x "
            f"has the shape {inputs.shape}. `image_arrays` crops, pads and resizes images."
        )
        raise ConfigError(message)
    return shaped


def _found(arrays: Arrays, layout: Layout) -> FoundImages:
    """Which inputs there are, of which class and split."""
    words = arrays.labels
    class_names, counts = class_order(words), Counter(words)
    small = [f"{name} has {counts[name]}" for name in class_names if counts[name] < MIN_PER_CLASS]
    if len(class_names) < MIN_CLASSES or small:
        message = (
            f"{OWNER}: y must hold at least {MIN_CLASSES} classes of at least {MIN_PER_CLASS} inputs each; got "
            f"{len(class_names)}{', of which ' + named(small) if small else ''}."
        )
        raise ConfigError(message)
    places = {name: place for place, name in enumerate(class_names)}
    labels = tuple(places[word] for word in words)
    splits, notes = settled_splits(map(_split_said, arrays.splits), labels, class_names, owner=OWNER)
    names = tuple(map(str, range(len(words))))
    checksums = (layout, file_checksum(arrays.file))
    return FoundImages(names, labels, class_names, splits, checksums, (*notes, *arrays.notes))


def _split_said(word: str) -> SplitName | None:
    """The split that a word or a number means; None where nothing is said.

    Raises:
        ConfigError: it means none.
    """
    if not word:
        return None
    found = SPLIT_NAMES[int(word)] if word in {"0", "1", "2"} else split_of(word)
    if found is None:
        message = f"{OWNER}: split must hold 'train', 'validation' or 'test' (or 0, 1, 2) for each input; got '{word}'."
        raise ConfigError(message)
    return found
