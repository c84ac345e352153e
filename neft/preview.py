"""Mean accuracy in a fraction of a second: one chip per image.

Mean accuracy under variation is a mean over chips *and* images, so every image may meet a chip of its own: the
expectation is the same, and chips' common luck, which dominates the spread of an ordinary evaluation, is averaged away.
Outcomes of different images are then independent, and their spread gives the interval.

Two ways:

- `disjoint`: the images are split into groups, each tried on a chip of its own. For any network and device.
- `reparametrised`: no chip is drawn at all. Given its input, the deviation of a layer's output under independent
  Gaussian deviations of equal std s is exactly Gaussian, independent across output channels, with covariance s^2 x
  (Gram matrix of the input's patches) over output positions (local reparametrisation, Kingma et al. 2015, section 2.3).
  It is drawn directly: as weights of each image's own where the patches are short, else through the Cholesky factor of
  the Gram matrix. Nor is the last layer drawn: P(the true class has the largest output) is integrated over its noise.
  Refused where its assumptions fail (`refusal`).

Only the mean: spread, percentiles and the worst chip need real chips (`neft.montecarlo`).
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import unfold
from typing_extensions import override

from neft import columns
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.montecarlo import ChipLaw, DeployedNetwork
from neft.network import Network, fold_batchnorm
from neft.noise import relative_std
from neft.seeding import generator

IMAGES_A_PASS = 100
JITTER = 2e-5
"""Added to a Gram matrix's diagonal, over its mean, before it is factored."""
QUADRATURE_NODES = 24
Z = 1.959963984540054
"""The normal quantile that cuts 2.5 % off."""


@dataclass(frozen=True)
class Preview:
    """What is known after some passes."""

    curve: pd.DataFrame
    """A row per condition: its sigma_d or layer, mean, ci95 (accuracy, fractions)."""
    num_passes: int
    num_images: int
    """Images seen so far, each on chips of its own."""


def refusal(network: Network, law: ChipLaw) -> str | None:
    """Why the reparametrised way does not hold for these chips, or None where it does."""
    for name, weight in network.device_weights().items():
        std = relative_std(weight, device=law.device, mapping=law.mapping, sampler=law.sampler)
        if std.numel() > 1:
            return (
                f"{law.device.label}'s devices miss by different amounts at different levels, so a layer ({name}) has "
                "more than one std; its output's covariance then differs from channel to channel."
            )
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            return f"Layer {name} is a grouped convolution."
    return None


def preview_curve(
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    sigma_ds: Sequence[float],
    seed: int,
    max_passes: int = 8,
    images_a_pass: int = IMAGES_A_PASS,
) -> Iterator[Preview]:
    """Mean test accuracy at every sigma_d, better with every pass; one chip per image, the same draws at every sigma_d.

    Args:
        network: the deployed network.
        data: its test images are used, evenly by how sure the clean network is of them.
        law: how chips are made.
        sigma_ds: device variations, std over maximal conductance.
        seed: where the draws come from.
        max_passes: passes after which it ends.
        images_a_pass: images in one pass, at most all of them.

    Raises:
        ConfigError: the assumptions fail; says which. `disjoint_curve` holds for any device.
    """
    layers = list(network.device_weights())
    scales = torch.tensor([[sigma_d] * len(layers) for sigma_d in sigma_ds], dtype=torch.float32)
    heads = pd.DataFrame({columns.SIGMA_D: list(sigma_ds)})
    return _passes(network, data, law, scales, heads, seed=seed, max_passes=max_passes, images_a_pass=images_a_pass)


def preview_layers(
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    sigma_d: float,
    seed: int,
    max_passes: int = 8,
    images_a_pass: int = IMAGES_A_PASS,
) -> Iterator[Preview]:
    """Mean test accuracy with variation in one layer at a time: which layer costs the accuracy.

    The arguments are those of `preview_curve`, at one sigma_d.

    Raises:
        ConfigError: the assumptions fail; says which.
    """
    layers = list(network.device_weights())
    heads = pd.DataFrame({columns.LAYER: [name.removesuffix(".weight").removeprefix("backbone.") for name in layers]})
    scales = sigma_d * torch.eye(len(layers))
    return _passes(network, data, law, scales, heads, seed=seed, max_passes=max_passes, images_a_pass=images_a_pass)


