"""Motions of a wrist: 80 short recordings of six axes that ship inside the aeon package; no download."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

import torch
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, Split
from neft.datasets.float_inputs import float_data
from neft.datasets.splits import hold_out, take_evenly
from neft.errors import DataMissingError
from neft.input_kinds import SERIES

FILES = {"train": "BasicMotions_TRAIN.ts", "test": "BasicMotions_TEST.ts"}
CLASSES = ("Standing", "Running", "Walking", "Badminton")
"""In the order in which the files name them."""
NUM_CHANNELS, NUM_STEPS, NUM_RECORDINGS = 6, 100, 40
NUM_VALIDATION = 8
"""Of the 40 published training recordings; two of each class."""


class BasicMotions(BaseDataset):
    """Four activities; three axes of acceleration and three of rotation, 100 steps of a tenth of a second."""

    name: Literal["basic_motions"] = "basic_motions"
    label: ClassVar[str] = "BasicMotions"
    source: ClassVar[str] = "[Bagnall2018], shipped with the aeon package."
    size: ClassVar[DataSize | None] = DataSize(
        NUM_RECORDINGS - NUM_VALIDATION,
        NUM_VALIDATION,
        NUM_RECORDINGS,
        num_channels=NUM_CHANNELS,
        num_classes=len(CLASSES),
        image_size=NUM_STEPS,
    )

    @property
    @override
    def num_axes(self) -> int | None:
        return SERIES

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the recordings from the files of the installed aeon package, of which no code is run.

        Raises:
            DataMissingError: the package is not installed, or its files are not as published.
            ConfigError: `max_train` is below the number of classes.
        """
        folder = _folder()
        published, test = _read(folder / FILES["train"]), _read(folder / FILES["test"])
        kept, held = hold_out(published.labels, count=NUM_VALIDATION, purpose="validation")
        kept = kept[take_evenly(published.labels[kept], self.max_train)]
        train, validation = (
            Split(images=published.images[chosen], labels=published.labels[chosen]) for chosen in (kept, held)
        )
        return float_data(train, validation, test, CLASSES)


def _folder() -> Path:
    """Where the files lie; the package is looked for, not imported, which takes seconds and more packages."""
    found = find_spec("aeon")
    if found is None or not found.submodule_search_locations:
        message = (
            "BasicMotions: the package aeon, which brings its files, is not installed. Install it with "
            "`pip install 'neft[series]'`, or alone with `pip install --no-deps aeon`: only its files are read."
        )
        raise DataMissingError(message)
    return Path(found.submodule_search_locations[0]) / "datasets" / "data" / "BasicMotions"


def _read(file: Path) -> Split:
    """The recordings of a file: after the line `@data` one a line, axes parted by colons, the class last."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"BasicMotions: {file} of the package aeon cannot be read ({error.strerror})."
        raise DataMissingError(message) from None
    started = next((number for number, line in enumerate(lines) if line.strip().lower() == "@data"), len(lines))
    rows = [line.strip().split(":") for line in lines[started + 1 :] if line.strip()]
    try:
        values = [[[float(step) for step in axis.split(",")] for axis in axes] for *axes, _ in rows]
        labels = [CLASSES.index(row[-1]) for row in rows]
        recordings = torch.tensor(values)
    except ValueError:
        recordings, labels = torch.zeros(0), []
    shape = (NUM_RECORDINGS, NUM_CHANNELS, NUM_STEPS)
    if recordings.shape != shape or not math.isfinite(float(recordings.sum())):
        expected = " × ".join(map(str, shape))
        message = f"BasicMotions: {file} is not the published one of {expected} numbers of the classes {CLASSES}."
        raise DataMissingError(message)
    return Split(images=recordings, labels=torch.tensor(labels))
