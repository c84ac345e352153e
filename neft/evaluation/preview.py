"""Mean accuracy with far fewer passes: one chip per image.

Mean accuracy under variation is a mean over chips *and* images, so every image may meet a chip of its own: the
expectation is the same, and chips' common luck, which dominates the spread of an ordinary evaluation, is averaged away.
Outcomes of different images are then independent, or as good as, and their spread gives the interval.

Two ways:

- layer by layer: wherever weights miss by Gaussians, of whatever stds. Given its input, the deviation of a layer's
  output is exactly Gaussian too, and drawn directly where that costs less than drawing the layer's weights, which a
  few images then share, each with signs of its own ([Kingma2015b], section 2.3, and [Wen2018];
  `neft.evaluation.layer_noise`). Every image's chip has exactly the law of real chips, through residual sums as well.
- disjoint: the images are dealt to groups, each tried on a chip of its own. For any network and device; what is left
  where the other way does not hold (`refusal`).

A pass takes a systematic sample of the test images, ordered by how sure the clean network is of them, with a start of
its own: every image is as likely as any other, and every pass holds sure and unsure ones in their proportions. What is
averaged is the *loss* against the clean prediction of the same image; the clean accuracy of all images is known. Of
more than `MAX_IMAGES` so many, drawn at random, stand for all, in the clean accuracy as well; intervals allow for that.

No interval is narrower than what so few losses tell (`neft.evaluation.losses`).

Only the mean: spread, percentiles and the worst chip need real chips (`neft.evaluation`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.evaluation.layer_noise import DrawnConv
from neft.evaluation.local_reparametrisation import NoisyNetwork, is_right, refusal
from neft.evaluation.losses import Losses
from neft.evaluation.spread import spread, team_of
from neft.metrics.base import are_lost
from neft.networks.device_layers import layer_name
from neft.networks.network import Network
from neft.seeding import generator

__all__ = ["Preview", "PreviewOf", "Previewer", "Subject", "refusal"]

FIRST_PASS = 40
"""Images of the first pass: few, so that there is something to see at once."""
IMAGES_A_PASS = 100
CHIPS_A_PASS = 16
"""At most, where images share chips."""
IMAGES_A_CHIP = 5
"""At least, likewise."""
BYTES_AT_ONCE = 2**29
"""Of a layer's outputs, of so many images of a pass as fit."""
MAX_IMAGES = 1000
"""Of a larger test split, so many images, drawn at random, stand for all."""
GOLDEN = (5**0.5 - 1) / 2
"""Starts of passes that differ by multiples of it, modulo 1, stay apart."""


@dataclass(frozen=True)
class Preview:
    """What is known after some passes."""

    curve: pd.DataFrame
    """A row per condition: its sigma_d or layer, mean, ci95, lower, upper (accuracy, fractions)."""
    num_passes: int
    num_images: int
    """Images seen so far, each on a chip of its own, or (disjoint) on its group's."""
    num_chips: int
    num_lost: int
    """Answers so far, of all images at all conditions, that were no numbers and count as wrong."""


@dataclass(frozen=True)
class Subject:
    """What is previewed: a network on chips, and inputs with one label each."""

    deployed: DeployedNetwork
    inputs: Callable[[Int[Tensor, " images"]], Tensor]
    """These of the inputs, as the network takes them."""
    labels: Int[Tensor, " images"]
    logits: Callable[[Tensor, Int[Tensor, " images"]], Float[Tensor, "images classes"]]
    """What makes logits over the classes of outputs, told of which inputs they are."""
    refusal: str | None
    """Why the layer-by-layer way does not hold, or None where it does."""
    integrated: bool
    """Whether the last layer's outputs are the logits themselves."""


