"""A convolution's inputs as patches, one an output position, and the Gram matrix of each image's patches."""

from functools import cached_property
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, pad

JITTER = 2e-5
"""Added to a Gram matrix's diagonal, over its mean, before it is factored."""
FEW_POSITIONS = 4
"""An image of at most so many positions lies under a 3 x 3 kernel as a whole: one dense matrix has fewer products than
the convolution has with its padding, and a Gram matrix hardly any numbers."""
PATCHES_TOO_LONG = 5
"""Where a patch is longer than so many times the positions, a Gram matrix is drawn through, else weights are drawn.

Both give the same law, and the choice is one of time alone. It goes by shapes, not by a measured time, so that a seed
gives the same numbers everywhere."""


class Patches:
    """A convolution on images of one size, channels last."""

    def __init__(self, layer: nn.Conv2d, size: tuple[int, int]) -> None:
        self._layer = layer
        self._taps = [_taps(layer, side, axis) for axis, side in enumerate(size)]
        self.output_size = (self._taps[0].shape[2], self._taps[1].shape[2])
        self.positions = self.output_size[0] * self.output_size[1]
        self.length = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
        self.prefer_weights = self.positions > FEW_POSITIONS and self.length <= PATCHES_TOO_LONG * self.positions
        """Whether an image draws weights of its own rather than through its Gram matrix."""
        self._dense: Tensor | None = None
        if size[0] * size[1] <= FEW_POSITIONS:
            dense = torch.einsum("ocij,iay,jbx->yxoabc", layer.weight, *self._taps)
            self._dense = dense.reshape(self.positions * layer.out_channels, -1)

    @cached_property
    def _maps(self) -> list[Float[Tensor, "sides outputs"]]:
        """Along each axis, which pairs of pixels meet for which pairs of positions: side^2 x outputs^2 numbers."""
        return [torch.einsum("kiy,kjz->ijyz", taps, taps).flatten(2).flatten(0, 1) for taps in self._taps]

    def means(self, pixels: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch positions outputs"]:
        """conv(x)."""
        layer = self._layer
        if self._dense is not None:
            bias = None if layer.bias is None else layer.bias.repeat(self.positions)
            return linear(pixels.flatten(1), self._dense, bias).view(-1, self.positions, layer.out_channels)
        padding = cast("tuple[int, int]", layer.padding)
        found = conv2d(pixels.permute(0, 3, 1, 2), layer.weight, layer.bias, layer.stride, padding, layer.dilation)
        return found.permute(0, 2, 3, 1).reshape(-1, self.positions, layer.out_channels)

    def patches(self, pixels: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch positions length"]:
        """The input of every output position."""
        layer = self._layer
        down, right = cast("tuple[int, int]", layer.padding)
        padded = pad(pixels, (0, 0, right, right, down, down))
        batch, row, column, channel = padded.stride()
        strides = (
            batch,
            row * layer.stride[0],
            column * layer.stride[1],
            row * layer.dilation[0],
            column * layer.dilation[1],
            channel,
        )
        shape = (len(pixels), *self.output_size, *layer.kernel_size, layer.in_channels)
        return padded.as_strided(shape, strides).reshape(len(pixels), self.positions, self.length)

    def gram(self, pixels: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch positions positions"]:
        """Inner products of the patches: those of the pixels, summed over the kernel one axis after the other."""
        batch, height, width, _ = pixels.shape
        flat = pixels.flatten(1, 2)
        between = (flat @ flat.mT).view(batch, height, width, height, width).transpose(2, 3)
        along = between.reshape(batch * height**2, width**2) @ self._maps[1]
        both = self._maps[0].T @ along.view(batch, height**2, -1)
        down, right = self.output_size
        return both.view(batch, down, down, right, right).transpose(2, 3).reshape(batch, self.positions, self.positions)


def cholesky(
    gram: Float[Tensor, "batch positions positions"],
) -> tuple[Float[Tensor, "batch positions positions"], Bool[Tensor, " batch"]]:
    """The lower factor of every Gram matrix, which is written over, and which have none that is to be used.

    Those with a number that is not finite, and those of so low a rank that rounding leaves them an eigenvalue below
    -`JITTER`.
    """
    diagonal = gram.diagonal(dim1=1, dim2=2)
    odd = ~diagonal.isfinite().all(dim=1)
    # an image whose features are all zero has no noise either; something must keep its factor finite
    _ = diagonal.add_(JITTER * diagonal.mean(dim=1, keepdim=True) + 1e-20)
    # symmetric: the transpose has the layout that is factored in place
    factor, failed = torch.linalg.cholesky_ex(gram.mT)
    return factor, (failed > 0) | odd


def _taps(layer: nn.Conv2d, side: int, axis: int) -> Float[Tensor, "kernel side outputs"]:
    """1 where a tap of the kernel meets an input for an output, along one axis."""
    kernel, stride, dilation = layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
    padding = cast("tuple[int, int]", layer.padding)[axis]
    outputs = (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    met = stride * torch.arange(outputs) + dilation * torch.arange(kernel)[:, None] - padding
    return (met[:, None, :] == torch.arange(side)[None, :, None]).to(layer.weight.dtype)
