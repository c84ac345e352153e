"""What a data set is: three splits of images held in memory, and how they are shown to a network.

What is no image is held likewise, as floats: a series as [channels, steps], a vector of features as [features], whose
channels are its features. What is said of images here holds for them unless said otherwise.

Train, validation and test are disjoint. Choices (the best epoch, a temperature) are made on validation; test is
reported on.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int, Num, UInt8
from pydantic import Field
from torch import Tensor

from neft.component import Component, default_name
from neft.input_kinds import FEATURES, IMAGES
from neft.plain_words import plain_words

SPLIT_SEED = 0
"""The splits are part of a data set, the same for every run: they have a seed of their own."""


@dataclass(frozen=True)
class Split:
    """Images as stored (0 … maximum), or other inputs as floats, and their labels."""

    images: UInt8[Tensor, "images channels height width"] | Float[Tensor, "images channels ..."]
    labels: Int[Tensor, " images"]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageData:
    """A loaded data set."""

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    maximum: int
    """The value of white: 255, or 16 for scikit-learn's digits; 1 for inputs that are floats."""
    mean: tuple[float, ...]
    """Per channel, on the scale [0, 1]; of floats on their own."""
    std: tuple[float, ...]
    crop_padding: int = 0
    """Training images are cropped at random after padding by this many pixels; 0 leaves them alone."""
    flip: bool = False
    """Training images are mirrored with probability 1/2."""

    def __post_init__(self) -> None:
        """Whatever file names the classes, what is shown of them is plain words."""
        object.__setattr__(self, "class_names", tuple(map(plain_words, self.class_names)))

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def num_channels(self) -> int:
        """1 for grey, 3 for colour; the channels of a series; how many features there are."""
        return self.train.images.shape[1]

    @property
    def num_axes(self) -> int:
        """Of one input beside its channels: 2 of images, 1 of series, 0 of feature vectors (`neft.input_kinds`)."""
        return self.train.images.dim() - 2

    @property
    def image_size(self) -> int:
        """Height and width in pixels, as images are square; the steps of a series; 1 for feature vectors."""
        return 1 if self.num_axes == FEATURES else self.train.images.shape[2]

    @property
    def shape_words(self) -> str:
        """Of one input: `3 × 32 × 32`."""
        return " × ".join(map(str, self.train.images.shape[1:]))

    def normalise(self, images: Num[Tensor, "batch channels ..."]) -> Float[Tensor, "batch channels ..."]:
        """(x / maximum - mean) / std, channel by channel."""
        shape = (1, -1, *(1,) * (images.dim() - 2))
        mean = torch.tensor(self.mean, device=images.device).view(shape)
        std = torch.tensor(self.std, device=images.device).view(shape)
        return (images.float() / self.maximum - mean) / std

    def augment(
        self, images: Num[Tensor, "batch channels ..."], rng: torch.Generator
    ) -> Num[Tensor, "batch channels ..."]:
        """Random crop and mirror, where the data set asks for them (of images alone); each image draws its own."""
        if self.flip:
            mirrored = torch.randint(2, (len(images),), generator=rng).to(images.device).bool()
            images = torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)
        if self.crop_padding:
            images = _random_crops(images, self.crop_padding, rng)
        return images


def _random_crops(images: Tensor, padding: int, rng: torch.Generator) -> Tensor:
    size = images.shape[-1]
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    top, left = torch.randint(0, 2 * padding + 1, (2, len(images)), generator=rng).to(images.device)
    steps = torch.arange(size, device=images.device)
    rows = (top[:, None] + steps)[:, None, :, None]
    columns = (left[:, None] + steps)[:, None, None, :]
    every_image = torch.arange(len(images), device=images.device)[:, None, None, None]
    channels = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    return padded[every_image, channels, rows, columns]


@dataclass(frozen=True)
class DataSize:
    """How much there is of a data set."""

    num_train: int
    num_validation: int
    num_test: int
    num_channels: int
    num_classes: int
    image_size: int | None = None
    """Steps of a series, or 1 for feature vectors; None where the data set has an `image_size`."""


@dataclass(frozen=True)
class DataAccess:
    """Where data sets lie and whether a missing one may be fetched."""

    data_dir: Path
    download: bool = False
    report: Callable[[str], None] = lambda _message: None
    """Told, in words, what is being done (downloading, unpacking, resizing)."""


class BaseDataset(Component):
    """The interface: `load` returns the three splits or says what is missing."""

    label: ClassVar[str]
    source: ClassVar[str]
    size: ClassVar[DataSize | None] = None
    """Known without loading; None where only loading tells."""
    can_download: ClassVar[bool] = False
    """Whether a missing one can be fetched."""

    max_train: int | None = Field(
        default=None,
        ge=10,
        title="training images",
        description="Use only this many training images, drawn evenly over the classes; all of them if not given.",
    )

    @property
    def num_axes(self) -> int | None:
        """What its inputs are (`neft.input_kinds`); None where only loading tells."""
        return IMAGES

    @property
    def content(self) -> str:
        """A checksum of the images where they are a user's own and known; empty for what is published."""
        return ""

    @property
    def short_name(self) -> str:
        """By which lists and addresses tell data sets apart."""
        return default_name(type(self))

    @property
    def full_label(self) -> str:
        """As shown, with what tells it from others of its kind."""
        return self.label

    @property
    def sized_label(self) -> str:
        """With the size of its images, if it has any."""
        size: int | None = getattr(self, "image_size", None)
        return self.full_label if size is None else f"{self.full_label} {size}×{size}"

    def holding(self, content: str) -> "BaseDataset":
        """The same data set at the same place, were its content this."""
        del content
        return self

    def identified(self) -> "BaseDataset":
        """The same data set, told apart by its content where nothing else tells."""
        return self

    @abstractmethod
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set.

        Raises:
            DataMissingError: the files are not there; says which, and the two ways to get them.
            ConfigError: a setting this data set cannot take.
        """


def image_size_field(default: int) -> Any:
    """The declaration of a data set's `image_size`, in pixels."""
    return Field(
        default=default,
        ge=8,
        le=256,
        title="image size",
        description="Height and width to which images are resized.",
        json_schema_extra={"unit": "pixels"},
    )
