"""Your own images: a folder with one sub-folder for each class."""

from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, ImageData, Split, image_size_field
from neft.datasets.image_files import SUFFIXES, read_images
from neft.datasets.splits import cut
from neft.errors import ConfigError, DataMissingError

HELD_OUT_FRACTION = 0.15
"""Of all images, for validation and for test each."""
MIN_CLASSES = 2
MIN_PER_CLASS = 10
"""With 15 % of them at least one image of each class is in each split."""


class ImageFolder(BaseDataset):
    """Any images; 70 % train, 15 % validation, 15 % test, each class in proportion."""

    name: Literal["image_folder"] = "image_folder"
    label: ClassVar[str] = "Image folder"
    source: ClassVar[str] = "The folder named by `path`."

    path: str = Field(
        default="",
        title="folder",
        description="A folder with one sub-folder of images for each class; its name is the class's name.",
    )
    channels: Literal[1, 3] = Field(
        default=3, title="channels", description="3 for colour, 1 for grey; images are converted."
    )
    image_size: int = image_size_field(64)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the images: shorter side resized, middle cropped.

        Raises:
            DataMissingError: there is no such folder, or an image cannot be read.
            ConfigError: no folder is named, it has too few classes or a class too few images, or `max_train` is below
                the number of classes.
        """
        folders = _class_folders(self.path)
        paths, labels = _find_images(folders)
        count = round(HELD_OUT_FRACTION * len(paths))
        parts = cut(labels, num_validation=count, num_test=count, max_train=self.max_train)
        access.report(f"Reading {sum(len(part) for part in parts)} images from {self.path}.")
        train, validation, test = (self._read([paths[index] for index in part], labels[part]) for part in parts)
        middle = (0.5,) * self.channels
        return ImageData(
            train=train,
            validation=validation,
            test=test,
            class_names=tuple(folder.name for folder in folders),
            maximum=255,
            mean=middle,
            std=middle,
        )

    def _read(self, paths: list[Path], labels: Int[Tensor, " images"]) -> Split:
        return Split(images=read_images(paths, size=self.image_size, channels=self.channels), labels=labels)


def _class_folders(path: str) -> list[Path]:
    if not path:
        message = "ImageFolder.path (folder) must name a folder with one sub-folder of images for each class; got ''."
        raise ConfigError(message)
    root = Path(path).expanduser()
    if not root.is_dir():
        message = f"ImageFolder.path (folder): there is no folder {root.absolute()}."
        raise DataMissingError(message)
    folders = sorted(child for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    if len(folders) < MIN_CLASSES:
        message = (
            f"ImageFolder.path (folder) must hold at least {MIN_CLASSES} sub-folders, one for each class; "
            f"{root} holds {len(folders)}."
        )
        raise ConfigError(message)
    return folders


def _find_images(folders: list[Path]) -> tuple[list[Path], Int[Tensor, " images"]]:
    """Sorted, so that the splits are the same on every machine."""
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        mine = sorted(path for path in folder.rglob("[!.]*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if len(mine) < MIN_PER_CLASS:
            message = (
                f"ImageFolder: each class needs at least {MIN_PER_CLASS} images ({', '.join(sorted(SUFFIXES))}); "
                f"{folder} holds {len(mine)}."
            )
            raise ConfigError(message)
        paths += mine
        labels += [label] * len(mine)
    return paths, torch.tensor(labels)
