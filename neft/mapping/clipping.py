"""Clipping at programming: lose the largest weights' tails to make every error smaller.

Errors go with w_max, so programming clip(W, -alpha, alpha) trades what the tails lose against what all errors gain:
alpha minimises E(|w| - alpha)_+^2 + (c sigma_d alpha)^2. It helps networks that were trained without noise and hurts
those trained with it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

STEPS = 50
"""Halvings of the interval that holds alpha: more than a double's digits."""


def best_clip(magnitude: Float[Tensor, "..."], *, axes: tuple[int, ...], relative_std: float) -> Float[Tensor, "..."]:
    """The alpha of every group of weights.

    The derivative, (c sigma_d)^2 alpha - E(|w| - alpha)_+, grows with alpha, so its root is found by halving.

    Args:
        magnitude: |W|.
        axes: over which a group's mean goes.
        relative_std: c sigma_d, the std of an error over the largest weight.

    Returns:
        alpha in weight units, in a shape that broadcasts; the largest weight where there is no variation.
    """
    size = magnitude.double()
    lower = torch.zeros_like(size.amax(dim=axes, keepdim=True))
    upper = size.amax(dim=axes, keepdim=True)
    for _ in range(STEPS):
        middle = (lower + upper) / 2
        lost = (size - middle).clamp(min=0).mean(dim=axes, keepdim=True)
        grows = relative_std**2 * middle > lost
        lower, upper = torch.where(grows, lower, middle), torch.where(grows, middle, upper)
    return upper.to(magnitude)
