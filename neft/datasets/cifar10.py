"""CIFAR-10: 32 × 32 colour photographs of 10 classes."""

from typing import ClassVar, Literal

from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, image_size_field
from neft.datasets.cifar import load_cifar
from neft.datasets.torchvision_import import import_torchvision


class Cifar10(BaseDataset):
    """Ten classes, colour; 45,000 train, 5,000 validation, 10,000 test images."""

    name: Literal["cifar10"] = "cifar10"
    label: ClassVar[str] = "CIFAR-10"
    source: ClassVar[str] = "[Krizhevsky2009], through torchvision."
    size: ClassVar[DataSize | None] = DataSize(45_000, 5_000, 10_000, num_channels=3, num_classes=10)
    can_download: ClassVar[bool] = True

    image_size: int = image_size_field(32)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from the published batches in the data folder.

        Raises:
            DataMissingError: the files are not there, are not the published ones, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        return load_cifar(
            import_torchvision().datasets.CIFAR10,
            access,
            label=self.label,
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2470, 0.2435, 0.2616),
            image_size=self.image_size,
            max_train=self.max_train,
        )
