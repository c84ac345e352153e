"""Layers that add to each image's outputs the deviation that a chip of the image's own would.

A layer's deviations are independent of all others and Gaussian, so given the layer's input its output's deviation is
Gaussian too, and independent across output channels. With s_oi the std of weight i of channel o, and x_p the input of
output position p, its covariance over positions is

    C_o[p, q] = sum_i s_oi^2 x_pi x_qi

- a single position: sqrt(sum_i s_oi^2 x_i^2) times a normal. Fully connected layers, and convolutions down to 1 x 1.
- one std s_o a channel: C_o = s_o^2 X X^T, with one Gram matrix for all channels: drawn through its Cholesky factor
  (local reparametrisation, [Kingma2015b], section 2.3), or as weights, whichever costs less
  (`neft.evaluation.patches`). An image whose Gram matrix has no factor draws weights of its own.
- else every channel has a covariance of its own. To form it takes positions^2 x inputs products a channel, the product
  with weights only positions x inputs: weights are drawn. So they are where a turned layer's weights do not miss
  independently, and in layers of any other shape (series, groups, several positions of a linear layer). A few images
  share a draw, each with random signs of its own on input and output channels (flipout, [Wen2018]): a Gaussian weight
  with a random sign is the same Gaussian, and what two images' outputs deviate by is uncorrelated.

The law of every image's chip is the same in all, and exact. Where images share a draw they are not fully independent,
through the sizes of its weights; the more images, the more that shows in the spread of their mean. At
`IMAGES_A_DRAW` it does not show in hundreds of previews.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, conv3d, linear, pad
from typing_extensions import override

from neft.chips.sampling import TurnedStds
from neft.evaluation.conditions import Conditions, Draw
from neft.evaluation.patches import Patches, cholesky
from neft.mapping.rotation import Rotation

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Noisy = nn.Linear | Convolution
"""Layers that can be given noise."""
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
IMAGES_A_DRAW = 8
"""Images of a pass that share drawn weights, at most, each with signs of its own."""
NUMBERS_AT_ONCE = 2**24
"""Drawn weights, or numbers of patches, that are held at a time: 64 MiB."""


@dataclass(frozen=True)
class LayerLaw:
    """How far a layer's weights miss at sigma_d = 1."""

    stds: Float[Tensor, "..."]
    """One number, or one an output channel, without further axes; else of the weight's shape."""
    is_alike: bool
    """Whether a channel's weights all miss alike, and independently."""
    rotation: Rotation | None = None
    """Of the layer that devices hold, where its weights miss by unequal stds: those of `stds`."""

    def drawn(self, normals: Float[Tensor, "images outputs ..."]) -> Float[Tensor, "images_x_outputs ..."]:
        """Deviations of so many images' weights, one image's output channels after another's; may write over them."""
        stds = self.stds.view(-1, *[1] * (normals.ndim - 2)) if self.is_alike else self.stds
        deviations = normals.mul_(stds).flatten(0, 1)
        return deviations if self.rotation is None else self.rotation.turned_back(deviations)

    def variance(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """Of a fully connected layer's outputs: sum_i s_oi^2 x_i^2; the inputs of a turned layer are turned as well."""
        if self.is_alike:
            return features.square().sum(dim=1, keepdim=True) * self.stds.square()
        met = features if self.rotation is None else self.rotation.turned(features)
        return linear(met.square(), self.stds.square())


def layer_law(weight: Tensor, std: Tensor, turned: TurnedStds | None = None) -> LayerLaw:
    """The law of a layer's weights.

    Args:
        weight: outputs first.
        std: at sigma_d = 1, in a shape that broadcasts to the weight's; signs do not matter.
        turned: of the turned layer, where its devices hold one of unequal stds.
    """
    if turned is not None:
        return LayerLaw(turned.stds.abs().expand_as(weight), is_alike=False, rotation=turned.rotation)
    by_channel = std.dim() == weight.dim() and all(size == 1 for size in std.shape[1:])
    if std.numel() == 1 or by_channel:
        return LayerLaw(std.abs().flatten(), is_alike=True)
    return LayerLaw(std.abs().expand_as(weight), is_alike=False)


def noisy_layer(layer: Noisy, state: Conditions, index: int, law: LayerLaw, *, is_last: bool) -> "NoisyLayer":
    """The layer with its noise.

    Args:
        layer: with the weights that its devices aim at.
        state: of the network.
        index: which of its layers it is.
        law: how far its weights miss.
        is_last: whether its outputs are the network's, so that they need not be drawn.
    """
    if isinstance(layer, nn.Linear):
        return (LastLayer if is_last else NoisyLinear)(layer, state, index, law)
    if law.is_alike and isinstance(layer, nn.Conv2d) and _is_plain(layer):
        return NoisyConv(layer, state, index, law)
    return DrawnConv(layer, state, index, law)


class NoisyLayer(nn.Module):
    """A layer that lies in devices."""

    def __init__(self, layer: Noisy, state: Conditions, index: int, law: LayerLaw) -> None:
        super().__init__()
        self._layer, self._state, self._index, self._law = layer, state, index, law
        self.sizes: list[int] = []
        """Rows of the batches that it was given."""

    def _through_drawn(
        self,
        features: Float[Tensor, "images rows ..."],
        channel_axis: int,
        side_by_side: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "images rows ..."]:
        """Deviations at sigma_d = 1 by weights that are drawn; few images share a draw, each with signs of its own.

        Args:
            features: what each image's rows give the layer.
            channel_axis: of theirs, from the end: which counts input channels, and in what is found output channels.
            side_by_side: given the features of draws, [draws, rows, ...], draws weights for each and multiplies.
        """
        images, rows = features.shape[:2]
        signed = features if self._law.rotation is not None else self._signed(features, channel_axis)
        draws = -(-images // IMAGES_A_DRAW)
        each = images // draws
        # images that are neighbours in the order of sureness share no draw
        shared = signed[: draws * each].unflatten(0, (each, draws)).transpose(0, 1).flatten(1, 2)
        found = self._pieces(shared, side_by_side).unflatten(1, (each, rows)).transpose(0, 1).flatten(0, 1)
        if draws * each < images:
            found = torch.cat([found, self._pieces(signed[draws * each :], side_by_side)])
        return self._signed(found, channel_axis)

    def _pieces(self, features: Float[Tensor, "draws rows ..."], of: Callable[[Tensor], Tensor]) -> Tensor:
        """As many draws at a time as fit."""
        return torch.cat([of(part) for part in features.split(at_once(self._layer.weight.numel()))])

    def _signed(self, features: Float[Tensor, "images rows ..."], channel_axis: int) -> Tensor:
        """Every image's channels with random signs of their own."""
        shape = [len(features), *[1] * (features.ndim - 1)]
        shape[channel_axis] = features.shape[channel_axis]
        return features * torch.randint(2, shape, generator=self._state.rng).mul_(2).sub_(1)

    def _drawn_weights(self, draws: int) -> Float[Tensor, "draws_x_outputs ..."]:
        """Deviations of as many draws of the weights, one's output channels after another's."""
        weight = self._layer.weight
        return self._law.drawn(torch.randn(draws, *weight.shape, generator=self._state.rng).to(weight.dtype))


def at_once(numbers: int) -> int:
    """Of what takes so many numbers, how many may be held at a time."""
    return max(1, NUMBERS_AT_ONCE // max(1, numbers))


class NoisyLinear(NoisyLayer):
    """A fully connected layer."""

    put_out: Tensor | None = None
    """What it put out last, at a single position."""

    @override
    def forward(self, features: Float[Tensor, "batch ... inputs"]) -> Float[Tensor, "rows ... outputs"]:
        """W x + sigma_d x its deviation."""
        self.sizes.append(len(features))
        draw = self._at_one_position(features) if features.ndim == 2 else self._at_several(features)
        found = self._state.add_noise(self._index, self._layer(features), draw)
        self.put_out = found if features.ndim == 2 else None
        return found

    def _at_one_position(self, features: Tensor) -> Draw:
        state, law, outputs = self._state, self._law, self._layer.weight.shape[0]

        def draw(rows: Tensor) -> Tensor:
            if law.is_alike:
                sizes = features.norm(dim=1).view(state.num_images, -1)[:, rows]
                return sizes[:, :, None] * (state.normals(1, outputs, dtype=features.dtype) * law.stds)
            stds = law.variance(state.chosen(features, rows)).sqrt()
            return stds.view(state.num_images, -1, outputs) * state.normals(1, outputs, dtype=features.dtype)

        return draw

    def _at_several(self, features: Tensor) -> Draw:
        state, weight = self._state, self._layer.weight

        def side_by_side(met: Tensor) -> Tensor:
            weights = self._drawn_weights(len(met)).view(len(met), *weight.shape).mT
            return (met.flatten(1, -2) @ weights).view(*met.shape[:-1], len(weight))

        def draw(rows: Tensor) -> Tensor:
            met = state.chosen(features, rows).reshape(state.num_images, len(rows), *features.shape[1:])
            return self._through_drawn(met, -1, side_by_side)

        return draw


class LastLayer(NoisyLayer):
    """The layer that puts out the network's outputs: their means; their stds are left with the state."""

    @override
    def forward(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "rows outputs"]:
        """W x."""
        self.sizes.append(len(features))
        features = self._state.spread(features)
        sigma_d = self._state.sigma_ds[:, self._index].repeat(self._state.num_images)
        if self._law.is_alike:
            std = (features.norm(dim=1) * sigma_d)[:, None] * self._law.stds.reshape(1, -1)
        else:
            std = self._law.variance(features).sqrt() * sigma_d[:, None]
        self._state.last_std = std
        return self._layer(features)


class NoisyConv(NoisyLayer):
    """A convolution of which every output channel's weights miss alike."""

    def __init__(self, layer: nn.Conv2d, state: Conditions, index: int, law: LayerLaw) -> None:
        super().__init__(layer, state, index, law)
        self._conv = layer
        self._geometries: dict[tuple[int, int], Patches] = {}

    @override
    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "rows ..."]:
        """conv(x) + sigma_d s x a draw with the covariance of the patches' Gram matrix."""
        self.sizes.append(len(features))
        size = (features.shape[2], features.shape[3])
        if size not in self._geometries:
            self._geometries[size] = Patches(self._conv, size)
        geometry, state, outputs = self._geometries[size], self._state, self._conv.out_channels
        pixels = features.permute(0, 2, 3, 1).contiguous()

        def draw(rows: Tensor) -> Tensor:
            chosen = state.chosen(pixels, rows)
            apart = chosen.view(state.num_images, -1, *chosen.shape[1:])
            if geometry.prefer_weights:
                drawn = self._through_weights(geometry, apart, self._normals(state.num_images, geometry.length))
            else:
                factor, failed = cholesky(geometry.gram(chosen))
                normals = self._normals(state.num_images, geometry.positions)
                drawn = factor.reshape(state.num_images, -1, geometry.positions) @ normals
                others = failed.view(state.num_images, -1).any(dim=1).nonzero()[:, 0]
                if len(others):  # weights have the same law, and carry what is no number as far as a chip does
                    weights = self._normals(len(others), geometry.length)
                    drawn[others] = self._through_weights(geometry, apart[others], weights)
            return drawn.view(state.num_images, len(rows), geometry.positions, outputs)

        found = state.add_noise(self._index, geometry.means(pixels), draw)
        return found.view(-1, *geometry.output_size, outputs).permute(0, 3, 1, 2)

    def _normals(self, images: int, count: int) -> Float[Tensor, "images count outputs"]:
        """Of each image, as many an output channel as there are weights or positions; of the channel's std."""
        drawn = self._state.normals(count, self._conv.out_channels, images=images, dtype=self._conv.weight.dtype)
        return drawn.mul_(self._law.stds)

    def _through_weights(
        self,
        geometry: Patches,
        pixels: Float[Tensor, "images rows height width channels"],
        weights: Float[Tensor, "images length outputs"],
    ) -> Float[Tensor, "images rows_x_positions outputs"]:
        fitting = at_once(pixels.shape[1] * geometry.positions * geometry.length)
        pieces = zip(pixels.split(fitting), weights.split(fitting), strict=True)
        return torch.cat(
            [
                geometry.patches(some.flatten(0, 1)).view(len(some), -1, geometry.length) @ drawn
                for some, drawn in pieces
            ]
        )


class DrawnConv(NoisyLayer):
    """Any convolution: where it has a single output position its variance is summed, else an image draws its weights.

    Images lie side by side as groups of one convolution, and an image's rows are its batch.
    """

    def __init__(self, layer: Convolution, state: Conditions, index: int, law: LayerLaw) -> None:
        super().__init__(layer, state, index, law)
        self._conv = layer

    @override
    def forward(self, features: Float[Tensor, "batch channels ..."]) -> Float[Tensor, "rows outputs ..."]:
        """conv(x) + sigma_d x its deviation."""
        self.sizes.append(len(features))
        means = self._layer(features)
        state, law = self._state, self._law

        def draw(rows: Tensor) -> Tensor:
            chosen = state.chosen(features, rows)
            if law.rotation is None and means[0, 0].numel() == 1:
                stds = law.stds.view(-1, *[1] * (means.ndim - 1)) if law.is_alike else law.stds
                weight = stds.expand_as(self._conv.weight).square()
                variance = convolved(self._conv, chosen.square(), weight, self._conv.groups).clamp_min(0)
                found = variance.sqrt().view(state.num_images, len(rows), *means.shape[1:])
                return found * state.normals(1, *means.shape[1:], dtype=means.dtype)
            apart = chosen.reshape(state.num_images, len(rows), *features.shape[1:])
            return self._through_drawn(apart, 1 - features.ndim, self._side_by_side)

        return state.add_noise(self._index, means, draw)

    def _side_by_side(
        self, features: Float[Tensor, "draws rows channels ..."]
    ) -> Float[Tensor, "draws rows outputs ..."]:
        draws = len(features)
        weights = self._drawn_weights(draws)
        found = convolved(self._conv, features.transpose(0, 1).flatten(1, 2), weights, draws * self._conv.groups)
        return found.unflatten(1, (draws, -1)).transpose(0, 1)


def convolved(layer: Convolution, features: Tensor, weight: Tensor, groups: int) -> Tensor:
    """The layer's convolution with other weights and groups, without a bias."""
    convolution = {3: conv1d, 4: conv2d, 5: conv3d}[features.ndim]
    padding = layer.padding
    if layer.padding_mode != "zeros":
        # as torch's own forward pads
        sides = layer._reversed_padding_repeated_twice  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        features, padding = pad(features, sides, mode=layer.padding_mode), 0
    return convolution(features, weight, stride=layer.stride, padding=padding, dilation=layer.dilation, groups=groups)


def _is_plain(layer: nn.Conv2d) -> bool:
    """Whether its patches are known (`neft.evaluation.patches`)."""
    return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
