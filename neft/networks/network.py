"""The network that is trained and deployed: a backbone and, for IRS, snapshot heads that are dropped before deployment.

A head is adaptive average pool to s x s, flatten, Linear, ReLU, Linear ([Qin2025], section 3.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from neft.component import default_name
from neft.errors import ConfigError
from neft.input_kinds import IMAGES, INPUT_KINDS
from neft.networks.backbones import BACKBONES, BaseBackbone, SnapshotPoint, StagedNetwork
from neft.networks.compensation import DigitalCompensation
from neft.networks.converters import CONVERTED, Converters, Ranges, convert_layers
from neft.networks.device_layers import device_weights

HEADS = "heads."
"""What every snapshot head's parameter name begins with."""
RANGES = "ranges."
"""What the names of its converters' ranges begin with."""
MAX_PARAMETERS = 300_000_000
"""The published networks at width 4 on 32 x 32 images, heads included; in training a network takes six times its size.
"""


@dataclass(frozen=True)
class InputShape:
    """What a network must be built for."""

    num_channels: int
    image_size: int
    """How long each axis beside the channels is."""
    num_classes: int
    num_axes: int = IMAGES
    """How many such axes there are."""

    def blank(self) -> Float[Tensor, "1 channels ..."]:
        """One input of nothing."""
        return torch.zeros(1, self.num_channels, *(self.image_size,) * self.num_axes)


class Network(nn.Module):
    """A backbone with snapshot heads, shallowest first; without heads it is what is deployed."""

    def __init__(self, backbone: StagedNetwork, heads: Sequence[nn.Module], head_stages: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleList(heads)
        self.head_stages = tuple(head_stages)
        self.ranges: Ranges | None = None
        """Of its converters; None where there are none."""

    @override
    def forward(
        self, images: Float[Tensor, "batch channels ..."], *, snapshots: bool = False, features: bool = False
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

    @property
    def shares_ranges(self) -> bool:
        """Whether its converters have one triple of ranges for all layers."""
        return self.ranges is not None and self.ranges.settings.are_shared

    def follow(self, weights: Mapping[str, Tensor]) -> None:
        """Have ranges that all layers share follow these weights, without variation."""
        if self.ranges is not None and self.shares_ranges:
            self.ranges.follow(weights)


NO_CONVERTERS = Converters()


def build_network(
    backbone: BaseBackbone, shape: InputShape, *, num_snapshots: int = 0, converters: Converters = NO_CONVERTERS
) -> Network:
    """Build a network, not yet initialised.

    Args:
        backbone: which.
        shape: what it must be built for.
        num_snapshots: heads, which have no converters.
        converters: around every layer of the backbone that lies in devices.

    Raises:
        ConfigError: inputs that the backbone does not take, more snapshots than it has points for, more parameters than
            a network may have, or layers that converters are not known for.
    """
    if refusal := refused_inputs(backbone, shape.num_axes):
        raise ConfigError(refusal)
    demand_size(backbone, shape, num_snapshots=num_snapshots)
    network = _build(backbone, shape, num_snapshots)
    add_converters(network, converters)
    return network


def demand_size(backbone: BaseBackbone, shape: InputShape, *, num_snapshots: int = 0) -> None:
    """Refuse a network that is too large, before anything of its size is allocated.

    Raises:
        ConfigError: as `build_network`.
    """
    # frozen models are hashable, though their types do not say so
    count = _counted(backbone, shape, num_snapshots)  # pyright: ignore[reportArgumentType]
    if count > MAX_PARAMETERS:
        size = " × ".join(map(str, shape.blank().shape[1:]))
        message = (
            f"The network '{backbone.short_name}' for {size} {INPUT_KINDS[shape.num_axes].many} would have {count:,} "
            f"parameters; at most {MAX_PARAMETERS:,} are allowed. Take a narrower one or smaller "
            f"{INPUT_KINDS[shape.num_axes].many}."
        )
        raise ConfigError(message)


@lru_cache(maxsize=512)
def _counted(backbone: BaseBackbone, shape: InputShape, num_snapshots: int) -> int:
    """Parameters, of a network that is made of shapes alone."""
    with torch.device("meta"):
        return num_parameters(_build(backbone, shape, num_snapshots))


def _build(backbone: BaseBackbone, shape: InputShape, num_snapshots: int) -> Network:
    staged = backbone.build(
        num_channels=shape.num_channels,
        image_size=shape.image_size,
        num_classes=shape.num_classes,
        num_axes=shape.num_axes,
    )
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


def add_converters(network: Network, converters: Converters) -> None:
    """Put converters around the backbone's layers, their ranges not yet calibrated; the layers are changed.

    Raises:
        ConfigError: a kind of layer that converters are not known for.
    """
    if converters.is_none:
        return
    names = [name for name in network.device_weights() if not name.startswith(HEADS)]
    layers = [network.get_submodule(name.removesuffix(".weight")) for name in names]
    for layer in layers:
        if type(layer) not in CONVERTED:
            known = ", ".join(sorted(kind.__name__ for kind in CONVERTED))
            message = (
                f"dac_bits and adc_bits go around layers of the kinds {known}; this backbone has a "
                f"{type(layer).__name__}."
            )
            raise ConfigError(message)
    network.ranges = Ranges(converters, names)
    convert_layers(network, network.ranges)


def refused_inputs(backbone: BaseBackbone, num_axes: int) -> str:
    """Why the backbone cannot be built for inputs of so many axes, and which can; empty where it can.

    >>> from neft.networks.backbones import Vgg8
    >>> refused_inputs(Vgg8(), 1)
    "Backbone 'vgg8' takes images, but the data are series; allowed: mlp, cnn1d."
    """
    if num_axes in backbone.takes:
        return ""
    taken = " and ".join(INPUT_KINDS[kind].many for kind in sorted(backbone.takes))
    allowed = ", ".join(name for name, known in BACKBONES.items() if num_axes in known.takes)
    return (
        f"Backbone '{default_name(type(backbone))}' takes {taken}, but the data are {INPUT_KINDS[num_axes].many}; "
        f"allowed: {allowed}."
    )


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Kaiming-normal, fan-out, for convolution and linear weights; biases 0, BatchNorm 1 and 0, as published."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
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
    axes = len(feature_shape) - 2
    pool = nn.AdaptiveAvgPool2d if axes == IMAGES else nn.AdaptiveAvgPool1d
    # small images: pooling up would only repeat features
    size = min(point.pooled_size, feature_shape[2])
    return nn.Sequential(
        nn.Identity() if feature_shape[2:] == (size,) * axes else pool(size),
        nn.Flatten(),
        nn.Linear(channels * size**axes, width),
        nn.ReLU(inplace=True),
        nn.Linear(width, num_classes),
    )


@torch.no_grad()
def _stage_shapes(staged: StagedNetwork, shape: InputShape) -> list[torch.Size]:
    was_training = staged.training
    _ = staged.eval()
    _, outputs = staged.forward_stages(shape.blank())
    _ = staged.train(was_training)
    return [output.shape for output in outputs]
