"""What MNIST and Fashion-MNIST share: four IDX files, fetched and read by torchvision."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.fetching import data_missing, download_folder, in_one_line, unpack_gzip
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


def load_idx(
    kind: type[Any],
    access: DataAccess,
    *,
    label: str,
    class_names: Sequence[str],
    image_size: int,
    max_train: int | None,
    packaged: Path | None = None,
    other_way: str = "",
) -> ImageData:
    """The three splits; validation is a tenth of the official training split.

    Args:
        kind: torchvision's class (MNIST or one derived from it).
        access: the files lie in `<kind's name>/raw` of its data folder, unpacked or as `.gz`.
        label: the data set's name as shown.
        class_names: the classes in the order of their labels.
        image_size: height and width, in pixels, to resize to.
        max_train: use only so many training images.
        packaged: a folder that may hold the files as `.gz`, used where the data folder does not.
        other_way: a sentence on how to get those, for the error.

    Raises:
        DataMissingError: files are missing or damaged and there was no download, or it failed.
        ConfigError: `max_train` is below the number of classes.
    """
    raw = access.data_dir / kind.__name__ / "raw"
    _unpack_what_is_packed(access, raw, [raw, *([packaged] if packaged else [])])
    missing = _missing(raw)
    if missing and not access.download:
        raise data_missing(label, f"{', '.join(missing)} not found", raw, other_way=other_way)
    if missing:
        download_folder(access, label, f"{kind.__name__}/raw", lambda folder: kind(root=folder, download=True))
    official, test = (_read(raw, label, part=part, num_classes=len(class_names)) for part in ("train", "t10k"))
    train, validation = cut_official(official.labels, max_train=max_train)
    return ImageData(
        train=select(official, train, image_size=image_size),
        validation=select(official, validation, image_size=image_size),
        test=select(test, torch.arange(len(test)), image_size=image_size),
        class_names=tuple(class_names),
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
