"""Where a network's accuracy goes, step by step: from the images it was trained on to the chips it is deployed on.

Each step keeps what the steps before it did and adds one thing: images it has not seen, M-bit codes, a mapping that
is not the plain one, what is misread while chips are programmed, device variation as programming leaves it in one layer
after another, from the input to the output, and one effect on the devices after another. What a step costs
is the accuracy before it less that after it, so the costs add up to the whole loss. Chips are those of the run's
evaluation, the same at every step.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor, nn

from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData, Split
from neft.datasets.splits import take_evenly
from neft.effects import Effects
from neft.errors import ConfigError
from neft.evaluation.spread import spread, team_of
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import whole_mapping
from neft.networks.device_layers import layer_name

ROUNDING = 1e-5
"""Of a layer's largest weight: less than a code of 16 bits."""
MOST_TRAINING_IMAGES = 2000
"""Of more, so many stand for all, as even over the classes as there are images for."""


@dataclass(frozen=True)
class ChipSteps:
    """One chip's way down."""

    instance: int
    accuracies: tuple[float, ...]
    """Of chips that are misread while they are programmed, that first; with device variation in the first layer, in
    the first two, …, in all; then with one effect, with two, …"""


@dataclass(frozen=True)
class _Networks:
    """What a core has for itself."""

    plain: DeployedNetwork
    with_effects: Sequence[DeployedNetwork]


class Waterfall:
    """A network made ready to be taken down its steps.

    Args:
        network: the deployed network; it is left alone.
        data: its data.
        law: how its chips are made.
        has_real_weights: whether the network's weights are those that were trained, not codes read back.

    Attributes:
        layers: in devices, from the input to the output.
        effects: on the devices, in the order in which they happen.
        training_images: accuracy on training images, without devices.
        test_images: accuracy on test images, without devices.
        quantised: accuracy on test images with M-bit codes, plainly mapped; None where nothing is quantised or codes
            are all there is.
        mapped: accuracy on test images of what devices aim at; None where a plain mapping aims at the same.
        is_misread: whether programming misreads devices, so that chips without variation miss too.
    """

    @torch.inference_mode()
    def __init__(self, network: nn.Module, data: ImageData, law: ChipLaw, *, has_real_weights: bool) -> None:
        one_by_one = law.effects.one_by_one()
        self.effects = tuple(name for name, _ in one_by_one)
        # chips with effects are drawn device by device: those without are to be the same ones
        plain = replace(law, effects=Effects(), device_by_device=not law.is_gaussian)
        self._deployed = DeployedNetwork(network, plain)
        self._with_effects = [DeployedNetwork(network, replace(law, effects=effects)) for _, effects in one_by_one]
        self._names = list(self._deployed.targets)
        self.layers = tuple(layer_name(name) for name in self._names)
        self._inputs, self._labels = _inputs(data, data.test)
        few = take_evenly(data.train.labels, max(MOST_TRAINING_IMAGES, data.num_classes))
        self.num_training_images = len(few)
        self.num_test_images = len(self._labels)
        self.is_misread = bool(law.programming.num_reads)
        is_quantised = law.quantise and has_real_weights
        coded = self._deployed
        if not whole_mapping(law.mapping).is_plain:
            coded = DeployedNetwork(network, _plainly_mapped(law, quantise=is_quantised))
        trained = DeployedNetwork(network, _plainly_mapped(law, quantise=False)) if has_real_weights else coded
        trained.program(sigma_d=0.0)
        seen = _inputs(data, Split(images=data.train.images[few], labels=data.train.labels[few]))
        self.training_images = _accuracy(trained, *seen)
        self.test_images = _accuracy(trained, self._inputs, self._labels)
        coded.program(sigma_d=0.0)
        self.quantised = _accuracy(coded, self._inputs, self._labels) if is_quantised else None
        self._deployed.program(sigma_d=0.0)
        is_moved = coded is not self._deployed and not _aim_alike(coded, self._deployed)
        self.mapped = _accuracy(self._deployed, self._inputs, self._labels) if is_moved else None

    def chips(self, *, sigma_d: float, num_instances: int, seed: int, cores: int = 1) -> Generator[ChipSteps]:
        """Chip after chip, its accuracy with device variation in ever more layers.

        Args:
            sigma_d: device variation, std over maximal conductance.
            num_instances: chips.
            seed: where chips come from.
            cores: over how many chips are spread; it changes no number.

        Raises:
            ConfigError: no chips, or no variation.
        """
        if not 0 < sigma_d <= 1 or num_instances < 1:
            message = (
                "A waterfall needs device variation sigma_d (σ_d) in (0, 1] and at least one chip; "
                f"got {sigma_d:g} and {num_instances}."
            )
            raise ConfigError(message)
        teams = [team_of(one, min(cores, num_instances)) for one in (self._deployed, *self._with_effects)]
        team = [_Networks(plain, with_effects) for plain, *with_effects in zip(*teams, strict=True)]

        def steps(networks: _Networks, instance: int) -> ChipSteps:
            return self._steps(networks, instance, sigma_d=sigma_d, seed=seed)

        return spread(range(num_instances), steps, team)

    def _steps(self, networks: _Networks, instance: int, *, sigma_d: float, seed: int) -> ChipSteps:
        deployed = networks.plain
        deployed.draw(seed, instance)
        levels = dict.fromkeys(self._names, 0.0)
        found: list[float] = []
        if self.is_misread:
            deployed.program(sigma_d=0.0)
            found.append(_accuracy(deployed, self._inputs, self._labels))
        for name in self._names:
            levels[name] = sigma_d
            deployed.program(sigma_d=levels)
            found.append(_accuracy(deployed, self._inputs, self._labels))
        for deployed in networks.with_effects:
            deployed.draw(seed, instance)
            deployed.program(sigma_d=sigma_d)
            found.append(_accuracy(deployed, self._inputs, self._labels))
        return ChipSteps(instance, tuple(found))


def _plainly_mapped(law: ChipLaw, *, quantise: bool) -> ChipLaw:
    mapping = law.mapping
    slicing = BitSlicing(
        weight_bits=mapping.weight_bits, device_bits=mapping.device_bits, significance_base=mapping.significance_base
    )
    return ChipLaw(device=law.device, mapping=slicing, quantise=quantise, arithmetic=law.arithmetic)


def _aim_alike(one: DeployedNetwork, other: DeployedNetwork) -> bool:
    """Whether the devices of two networks aim at the same weights, up to rounding."""
    return all(
        torch.allclose(target, other.targets[name], rtol=0, atol=ROUNDING * float(target.abs().max()))
        for name, target in one.targets.items()
    )


def _inputs(data: ImageData, split: Split) -> tuple[Tensor, Int[Tensor, " images"]]:
    return channels_last(data.normalise(split.images)), split.labels


def _accuracy(deployed: DeployedNetwork, inputs: Tensor, labels: Int[Tensor, " images"]) -> float:
    return float((deployed.logits(inputs).argmax(dim=1) == labels).double().mean())
