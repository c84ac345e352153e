"""Batches that a user's program gave: told apart by their content, and not kept."""

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, ImageData
from neft.errors import DataMissingError

SHOWN_DIGITS = 8


class OwnBatches(BaseDataset):
    """Inputs and labels on which a network of one's own was tried (`neft.try_network`)."""

    name: Literal["own_batches"] = "own_batches"
    label: ClassVar[str] = "Own batches"
    source: ClassVar[str] = "A program of the user's."
    is_given: ClassVar[bool] = True

    checksum: str = Field(
        default="", pattern="^([0-9a-f]{16})?$", title="checksum", description="Of inputs and labels, batch by batch."
    )
    num_inputs: int = Field(default=0, ge=0, title="inputs", description="How many there are.")
    image_size: int = Field(
        default=0, ge=0, title="image size", description="Height of the inputs in pixels; 0 where they are no images."
    )

    @property
    @override
    def num_axes(self) -> int | None:
        """Whatever the program gave."""
        return None

    @property
    @override
    def content(self) -> str:
        return self.checksum

    @property
    @override
    def short_name(self) -> str:
        return f"{super().short_name}-{self.checksum[:SHOWN_DIGITS]}"

    @property
    @override
    def full_label(self) -> str:
        return f"{super().full_label} ({self.checksum[:SHOWN_DIGITS]})"

    @property
    @override
    def sized_label(self) -> str:
        return super().sized_label if self.image_size else self.full_label

    @override
    def load(self, access: DataAccess) -> ImageData:
        """They are not kept.

        Raises:
            DataMissingError: always.
        """
        del access
        message = f"The inputs of '{self.full_label}' were given by a program and are not kept; give them again."
        raise DataMissingError(message)
