"""A convolutional network over series: the fully convolutional network of [Wang2017], 128-256-128, then the classes.

Kernels of 8, 5 and 3 steps, no bias, BatchNorm, ReLU; no pooling before the mean over all steps. *Reconstruction*: the
source pads to equal length; ours pads half a kernel on both sides, so that the first stage is one step longer.
"""

from typing import ClassVar, Literal

from torch import nn
from typing_extensions import override

from neft.input_kinds import SERIES
from neft.networks.backbones.base import ConvNorm, ScaledBackbone, SnapshotPoint, StagedNetwork, scaled

PLAN = ((128, 8), (256, 5), (128, 3))
"""Channels and kernel of each convolution."""


class Cnn1d(ScaledBackbone):
    """Three convolutions over the steps and one fully connected layer."""

    name: Literal["cnn1d"] = "cnn1d"
    label: ClassVar[str] = "1-D CNN"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = (
        SnapshotPoint(stage=0, pooled_size=6),  # ours: no paper takes snapshots of it
        SnapshotPoint(stage=1, pooled_size=4),
        SnapshotPoint(stage=2, pooled_size=2),
    )
    default_num_snapshots: ClassVar[int] = 3
    takes: ClassVar[frozenset[int]] = frozenset({SERIES})

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = SERIES) -> StagedNetwork:
        """Stages are the three convolutions; any length, the mean over steps sees to it."""
        del image_size
        stages: list[nn.Module] = []
        inputs = num_channels
        for channels, kernel in PLAN:
            outputs = scaled(channels, self.width)
            stages.append(ConvNorm(inputs, outputs, kernel=kernel, num_axes=num_axes))
            inputs = outputs
        classifier = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(inputs, num_classes))
        return StagedNetwork(stages, classifier)
