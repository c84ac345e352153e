"""CIFAR-10: 32 × 32 colour photographs of 10 classes."""

from typing import ClassVar, Literal

from neft.datasets.base import DataSize
from neft.datasets.cifar import Cifar


class Cifar10(Cifar):
    """Ten classes, colour; 45,000 train, 5,000 validation, 10,000 test images."""

    name: Literal["cifar10"] = "cifar10"
    label: ClassVar[str] = "CIFAR-10"
    size: ClassVar[DataSize | None] = DataSize(45_000, 5_000, 10_000, num_channels=3, num_classes=10)
    torchvision_class: ClassVar[str] = "CIFAR10"
    mean: ClassVar[tuple[float, float, float]] = (0.4914, 0.4822, 0.4465)
    std: ClassVar[tuple[float, float, float]] = (0.2470, 0.2435, 0.2616)