def disjoint_curve(
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    sigma_ds: Sequence[float],
    seed: int,
    max_passes: int = 8,
    chips_a_pass: int = 16,
) -> Iterator[Preview]:
    """Mean test accuracy at every sigma_d with the images split over chips; for any device.

    Every pass tries each image once; its interval comes from the spread of groups, each one chip.

    Args:
        network: the deployed network.
        data: its test images are used.
        law: how chips are made.
        sigma_ds: device variations, std over maximal conductance.
        seed: where chips come from.
        max_passes: passes after which it ends.
        chips_a_pass: groups into which the images are split.
    """
    groups: list[Tensor] = []
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law)
        images = data.normalise(data.test.images).contiguous(memory_format=torch.channels_last)
        order = _by_margin(deployed, images, data.test.labels)
        for done in range(max_passes):
            for group in range(chips_a_pass):
                # neighbours in sureness go to different chips, and an image meets another group's chip in each pass
                chosen = order[(group + done) % chips_a_pass :: chips_a_pass]
                deployed.draw(seed, done * chips_a_pass + group, purpose="preview_chip")
                hits: list[Tensor] = []
                for sigma_d in sigma_ds:
                    deployed.program(sigma_d=sigma_d)
                    predicted = deployed.logits(images[chosen]).argmax(dim=1)
                    hits.append((predicted == data.test.labels[chosen]).double().mean())
                groups.append(torch.stack(hits))
            heads = pd.DataFrame({columns.SIGMA_D: list(sigma_ds)})
            yield _preview(heads, torch.stack(groups, dim=1), num_passes=done + 1, num_images=len(order) * (done + 1))


def _passes(
    network: Network,
    data: ImageData,
    law: ChipLaw,
    scales: Float[Tensor, "conditions layers"],
    heads: pd.DataFrame,
    *,
    seed: int,
    max_passes: int,
    images_a_pass: int,
) -> Iterator[Preview]:
    reason = refusal(network, law)
    if reason is not None:
        message = f"One chip per image cannot be drawn layer by layer here: {reason}"
        raise ConfigError(message)
    found: list[Tensor] = []
    with torch.inference_mode():
        images = data.normalise(data.test.images).contiguous(memory_format=torch.channels_last)
        noisy = _NoisyNetwork(network, law)
        order = _by_margin(DeployedNetwork(network, law), images, data.test.labels)
        stride = max(1, len(order) // min(images_a_pass, len(order)))
        for done in range(max_passes):
            chosen = order[done % stride :: stride]
            rng = generator(seed, "preview", done)
            found.append(noisy.probabilities(images[chosen], data.test.labels[chosen], scales, rng))
            values = torch.cat(found, dim=1)
            yield _preview(heads, values, num_passes=done + 1, num_images=values.shape[1])


def _preview(
    heads: pd.DataFrame, values: Float[Tensor, "conditions draws"], *, num_passes: int, num_images: int
) -> Preview:
    array = values.double().numpy()
    count = array.shape[1]
    spread = array.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(array), np.nan)
    curve = heads.assign(**{columns.MEAN: array.mean(axis=1), columns.CI95: Z * spread})
    return Preview(curve=curve, num_passes=num_passes, num_images=num_images)


def _by_margin(deployed: DeployedNetwork, images: Tensor, labels: Int[Tensor, " images"]) -> Int[Tensor, " images"]:
    """Images from the one that the clean network is least sure of to the surest: every stride of it is alike."""
    deployed.program(sigma_d=0.0)
    logits = deployed.logits(images)
    truth = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], float("-inf")).amax(dim=1)
    return (truth - others).argsort()


class _NoisyNetwork:
    """A network that gives every image of a batch a chip of its own, under several conditions at once.

    A batch holds image i under condition c at row i x conditions + c: one image's conditions share its draws.
    """

    def __init__(self, network: Network, law: ChipLaw) -> None:
        folded = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        weights = {name: weight.detach().clone() for name, weight in folded.device_weights().items()}
        deployment = law.deploy(weights)
        factors = fold_batchnorm(folded)
        self._noise = _Noise()
        names = list(weights)
        for index, name in enumerate(names):
            path = name.removesuffix(".weight")
            module = cast("nn.Conv2d | nn.Linear", folded.get_submodule(path))
            factor = factors.get(name)
            target = deployment.targets[name] if factor is None else deployment.targets[name] * factor
            module.weight = nn.Parameter(target, requires_grad=False)
            gain = float(deployment.stds[name]) * (
                torch.ones(len(target)) if factor is None else factor.flatten().abs()
            )
            if index == len(names) - 1:
                noisy: nn.Module = _LastLayer(cast("nn.Linear", module), self._noise, index, float(gain[0]))
            elif isinstance(module, nn.Linear):
                noisy = _NoisyLinear(module, self._noise, index, float(gain[0]))
            else:
                noisy = _NoisyConv(module, self._noise, index, gain)
            parent, _, own = path.rpartition(".")
            setattr(folded.get_submodule(parent), own, noisy)
        self._network = folded

    def probabilities(
        self,
        images: Float[Tensor, "images channels height width"],
        labels: Int[Tensor, " images"],
        scales: Float[Tensor, "conditions layers"],
        rng: torch.Generator,
    ) -> Float[Tensor, "conditions images"]:
        """The chance that each image is predicted right, given the draws of all layers but the last."""
        conditions = len(scales)
        self._noise.begin(scales, len(images), rng)
        batch = images.repeat_interleave(conditions, dim=0).contiguous(memory_format=torch.channels_last)
        means = cast("Tensor", self._network(batch))
        right = _chance_of_being_largest(means, self._noise.last_std, labels.repeat_interleave(conditions))
        return right.view(-1, conditions).T


