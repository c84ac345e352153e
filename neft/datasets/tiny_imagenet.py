"""Tiny ImageNet: 64 × 64 colour photographs of 200 ImageNet classes."""

from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Int
from torch import Tensor
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, Split, image_size_field
from neft.datasets.fetching import data_missing, download_folder
from neft.datasets.image_files import read_images
from neft.datasets.splits import cut_official
from neft.datasets.torchvision_import import import_torchvision
from neft.errors import DataMissingError

FOLDER = "tiny-imagenet-200"
URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
MD5 = "90528d7ca1a48142e341f4ef8d21d0de"
"""Of the archive as published; its address is not encrypted."""
MIN_PER_CLASS = 10
"""Below this a tenth for validation holds no image of the class; the published set has 500."""


class TinyImagenet(BaseDataset):
    """200 classes, colour; 90,000 train, 10,000 validation, 10,000 test images.

    The labels of the official test images were never published: the official validation split is our test split, and
    ours is taken out of the official training split.
    """

    name: Literal["tiny_imagenet"] = "tiny_imagenet"
    label: ClassVar[str] = "Tiny ImageNet"
    source: ClassVar[str] = "Stanford's course CS231n (cs231n.stanford.edu), 200 classes out of ImageNet at 64 × 64."
    size: ClassVar[DataSize | None] = DataSize(90_000, 10_000, 10_000, num_channels=3, num_classes=200)
    can_download: ClassVar[bool] = True

    image_size: int = image_size_field(64)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from `tiny-imagenet-200` of the data folder.

        Raises:
            DataMissingError: files are not there or cannot be read, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        root = access.data_dir / FOLDER
        if _missing(root) and access.download:
            download_folder(access, self.label, FOLDER, _fetch)
        if missing := _missing(root):
            raise data_missing(self.label, f"{missing} not found", root)

        codes = (root / "wnids.txt").read_text(encoding="utf-8").split()
        paths, labels = _official_train(root, codes)
        test_paths, test_labels = _official_validation(root, codes)
        train, validation = cut_official(labels, max_train=self.max_train)
        access.report(f"Reading {len(train) + len(validation) + len(test_paths)} images from {root}.")
        return ImageData(
            train=self._read([paths[index] for index in train], labels[train]),
            validation=self._read([paths[index] for index in validation], labels[validation]),
            test=self._read(test_paths, test_labels),
            class_names=_class_names(root, codes),
            maximum=255,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            crop_padding=4,
            flip=True,
        )

    def _read(self, paths: list[Path], labels: Int[Tensor, " images"]) -> Split:
        return Split(images=read_images(paths, size=self.image_size, channels=3), labels=labels)


def _fetch(folder: str) -> None:
    fetch = import_torchvision().datasets.utils.download_and_extract_archive
    fetch(URL, download_root=folder, md5=MD5, remove_finished=True)


def _missing(root: Path) -> str:
    """The first thing that is not there; empty if all is."""
    files = [root / "wnids.txt", root / "val" / "val_annotations.txt"]
    missing = [file for file in files if not file.is_file()]
    folders = [root / "train", root / "val" / "images"]
    missing += [folder for folder in folders if not folder.is_dir()]
    return missing[0].relative_to(root).as_posix() if missing else ""


def _official_train(root: Path, codes: list[str]) -> tuple[list[Path], Int[Tensor, " images"]]:
    paths: list[Path] = []
    labels: list[int] = []
    for label, code in enumerate(codes):
        mine = sorted((root / "train" / code / "images").glob("*.JPEG"))
        if len(mine) < MIN_PER_CLASS:
            message = (
                f"Tiny ImageNet is incomplete: {root / 'train' / code / 'images'} holds {len(mine)} images. "
                f"Delete {root} and get it anew."
            )
            raise DataMissingError(message)
        paths += mine
        labels += [label] * len(mine)
    return paths, torch.tensor(labels)


def _official_validation(root: Path, codes: list[str]) -> tuple[list[Path], Int[Tensor, " images"]]:
    """Its lines are file, class, then a box that we do not use, parted by tabs."""
    label_of = {code: label for label, code in enumerate(codes)}
    annotations = root / "val" / "val_annotations.txt"
    rows = [line.split("\t")[:2] for line in annotations.read_text(encoding="utf-8").splitlines() if line]
    try:
        labels = [label_of[code] for _, code in rows]
    except (KeyError, ValueError) as error:
        message = f"Tiny ImageNet: {annotations} has a line that names no class of wnids.txt ({error})."
        raise DataMissingError(message) from error
    return [root / "val" / "images" / name for name, _ in rows], torch.tensor(labels)


def _class_names(root: Path, codes: list[str]) -> tuple[str, ...]:
    """The first word for each class in `words.txt`; its WordNet code where there is none."""
    words = root / "words.txt"
    lines = words.read_text(encoding="utf-8").splitlines() if words.is_file() else []
    names = dict(line.split("\t", maxsplit=1) for line in lines if "\t" in line)
    return tuple(names.get(code, code).split(",")[0].strip() for code in codes)
