"""The backbones there are. To add one: a file with its class, and its line in `Backbone`.

Snapshot heads are built around a backbone in `neft.networks.network`.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.networks.backbones.base import BaseBackbone, ConvNorm, SnapshotPoint, StagedNetwork
from neft.networks.backbones.cnn1d import Cnn1d
from neft.networks.backbones.mlp import Mlp
from neft.networks.backbones.own_network import OwnNetwork
from neft.networks.backbones.resnet18 import Resnet18
from neft.networks.backbones.vgg8 import Vgg8

__all__ = [
    "BACKBONES",
    "Backbone",
    "BaseBackbone",
    "Cnn1d",
    "ConvNorm",
    "Mlp",
    "OwnNetwork",
    "Resnet18",
    "SnapshotPoint",
    "StagedNetwork",
    "Vgg8",
]

Backbone = Annotated[Mlp | Vgg8 | Resnet18 | Cnn1d | OwnNetwork, Field(discriminator="name")]

BACKBONES: dict[str, type[BaseBackbone]] = members(Backbone)
