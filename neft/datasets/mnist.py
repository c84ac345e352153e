"""MNIST, the 28 × 28 handwritten digits, resized to 32 × 32 as in the papers."""

from typing import ClassVar, Literal

from neft.datasets.base import DataSize
from neft.datasets.idx import IdxDataset


class Mnist(IdxDataset):
    """Ten classes of handwritten digits, grey; 54,000 train, 6,000 validation, 10,000 test images."""

    name: Literal["mnist"] = "mnist"
    label: ClassVar[str] = "MNIST"
    source: ClassVar[str] = "[LeCun1998], through torchvision."
    size: ClassVar[DataSize | None] = DataSize(54_000, 6_000, 10_000, num_channels=1, num_classes=10)
    torchvision_class: ClassVar[str] = "MNIST"
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")
