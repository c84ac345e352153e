"""What MNIST and Fashion-MNIST share: four IDX files, fetched and read by torchvision."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, ImageData, Split, image_size_field
from neft.datasets.fetching import data_missing, download_folder, first_of, in_one_line, unpack_gzip
from neft.datasets.splits import cut_official, select
from neft.datasets.torchvision_import import import_torchvision
from neft.errors import DataMissingError

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, KeyError, AssertionError)
"""What torchvision's IDX reader ends in, given a file that is cut short or something else."""


class IdxDataset(BaseDataset):
    """A data set in MNIST's files: a member says what is in them. Validation is a tenth of the official training."""

    can_download: ClassVar[bool] = True
    torchvision_class: ClassVar[str]
    class_names: ClassVar[tuple[str, ...]]
    """In the order of their labels."""
    packaged: ClassVar[Path | None] = None
    """A folder that may hold the files as `.gz`, used where the data folder does not."""
    other_way: ClassVar[str] = ""
    """A sentence on how to get those, for the error."""

    image_size: int = image_size_field(32)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from `<torchvision's class>/raw` of the data folder (the four files, unpacked or `.gz`).

        Raises:
            DataMissingError: the files are not there, are damaged, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        kind = getattr(import_torchvision().datasets, self.torchvision_class)
        raw = access.data_dir / self.torchvision_class / "raw"
        _unpack_what_is_packed(access, raw, [raw, *([self.packaged] if self.packaged else [])])
        missing = _missing(raw)
        if missing and not access.download:
            raise data_missing(self.label, f"{first_of(missing)} not found", raw, other_way=self.other_way)
        if missing:
            download_folder(
                access, self.label, f"{self.torchvision_class}/raw", lambda folder: kind(root=folder, download=True)
            )
        official, test = (
            _read(raw, self.label, part=part, num_classes=len(self.class_names)) for part in ("train", "t10k")
        )
        train, validation = cut_official(official.labels, max_train=self.max_train)
        return ImageData(
            train=select(official, train, image_size=self.image_size),
            validation=select(official, validation, image_size=self.image_size),
            test=select(test, torch.arange(len(test)), image_size=self.image_size),
            class_names=self.class_names,
            maximum=255,
            mean=(0.5,),
            std=(0.5,),
        )


def _missing(raw: Path) -> list[str]:
    return [name for name in IDX_FILES if not (raw / name).is_file()]


def _unpack_what_is_packed(access: DataAccess, raw: Path, sources: Sequence[Path]) -> None:
    for name in _missing(raw):
        archive = next((path for folder in sources if (path := folder / f"{name}.gz").is_file()), None)
        if archive is not None:
            access.report(f"Unpacking {archive} into {raw}.")
            unpack_gzip(archive, raw / name)


def _read(raw: Path, label: str, *, part: str, num_classes: int) -> Split:
    """By torchvision's file readers: its class would prefer a pickle from an old version, if one lies there too."""
    reader = import_torchvision().datasets.mnist
    try:
        images = reader.read_image_file(raw / f"{part}-images-idx3-ubyte")
        labels = reader.read_label_file(raw / f"{part}-labels-idx1-ubyte")
    except UNREADABLE as error:
        message = f"{label}: the files in {raw} cannot be read ({in_one_line(error)}). Delete them and get them anew."
        raise DataMissingError(message) from error
    if len(images) != len(labels) or not 0 <= int(labels.max()) < num_classes:
        message = f"{label}: images and labels in {raw} do not belong together. Delete them and get them anew."
        raise DataMissingError(message)
    return Split(images=images.unsqueeze(1), labels=labels)
