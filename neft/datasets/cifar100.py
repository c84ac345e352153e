"""CIFAR-100: 32 × 32 colour photographs of 100 classes."""

from typing import ClassVar, Literal

from neft.datasets.base import DataSize
from neft.datasets.cifar import Cifar


class Cifar100(Cifar):
    """A hundred classes, colour; 45,000 train, 5,000 validation, 10,000 test images."""

    name: Literal["cifar100"] = "cifar100"
    label: ClassVar[str] = "CIFAR-100"
    size: ClassVar[DataSize | None] = DataSize(45_000, 5_000, 10_000, num_channels=3, num_classes=100)
    torchvision_class: ClassVar[str] = "CIFAR100"
    mean: ClassVar[tuple[float, float, float]] = (0.5071, 0.4867, 0.4408)
    std: ClassVar[tuple[float, float, float]] = (0.2675, 0.2565, 0.2761)
