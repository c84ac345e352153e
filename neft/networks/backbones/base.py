"""What a backbone is: stages in a row, a classifier, and the points where snapshots may be taken.

Backbones know nothing of noise or methods. A snapshot point names a stage's output and the side length to which it is
pooled before a head (IRS: [Qin2025], section 3.3).
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from neft.component import Component, default_name, number_text
from neft.input_kinds import IMAGES, SERIES

SMALLEST_FRACTION = 1 / 64
"""Of a size that a name writes as a whole fraction."""


@dataclass(frozen=True)
class SnapshotPoint:
    """After which stage (index into `stages`) a snapshot is taken, and its pooled side length."""

    stage: int
    pooled_size: int


class StagedNetwork(nn.Module):
    """A network as a row of stages and a classifier."""

    def __init__(self, stages: list[nn.Module], classifier: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.classifier = classifier

    @override
    def forward(self, images: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "batch classes"]:
        """Logits."""
        features: Tensor = images
        for stage in self.stages:
            features = stage(features)
        return self.classifier(features)

    def forward_stages(self, images: Float[Tensor, "batch channels ..."]) -> tuple[Tensor, list[Tensor]]:
        """Logits and every stage's output."""
        outputs: list[Tensor] = []
        features: Tensor = images
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return self.classifier(features), outputs


class BaseBackbone(Component):
    """The interface: `build` makes the network for one kind of input."""

    label: ClassVar[str]
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]]
    """In the order in which more snapshots take them: first the paper's, `default_num_snapshots` of them; the others
    are a reconstruction."""
    default_num_snapshots: ClassVar[int]
    has_batchnorm: ClassVar[bool] = True
    """Whether it normalises with running statistics, which noisy passes move."""
    takes: ClassVar[frozenset[int]] = frozenset({IMAGES})
    """What it can be built for (`neft.input_kinds`)."""

    compensation: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="digital compensation",
        description=(
            "A small digital layer behind every stage, as in CorrectNet: its hidden channels over the stage's; "
            "none at 0."
        ),
    )

    @property
    @abstractmethod
    def short_name(self) -> str:
        """How a run's id names it: `vgg8w4` is width 1/4, `vgg8w4c8` with digital compensation of 1/8 behind it."""

    @property
    def compensation_suffix(self) -> str:
        """`c8` for digital compensation of 1/8, `cx0.3` for what is no whole fraction, nothing for none."""
        if not self.compensation:
            return ""
        if self.compensation < SMALLEST_FRACTION:
            return f"cx{self.compensation:.20f}".rstrip("0").rstrip(".")
        return f"c{width_suffix(self.compensation).removeprefix('w') or 1}"

    @property
    def compensation_label(self) -> str:
        """In words."""
        return f", digital compensation {number_text(self.compensation)}" if self.compensation else ""

    @property
    def full_label(self) -> str:
        """The label with the size: `VGG-8, width 1/4`."""
        return self.label

    @property
    def head_width(self) -> int:
        """Hidden units of a snapshot head: 512 in the paper, scaled with the backbone's width."""
        return 512

    def points(self) -> tuple[SnapshotPoint, ...]:
        """Every point of this backbone, in the order in which more snapshots take them."""
        return self.snapshot_points

    def chosen_points(self, count: int) -> tuple[SnapshotPoint, ...]:
        """The first `count` points, from the shallowest."""
        return tuple(sorted(self.points()[:count], key=lambda point: point.stage))

    @abstractmethod
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = IMAGES) -> StagedNetwork:
        """The network, not yet initialised.

        Args:
            num_channels: of an input; of a feature vector how many features it has.
            image_size: how long each further axis is.
            num_classes: how many classes there are.
            num_axes: how many further axes there are, one of those that it takes.
        """


def scaled(channels: int, width: float) -> int:
    """A layer's channels at some width; at least one."""
    return max(1, round(channels * width))


def width_suffix(width: float) -> str:
    """`w4` for width 1/4, nothing for 1, `x0.3` for what is no whole fraction.

    >>> width_suffix(0.25), width_suffix(1.0), width_suffix(0.3)
    ('w4', '', 'x0.3')
    """
    if width == 1:
        return ""
    inverse = 1 / width
    return f"w{round(inverse)}" if abs(inverse - round(inverse)) < 1e-9 else f"x{width:g}"


def width_label(width: float) -> str:
    """In words.

    >>> width_label(0.25), width_label(1.0), width_label(0.3)
    (', width 1/4', '', ', width 0.3')
    """
    suffix = width_suffix(width)
    if not suffix:
        return ""
    return f", width 1/{suffix[1:]}" if suffix.startswith("w") else f", width {width:g}"


class ScaledBackbone(BaseBackbone):
    """A convolutional backbone whose channels are the paper's times a width."""

    width: float = Field(
        default=1.0,
        ge=1 / 64,
        le=4,
        title="width",
        description="Factor on every layer's channels; 1 is the paper's network.",
    )

    @property
    @override
    def short_name(self) -> str:
        """`vgg8`, `vgg8w4`."""
        return f"{default_name(type(self))}{width_suffix(self.width)}{self.compensation_suffix}"

    @property
    @override
    def full_label(self) -> str:
        """The label with the width."""
        return f"{self.label}{width_label(self.width)}{self.compensation_label}"

    @property
    @override
    def head_width(self) -> int:
        """512 at width 1."""
        return scaled(512, self.width)


class ConvNorm(nn.Module):
    """Convolution without bias, over images or a series, BatchNorm, and ReLU unless told otherwise.

    `norm` becomes an identity where BatchNorm has been folded into the convolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        relu: bool = True,
        num_axes: int = IMAGES,
    ) -> None:
        super().__init__()
        convolution, norm = (nn.Conv1d, nn.BatchNorm1d) if num_axes == SERIES else (nn.Conv2d, nn.BatchNorm2d)
        self.conv = convolution(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm: nn.Module = norm(outputs)
        self.relu = relu

    @override
    def forward(self, features: Tensor) -> Tensor:
        """relu(norm(conv(x)))."""
        features = self.norm(self.conv(features))
        return torch.relu_(features) if self.relu else features
