"""A network that gives every image a chip of its own without drawing one: local reparametrisation.

Given its input, the deviation of a layer's output under independent Gaussian deviations of equal std s is exactly
Gaussian, independent across output channels, with covariance s^2 x (Gram matrix of the input's patches) over output
positions ([Kingma2015b], section 2.3). It is drawn directly, by whichever costs less: as weights of each image's
own, or through the Cholesky factor of the Gram matrix. Nor is the last layer drawn: P(the true class has the largest
output) is integrated over its noise.

Several conditions (device variations, or layers that vary) run in one batch on the same draws. What they share is
computed once: rows of the batch part where conditions first differ.
"""

import copy
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, pad
from typing_extensions import override

from neft.chips.deployed import ChipLaw
from neft.errors import NeftError
from neft.networks.device_layers import layer_name
from neft.networks.network import Network

JITTER = 2e-5
"""Added to a Gram matrix's diagonal, over its mean, before it is factored."""
QUADRATURE_NODES = 24
DENSE_POSITIONS = 4
"""A convolution of so few positions is quicker as one matrix."""
PRODUCT, COPY, DRAW, FACTOR = 0.045, 1.2, 4.8, 0.5
"""Nanoseconds of one core for a multiply-add in a batched product, a value that is copied, a normal, and a step of a
Cholesky factorisation; only their ratios count."""


def refusal(network: Network, law: ChipLaw) -> str | None:
    """Why the reparametrised way does not hold for these chips, or None where it does."""
    return _refused_chips(network, law) or _refused_layers(network)


def _refused_chips(network: Network, law: ChipLaw) -> str | None:
    if not law.is_gaussian:
        return "These chips are drawn device by device, as their programming or effects are no Gaussian a weight."
    deployment = law.deploy_gaussian({name: weight.detach() for name, weight in network.device_weights().items()})
    for name, std in deployment.stds.items():
        if name in deployment.turned:
            return (
                f"The weights of layer {layer_name(name)} do not miss independently: its devices hold a turned layer."
            )
        if any(size > 1 for size in std.shape[1:]) or (std.dim() == 1 and std.numel() > 1):
            return (
                f"{law.device.full_label}'s devices miss by different amounts at different levels, so layer "
                f"{layer_name(name)} has more than one std; its output's covariance then differs from channel to "
                "channel."
            )
    return None


def _refused_layers(network: Network) -> str | None:
    if network.ranges is not None:
        return "The layers lie between converters, whose rounding leaves nothing Gaussian."
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv1d):
            return f"Layer {name} is a convolution over a series."
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            return f"Layer {name} is a grouped convolution."
        if isinstance(module, nn.Conv2d) and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
            return f"Layer {name} pads otherwise than with a given number of zeros."
    last = next(reversed(network.device_weights())).removesuffix(".weight")
    if not isinstance(network.get_submodule(last), nn.Linear):
        return "The last layer is not fully connected."
    return None


