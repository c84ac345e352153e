"""What data sets of one's own have in common: a place, and a checksum of what lies there.

The checksum is part of the run: other data under the same path are another run, the same data elsewhere the same.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import override

from neft.datasets.base import BaseDataset
from neft.datasets.doubts import refuse_doubts
from neft.datasets.found_images import FoundImages
from neft.errors import DataMissingError
from neft.other_images import other_images

SHOWN_DIGITS = 8
NO_PLAIN_TEXT = re.compile(r"[^\w .-]|_")


def path_field(title: str, description: str) -> Any:
    """The declaration of where a data set lies."""
    return Field(default="", title=title, description=description, json_schema_extra={"is_place": True})


def checksum_field() -> Any:
    """The declaration of a checksum of what lies there."""
    return Field(
        default="",
        pattern="^([0-9a-f]{16})?$",
        title="checksum",
        description="Of the images, classes and splits that are meant; others are refused. Found if not given.",
        json_schema_extra={"decided_by": "path", "is_found": True},
    )


class OwnData(BaseDataset):
    """A data set that is told apart by the content of what lies at a path."""

    idle_once_known: ClassVar[frozenset[str]] = frozenset({"path"})
    """Fields that decide no number once the content is known."""

    path: str
    checksum: str = checksum_field()

    @property
    @override
    def content(self) -> str:
        return self.checksum

    @property
    @override
    def idle_fields(self) -> frozenset[str]:
        return self.idle_once_known if self.checksum else frozenset()

    @property
    @override
    def short_name(self) -> str:
        return f"{super().short_name}-{self.checksum[:SHOWN_DIGITS]}" if self.checksum else super().short_name

    @property
    @override
    def full_label(self) -> str:
        if not self.checksum:
            return super().full_label
        called = NO_PLAIN_TEXT.sub("", Path(self.path).name).strip()  # a label is shown on pages and in bundles
        return f"{super().full_label} {called} ({self.checksum[:SHOWN_DIGITS]})".replace("  ", " ")

    @override
    def holding(self, content: str) -> "OwnData":
        return self.model_copy(update={"checksum": content})

    def refuse_unmeant(self, found: FoundImages) -> None:
        """See that what lies there is what is meant.

        Raises:
            DataMissingError: it is not that of the checksum.
            ConfigError: there is no checksum, and it is unclear what the inputs, classes or splits are.
        """
        if not self.checksum:
            refuse_doubts(found, owner=type(self).__name__)
        elif found.checksum != self.checksum:
            message = other_images(self.path, found=found.checksum, meant=self.checksum, whose="that are meant")
            raise DataMissingError(message)
