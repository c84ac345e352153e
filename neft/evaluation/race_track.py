"""A network's chips and its test images, as a race meets them."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData
from neft.errors import ConfigError
from neft.evaluation.race import Seen, SeenAll
from neft.metrics import METRICS, Predictions

FARTHEST = 1e4
"""Margins lie within, so that outputs which are no numbers can be forecast from."""


class ChipTrack:
    """The chips of an evaluation, chip 0 to any, each on the test images that it is asked about.

    Args:
        network: the deployed network; it is left alone.
        data: its data.
        law: how chips are made.
        sigma_d: device variation, std over maximal conductance.
        seed: where chips come from.
        torch_device: where torch computes.

    Raises:
        ConfigError: all chips are alike, or a chip has no outcome of its own on an image.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ImageData,
        law: ChipLaw,
        *,
        sigma_d: float,
        seed: int,
        torch_device: str = "cpu",
    ) -> None:
        with torch.inference_mode():
            self._deployed = DeployedNetwork(network, law, torch_device=torch_device)
            self._images = channels_last(data.normalise(data.test.images.to(torch_device)))
            self._labels = data.test.labels.to(torch_device)
        if sigma_d == 0 and self._deployed.is_clean_at_zero:
            message = "Without device variation (σ_d = 0) all chips are one, so none is unlucky; give a σ_d above 0."
            raise ConfigError(message)
        if self._deployed.is_read_anew:
            message = (
                "Chips whose reads draw anew (read_noise_each, σ_r) have no outcome of their own on an image, so they "
                "cannot be raced; take read_noise, which is frozen, or evaluate all chips without --percentile."
            )
            raise ConfigError(message)
        self._sigma_d = sigma_d
        self._seed = seed
        self._programmed: int | None = None

    @property
    def num_images(self) -> int:
        """Test images."""
        return len(self._labels)

    @torch.inference_mode()
    def see(self, instance: int, images: np.ndarray) -> Seen:
        """These test images, by their places, on this chip."""
        places = torch.from_numpy(images).to(self._labels.device)
        logits = self._logits(instance, channels_last(self._images[places]))
        labels = self._labels[places]
        return _seen(logits, labels, Predictions.from_logits(logits, labels))

    @torch.inference_mode()
    def see_all(self, instance: int) -> SeenAll:
        """All test images on this chip, computed as the evaluation computes them."""
        logits = self._logits(instance, self._images)
        predictions = Predictions.from_logits(logits, self._labels)
        return SeenAll(_seen(logits, self._labels, predictions), float(METRICS["accuracy"].compute(predictions)))

    def _logits(self, instance: int, images: Tensor) -> Tensor:
        if self._programmed != instance:
            self._deployed.draw(self._seed, instance)
            self._deployed.program(sigma_d=self._sigma_d)
            self._programmed = instance
        return self._deployed.logits(images)


def _seen(logits: Float[Tensor, "images classes"], labels: Int[Tensor, " images"], predictions: Predictions) -> Seen:
    true = labels[:, None]
    margins = logits.gather(1, true)[:, 0] - logits.scatter(1, true, -torch.inf).amax(dim=1)
    margins = margins.double().nan_to_num(0.0).clamp(-FARTHEST, FARTHEST)
    return Seen(wrong=(~predictions.correct).cpu().numpy(), margins=margins.cpu().numpy())
