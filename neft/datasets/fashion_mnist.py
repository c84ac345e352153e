"""Fashion-MNIST, 28 × 28 pictures of clothes in MNIST's format, resized to 32 × 32 likewise."""

from pathlib import Path
from typing import ClassVar, Literal

from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, image_size_field
from neft.datasets.idx import load_idx
from neft.datasets.torchvision_import import import_torchvision

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts the four files."""

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class FashionMnist(BaseDataset):
    """Ten classes of clothes, grey; 54,000 train, 6,000 validation, 10,000 test images."""

    name: Literal["fashion_mnist"] = "fashion_mnist"
    label: ClassVar[str] = "Fashion-MNIST"
    source: ClassVar[str] = "[Xiao2017], through torchvision or Debian's package dataset-fashion-mnist."
    size: ClassVar[DataSize | None] = DataSize(54_000, 6_000, 10_000, num_channels=1, num_classes=10)
    can_download: ClassVar[bool] = True

    image_size: int = image_size_field(32)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set from `FashionMNIST/raw` of the data folder, filled from Debian's package if installed.

        Raises:
            DataMissingError: the files are not there, are damaged, or could not be downloaded.
            ConfigError: `max_train` is below the number of classes.
        """
        return load_idx(
            import_torchvision().datasets.FashionMNIST,
            access,
            label=self.label,
            class_names=CLASS_NAMES,
            image_size=self.image_size,
            max_train=self.max_train,
            packaged=DEBIAN_FOLDER,
            other_way=f"Debian's package `dataset-fashion-mnist` brings them too (looked for in {DEBIAN_FOLDER}).",
        )