class NoisyNetwork:
    """A deployed network whose layers add the deviation that each image's own chip would."""

    def __init__(self, network: Network, *, targets: Mapping[str, Tensor], stds: Mapping[str, Tensor]) -> None:
        """Replace every layer that lies in devices.

        Args:
            network: BatchNorm folded, heads dropped; left alone.
            targets: the weights that devices aim at, by layer.
            stds: how far they miss at sigma_d = 1, by layer; one number, or one an output channel.
        """
        noisy = copy.deepcopy(network)
        self._state = _State()
        names = list(targets)
        for index, name in enumerate(names):
            path = name.removesuffix(".weight")
            module = cast("nn.Conv2d | nn.Linear", noisy.get_submodule(path))
            module.weight = nn.Parameter(targets[name], requires_grad=False)
            parent, _, own = path.rpartition(".")
            layer = _noisy_layer(module, self._state, index, stds[name], is_last=index == len(names) - 1)
            setattr(noisy.get_submodule(parent), own, layer)
        self._stages: list[_Stage] = []
        for stage in (*noisy.backbone.stages, noisy.backbone.classifier):
            self._stages.append(_Stage(stage, before=self._stages[-1].end if self._stages else 0))

    def probabilities(
        self,
        images: Float[Tensor, "images channels ..."],
        labels: Int[Tensor, " images"],
        scales: Float[Tensor, "conditions layers"],
        rng: torch.Generator,
    ) -> Float[Tensor, "conditions images"]:
        """The chance that each image is predicted right, given the draws of all layers but the last.

        Args:
            images: normalised.
            labels: what they show.
            scales: every layer's device variation under every condition.
            rng: where the draws come from; conditions share them.
        """
        state = self._state
        state.begin(len(images), rng)
        features = images
        seen = torch.zeros(len(scales), dtype=torch.long)
        for stage in self._stages:
            # conditions that are alike up to this stage's end are one row of the batch
            distinct, now = torch.unique(scales[:, : stage.end], dim=0, return_inverse=True)
            first = torch.stack([(now == row).nonzero()[0, 0] for row in range(len(distinct))])
            state.sigma_ds, state.parents = distinct, seen[first]
            features = stage.run(features, state)
            seen = now
        rows = state.rows(features.shape[0], seen)
        std = state.last_std.expand(features.shape)[rows]
        right = _chance_of_being_largest(features[rows], std, labels.repeat_interleave(len(scales)))
        return right.view(-1, len(scales)).T


class _State:
    """The draws and scales of the pass that runs.

    A batch holds an image's row k at image x rows + k.
    """

    def __init__(self) -> None:
        self.rng = torch.Generator()
        self.num_images = 0
        self.sigma_ds = torch.zeros(1, 0)
        """Every layer's device variation, by row of an image at the end of the stage that runs."""
        self.parents = torch.zeros(1, dtype=torch.long)
        """Which row of an image at the stage's start each of them comes from."""
        self.last_std = torch.zeros(1, 1)
        """Of the last layer's outputs, by row of the batch and class."""

    def begin(self, num_images: int, rng: torch.Generator) -> None:
        self.num_images, self.rng = num_images, rng

    def normals(self, *shape: int) -> Tensor:
        """A draw for every image."""
        return torch.randn(self.num_images, *shape, generator=self.rng)

    def rows(self, batch: int, chosen: Int[Tensor, " rows"]) -> Int[Tensor, " batch"]:
        """The chosen rows of every image, as rows of a batch of this size."""
        per_image = batch // self.num_images
        return (torch.arange(self.num_images)[:, None] * per_image + chosen).flatten()

    def spread(self, features: Tensor) -> Tensor:
        """The rows of the stage's end, copied from those of its start; nothing to do where they are there already."""
        if len(features) == self.num_images * len(self.parents):
            return features
        rows = self.rows(len(features), self.parents)
        if features.ndim != 4:
            return features[rows]
        return features.permute(0, 2, 3, 1)[rows].permute(0, 3, 1, 2)

    def add_noise(self, layer: int, means: Tensor, draw: "_Draw") -> Tensor:
        """The means + sigma_d x a draw, on the rows of the stage's end.

        Args:
            layer: which of them.
            means: on the rows of the layer's input, [images x rows, ...].
            draw: given rows of an image, their deviations at sigma_d = 1, [images, rows, ...].
        """
        sigma_d = self.sigma_ds[:, layer]
        count, end = len(means) // self.num_images, len(sigma_d)
        own = means.view(self.num_images, count, *means.shape[1:])
        shape = (-1, *[1] * (means.ndim - 1))
        noisy = sigma_d.nonzero()[:, 0]
        if len(noisy) == end and count in {1, end}:
            found = torch.addcmul(own, draw(torch.arange(count)), sigma_d.view(shape))
        else:
            parents = torch.arange(end) if count == end else self.parents
            found = own[:, parents]
            if len(noisy):
                needed, places = torch.unique(parents[noisy], return_inverse=True)
                found[:, noisy] += draw(needed)[:, places] * sigma_d[noisy].view(shape)
        return found.reshape(self.num_images * end, *means.shape[1:])


_Draw = Callable[[Tensor], Tensor]


