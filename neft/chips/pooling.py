"""Max pooling of 2 x 2 windows as three maxima of whole tensors: the same numbers, without looking up where they lay.

torch's own keeps the indices, which costs a narrow network's chip a sixth of its time.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from neft.networks.folding import is_listened_to


class PairwiseMaxPool2d(nn.Module):
    """What `nn.MaxPool2d(2)` gives; a last row or column without a partner is left out, as there."""

    @override
    def forward(self, images: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch rows columns"]:
        height, width = (size // 2 * 2 for size in images.shape[-2:])
        rows = torch.maximum(images[..., 0:height:2, :width], images[..., 1:height:2, :width])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def pool_pairwise(network: nn.Module) -> None:
    """Put it in the place of every pooling layer that it equals."""
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if type(module) is nn.MaxPool2d and _is_pairwise(module) and not is_listened_to(module):
                setattr(parent, name, PairwiseMaxPool2d())


def _is_pairwise(pool: nn.MaxPool2d) -> bool:
    plain = pool.padding in (0, (0, 0)) and pool.dilation in (1, (1, 1))
    two = pool.kernel_size in (2, (2, 2)) and pool.stride in (2, (2, 2))
    return plain and two and not pool.ceil_mode and not pool.return_indices
