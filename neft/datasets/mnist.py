"""MNIST, the 28 × 28 handwritten digits, resized to 32 × 32 as in the papers."""

from typing import ClassVar, Literal

from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, image_size_field
from neft.datasets.idx import load_idx
from neft.datasets.torchvision_import import import_torchvision


class Mnist(BaseDataset):
    """Ten classes of handwritten digits, grey; 54,000 train, 6,000 validation, 10,000 test images."""

    name: Literal["mnist"] = "mnist"
    label: ClassVar[str] = "MNIST"
    source: ClassVar[str] = "[LeCun1998], through torchvision."
    size: ClassVar[DataSize | None] = DataSize(54_000, 6_000, 10_000, num_channels=1, num_classes=10)
    can_download: ClassVar[bool] = True

    image_size: int = image_size_field(32)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from `MNIST/raw` of the data folder (the four IDX files, unpacked or `.gz`).

        Raises:
            DataMissingError: the files are not there, are damaged, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        return load_idx(
            import_torchvision().datasets.MNIST,
            access,
            label=self.label,
            class_names="0123456789",
            image_size=self.image_size,
            max_train=self.max_train,
        )