class _Noise:
    """The draws and scales of the pass that runs."""

    def __init__(self) -> None:
        self.rng = torch.Generator()
        self.num_images = 0
        self.scales = torch.zeros(0, 0)
        self.last_std = torch.zeros(0)
        """Of the last layer's outputs, by row of the batch."""

    def begin(self, scales: Tensor, num_images: int, rng: torch.Generator) -> None:
        self.scales, self.num_images, self.rng = scales, num_images, rng

    def normals(self, *shape: int) -> Tensor:
        """A draw for every image."""
        return torch.randn(self.num_images, *shape, generator=self.rng)

    def sigma_d(self, layer: int) -> Tensor:
        """A layer's device variation, by row of the batch."""
        return self.scales[:, layer].repeat(self.num_images)


class _NoisyLinear(nn.Module):
    def __init__(self, layer: nn.Linear, noise: _Noise, index: int, std: float) -> None:
        super().__init__()
        self._layer, self._noise, self._index, self._std = layer, noise, index, std

    @override
    def forward(self, features: Tensor) -> Tensor:
        """W x + sigma_d s |x| z."""
        conditions = len(self._noise.scales)
        normals = self._noise.normals(self._layer.out_features).repeat_interleave(conditions, dim=0)
        size = features.norm(dim=1) * self._noise.sigma_d(self._index) * self._std
        return self._layer(features) + size[:, None] * normals


class _LastLayer(nn.Module):
    """Its outputs' means; their common std is left with the noise."""

    def __init__(self, layer: nn.Linear, noise: _Noise, index: int, std: float) -> None:
        super().__init__()
        self._layer, self._noise, self._index, self._std = layer, noise, index, std

    @override
    def forward(self, features: Tensor) -> Tensor:
        """W x."""
        self._noise.last_std = features.norm(dim=1) * self._noise.sigma_d(self._index) * self._std
        return self._layer(features)


class _NoisyConv(nn.Module):
    def __init__(self, layer: nn.Conv2d, noise: _Noise, index: int, stds: Float[Tensor, " outputs"]) -> None:
        super().__init__()
        self._layer, self._noise, self._index = layer, noise, index
        self._stds = stds

    @override
    def forward(self, features: Tensor) -> Tensor:
        """conv(x) + sigma_d s x a draw with the covariance of the patches' Gram matrix."""
        layer, noise = self._layer, self._noise
        means = layer(features)
        patches = unfold(features, layer.kernel_size, layer.dilation, cast("int", layer.padding), layer.stride)
        length, positions = patches.shape[1], patches.shape[2]
        conditions = len(noise.scales)
        if length <= 3 * positions:
            weights = noise.normals(length, layer.out_channels)
            rows = patches.transpose(1, 2).reshape(noise.num_images, conditions * positions, length)
            drawn = (rows @ weights).view(-1, positions, layer.out_channels)
        else:
            factor = _cholesky(patches.transpose(1, 2) @ patches)
            normals = noise.normals(positions, layer.out_channels).repeat_interleave(conditions, dim=0)
            drawn = factor @ normals
        drawn = drawn * (noise.sigma_d(self._index)[:, None, None] * self._stds)
        return means + drawn.transpose(1, 2).reshape_as(means)


def _cholesky(gram: Float[Tensor, "batch positions positions"]) -> Float[Tensor, "batch positions positions"]:
    diagonal = gram.diagonal(dim1=1, dim2=2)
    # an image whose features are all zero has no noise either; something must keep its factor finite
    _ = diagonal.add_(JITTER * diagonal.mean(dim=1, keepdim=True) + 1e-20)
    factor, failed = torch.linalg.cholesky_ex(gram)
    if bool(failed.any()):
        message = "The Gram matrix of an image's patches could not be factored."
        raise FloatingPointError(message)
    return factor


def _chance_of_being_largest(
    means: Float[Tensor, "batch classes"], std: Float[Tensor, " batch"], labels: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """P(O_y > O_k for all k) for independent O_k ~ N(mean_k, std^2): the integral over O_y by Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    t = torch.as_tensor(nodes, dtype=means.dtype)
    w = torch.as_tensor(weights / weights.sum(), dtype=means.dtype)
    truth = means.gather(1, labels[:, None])
    gaps = (truth - means) / std.clamp_min(1e-12)[:, None]
    gaps = gaps.scatter(1, labels[:, None], float("inf"))  # the true class is no rival of itself
    below = torch.special.log_ndtr(gaps[:, :, None] + t).sum(dim=1).exp()
    return (below * w).sum(dim=1)