class PreviewOf:
    """A network made ready: what its devices aim at and miss by, and its test images by how sure it is of them.

    Making one costs a clean pass over the images; every preview after it starts at once. Chips that images share are
    spread over so many cores, which changes no number.
    """

    def __init__(self, subject: Subject, *, cores: int = 1) -> None:
        self.refusal = subject.refusal
        """Why the layer-by-layer way does not hold here, or None where it does."""
        self._subject = subject
        self._deployed = subject.deployed
        self._weights = list(self._deployed.targets)
        self.layers = [layer_name(name) for name in self._weights]
        """From the input to the output."""
        self._cores = cores
        self._indices, self._clean, self._clean_lost = self._by_margin()
        self.num_known = len(self._indices)
        """Images that stand for all: all, or `MAX_IMAGES`."""
        self.clean_accuracy = float(self._clean.mean())
        """Without variation, of the images that stand for all."""

    @property
    def unequal(self) -> list[str]:
        """Layers, by name, whose weights do not all miss alike within a channel; none where images share chips."""
        if self.refusal is not None:
            return []
        return [layer_name(name) for name, law in self._noisy.laws.items() if not law.is_alike]

    @property
    def drawn(self) -> list[str]:
        """Layers, by name, whose weights are drawn, for want of a shorter way; none likewise."""
        if self.refusal is not None:
            return []
        pairs = zip(self.layers, self._noisy.layers, strict=True)
        return [name for name, layer in pairs if isinstance(layer, DrawnConv)]

    def curve(
        self,
        sigma_ds: Sequence[float],
        *,
        seed: int,
        max_passes: int = 8,
        first_pass: int = FIRST_PASS,
        images_a_pass: int = IMAGES_A_PASS,
        disjoint: bool = False,
    ) -> Iterator[Preview]:
        """Mean test accuracy at every sigma_d, better with every pass; the same draws at every sigma_d.

        Args:
            sigma_ds: device variations, std over maximal conductance.
            seed: where the draws come from.
            max_passes: passes after which it ends.
            first_pass: images in the first pass.
            images_a_pass: images in every later pass, at most all of them.
            disjoint: share a chip among the images of a group, which holds for any device.

        Raises:
            ConfigError: the layer-by-layer way does not hold; says why.
        """
        heads = pd.DataFrame({columns.SIGMA_D: list(sigma_ds)})
        scales = torch.tensor([[sigma_d] * len(self.layers) for sigma_d in sigma_ds], dtype=torch.float32)
        sizes = [first_pass, *[images_a_pass] * (max_passes - 1)]
        return self._passes(heads, scales, seed=seed, sizes=sizes, disjoint=disjoint)

    def by_layer(
        self,
        sigma_d: float,
        *,
        seed: int,
        max_passes: int = 8,
        first_pass: int = FIRST_PASS,
        images_a_pass: int = IMAGES_A_PASS,
        disjoint: bool = False,
    ) -> Iterator[Preview]:
        """Mean test accuracy with variation in one layer at a time, and last in all layers.

        The arguments are those of `curve`, at one sigma_d.

        Raises:
            ConfigError: the layer-by-layer way does not hold; says why.
        """
        heads = pd.DataFrame({columns.LAYER: [*self.layers, columns.ALL_LAYERS]})
        count = len(self.layers)
        scales = sigma_d * torch.cat([torch.eye(count), torch.ones(1, count)])
        sizes = [first_pass, *[images_a_pass] * (max_passes - 1)]
        return self._passes(heads, scales, seed=seed, sizes=sizes, disjoint=disjoint)

    def _passes(
        self,
        heads: pd.DataFrame,
        scales: Float[Tensor, "conditions layers"],
        *,
        seed: int,
        sizes: Sequence[int],
        disjoint: bool,
    ) -> Iterator[Preview]:
        if self.refusal is not None and not disjoint:
            message = f"One chip per image cannot be drawn layer by layer here: {self.refusal}"
            raise ConfigError(message)
        varied = scales.any(dim=1) | (not self._deployed.is_clean_at_zero)
        losses, num_lost = Losses(len(scales)), 0
        start = float(torch.rand((), generator=generator(seed, "preview_start")))
        for done, wanted in enumerate(sizes):
            size = min(wanted, len(self._clean))
            if disjoint:  # groups of equal size: leaving images out of the sample would not be even
                size -= size % _num_groups(size)
            chosen = self._sample(size, (start + done * GOLDEN) % 1)
            if disjoint:
                groups = list(chosen.view(-1, _num_groups(size)).T)
                right, lost = self._on_chips(groups, scales[varied], seed=seed, done=done)
                clean = torch.stack([self._clean[group].mean() for group in groups])
            else:
                right, lost = self._on_own_chips(chosen, scales[varied], seed=seed, done=done)
                clean = self._clean[chosen]
            changes = torch.zeros(len(scales), len(clean), dtype=torch.float64)
            changes[varied] = right.double() - clean
            losses.add(changes, ordered=not disjoint, num_images=size)
            num_lost += lost + int((~varied).sum()) * int(self._clean_lost[chosen].sum())
            yield self._preview(heads, losses, varied=varied.numpy(), num_passes=done + 1, num_lost=num_lost)

    def _preview(
        self, heads: pd.DataFrame, losses: Losses, *, varied: np.ndarray, num_passes: int, num_lost: int
    ) -> Preview:
        mean = np.clip(self.clean_accuracy + losses.mean, 0, 1)
        left_out = mean * (1 - mean) / self.num_known * (1 - self.num_known / len(self._subject.labels))
        ci95 = losses.half_width(left_out, varied=varied)
        curve = heads.assign(
            **{
                columns.MEAN: mean,
                columns.CI95: ci95,
                columns.LOWER: np.clip(mean - ci95, 0, 1),
                columns.UPPER: np.clip(mean + ci95, 0, 1),
            }
        )
        return Preview(
            curve=curve,
            num_passes=num_passes,
            num_images=losses.num_images,
            num_chips=losses.count,
            num_lost=num_lost,
        )

    def _sample(self, size: int, start: float) -> Int[Tensor, " images"]:
        """Places in the order of sureness, evenly apart; each image is as likely as any other over all starts."""
        known = len(self._clean)
        return ((start + torch.arange(size, dtype=torch.float64)) * (known / size)).long().clamp_max(known - 1)

    @cached_property
    def _team(self) -> list[DeployedNetwork]:
        return team_of(self._deployed, min(self._cores, CHIPS_A_PASS))

    @cached_property
    def _noisy(self) -> NoisyNetwork:
        return NoisyNetwork(self._deployed, integrated=self._subject.integrated)

    @torch.inference_mode()
    def _on_own_chips(
        self, chosen: Tensor, scales: Tensor, *, seed: int, done: int
    ) -> tuple[Float[Tensor, "varied images"], int]:
        """Chances of being right, and how many answers were lost."""
        if not len(scales):
            return torch.zeros(0, len(chosen)), 0
        subject, rng = self._subject, generator(seed, "preview", done)

        def of(indices: Tensor) -> tuple[Tensor, Tensor]:
            return self._noisy.probabilities(
                subject.inputs(indices),
                subject.labels[indices],
                scales,
                rng,
                lambda outputs, places: subject.logits(outputs, indices[places]),
            )

        at_once = max(1, BYTES_AT_ONCE // (self._bytes_an_image * len(scales)))
        parts = [of(indices) for indices in self._indices[chosen].split(at_once)]
        return torch.cat([right for right, _ in parts], dim=1), sum(int(lost.sum()) for _, lost in parts)

    @cached_property
    def _bytes_an_image(self) -> int:
        return max(1, self._deployed.largest_output(self._subject.inputs(self._indices[:1])))

    @torch.inference_mode()
    def _on_chips(
        self, groups: Sequence[Tensor], scales: Tensor, *, seed: int, done: int
    ) -> tuple[Float[Tensor, "varied groups"], int]:
        """Shares that are right, and how many answers were lost."""

        def on_chip(deployed: DeployedNetwork, place: int) -> tuple[Float[Tensor, " varied"], int]:
            indices = self._indices[groups[place]]
            images = self._subject.inputs(indices)
            deployed.place(deployed.normals(seed, "preview_chip", done, place))
            found, lost = torch.zeros(len(scales)), 0
            for condition, levels in enumerate(scales.tolist()):
                deployed.program(sigma_d=dict(zip(self._weights, levels, strict=True)))
                said = self._subject.logits(deployed.logits(images), indices)
                found[condition] = is_right(said, self._subject.labels[indices]).mean()
                lost += int(are_lost(said).sum())
            return found, lost

        chips = list(spread(range(len(groups)), on_chip, self._team))
        return torch.stack([found for found, _ in chips], dim=1), sum(lost for _, lost in chips)

    @torch.inference_mode()
    def _by_margin(self) -> tuple[Int[Tensor, " images"], Float[Tensor, " images"], Bool[Tensor, " images"]]:
        """Images from the one that the clean network is least sure of to the surest; which it gets right, or loses."""
        subject = self._subject
        count = len(subject.labels)
        drawn = torch.randperm(count, generator=generator(0, "preview_images"))[:MAX_IMAGES]
        indices = torch.arange(count) if count <= MAX_IMAGES else drawn
        labels = subject.labels[indices]
        self._deployed.program(sigma_d=0.0)
        logits = subject.logits(self._deployed.logits(subject.inputs(indices)), indices)
        wanted = labels[:, None]
        margin = logits.gather(1, wanted)[:, 0] - logits.scatter(1, wanted, float("-inf")).amax(dim=1)
        order = margin.argsort()
        return indices[order], is_right(logits, labels)[order], are_lost(logits)[order]


class Previewer(PreviewOf):
    """A network of this package on the test images of a data set."""

    def __init__(self, network: Network, data: ImageData, law: ChipLaw, *, cores: int = 1) -> None:
        """Make it ready.

        Args:
            network: with its weights; left alone.
            data: whose test images are taken.
            law: how chips are made.
            cores: over which chips that images share are spread.
        """
        last = next(reversed(network.device_weights())).removesuffix(".weight")
        subject = Subject(
            deployed=DeployedNetwork(network, law),
            inputs=lambda indices: channels_last(data.normalise(data.test.images[indices])),
            labels=data.test.labels,
            logits=lambda outputs, _indices: outputs,
            refusal=refusal(network, law),
            integrated=isinstance(network.get_submodule(last), nn.Linear),
        )
        super().__init__(subject, cores=cores)


def _num_groups(num_images: int) -> int:
    return max(2, min(CHIPS_A_PASS, num_images // IMAGES_A_CHIP))
