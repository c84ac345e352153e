"""Fashion-MNIST, 28 × 28 pictures of clothes in MNIST's format, resized to 32 × 32 likewise."""

from pathlib import Path
from typing import ClassVar, Literal

from neft.datasets.base import DataSize
from neft.datasets.idx import IdxDataset

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts the four files."""


class FashionMnist(IdxDataset):
    """Ten classes of clothes, grey; 54,000 train, 6,000 validation, 10,000 test images."""

    name: Literal["fashion_mnist"] = "fashion_mnist"
    label: ClassVar[str] = "Fashion-MNIST"
    source: ClassVar[str] = "[Xiao2017], through torchvision or Debian's package dataset-fashion-mnist."
    size: ClassVar[DataSize | None] = DataSize(54_000, 6_000, 10_000, num_channels=1, num_classes=10)
    torchvision_class: ClassVar[str] = "FashionMNIST"
    class_names: ClassVar[tuple[str, ...]] = (
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
    packaged: ClassVar[Path | None] = DEBIAN_FOLDER
    other_way: ClassVar[str] = "Debian's package `dataset-fashion-mnist` brings them too."
