"""VGG-8 as in [Qin2025]: 64-128-P-256-256-P-512-512-P, then 1024-classes (3x3, no bias, BatchNorm, ReLU)."""

from typing import ClassVar, Literal

from torch import nn
from typing_extensions import override

from neft.input_kinds import IMAGES
from neft.networks.backbones.base import ConvNorm, ScaledBackbone, SnapshotPoint, StagedNetwork, scaled

PLAN = ((64, False), (128, True), (256, False), (256, True), (512, False), (512, True))
"""Channels of each convolution and whether a 2x2 max pool follows."""


class Vgg8(ScaledBackbone):
    """Six convolutions and two fully connected layers."""

    name: Literal["vgg8"] = "vgg8"
    label: ClassVar[str] = "VGG-8"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = (
        SnapshotPoint(stage=0, pooled_size=6),
        SnapshotPoint(stage=1, pooled_size=4),
        SnapshotPoint(stage=3, pooled_size=3),
        SnapshotPoint(stage=5, pooled_size=2),  # reconstruction: the paper stops at three
        SnapshotPoint(stage=4, pooled_size=3),  # likewise
    )
    default_num_snapshots: ClassVar[int] = 3

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = IMAGES) -> StagedNetwork:
        """Stages are the six convolutions, each with the pool that follows it."""
        del num_axes
        stages: list[nn.Module] = []
        inputs = num_channels
        size = image_size
        for channels, pooled in PLAN:
            outputs = scaled(channels, self.width)
            convolution = ConvNorm(inputs, outputs)
            stages.append(nn.Sequential(convolution, nn.MaxPool2d(2)) if pooled else convolution)
            inputs = outputs
            size = size // 2 if pooled else size
        hidden = scaled(1024, self.width)
        classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(inputs * size**2, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, num_classes)
        )
        return StagedNetwork(stages, classifier)
