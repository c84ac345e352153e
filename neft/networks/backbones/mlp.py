"""A multilayer perceptron: the smallest network on which device variation can be seen."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import nn
from typing_extensions import override

from neft.input_kinds import IMAGES, INPUT_KINDS
from neft.networks.backbones.base import BaseBackbone, SnapshotPoint, StagedNetwork


class Mlp(BaseBackbone):
    """Linear layers with ReLU between; no BatchNorm. Not in the papers."""

    name: Literal["mlp"] = "mlp"
    label: ClassVar[str] = "MLP"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = ()
    default_num_snapshots: ClassVar[int] = 3
    has_batchnorm: ClassVar[bool] = False
    takes: ClassVar[frozenset[int]] = frozenset(INPUT_KINDS)

    hidden_units: int = Field(
        default=128, ge=1, le=8192, title="hidden units", description="Units of every hidden layer."
    )
    hidden_layers: int = Field(default=4, ge=1, le=16, title="hidden layers", description="Number of hidden layers.")

    @property
    @override
    def short_name(self) -> str:
        """`mlp4x128`."""
        return f"mlp{self.hidden_layers}x{self.hidden_units}{self.compensation_suffix}"

    @property
    @override
    def full_label(self) -> str:
        """`MLP, 4 × 128`."""
        return f"{self.label}, {self.hidden_layers} × {self.hidden_units}{self.compensation_label}"

    @property
    @override
    def head_width(self) -> int:
        """A snapshot head's hidden layer is as wide as the network's own."""
        return self.hidden_units

    @override
    def points(self) -> tuple[SnapshotPoint, ...]:
        """After every hidden layer."""
        return tuple(SnapshotPoint(stage=index, pooled_size=1) for index in range(self.hidden_layers))

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = IMAGES) -> StagedNetwork:
        """Linear(pixels, units), … Linear(units, classes)."""
        inputs = num_channels * image_size**num_axes
        stages: list[nn.Module] = []
        for index in range(self.hidden_layers):
            layers: list[nn.Module] = [nn.Linear(inputs, self.hidden_units), nn.ReLU()]
            stages.append(nn.Sequential(*([nn.Flatten(), *layers] if index == 0 else layers)))
            inputs = self.hidden_units
        return StagedNetwork(stages, nn.Linear(inputs, num_classes))
