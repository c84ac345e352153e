"""The data sets there are. To add one: a file with its class, and its line in `Dataset`.

Batches are drawn in `neft.training`; nothing here knows a network.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.datasets.arrays import OwnArrays
from neft.datasets.base import BaseDataset
from neft.datasets.basic_motions import BasicMotions
from neft.datasets.cifar10 import Cifar10
from neft.datasets.cifar100 import Cifar100
from neft.datasets.digits import Digits
from neft.datasets.fashion_mnist import FashionMnist
from neft.datasets.har import Har
from neft.datasets.image_arrays import ImageArrays
from neft.datasets.image_folder import ImageFolder
from neft.datasets.mnist import Mnist
from neft.datasets.own_batches import OwnBatches
from neft.datasets.tiny_imagenet import TinyImagenet

Dataset = Annotated[
    Digits
    | FashionMnist
    | Mnist
    | Cifar10
    | Cifar100
    | TinyImagenet
    | BasicMotions
    | Har
    | ImageFolder
    | ImageArrays
    | OwnArrays
    | OwnBatches,
    Field(discriminator="name"),
]

DATASETS: dict[str, type[BaseDataset]] = members(Dataset)
