"""BatchNorm statistics gathered anew, without variation, before deployment.

A network trained on noisy chips keeps BatchNorm statistics of noisy passes; OVF's further passes, at larger sigma_d,
move them too. Gathering them again on the network as it is programmed costs one pass over the training images and no
device. Each statistic is the mean over equal batches of the training images, not augmented.
"""

import copy
from typing import cast

import torch
from torch import nn
from torch.func import functional_call

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData
from neft.networks.network import Network

BATCH = 512


@torch.no_grad()
def recalibrate_batchnorm(network: Network, data: ImageData, law: ChipLaw) -> Network:
    """A copy of a deployed network whose BatchNorm statistics are those of the chip that misses nothing.

    Args:
        network: the deployed network; it is left alone.
        data: its training images are used.
        law: how weights are mapped to devices; statistics are gathered at the targets W_d.
    """
    renewed = copy.deepcopy(network)
    for module in renewed.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over batches
    _ = renewed.train()
    targets = law.deploy({name: weight.detach() for name, weight in renewed.device_weights().items()}).targets
    images = data.train.images
    for batch in images.chunk(max(1, -(-len(images) // BATCH))):
        _ = cast("torch.Tensor", functional_call(renewed, targets, (data.normalise(batch),)))
    for module, original in zip(renewed.modules(), network.modules(), strict=True):
        if isinstance(module, nn.BatchNorm2d) and isinstance(original, nn.BatchNorm2d):
            module.momentum = original.momentum
    return renewed.eval()
