"""A made-up member of every family, each as its own file would define it; nothing else in the house knows of them.

As a plugin of pytest's it adds their lines to the registries before any config is made of these; imported alone it
changes nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from neft import constraints, datasets, devices, methods, metrics
from neft.component import Component, default_name
from neft.constraints.base import BaseConstraint
from neft.datasets.digits import Digits
from neft.devices.base import StateDependentDevice
from neft.methods.base import SinglePassMethod
from neft.metrics.base import Metric, Predictions
from neft.networks import backbones
from neft.networks.backbones.base import BaseBackbone, SnapshotPoint, StagedNetwork


class MadeUpMethod(SinglePassMethod):
    """Noise injection that says it feeds back, so that pages hold it against the control."""

    name: Literal["made_up_method"] = "made_up_method"
    label: ClassVar[str] = "Made-up method"
    source: ClassVar[str] = "made up"
    order: ClassVar[int] = 17
    has_feedback: ClassVar[bool] = True

    made_up_strength: float = Field(default=0.5, ge=0, le=1, title="made-up strength", description="Changes nothing.")


class MadeUpConstraint(BaseConstraint):
    """Holds every weight in [-1, 1]."""

    name: Literal["made_up_hold"] = "made_up_hold"
    label: ClassVar[str] = "Made-up hold"
    source: ClassVar[str] = "made up"

    @override
    def hold(self, weights: Mapping[str, Tensor]) -> None:
        for weight in weights.values():
            _ = weight.clamp_(min=-1, max=1)


class MadeUpDevice(StateDependentDevice):
    """Levels in the middle miss by a third more."""

    name: Literal["made_up_device"] = "made_up_device"
    label: ClassVar[str] = "Made-up device"
    state_ratio: ClassVar[float] = 1.33


class MadeUpDataset(Digits):
    """The digits under another name."""

    name: Literal["made_up_data"] = "made_up_data"  # pyright: ignore[reportIncompatibleVariableOverride]
    label: ClassVar[str] = "Made-up data"


class MadeUpBackbone(BaseBackbone):
    """One hidden layer."""

    name: Literal["made_up_net"] = "made_up_net"
    label: ClassVar[str] = "Made-up net"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = ()
    default_num_snapshots: ClassVar[int] = 1
    has_batchnorm: ClassVar[bool] = False

    @property
    @override
    def short_name(self) -> str:
        return "made_up_net"

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = 2) -> StagedNetwork:
        del num_axes
        first = nn.Sequential(nn.Flatten(), nn.Linear(num_channels * image_size**2, 12), nn.ReLU())
        return StagedNetwork([first], nn.Linear(12, num_classes))


def made_up(predictions: Predictions) -> Tensor:
    """Share of images predicted wrong."""
    return 1 - predictions.correct.float().mean(dim=-1)


MADE_UP = Metric("made_up_metric", "Made-up metric", "fraction", "Share of images predicted wrong.", made_up)


def _line(package: Any, union: str, registry: Mapping[str, type[Component]], member: type[Component]) -> None:
    """What the line of a member in its family's `__init__` does: a part of the union, an entry of the registry."""
    (of, field) = getattr(package, union).__args__[0], Field(discriminator="name")
    setattr(package, union, Annotated[of | member, field])
    registry[default_name(member)] = member  # pyright: ignore[reportIndexIssue]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Add every line, before the tests' own fixtures make configs of the registries."""
    _line(methods, "Method", methods.METHODS, MadeUpMethod)
    _line(constraints, "Constraint", constraints.CONSTRAINTS, MadeUpConstraint)
    _line(devices, "Device", devices.PUBLISHED, MadeUpDevice)
    devices.DEVICES[default_name(MadeUpDevice)] = MadeUpDevice
    _line(datasets, "Dataset", datasets.DATASETS, MadeUpDataset)
    _line(backbones, "Backbone", backbones.BACKBONES, MadeUpBackbone)
    metrics.METRICS[MADE_UP.name] = MADE_UP