class _Stage:
    """One stage of the network, and how many layers lie before its end."""

    def __init__(self, module: nn.Module, before: int) -> None:
        layers = sum(isinstance(part, _NoisyConv | _NoisyLinear | _LastLayer) for part in module.modules())
        self._module = module
        self._is_row = layers == 1
        self.end = before + layers

    def run(self, features: Tensor, state: _State) -> Tensor:
        """Its output, on the rows of its end.

        A stage of one layer leaves it to that layer to spread its rows; within a longer one they may meet others again.
        """
        return cast("Tensor", self._module(features if self._is_row else state.spread(features)))


class _NoisyLinear(nn.Module):
    def __init__(self, layer: nn.Linear, state: _State, index: int, std: Tensor) -> None:
        super().__init__()
        self._layer, self._state, self._index, self._std = layer, state, index, std

    @override
    def forward(self, features: Tensor) -> Tensor:
        """W x + sigma_d s |x| z."""

        def draw(rows: Tensor) -> Tensor:
            sizes = features.norm(dim=1).view(self._state.num_images, -1)[:, rows]
            return sizes[:, :, None] * (self._state.normals(1, self._layer.out_features) * self._std)

        return self._state.add_noise(self._index, self._layer(features), draw)


class _LastLayer(nn.Module):
    """Its outputs' means; their stds are left with the state."""

    def __init__(self, layer: nn.Linear, state: _State, index: int, std: Tensor) -> None:
        super().__init__()
        self._layer, self._state, self._index, self._std = layer, state, index, std

    @override
    def forward(self, features: Tensor) -> Tensor:
        """W x."""
        features = self._state.spread(features)
        sigma_d = self._state.sigma_ds[:, self._index].repeat(self._state.num_images)
        self._state.last_std = (features.norm(dim=1) * sigma_d)[:, None] * self._std.reshape(1, -1)
        return self._layer(features)


class _NoisyConv(nn.Module):
    def __init__(self, layer: nn.Conv2d, state: _State, index: int, stds: Float[Tensor, "..."]) -> None:
        super().__init__()
        self._layer, self._state, self._index, self._stds = layer, state, index, stds
        self._geometries: dict[tuple[int, int], _Geometry] = {}

    @override
    def forward(self, features: Tensor) -> Tensor:
        """conv(x) + sigma_d s x a draw with the covariance of the patches' Gram matrix."""
        size = (features.shape[2], features.shape[3])
        if size not in self._geometries:
            self._geometries[size] = _Geometry(self._layer, size)
        geometry, state, outputs = self._geometries[size], self._state, self._layer.out_channels
        pixels = features.permute(0, 2, 3, 1).contiguous()

        def draw(rows: Tensor) -> Tensor:
            count = len(pixels) // state.num_images
            chosen = pixels if len(rows) == count else pixels[state.rows(len(pixels), rows)]
            if geometry.prefers_weights(len(rows)):
                weights = state.normals(geometry.length, outputs).mul_(self._stds)
                drawn = geometry.patches(chosen).view(state.num_images, -1, geometry.length) @ weights
            else:
                factor = _cholesky(geometry.gram(chosen))
                normals = state.normals(geometry.positions, outputs).mul_(self._stds)
                drawn = factor.reshape(state.num_images, -1, geometry.positions) @ normals
            return drawn.view(state.num_images, len(rows), geometry.positions, outputs)

        found = state.add_noise(self._index, geometry.means(pixels), draw)
        return found.view(-1, *geometry.output_size, outputs).permute(0, 3, 1, 2)


