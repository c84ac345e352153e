"""Your own images: a folder with one sub-folder for each class, or with a CSV file of labels."""

from pathlib import Path
from typing import ClassVar, Literal

from jaxtyping import UInt8
from torch import Tensor
from typing_extensions import override

from neft.datasets.folder_layout import find_by_folders
from neft.datasets.found_images import FoundImages
from neft.datasets.image_files import Seen, read_images
from neft.datasets.label_files import find_by_labels
from neft.datasets.own_images import OwnImages, path_field
from neft.errors import ConfigError, DataMissingError


class ImageFolder(OwnImages):
    """Any images; the splits that are there, else 70 % train, 15 % validation, 15 % test, each class in proportion."""

    name: Literal["image_folder"] = "image_folder"
    label: ClassVar[str] = "Image folder"
    source: ClassVar[str] = "The folder named by `path`."

    path: str = path_field(
        "folder",
        "A folder with one sub-folder of images for each class; its name is the class's name. Folders called train, "
        "val and test that hold such sub-folders are used as splits.",
    )

    @override
    def _find(self) -> FoundImages:
        root = self._root()
        return find_by_labels(root, self.labels) if self.labels else find_by_folders(root)

    @override
    def _pixels(
        self, found: FoundImages, chosen: list[int], seen: Seen
    ) -> UInt8[Tensor, "images channels height width"]:
        root = self._root()
        paths = [root / found.names[place] for place in chosen]
        return read_images(paths, size=self.image_size, channels=self.channels, fit=self.fit, seen=seen)

    def _root(self) -> Path:
        if not self.path:
            message = (
                "ImageFolder.path (folder) must name a folder with one sub-folder of images for each class; got ''."
            )
            raise ConfigError(message)
        root = Path(self.path).expanduser()
        if not root.is_dir():
            message = f"ImageFolder.path (folder): there is no folder {root.absolute()}."
            raise DataMissingError(message)
        return root
