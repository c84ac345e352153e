"""BatchNorm statistics gathered anew, without variation, before deployment.

A network trained on noisy chips keeps BatchNorm statistics of noisy passes; OVF's further passes, at larger sigma_d,
move them too. Gathering them again on the network as it is programmed costs one pass over the training images and no
device. Each statistic is the mean over equal batches of the training images, not augmented.
"""

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
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
    weights = {name: weight.detach() for name, weight in renewed.device_weights().items()}
    gather_statistics(renewed, data, law.deploy_gaussian(weights).targets)
    return renewed.eval()


@torch.no_grad()
def gather_statistics(network: Network, data: ImageData, weights: Mapping[str, Tensor]) -> None:
    """Replace a network's BatchNorm statistics by those of the training images; it is left in training mode.

    Args:
        network: is changed.
        data: its training images are used.
        weights: what its devices hold meanwhile, by layer.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
    _ = network.train()
    images = data.train.images.to(next(network.parameters()).device)
    for batch in images.chunk(max(1, -(-len(images) // BATCH))):
        _ = cast("Tensor", functional_call(network, dict(weights), (data.normalise(batch),)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
