"""Where a network's accuracy goes, step by step: from the images it was trained on to the chips it is deployed on.

Each step keeps what the steps before it did and adds one thing: images it has not seen, M-bit codes, and device
variation in one layer after another, from the input to the output. What a step costs is the accuracy before it less
that after it, so the costs add up to the whole loss. Chips are those of the run's evaluation, the same at every step.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int
from torch import Tensor, nn

from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData, Split
from neft.datasets.splits import take_evenly
from neft.errors import ConfigError
from neft.networks.device_layers import layer_name

MOST_TRAINING_IMAGES = 2000
"""Of more, so many stand for all, as even over the classes as there are images for."""


@dataclass(frozen=True)
class ChipSteps:
    """One chip's way down."""

    instance: int
    accuracies: tuple[float, ...]
    """With device variation in the first layer, in the first two, …, in all."""


class Waterfall:
    """A network made ready to be taken down its steps.

    Args:
        network: the deployed network; it is left alone.
        data: its data.
        law: how its chips are made.
        has_real_weights: whether the network's weights are those that were trained, not codes read back.

    Attributes:
        layers: in devices, from the input to the output.
        training_images: accuracy on training images, without devices.
        test_images: accuracy on test images, without devices.
        quantised: accuracy on test images with M-bit codes; None where nothing is quantised or codes are all there is.
    """

    @torch.inference_mode()
    def __init__(self, network: nn.Module, data: ImageData, law: ChipLaw, *, has_real_weights: bool) -> None:
        self._deployed = DeployedNetwork(network, law)
        self._names = list(self._deployed.targets)
        self.layers = tuple(layer_name(name) for name in self._names)
        self._inputs, self._labels = _inputs(data, data.test)
        few = take_evenly(data.train.labels, max(MOST_TRAINING_IMAGES, data.num_classes))
        self.num_training_images = len(few)
        self.num_test_images = len(self._labels)
        trained = DeployedNetwork(network, replace(law, quantise=False)) if has_real_weights else self._deployed
        trained.program(sigma_d=0.0)
        seen = _inputs(data, Split(images=data.train.images[few], labels=data.train.labels[few]))
        self.training_images = _accuracy(trained, *seen)
        self.test_images = _accuracy(trained, self._inputs, self._labels)
        self._deployed.program(sigma_d=0.0)
        is_quantised = law.quantise and has_real_weights
        self.quantised = _accuracy(self._deployed, self._inputs, self._labels) if is_quantised else None

    def chips(self, *, sigma_d: float, num_instances: int, seed: int) -> Iterator[ChipSteps]:
        """Chip after chip, its accuracy with device variation in ever more layers.

        Args:
            sigma_d: device variation, std over maximal conductance.
            num_instances: chips.
            seed: where chips come from.

        Raises:
            ConfigError: no chips, or no variation.
        """
        if not 0 < sigma_d <= 1 or num_instances < 1:
            message = (
                "A waterfall needs device variation sigma_d (σ_d) in (0, 1] and at least one chip; "
                f"got {sigma_d:g} and {num_instances}."
            )
            raise ConfigError(message)
        return (self._steps(instance, sigma_d=sigma_d, seed=seed) for instance in range(num_instances))

    @torch.inference_mode()
    def _steps(self, instance: int, *, sigma_d: float, seed: int) -> ChipSteps:
        self._deployed.draw(seed, instance)
        levels = dict.fromkeys(self._names, 0.0)
        found: list[float] = []
        for name in self._names:
            levels[name] = sigma_d
            self._deployed.program(sigma_d=levels)
            found.append(_accuracy(self._deployed, self._inputs, self._labels))
        return ChipSteps(instance, tuple(found))


def _inputs(data: ImageData, split: Split) -> tuple[Tensor, Int[Tensor, " images"]]:
    return channels_last(data.normalise(split.images)), split.labels


def _accuracy(deployed: DeployedNetwork, inputs: Tensor, labels: Int[Tensor, " images"]) -> float:
    return float((deployed.logits(inputs).argmax(dim=1) == labels).double().mean())
