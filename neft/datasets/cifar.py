"""What CIFAR-10 and CIFAR-100 share: batches checked and read by torchvision's own classes."""

from typing import Any, ClassVar

import numpy as np
import torch
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, ImageData, Split, image_size_field
from neft.datasets.fetching import data_missing, download_folder, first_of
from neft.datasets.splits import cut_official, select
from neft.datasets.torchvision_import import import_torchvision


class Cifar(BaseDataset):
    """A data set in CIFAR's batches: a member says what is in them."""

    source: ClassVar[str] = "[Krizhevsky2009], through torchvision."
    can_download: ClassVar[bool] = True
    torchvision_class: ClassVar[str]
    mean: ClassVar[tuple[float, float, float]]
    """Per channel, on the scale [0, 1]."""
    std: ClassVar[tuple[float, float, float]]

    image_size: int = image_size_field(32)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from the published batches in the data folder.

        Raises:
            DataMissingError: the files are not there, are not the published ones, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        return load_cifar(
            getattr(import_torchvision().datasets, self.torchvision_class),
            access,
            label=self.label,
            mean=self.mean,
            std=self.std,
            image_size=self.image_size,
            max_train=self.max_train,
        )


def load_cifar(
    kind: type[Any],
    access: DataAccess,
    *,
    label: str,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    image_size: int,
    max_train: int | None,
) -> ImageData:
    """The three splits; validation is a tenth of the official training split.

    Args:
        kind: torchvision's class (CIFAR10 or one derived from it).
        access: the batches lie in `kind.base_folder` of its data folder.
        label: the data set's name as shown.
        mean: per channel, on the scale [0, 1].
        std: likewise.
        image_size: height and width, in pixels, to resize to.
        max_train: use only so many training images.

    Raises:
        DataMissingError: files are missing or not the published ones and there was no download, or it failed.
        ConfigError: `max_train` is below the number of classes.
    """
    found = _open(kind, access)
    if found is None and access.download:
        download_folder(access, label, kind.base_folder, lambda folder: kind(root=folder, download=True))
        found = _open(kind, access)
    if found is None:
        files = [name for name, _ in [*kind.train_list, *kind.test_list, (kind.meta["filename"], "")]]
        problem = f"{first_of(files)} not found, or not the published ones (their md5 sums differ),"
        raise data_missing(label, problem, access.data_dir / kind.base_folder)
    official, test = (_split(each.data, each.targets) for each in found)
    train, validation = cut_official(official.labels, max_train=max_train)
    return ImageData(
        train=select(official, train, image_size=image_size),
        validation=select(official, validation, image_size=image_size),
        test=select(test, torch.arange(len(test)), image_size=image_size),
        class_names=tuple(found[0].classes),
        maximum=255,
        mean=mean,
        std=std,
        crop_padding=4,
        flip=True,
    )


def _open(kind: type[Any], access: DataAccess) -> tuple[Any, Any] | None:
    """The official train and test, or None if a file is missing or altered.

    The batches are pickles, which run what they hold when opened. torchvision opens none before it has compared the
    md5 of every batch with the published one (`CIFAR10._check_integrity`, called by its constructor; `_load_meta` does
    the same for the class names), and raises RuntimeError otherwise. So only the published files are ever opened.
    """
    try:
        return kind(root=access.data_dir, train=True), kind(root=access.data_dir, train=False)
    except RuntimeError:
        return None


def _split(data: np.ndarray, targets: list[int]) -> Split:
    return Split(images=torch.from_numpy(data).permute(0, 3, 1, 2), labels=torch.tensor(targets))
