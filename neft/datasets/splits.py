"""Cutting images into train, validation and test (stratified, seeded, the same for every run), and resizing them."""

import torch
from jaxtyping import Int, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from neft.datasets.base import SPLIT_SEED, Split
from neft.errors import ConfigError
from neft.seeding import derive_seed, generator

VALIDATION_FRACTION = 0.1
"""Of an official training split; what we hold out to choose by."""
RESIZE_CHUNK = 2048
"""Images resized at once: they pass through float32, four times their stored size."""


def hold_out(
    labels: Int[Tensor, " images"], *, count: int, purpose: str
) -> tuple[Int[Tensor, " kept"], Int[Tensor, " held"]]:
    """Indices kept and indices held out, each class in proportion, both shuffled.

    Args:
        labels: the class of each image.
        count: how many images to hold out.
        purpose: what for ("validation", "test"); each purpose has a stream of its own.

    Raises:
        ConfigError: too few images of some class.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - takes seconds to import

    random_state = derive_seed(SPLIT_SEED, "split", purpose) % 2**32
    try:
        kept, held = train_test_split(
            range(len(labels)), test_size=count, stratify=labels.numpy(), random_state=random_state
        )
    except ValueError:
        each = labels.unique(return_counts=True)[1]
        message = (
            f"{len(labels)} images of {len(each)} classes are too few to hold out {count} of them for {purpose}: there "
            f"must be at least one of each class on either side, and the smallest class has {int(each.min())}."
        )
        raise ConfigError(message) from None
    return torch.tensor(kept), torch.tensor(held)


def take_evenly(
    labels: Int[Tensor, " images"], count: int | None, *, setting: str = "max_train"
) -> Int[Tensor, " taken"]:
    """Indices of `count` images, as even over the classes as there are images for; all of them if there are no more.

    Each class is shuffled and dealt out in turns, so that a smaller count takes a subset of what a larger one takes.

    Raises:
        ConfigError: fewer images than classes.
    """
    if count is None or count >= len(labels):
        return torch.arange(len(labels))
    classes = labels.unique()
    if count < len(classes):
        message = f"{setting} must be at least the number of classes, {len(classes)}; got {count}."
        raise ConfigError(message)
    order = torch.randperm(len(labels), generator=generator(SPLIT_SEED, setting))
    turn = torch.empty_like(order)
    for label in classes:
        mine = labels[order] == label
        turn[mine] = torch.arange(int(mine.sum()))
    return order[torch.argsort(turn, stable=True)[:count]]


def cut(
    labels: Int[Tensor, " images"], *, num_validation: int, num_test: int, max_train: int | None
) -> tuple[Int[Tensor, " train"], Int[Tensor, " validation"], Int[Tensor, " test"]]:
    """Indices of the three splits of images that were published as one heap.

    Raises:
        ConfigError: too few images of some class, or `max_train` below the number of classes.
    """
    rest, test = hold_out(labels, count=num_test, purpose="test")
    kept, validation = hold_out(labels[rest], count=num_validation, purpose="validation")
    train = rest[kept]
    return train[take_evenly(labels[train], max_train)], rest[validation], test


def cut_official(
    labels: Int[Tensor, " images"], *, max_train: int | None
) -> tuple[Int[Tensor, " train"], Int[Tensor, " validation"]]:
    """Indices of train and validation in an official training split; validation is a stratified tenth of it.

    Raises:
        ConfigError: too few images of some class, or `max_train` below the number of classes.
    """
    count = round(VALIDATION_FRACTION * len(labels))
    train, validation = hold_out(labels, count=count, purpose="validation")
    return train[take_evenly(labels[train], max_train)], validation


def select(split: Split, indices: Int[Tensor, " chosen"], *, image_size: int) -> Split:
    """The chosen images, resized."""
    return Split(images=resize(split.images[indices], image_size), labels=split.labels[indices])


def resize(
    images: UInt8[Tensor, "images channels height width"], size: int
) -> UInt8[Tensor, "images channels {size} {size}"]:
    """The images at `size` by `size` pixels, bilinear and antialiased, rounded to the stored levels.

    It passes through float32 by chunks rather than using torch's uint8 kernel, whose rounding depends on the processor.
    """
    if images.shape[-2:] == (size, size):
        return images
    resized = torch.empty(*images.shape[:2], size, size, dtype=torch.uint8)
    for start in range(0, len(images), RESIZE_CHUNK):
        chunk = images[start : start + RESIZE_CHUNK].float()
        smooth = interpolate(chunk, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        resized[start : start + RESIZE_CHUNK] = smooth.round_()
    return resized
