"""Inputs that are floats rather than pixels: series and vectors of features, shown to a network channel by channel."""

from jaxtyping import Float
from torch import Tensor

from neft.datasets.base import ImageData, Split


def float_data(train: Split, validation: Split, test: Split, class_names: tuple[str, ...]) -> ImageData:
    """The three splits, with each channel's mean and std over the training split."""
    mean, std = channel_statistics(train.images)
    return ImageData(
        train=train, validation=validation, test=test, class_names=class_names, maximum=1, mean=mean, std=std
    )


def channel_statistics(inputs: Float[Tensor, "inputs channels ..."]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of each channel over all inputs and positions; the std of a channel that never changes is 1."""
    by_channel = inputs.double().transpose(0, 1).flatten(1)
    mean, std = by_channel.mean(dim=1), by_channel.std(dim=1, correction=0)
    # what does not change but for rounding carries nothing, and would be blown up
    is_still = std <= 1e-7 * by_channel.abs().amax(dim=1)
    return tuple(mean.tolist()), tuple(std.masked_fill(is_still, 1.0).tolist())
