"""CIFAR-100: 32 × 32 colour photographs of 100 classes."""

from typing import ClassVar, Literal

from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, image_size_field
from neft.datasets.cifar import load_cifar
from neft.datasets.torchvision_import import import_torchvision


class Cifar100(BaseDataset):
    """A hundred classes, colour; 45,000 train, 5,000 validation, 10,000 test images."""

    name: Literal["cifar100"] = "cifar100"
    label: ClassVar[str] = "CIFAR-100"
    source: ClassVar[str] = "[Krizhevsky2009], through torchvision."
    size: ClassVar[DataSize | None] = DataSize(45_000, 5_000, 10_000, num_channels=3, num_classes=100)
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
            import_torchvision().datasets.CIFAR100,
            access,
            label=self.label,
            mean=(0.5071, 0.4867, 0.4408),
            std=(0.2675, 0.2565, 0.2761),
            image_size=self.image_size,
            max_train=self.max_train,
        )
