"""What images of one's own have in common: how they are found, and how they are made alike."""

from abc import abstractmethod
from typing import ClassVar, Literal

import torch
from jaxtyping import UInt8
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.datasets.base import DataAccess, ImageData, Split, image_size_field
from neft.datasets.doubts import numbering_note, refuse_doubts
from neft.datasets.found_images import FoundImages
from neft.datasets.image_files import Fit, Seen
from neft.datasets.own_data import OwnData, checksum_field, path_field
from neft.datasets.split_checks import split_notes
from neft.datasets.split_names import SplitName
from neft.errors import ConfigError

__all__ = ["OwnImages", "path_field"]
GB = 10**9
MAX_BYTES = 16 * GB
"""Of all images of a data set, a byte a pixel and channel; they are kept in memory."""


class OwnImages(OwnData):
    """The interface: `_find` says which images there are, `_pixels` reads some of them."""

    idle_once_known: ClassVar[frozenset[str]] = frozenset({"path", "labels"})

    path: str
    labels: str = Field(
        default="",
        title="labels",
        description=(
            "A file of labels, where neither folders nor arrays tell them: CSV with the columns file and label (and "
            "split), or .npy beside an array of images. By its path from the images' folder."
        ),
        json_schema_extra={"is_place": True},
    )
    channels: Literal[1, 3] = Field(
        default=3, title="channels", description="3 for colour, 1 for grey; images are converted."
    )
    image_size: int = image_size_field(64)
    fit: Fit = Field(
        default="crop",
        title="fit",
        description="How images that are not square become so: crop their middle, or pad them with black.",
    )
    checksum: str = checksum_field()

    @override
    def identified(self) -> "OwnImages":
        """With the checksum of what lies there; as it is where it has one.

        Raises:
            DataMissingError: there is nothing, or a file cannot be read.
            ConfigError: it is unclear what the images, classes or splits are.
        """
        if self.checksum:
            return self
        found = self._find()
        refuse_doubts(found, owner=type(self).__name__)
        return self.model_copy(update={"checksum": found.checksum})

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the images, resized and made square.

        Raises:
            DataMissingError: nothing is there, a file cannot be read, or the images are not those of the checksum.
            ConfigError: it is unclear what the images, classes or splits are, they are too few or too many, or
                `max_train` is below the number of classes.
        """
        found = self._find()
        self.refuse_unmeant(found)
        parts = found.parts(self.max_train)
        unknown = (
            "" if self.checksum else f"Nothing says which images are meant; the checksum here is {found.checksum}."
        )
        for note in filter(None, (*found.notes, numbering_note(found.class_names), unknown)):
            access.report(note)
        chosen = torch.cat(list(parts.values())).tolist()
        self._demand_size(len(chosen))
        access.report(f"Reading {len(chosen)} images from {self.path}.")
        seen = Seen()
        pixels = self._pixels(found, chosen, seen)
        labels = torch.tensor(found.labels)
        images = torch.split(pixels, [len(part) for part in parts.values()])
        splits: dict[SplitName, Split] = {
            name: Split(images=pixels, labels=labels[places])
            for (name, places), pixels in zip(parts.items(), images, strict=True)
        }
        for note in (*seen.notes(self.fit), *split_notes(splits)):
            access.report(note)
        middle = (0.5,) * self.channels
        return ImageData(
            train=splits["train"],
            validation=splits["validation"],
            test=splits["test"],
            class_names=found.class_names,
            maximum=255,
            mean=middle,
            std=middle,
        )

    def _demand_size(self, count: int) -> None:
        size = count * self.channels * self.image_size**2
        if size > MAX_BYTES:
            message = (
                f"{type(self).__name__}: {count:,} images of {self.channels} × {self.image_size} × {self.image_size} "
                f"take {size / GB:.1f} GB; at most {MAX_BYTES / GB:.0f} GB are read. Give a smaller image_size or "
                "max_train."
            )
            raise ConfigError(message)

    @abstractmethod
    def _find(self) -> FoundImages:
        """Which images there are.

        Raises:
            DataMissingError: there are none, or a file cannot be read.
            ConfigError: it is unclear what they are.
        """

    @abstractmethod
    def _pixels(
        self, found: FoundImages, chosen: list[int], seen: Seen
    ) -> UInt8[Tensor, "images channels height width"]:
        """Some of the images, by their places among those found.

        Raises:
            DataMissingError: one cannot be read.
        """
