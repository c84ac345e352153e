"""What methods that perturb weights on purpose have in common: directions of steepest ascent, sizes, the margin."""

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax


def margins(logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"]) -> Float[Tensor, " images"]:
    """z_y - max_{j != y} z_j: by how much each answer is right, or, below 0, wrong."""
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return logits.gather(1, labels[:, None])[:, 0] - others


def margin(logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"]) -> Float[Tensor, ""]:
    """Sum over images of max(z_y - max_{j != y} z_j, 0), the surrogate f of [Yan2022]: what an attack lowers."""
    return margins(logits, labels).clamp_min(0).sum()


def gradients(loss: Tensor, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a loss, by layer; the weights' own gradients are left alone."""
    found = torch.autograd.grad(loss, list(weights.values()))
    return dict(zip(weights, found, strict=True))


def largest(weight: Tensor) -> Float[Tensor, ""]:
    """w_max of a layer, without gradient."""
    return weight.detach().abs().amax()


def length(tensors: Iterable[Tensor]) -> Float[Tensor, ""]:
    """The Euclidean norm of all elements together; never 0, so that it may divide."""
    squares = torch.stack([tensor.square().sum() for tensor in tensors])
    return squares.sum().sqrt().clamp_min(torch.finfo(squares.dtype).tiny)


def divergence(
    ours: Float[Tensor, "batch classes"], theirs: Float[Tensor, "batch classes"], *, temperature: float
) -> Float[Tensor, ""]:
    """KL(softmax(ours / T) || softmax(theirs / T)), the mean over the batch, in nats; gradients flow into both."""
    first, second = (log_softmax(logits / temperature, dim=1) for logits in (ours, theirs))
    return kl_div(second, first, reduction="batchmean", log_target=True)
