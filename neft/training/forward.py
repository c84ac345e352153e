"""What a method is handed to make its losses: the network, run on one batch as chips would run it."""

from collections.abc import Mapping
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from neft.chips.deployed import ChipLaw
from neft.chips.device_by_device import DeviceByDevice
from neft.chips.laws import GAUSSIAN, Law
from neft.chips.sampling import Deployment, Weights, draw_normals
from neft.config import RunConfig
from neft.errors import ConfigError, unknown_name
from neft.methods.base import Moment
from neft.networks.network import HEADS, Network
from neft.seeding import generator


class BatchForward:
    """The `NoisyForward` a method is handed: one batch, the network, and where its chips come from.

    Weights stand still until a step moves them (`weights_moved`), so they are mapped to devices once, however many
    passes there are.

    Args:
        network: the network, in training mode.
        images: the batch, normalised.
        config: of the run.
        chips: where chips are drawn.
        moment: how far the training is.
        teacher: the network whose logits a method with a teacher learns from.
    """

    def __init__(
        self,
        network: Network,
        images: Float[Tensor, "batch channels ..."],
        config: RunConfig,
        chips: torch.Generator,
        *,
        moment: Moment | None = None,
        teacher: nn.Module | None = None,
    ) -> None:
        self.moment = moment or Moment()
        self._network = network
        self._images = images
        self._config = config
        self._chips = chips
        self._teacher = teacher
        self._deployments: dict[bool, Deployment | DeviceByDevice] = {}
        """Without and with the snapshot heads."""

        self._weights: Weights = {}
        self._rng: torch.Generator | None = None
        self._is_followed = False

    @property
    def weights(self) -> Weights:
        """Every layer that lies in devices, by name: the backbone's from the input to the output, then the heads'."""
        if not self._weights:
            self._weights = dict(self._config.constraint.effective(self._network.device_weights()))
        return self._weights

    @property
    def rng(self) -> torch.Generator:
        """For what a method draws beside chips; on the CPU."""
        if self._rng is None:
            self._rng = generator(self._config.training.seed, "method", self.moment.epoch, self.moment.step)
        return self._rng

    def teacher(self) -> Tensor:
        """The teacher's logits of this batch, without gradients."""
        if self._teacher is None:
            message = f"The method '{self._config.method.name}' asks for a teacher's logits, but has no teacher."
            raise ConfigError(message)
        with torch.no_grad():
            return cast("Tensor", self._teacher(self._images))

    def draw(self, law: Law = GAUSSIAN) -> Weights:
        """A chip's deviations, to be handed to several passes.

        Raises:
            ConfigError: a law of the method's own, for chips that are drawn device by device.
        """
        deployment = self._deployment(heads=True)
        if isinstance(deployment, DeviceByDevice):
            if law != GAUSSIAN:
                message = (
                    f"Method '{self._config.method.name}' draws deviations by a law of its own, which chips of "
                    f"programming '{self._config.programming.name}' have not; its programming must be 'open_loop'."
                )
                raise ConfigError(message)
            return deployment.packed_draw(self._chips)
        return {name: law.deviations(normals) for name, normals in draw_normals(self.weights, self._chips).items()}

    def __call__(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> Tensor:
        """Logits."""
        held = self._held(sigma_d, chip, added)
        return cast("Tensor", self._run(held, moves_batchnorm=moves_batchnorm))

    def with_features(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits and the output of every stage of the backbone."""
        held = self._held(sigma_d, chip, added)
        found = self._run(held, moves_batchnorm=moves_batchnorm, features=True)
        return cast("tuple[Tensor, list[Tensor]]", found)

    def with_snapshots(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        classifier_noise: bool = True,
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits and snapshots; of a fresh chip the backbone's draws come first, as without heads."""
        held = self._held(sigma_d, chip, added, heads=classifier_noise)
        found = self._run(held, moves_batchnorm=moves_batchnorm, snapshots=True)
        return cast("tuple[Tensor, list[Tensor]]", found)

    def weights_moved(self) -> None:
        """After a step of the optimiser: what was mapped to devices is so no more."""
        self._deployments.clear()
        self._weights = {}
        self._is_followed = False

    def _run(self, held: Weights, *, moves_batchnorm: bool, **options: bool) -> object:
        if self._network.shares_ranges and not self._is_followed:
            self._network.follow(self.weights)
            self._is_followed = True
        if not moves_batchnorm:
            held |= {name: buffer.clone() for name, buffer in self._network.named_buffers()}
        # no network ties weights, and looking for tied ones takes time in every pass
        return functional_call(self._network, held, (self._images,), options, tie_weights=False)

    def _held(
        self,
        sigma_d: float | Mapping[str, float],
        chip: Mapping[str, Tensor] | None,
        added: Mapping[str, Tensor] | None,
        *,
        heads: bool = False,
    ) -> Weights:
        """What the devices hold in a pass, by layer; layers that are not named are as they are trained."""
        held: Weights = dict(self.weights) if self._config.constraint.reparametrises else {}
        if sigma_d != 0 or chip is not None:
            held |= self._chip(sigma_d, chip, heads=heads)
        elif self._config.training.quantise:
            held |= self._deployment(heads=heads).targets
        for name, extra in (added or {}).items():
            held[name] = held.get(name, self._known(name)) + extra
        return held

    def _chip(self, sigma_d: float | Mapping[str, float], chip: Mapping[str, Tensor] | None, *, heads: bool) -> Weights:
        deployment = self._deployment(heads=heads)
        levels = self._by_layer(sigma_d)
        if isinstance(deployment, DeviceByDevice):
            packed = deployment.packed_draw(self._chips) if chip is None else chip
            return deployment.chip(deployment.unpacked(packed), sigma_d=levels)
        return deployment.chip(draw_normals(deployment.targets, self._chips) if chip is None else chip, sigma_d=levels)

    def _by_layer(self, sigma_d: float | Mapping[str, float]) -> float | Mapping[str, float]:
        """As it was given, unless it names what is no layer, or too few."""
        if isinstance(sigma_d, Mapping):
            for name in sigma_d:
                _ = self._known(name)
            absent = [name for name in self.weights if name not in sigma_d]
            if absent:
                message = f"sigma_d (σ_d) by layer must name every layer; '{absent[0]}' is missing."
                raise ConfigError(message)
        return sigma_d

    def _known(self, name: str) -> Tensor:
        if name not in self.weights:
            kind = "layer"
            raise unknown_name(kind, name, self.weights)
        return self.weights[name]

    def _deployment(self, *, heads: bool) -> Deployment | DeviceByDevice:
        if heads not in self._deployments:
            weights = self.weights if heads else of_backbone(self.weights)
            self._deployments[heads] = training_law(self._config).deploy(dict(weights))
        return self._deployments[heads]


def training_law(config: RunConfig) -> ChipLaw:
    """How training chips are made: as they are programmed, without what happens to test chips afterwards."""
    training = config.training
    return ChipLaw(
        device=config.device,
        mapping=config.mapping,
        sampler=training.sampler,
        quantise=training.quantise,
        programming=config.programming,
    )


def of_backbone(tensors: Mapping[str, Tensor]) -> Weights:
    """Without the snapshot heads', which are not deployed."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(HEADS)}
