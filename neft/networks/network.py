"""The network that is trained and deployed: a backbone and, for IRS, snapshot heads that are dropped before deployment.

A head is adaptive average pool to s x s, flatten, Linear, ReLU, Linear ([Qin2025], section 3.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from neft.errors import ConfigError
from neft.networks.backbones import BaseBackbone, SnapshotPoint, StagedNetwork
from neft.networks.compensation import DigitalCompensation
from neft.networks.device_layers import device_weights

HEADS = "heads."
"""What every snapshot head's parameter name begins with."""
MAX_PARAMETERS = 300_000_000
"""The published networks at width 4 on 32 x 32 images, heads included; in training a network takes six times its size.
"""


@dataclass(frozen=True)
class InputShape:
    """What a network must be built for."""

    num_channels: int
    image_size: int
    num_classes: int


class Network(nn.Module):
    """A backbone with snapshot heads, shallowest first; without heads it is what is deployed."""

    def __init__(self, backbone: StagedNetwork, heads: Sequence[nn.Module], head_stages: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleList(heads)
        self.head_stages = tuple(head_stages)

    @override
    def forward(
        self, images: Float[Tensor, "batch channels height width"], *, snapshots: bool = False, features: bool = False
    ) -> Float[Tensor, "batch classes"] | tuple[Tensor, list[Tensor]]:
        """Logits; with `snapshots`, also every head's output, or with `features` every stage's, shallowest first."""
        if not snapshots and not features:
            return self.backbone(images)
        logits, outputs = self.backbone.forward_stages(images)
        if features:
            return logits, outputs
        pairs = zip(self.heads, self.head_stages, strict=True)
        return logits, [head(outputs[stage]) for head, stage in pairs]

    def device_weights(self) -> dict[str, Tensor]:
        """The tensors that lie in devices: weights of linear and convolution layers, heads last.

        Biases and BatchNorm are digital and exact.
        """
        return device_weights(self)


def build_network(backbone: BaseBackbone, shape: InputShape, *, num_snapshots: int = 0) -> Network:
    """Build a network, not yet initialised.

    Raises:
        ConfigError: more snapshots than the backbone has points for, or more parameters than a network may have.
    """
    demand_size(backbone, shape, num_snapshots=num_snapshots)
    return _build(backbone, shape, num_snapshots)


def demand_size(backbone: BaseBackbone, shape: InputShape, *, num_snapshots: int = 0) -> None:
    """Refuse a network that is too large, before anything of its size is allocated.

    Raises:
        ConfigError: as `build_network`.
    """
    # frozen models are hashable, though their types do not say so
    count = _counted(backbone, shape, num_snapshots)  # pyright: ignore[reportArgumentType]
    if count > MAX_PARAMETERS:
        message = (
            f"The network '{backbone.short_name}' for {shape.num_channels} × {shape.image_size} × {shape.image_size} "
            f"images would have {count:,} parameters; at most {MAX_PARAMETERS:,} are allowed. Take a narrower one or "
            "smaller images."
        )
        raise ConfigError(message)


@lru_cache(maxsize=512)
def _counted(backbone: BaseBackbone, shape: InputShape, num_snapshots: int) -> int:
    """Parameters, of a network that is made of shapes alone."""
    with torch.device("meta"):
        return num_parameters(_build(backbone, shape, num_snapshots))


def _build(backbone: BaseBackbone, shape: InputShape, num_snapshots: int) -> Network:
    staged = backbone.build(num_channels=shape.num_channels, image_size=shape.image_size, num_classes=shape.num_classes)
    if backbone.compensation:
        _compensate(staged, shape, backbone.compensation)
    points = backbone.points()
    if num_snapshots > len(points):
        message = (
            f"num_feedback (N) must be at most {len(points)}, the snapshot points of '{backbone.short_name}'; "
            f"got {num_snapshots}."
        )
        raise ConfigError(message)
    chosen = backbone.chosen_points(num_snapshots)
    sizes = _stage_shapes(staged, shape) if chosen else []
    heads = [_head(sizes[point.stage], point, backbone.head_width, shape.num_classes) for point in chosen]
    return Network(staged, heads, [point.stage for point in chosen])


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Kaiming-normal, fan-out, for convolution and linear weights; biases 0, BatchNorm 1 and 0, as published."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            _ = nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=rng)
            if module.bias is not None:
                _ = nn.init.zeros_(module.bias)
        if isinstance(module, DigitalCompensation):
            module.initialise(rng)


def num_parameters(network: nn.Module) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def _compensate(staged: StagedNetwork, shape: InputShape, share: float) -> None:
    """Put a digital layer behind every stage, of so many hidden channels over the stage's."""
    for index, size in enumerate(_stage_shapes(staged, shape)):
        layer = DigitalCompensation(size[1], max(1, round(share * size[1])))
        staged.stages[index] = nn.Sequential(staged.stages[index], layer)


def _head(feature_shape: torch.Size, point: SnapshotPoint, width: int, num_classes: int) -> nn.Module:
    channels = feature_shape[1]
    if len(feature_shape) == 2:
        return nn.Sequential(nn.Linear(channels, width), nn.ReLU(inplace=True), nn.Linear(width, num_classes))
    # small images: pooling up would only repeat features
    size = min(point.pooled_size, feature_shape[2])
    return nn.Sequential(
        nn.Identity() if feature_shape[2:] == (size, size) else nn.AdaptiveAvgPool2d(size),
        nn.Flatten(),
        nn.Linear(channels * size**2, width),
        nn.ReLU(inplace=True),
        nn.Linear(width, num_classes),
    )


@torch.no_grad()
def _stage_shapes(staged: StagedNetwork, shape: InputShape) -> list[torch.Size]:
    was_training = staged.training
    _ = staged.eval()
    blank = torch.zeros(1, shape.num_channels, shape.image_size, shape.image_size)
    _, outputs = staged.forward_stages(blank)
    _ = staged.train(was_training)
    return [output.shape for output in outputs]
