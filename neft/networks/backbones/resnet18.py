"""ResNet-18 for small images, as in [Qin2025]: a 3x3 stem of stride 1 and stages of [2, 2, 2, 2] basic blocks."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import override

from neft.input_kinds import IMAGES
from neft.networks.backbones.base import ConvNorm, ScaledBackbone, SnapshotPoint, StagedNetwork, scaled

PLAN = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and first stride of each stage."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: 1x1 with BatchNorm where the shape changes, and only there.

    The released code holds a projection in every block; the unused ones add 352,256 + 2,048 parameters to its count.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, stride=stride)
        self.second = ConvNorm(outputs, outputs, relu=False)
        changes = stride != 1 or inputs != outputs
        self.shortcut = ConvNorm(inputs, outputs, kernel=1, stride=stride, relu=False) if changes else nn.Identity()

    @override
    def forward(self, features: Tensor) -> Tensor:
        """relu(second(first(x)) + shortcut(x))."""
        return torch.relu(self.second(self.first(features)) + self.shortcut(features))


class Resnet18(ScaledBackbone):
    """Seventeen 3x3 convolutions, three projections and one fully connected layer."""

    name: Literal["resnet18"] = "resnet18"
    label: ClassVar[str] = "ResNet-18"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = (
        SnapshotPoint(stage=0, pooled_size=6),
        SnapshotPoint(stage=1, pooled_size=6),
        SnapshotPoint(stage=2, pooled_size=4),
        SnapshotPoint(stage=3, pooled_size=3),
        SnapshotPoint(stage=4, pooled_size=2),  # Table 1's N = 5; its pooled size is a reconstruction
    )
    default_num_snapshots: ClassVar[int] = 4

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = IMAGES) -> StagedNetwork:
        """Stages are the stem and the four stages; any image size, the average pool sees to it."""
        del image_size, num_axes
        inputs = scaled(64, self.width)
        stages: list[nn.Module] = [ConvNorm(num_channels, inputs)]
        for channels, stride in PLAN:
            outputs = scaled(channels, self.width)
            stages.append(
                nn.Sequential(BasicBlock(inputs, outputs, stride=stride), BasicBlock(outputs, outputs, stride=1))
            )
            inputs = outputs
        classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, num_classes))
        return StagedNetwork(stages, classifier)
