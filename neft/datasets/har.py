"""Human activity recognition with a phone at the waist: 30 people, six activities, as the UCI folder has them."""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.datasets.base import SPLIT_SEED, BaseDataset, DataAccess, ImageData, Split
from neft.datasets.fetching import first_of, in_one_line
from neft.datasets.float_inputs import float_data
from neft.datasets.splits import take_evenly
from neft.errors import DataMissingError
from neft.input_kinds import FEATURES, SERIES
from neft.seeding import generator

FOLDER = "UCI HAR Dataset"
PAGE = "https://archive.ics.uci.edu/dataset/240"
NAMES = "activity_labels.txt"
SIGNALS = tuple(f"{kind}_{axis}" for kind in ("body_acc", "body_gyro", "total_acc") for axis in "xyz")
"""The nine raw signals, in the order of the channels."""
VALIDATION_FRACTION = 0.15
"""Of the people in the published training split: 3 of 21."""


class Har(BaseDataset):
    """Walking, walking upstairs and downstairs, sitting, standing, lying; windows of 2.56 s at 50 Hz.

    7,352 published training and 2,947 test windows, of different people; so are ours for validation.
    """

    name: Literal["har"] = "har"
    label: ClassVar[str] = "HAR"
    source: ClassVar[str] = "[Anguita2013], the folder `UCI HAR Dataset`, which you put into the data folder."

    signals: Literal["features", "inertial"] = Field(
        default="features",
        title="signals",
        description="The 561 published features of each window, or its nine raw inertial signals of 128 steps.",
    )

    @property
    @override
    def num_axes(self) -> int | None:
        return FEATURES if self.signals == "features" else SERIES

    @property
    @override
    def short_name(self) -> str:
        return super().short_name if self.signals == "features" else f"{super().short_name}_{self.signals}"

    @property
    @override
    def full_label(self) -> str:
        return self.label if self.signals == "features" else f"{self.label}, raw signals"

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the windows from `UCI HAR Dataset` of the data folder.

        Raises:
            DataMissingError: files are not there, cannot be read or do not fit each other.
            ConfigError: `max_train` is below the number of classes.
        """
        root = access.data_dir / FOLDER
        self._check(root)
        access.report(f"Reading {root}.")
        names, codes = _names(root / NAMES)
        inputs, labels, people = self._part(root, "train", codes)
        test_inputs, test_labels, _ = self._part(root, "test", codes)
        held = torch.isin(people, _held_out(people))
        train, validation = ((~held).nonzero()[:, 0], held.nonzero()[:, 0])
        for words, part in (("training", labels[train]), ("validation", labels[validation]), ("test", test_labels)):
            if len(part.unique()) < len(names):
                raise _unusable(root, f"the {words} windows hold {len(part.unique())} of {len(names)} activities")
        train = train[take_evenly(labels[train], self.max_train)]
        return float_data(
            Split(images=inputs[train], labels=labels[train]),
            Split(images=inputs[validation], labels=labels[validation]),
            Split(images=test_inputs, labels=test_labels),
            names,
        )

    def _files(self, part: str) -> list[str]:
        """Those that hold the inputs of a published split, below the folder."""
        if self.signals == "features":
            return [f"{part}/X_{part}.txt"]
        return [f"{part}/Inertial Signals/{signal}_{part}.txt" for signal in SIGNALS]

    def _check(self, root: Path) -> None:
        wanted = [NAMES]
        for part in ("train", "test"):
            wanted += [f"{part}/y_{part}.txt", f"{part}/subject_{part}.txt", *self._files(part)]
        missing = [file for file in wanted if not (root / file).is_file()]
        if missing:
            message = (
                f"HAR: {first_of(missing)} not found in {root}. Get it from {PAGE}, unpack it and put its folder "
                f"'{FOLDER}' into the data folder (`--data-dir` or NEFT_DATA_DIR)."
            )
            raise DataMissingError(message)

    def _part(
        self, root: Path, part: str, codes: list[int]
    ) -> tuple[Float[Tensor, "windows channels ..."], Int[Tensor, " windows"], Int[Tensor, " windows"]]:
        """A published split: inputs, activities and people."""
        tables = [_numbers(root / file) for file in self._files(part)]
        said, people = (_numbers(root / part / f"{kind}_{part}.txt").ravel() for kind in ("y", "subject"))
        if {len(said)} != {len(people), *map(len, tables)} or len({table.shape for table in tables}) > 1:
            raise _unusable(root / part, "its files are not of equally many windows")
        if not set(said.tolist()) <= set(codes):
            raise _unusable(root / part, f"y_{part}.txt names an activity that {NAMES} does not")
        inputs = tables[0] if self.signals == "features" else np.stack(tables, axis=1)
        return (
            torch.from_numpy(inputs.astype(np.float32)),
            torch.tensor([codes.index(int(code)) for code in said]),
            torch.from_numpy(people.astype(np.int64)),
        )


def _held_out(people: Int[Tensor, " windows"]) -> Int[Tensor, " people"]:
    """The people to validate on: nobody is both trained and validated on."""
    each = people.unique()
    count = max(1, round(VALIDATION_FRACTION * len(each)))
    return each[torch.randperm(len(each), generator=generator(SPLIT_SEED, "split", "people"))[:count]]


def _names(file: Path) -> tuple[tuple[str, ...], list[int]]:
    """The activities in words, and their numbers in the files."""
    try:
        rows = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        return tuple(name.strip().capitalize().replace("_", " ") for _, name in rows), [int(code) for code, _ in rows]
    except (OSError, ValueError) as error:
        raise _unusable(file, in_one_line(error)) from None


def _numbers(file: Path) -> np.ndarray:
    """The numbers of a file, a row a window."""
    try:
        found = np.loadtxt(file, dtype=np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        raise _unusable(file, in_one_line(error)) from None
    if not found.size or not np.isfinite(found).all():
        raise _unusable(file, "there must be finite numbers alone")
    return found


def _unusable(place: Path, problem: str) -> DataMissingError:
    return DataMissingError(f"HAR: {place} cannot be used: {problem}. Get the folder '{FOLDER}' anew from {PAGE}.")
