"""Small inputs that a backbone takes: images where it takes them, and the same row by row as series otherwise."""

from dataclasses import replace

from torch import Tensor, nn

from neft.datasets import DATASETS
from neft.datasets.base import ImageData, Split
from neft.input_kinds import IMAGES
from neft.networks.backbones import BACKBONES, BaseBackbone
from neft.networks.device_layers import device_weights
from neft.networks.network import InputShape

SERIES_WEIGHT = 3
"""Axes of the weights of a convolution over a series."""


def shape_for(
    backbone: BaseBackbone, *, num_channels: int = 1, image_size: int = 8, num_classes: int = 10
) -> InputShape:
    """One that the backbone can be built for."""
    axes = max(backbone.takes)
    return InputShape(num_channels=num_channels, image_size=image_size, num_classes=num_classes, num_axes=axes)


def inputs_for(network: nn.Module, images: Tensor) -> Tensor:
    """The images as a network takes them, told by its first layer."""
    first = next(iter(device_weights(network).values()))
    return images.flatten(2) if first.dim() == SERIES_WEIGHT else images


def data_for(backbone: BaseBackbone, data: ImageData) -> ImageData:
    """The images as a backbone takes them."""
    if IMAGES in backbone.takes:
        return data

    def rows(split: Split) -> Split:
        return Split(images=split.images.flatten(2).float(), labels=split.labels)

    return replace(data, train=rows(data.train), validation=rows(data.validation), test=rows(data.test))


def beside(family: str, name: str) -> dict[str, str]:
    """A backbone or data set that goes with a component, where the usual one, of images, does not."""
    if family == "dataset" and DATASETS[name]().num_axes not in {None, IMAGES}:
        return {"backbone": "mlp"}
    if family == "backbone" and IMAGES not in BACKBONES[name].takes:
        return {"dataset": "basic_motions"}
    return {}
