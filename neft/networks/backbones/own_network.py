"""A network that a user's program gave: told apart by its checksum, and not kept."""

import re
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from neft.errors import ConfigError
from neft.input_kinds import IMAGES, INPUT_KINDS
from neft.networks.backbones.base import BaseBackbone, SnapshotPoint, StagedNetwork

SHOWN_DIGITS = 8
NO_PLAIN_TEXT = re.compile(r"(?:[^\w.,()-]|_)+")


class OwnNetwork(BaseBackbone):
    """Any `torch.nn.Module` (`neft.try_network`, `neft evaluate-module`)."""

    name: Literal["own_network"] = "own_network"
    label: ClassVar[str] = "Own network"
    snapshot_points: ClassVar[tuple[SnapshotPoint, ...]] = ()
    default_num_snapshots: ClassVar[int] = 1
    has_batchnorm: ClassVar[bool] = False
    is_given: ClassVar[bool] = True
    takes: ClassVar[frozenset[int]] = frozenset(INPUT_KINDS)

    checksum: str = Field(
        default="",
        pattern="^([0-9a-f]{16})?$",
        title="checksum",
        description="Of the network's structure, its numbers, and how its weights and outputs were read.",
    )
    shapes: str = Field(
        default="",
        pattern="^([0-9a-f]{16})?$",
        title="shapes",
        description="Checksum of the shapes of the weights in devices: where they agree, chips do.",
    )
    title: str = Field(default="", max_length=60, title="title", description="What it is called.")

    @property
    @override
    def idle_fields(self) -> frozenset[str]:
        """What it is called."""
        return super().idle_fields | {"title"}

    @property
    @override
    def short_name(self) -> str:
        """`own-1a2b3c4d`."""
        return f"own-{self.checksum[:SHOWN_DIGITS]}"

    @property
    @override
    def full_label(self) -> str:
        """`ResNet (own, 1a2b3c4d)`."""
        called = NO_PLAIN_TEXT.sub(" ", self.title).strip() or self.label
        return f"{called} (own, {self.checksum[:SHOWN_DIGITS]})"

    @override
    def build(self, *, num_channels: int, image_size: int, num_classes: int, num_axes: int = IMAGES) -> StagedNetwork:
        """It is not kept.

        Raises:
            ConfigError: always.
        """
        message = f"The network '{self.full_label}' was given by a program and is not kept; give it again."
        raise ConfigError(message)