class _Geometry:
    """A convolution on images of one size, channels last."""

    def __init__(self, layer: nn.Conv2d, size: tuple[int, int]) -> None:
        self._layer = layer
        self._taps = [_taps(layer, side, axis) for axis, side in enumerate(size)]
        self.output_size = (self._taps[0].shape[2], self._taps[1].shape[2])
        self.positions = self.output_size[0] * self.output_size[1]
        self.length = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
        self._num_pixels = size[0] * size[1]
        self._maps = [torch.einsum("kiy,kjz->ijyz", taps, taps).flatten(2).flatten(0, 1) for taps in self._taps]
        self._dense: Tensor | None = None
        if self._num_pixels <= DENSE_POSITIONS:
            dense = torch.einsum("ocij,iay,jbx->yxoabc", layer.weight, *self._taps)
            self._dense = dense.reshape(self.positions * layer.out_channels, -1)

    def means(self, pixels: Float[Tensor, "batch height width channels"]) -> Float[Tensor, "batch positions outputs"]:
        """conv(x)."""
        layer = self._layer
        if self._dense is not None:
            bias = None if layer.bias is None else layer.bias.repeat(self.positions)
            return linear(pixels.flatten(1), self._dense, bias).view(-1, self.positions, layer.out_channels)
        padding = cast("tuple[int, int]", layer.padding)
        found = conv2d(pixels.permute(0, 3, 1, 2), layer.weight, layer.bias, layer.stride, padding, layer.dilation)
        return found.permute(0, 2, 3, 1).reshape(-1, self.positions, layer.out_channels)

    def prefers_weights(self, rows: int) -> bool:
        """Whether weights of each image's own cost less than a Cholesky factor of each row's Gram matrix."""
        length, positions, pixels, outputs = self.length, self.positions, self._num_pixels, self._layer.out_channels
        weights = rows * positions * length * (COPY + PRODUCT * outputs) + DRAW * length * outputs
        products = pixels**2 * self._layer.in_channels + pixels * positions * (pixels + positions)
        gram = rows * (PRODUCT * (products + positions**2 * outputs) + FACTOR * positions**3 / 3)
        return weights < gram + 2 * COPY * rows * positions**2 + DRAW * positions * outputs

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


def _taps(layer: nn.Conv2d, side: int, axis: int) -> Float[Tensor, "kernel side outputs"]:
    """1 where a tap of the kernel meets an input for an output, along one axis."""
    kernel, stride, dilation = layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
    padding = cast("tuple[int, int]", layer.padding)[axis]
    outputs = (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    met = stride * torch.arange(outputs) + dilation * torch.arange(kernel)[:, None] - padding
    return (met[:, None, :] == torch.arange(side)[None, :, None]).float()


def _noisy_layer(
    layer: nn.Conv2d | nn.Linear, state: _State, index: int, std: Tensor, *, is_last: bool
) -> "_NoisyConv | _NoisyLinear | _LastLayer":
    if isinstance(layer, nn.Conv2d):
        return _NoisyConv(layer, state, index, std)
    return _LastLayer(layer, state, index, std) if is_last else _NoisyLinear(layer, state, index, std)


def _cholesky(gram: Float[Tensor, "batch positions positions"]) -> Float[Tensor, "batch positions positions"]:
    diagonal = gram.diagonal(dim1=1, dim2=2)
    # an image whose features are all zero has no noise either; something must keep its factor finite
    _ = diagonal.add_(JITTER * diagonal.mean(dim=1, keepdim=True) + 1e-20)
    # symmetric: the transpose has the layout that is factored in place
    factor, failed = torch.linalg.cholesky_ex(gram.mT)
    if bool(failed.any()):
        message = "The Gram matrix of an image's patches could not be factored."
        raise NeftError(message)
    return factor


def _chance_of_being_largest(
    means: Float[Tensor, "batch classes"], stds: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """P(O_y > O_k for all k) for independent O_k ~ N(mean_k, std_k^2): the integral over O_y by Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    t = torch.as_tensor(nodes, dtype=means.dtype)
    w = torch.as_tensor(weights / weights.sum(), dtype=means.dtype)
    scale = stds.clamp_min(1e-12)
    truth = means.gather(1, labels[:, None])
    gaps = (truth - means) / scale
    gaps = gaps.scatter(1, labels[:, None], float("inf"))  # the true class is no rival of itself
    moves = scale.gather(1, labels[:, None]) / scale
    below = torch.special.ndtr(gaps[:, :, None] + moves[:, :, None] * t).prod(dim=1)
    return (below * w).sum(dim=1)
