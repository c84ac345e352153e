"""Chips of an evaluation, opened again one by one: what each of them says of each image.

An evaluation keeps one row per chip. Chip 7 can be made again at any time from the run's chip seed, so its outputs are
computed when somebody looks, and equal those of the evaluation.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData
from neft.evaluation.spread import spread, team_of


class OpenedChips:
    """The chips of a network on its test images.

    Args:
        network: the deployed network, or any module; it is left alone.
        data: the data set.
        law: how chips are made.
        seed: where chips come from (a run's `evaluation.seed`).
        cores: over how many chips are spread where several are asked for; it changes no number.
    """

    def __init__(self, network: nn.Module, data: ImageData, law: ChipLaw, *, seed: int, cores: int = 1) -> None:
        self.seed = seed
        self.images: Tensor = data.test.images
        """Test images as the data set has them, [images, channels, height, width]."""
        self.labels: Int[Tensor, " images"] = data.test.labels
        self._data = data
        self._inputs = channels_last(data.normalise(data.test.images))
        with torch.inference_mode():
            self._deployed = DeployedNetwork(network, law)
        self._cores = cores

    @torch.inference_mode()
    def logits(
        self, instance: int, *, sigma_ds: Sequence[float], images: Sequence[int] | Tensor | None = None
    ) -> Float[Tensor, "sigma_ds images classes"]:
        """One chip's outputs.

        Args:
            instance: its number.
            sigma_ds: device variations, std over maximal conductance; the same draw at each.
            images: places in the test split, all of them where None; or other images, as the data set has them.
        """
        return self._said(self._deployed, instance, sigma_ds, self._as_inputs(images))

    def each(
        self, instances: Iterable[int], *, sigma_ds: Sequence[float], images: Sequence[int] | Tensor | None = None
    ) -> Iterator[tuple[int, Float[Tensor, "sigma_ds images classes"]]]:
        """Chip after chip, with its number: to be shown as it comes."""
        inputs = self._as_inputs(images)

        def said(deployed: DeployedNetwork, instance: int) -> tuple[int, Tensor]:
            return instance, self._said(deployed, instance, sigma_ds, inputs)

        yield from spread(instances, said, self._team)

    @cached_property
    def _team(self) -> list[DeployedNetwork]:
        return team_of(self._deployed, self._cores)

    def _said(self, deployed: DeployedNetwork, instance: int, sigma_ds: Sequence[float], inputs: Tensor) -> Tensor:
        deployed.draw(self.seed, instance)
        found: list[Tensor] = []
        for sigma_d in sigma_ds:
            deployed.program(sigma_d=sigma_d)
            found.append(deployed.logits(inputs))
        return torch.stack(found)

    def _as_inputs(self, images: Sequence[int] | Tensor | None) -> Tensor:
        if images is None:
            return self._inputs
        if isinstance(images, Tensor):
            return channels_last(self._data.normalise(images))
        return self._inputs[list(images)]
