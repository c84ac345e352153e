"""What a method is handed to make its loss: the network, run on one batch as chips would run it."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from neft.chips.sampling import Deployment, Weights, deploy, draw_normals
from neft.config import RunConfig
from neft.networks.network import HEADS, Network


class BatchForward:
    """The `NoisyForward` a method is handed: one batch, the network, and where its chips come from.

    Weights stand still within a step, so they are mapped to devices once, however many passes there are.
    """

    def __init__(
        self,
        network: Network,
        images: Float[Tensor, "batch channels height width"],
        config: RunConfig,
        rng: torch.Generator,
    ) -> None:
        self._network = network
        self._images = images
        self._config = config
        self._rng = rng
        self._deployments: dict[bool, Deployment] = {}
        """Without and with the snapshot heads."""

    def __call__(
        self, *, sigma_d: float, inner_sigma_d: float | int | None = None, moves_batchnorm: bool = True
    ) -> Tensor:
        """Logits on a fresh chip."""
        if inner_sigma_d is None:
            overrides = self._chip(sigma_d)
        else:
            first, *inner, last = self._deployment().targets
            levels = {first: sigma_d} | dict.fromkeys(inner, float(inner_sigma_d)) | {last: sigma_d}
            overrides = self._chip(levels)
        if not moves_batchnorm:
            overrides |= {name: buffer.clone() for name, buffer in self._network.named_buffers()}
        return cast("Tensor", self._run(overrides))

    def with_snapshots(self, *, sigma_d: float, classifier_noise: bool) -> tuple[Tensor, list[Tensor]]:
        """Logits and snapshots on a fresh chip; the backbone's draws come first, as without heads."""
        overrides = self._chip(sigma_d, heads=classifier_noise)
        return cast("tuple[Tensor, list[Tensor]]", self._run(overrides, snapshots=True))

    def _run(self, overrides: Weights, **options: bool) -> object:
        # no network ties weights, and looking for tied ones takes time in every pass
        return functional_call(self._network, overrides, (self._images,), options, tie_weights=False)

    def _chip(self, sigma_d: float | dict[str, float], *, heads: bool = False) -> Weights:
        if sigma_d == 0:
            return dict(self._deployment(heads=heads).targets) if self._config.training.quantise else {}
        deployment = self._deployment(heads=heads)
        return deployment.chip(draw_normals(deployment.targets, self._rng), sigma_d=sigma_d)

    def _deployment(self, *, heads: bool = False) -> Deployment:
        if heads not in self._deployments:
            self._deployments[heads] = deploy(
                backbone_weights(self._network, heads=heads),
                device=self._config.device,
                mapping=self._config.mapping,
                sampler=self._config.training.sampler,
                quantise=self._config.training.quantise,
            )
        return self._deployments[heads]


def backbone_weights(network: Network, *, heads: bool = False) -> Weights:
    """The weights that lie in devices, of the backbone alone or with the snapshot heads."""
    return {name: weight for name, weight in network.device_weights().items() if heads or not name.startswith(HEADS)}
