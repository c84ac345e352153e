"""The 8 × 8 digits that come with scikit-learn: no download, and a network learns them in seconds."""

from typing import ClassVar, Literal

import torch
from typing_extensions import override

from neft.datasets.base import BaseDataset, DataAccess, DataSize, ImageData, Split, image_size_field
from neft.datasets.splits import cut, select


class Digits(BaseDataset):
    """Ten classes of handwritten digits, 17 grey levels; 1,000 train, 400 validation, 397 test images."""

    name: Literal["digits"] = "digits"
    label: ClassVar[str] = "Digits"
    source: ClassVar[str] = "the test part of [Alpaydin1998], shipped with scikit-learn."
    size: ClassVar[DataSize | None] = DataSize(1_000, 400, 397, num_channels=1, num_classes=10)

    image_size: int = image_size_field(8)

    @override
    def load(self, access: DataAccess) -> ImageData:
        """Load the data set; its files are part of scikit-learn.

        Raises:
            ConfigError: `max_train` is below the number of classes.
        """
        from sklearn.datasets import load_digits  # noqa: PLC0415 - takes seconds to import

        pixels, labels = load_digits(return_X_y=True)
        everything = Split(
            images=torch.as_tensor(pixels).to(torch.uint8).view(-1, 1, 8, 8), labels=torch.as_tensor(labels).long()
        )
        parts = cut(everything.labels, num_validation=400, num_test=397, max_train=self.max_train)
        train, validation, test = (select(everything, part, image_size=self.image_size) for part in parts)
        return ImageData(
            train=train,
            validation=validation,
            test=test,
            class_names=tuple("0123456789"),
            maximum=16,
            mean=(0.5,),
            std=(0.5,),
        )
