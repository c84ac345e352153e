"""A network on chips: how chips are made, and one network into which they are programmed in place."""

import copy
import math
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call

from neft.chips.arithmetic import ROUNDED, USUAL, Arithmetic, check_arithmetic, products_in
from neft.chips.chance import chance_of, own_chance
from neft.chips.device_by_device import DeviceByDevice, DeviceDraws, deploy_device_by_device
from neft.chips.each_read import EachRead
from neft.chips.pooling import pool_pairwise
from neft.chips.sampling import CHIP, NONE_TRANSPOSED, Deployment, Sampler, Source, TurnedStds, Weights, deploy
from neft.devices import BaseDevice
from neft.effects import Effects
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import whole_mapping
from neft.networks.copying import copied
from neft.networks.device_layers import device_weights, transposed_groups
from neft.networks.folding import fold_batchnorm
from neft.programming import BaseProgramming, OpenLoop
from neft.seeding import generator

Draws = Weights | DeviceDraws
"""What a chip draws."""
MOST_AT_ONCE = 512
FEWEST_AT_ONCE = 64
"""Images of a batch; fewer would have to read a wide network's weights too often."""
CACHED_BYTES = 3 * 2**20
"""The largest layer's output of a batch, on a CPU: what stays in the cache until the next layer reads it."""


@dataclass(frozen=True)
class ChipLaw:
    """How chips are made."""

    device: BaseDevice
    mapping: BitSlicing
    """How weights sit on devices (`neft.mapping.stack`), or the bit slicing alone."""
    sampler: Sampler = "exact"
    quantise: bool = True
    programming: BaseProgramming = field(default_factory=OpenLoop)
    effects: Effects = field(default_factory=Effects)
    scores: Mapping[str, Tensor] | None = None
    """By layer how much each weight matters, for programming that chooses by more than the weights themselves."""
    device_by_device: bool = False
    """Whether chips are drawn so even where a Gaussian a weight would do: to be those of further effects."""
    arithmetic: Arithmetic = USUAL
    """In what a chip's network is computed (`neft.chips.arithmetic`)."""

    @property
    def is_gaussian(self) -> bool:
        """Whether a Gaussian a weight is what chips are; otherwise they are drawn device by device."""
        return self.programming.is_open_loop and self.effects.is_none and not self.device_by_device

    @property
    def is_clean_at_zero(self) -> bool:
        """Whether chips without variation are all alike: nothing happens to them, and nothing is misread."""
        return self.effects.is_none and not self.programming.num_reads

    def deploy(
        self, weights: Weights, *, transposed_groups: Mapping[str, int] = NONE_TRANSPOSED
    ) -> Deployment | DeviceByDevice:
        """These layers as they are to be programmed.

        Args:
            weights: by name.
            transposed_groups: of layers that are transposed convolutions.

        Raises:
            ConfigError: they cannot lie so, or what programming chooses by is not known.
        """
        if self.is_gaussian:
            return self.deploy_gaussian(weights, transposed_groups=transposed_groups)
        return deploy_device_by_device(
            weights,
            device=self.device,
            mapping=whole_mapping(self.mapping),
            programming=self.programming,
            effects=self.effects,
            quantise=self.quantise,
            verified=self.programming.choose(weights, self.scores),
            transposed_groups=transposed_groups,
        )

    def deploy_gaussian(
        self, weights: Weights, *, transposed_groups: Mapping[str, int] = NONE_TRANSPOSED
    ) -> Deployment:
        """Targets and stds of these layers, as open loop and without effects."""
        return deploy(
            weights,
            device=self.device,
            mapping=self.mapping,
            sampler=self.sampler,
            quantise=self.quantise,
            transposed_groups=transposed_groups,
        )


@dataclass(frozen=True)
class Inputs:
    """What a network is called with for one batch."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)


class DeployedNetwork:
    """A network on chips: BatchNorm folded, channels-last, weights replaced in place chip by chip.

    Args:
        network: any module; it is left alone.
        law: how chips are made.
        in_devices: which parameters lie in devices, where not those of `neft.networks.device_layers`.
        torch_device: where torch computes.
        read: what makes logits of the network's outputs; the outputs themselves where None.

    Raises:
        ConfigError: a layer cannot lie so, or the torch device has not the law's arithmetic.
    """

    def __init__(
        self,
        network: nn.Module,
        law: ChipLaw,
        *,
        in_devices: Collection[str] | None = None,
        torch_device: str = "cpu",
        read: Callable[[Any], Tensor] | None = None,
    ) -> None:
        check_arithmetic(law.arithmetic, torch_device)
        self._arithmetic: Arithmetic = law.arithmetic
        self.read = read or _as_they_are
        """What makes logits of the network's outputs."""
        deployed = copied(network).eval().requires_grad_(requires_grad=False)
        original = {name: weight.detach().clone() for name, weight in device_weights(deployed, in_devices).items()}
        deployment = law.deploy(original, transposed_groups=transposed_groups(deployed))
        folding = fold_batchnorm(deployed, among=original)
        pool_pairwise(deployed)
        self.torch_device = torch_device
        self.is_clean_at_zero = law.is_clean_at_zero
        """Whether chips without variation are all alike."""
        self.note = folding.note
        """What could not be made fast, in words."""
        network = _channels_last(deployed.to(torch_device))
        self._in_devices = list(original)
        parameters = device_weights(network, self._in_devices)
        factors = folding.factors
        self.targets = {
            name: _like(target * factors.get(name, 1.0), parameters[name])
            for name, target in deployment.targets.items()
        }
        """What the devices aim at."""
        self._deployment = deployment
        self._factors = factors
        gaussian = deployment if isinstance(deployment, Deployment) else Deployment({}, {})
        self.stds: Weights = {
            name: (std * factors.get(name, 1.0)).to(torch_device) for name, std in gaussian.stds.items()
        }
        """How far they miss at sigma_d = 1, where chips are Gaussian."""
        self.turned = {
            name: TurnedStds(one.rotation, (one.stds * factors.get(name, 1.0)).to(torch_device))
            for name, one in gaussian.turned.items()
        }
        """Of turned layers, whose weights do not miss independently: the stds of what their devices hold."""
        self.num_weights = sum(weight.numel() for weight in original.values())
        self._at_once: dict[torch.Size, int] = {}
        noise = deployment.read_stds() if isinstance(deployment, DeviceByDevice) else {}
        self._read_stds = {name: self._folded(name, std).abs().flatten() for name, std in noise.items()}
        if law.arithmetic in ROUNDED:
            network = network.to(ROUNDED[law.arithmetic])
        self.is_read_anew = bool(noise)
        """Whether every read draws anew, so that chips are tried one by one."""
        self._without_hooks = copied(network) if noise else network
        self._take(network)

    def twin(self) -> "DeployedNetwork":
        """Another one of the same chips, with a network of its own to write them into: for another thread."""
        other = copy.copy(self)
        other._take(copied(self._without_hooks))  # noqa: SLF001 - of its own kind
        return other

    def _take(self, network: nn.Module) -> None:
        """Let this network be the one that chips are written into."""
        self.network = network
        """Holds the weights of the chip that is programmed."""
        self._parameters = device_weights(network, self._in_devices)
        self._deviation: Weights = {}
        self._placed: list[DeviceDraws] = []
        self._deviations: Weights = {}
        self._each_read = EachRead(network, self._read_stds)

    def draw(self, seed: int, instance: int, *, purpose: str = "chip") -> None:
        """Draw one chip: its deviations at sigma_d = 1; each purpose has chips of its own."""
        self.place(self.normals(seed, purpose, instance))

    def normals(self, seed: int, *path: str | int) -> Draws:
        """What the chip of this path (a purpose and a number) draws, on the host; to be placed later."""
        return self._deployment.draw(draws_from(seed, *path))

    def place(self, draws: Draws) -> None:
        """Take these draws as the chip that is programmed next."""
        if isinstance(draws, DeviceDraws):
            self._placed = [draws]
        else:
            self._deviation = {name: self._deviations_of(name, normal) for name, normal in draws.items()}

    def program(self, *, sigma_d: float | Mapping[str, float]) -> None:
        """Write the drawn chip's weights at this device variation, of all layers or by layer, into the network."""
        if isinstance(self._deployment, DeviceByDevice):
            # before a chip is placed, what devices aim at
            placed = self._placed[0] if self._placed else None
            self._each_read.begin(placed.each_read if placed else None, self.torch_device)
            chip = self._deployment.chip(placed, sigma_d=sigma_d) if placed else self._deployment.targets
            for name, parameter in self._parameters.items():
                _ = parameter.copy_(self._folded(name, chip[name]))
            return
        levels = sigma_d if isinstance(sigma_d, Mapping) else dict.fromkeys(self._parameters, sigma_d)
        for name, parameter in self._parameters.items():
            if levels[name] == 0:
                _ = parameter.copy_(self.targets[name])
            else:
                _ = torch.add(self.targets[name], self._deviation[name], alpha=levels[name], out=parameter)

    def logits(
        self, images: Shaped[Tensor, "images ..."], *, before_each: Callable[[], None] = lambda: None
    ) -> Float[Tensor, "images classes"]:
        """Outputs of the chip that is programmed.

        Args:
            images: all of them; computed some at once.
            before_each: called before so many are computed; it may raise.
        """

        def one(batch: Tensor) -> Tensor:
            before_each()
            return self._unrounded(self.read(self.network(batch)))

        images = self._rounded(images)
        with products_in(self._arithmetic, self.torch_device):
            count = math.ceil(len(images) / self._fitting(images))
            return torch.cat([one(batch) for batch in images.chunk(count)])

    def place_many(self, chips: Sequence[Draws]) -> None:
        """Take these draws, each a chip's, as the chips that `logits_of_many` tries side by side."""
        self._placed = [chip for chip in chips if isinstance(chip, DeviceDraws)]
        normals = [chip for chip in chips if not isinstance(chip, DeviceDraws)]
        self._deviations = {}
        if normals:
            self._deviations = {
                name: torch.stack([self._deviations_of(name, chip[name]) for chip in normals]) for name in self.targets
            }

    def logits_of_many(
        self, images: Shaped[Tensor, "images ..."], *, sigma_d: float
    ) -> Float[Tensor, "chips images classes"]:
        """Outputs of all placed chips at once: convolutions become grouped, products batched (`torch.vmap`).

        Raises:
            ConfigError: reads draw anew, which is done chip by chip.
        """
        if self.is_read_anew:
            message = "Chips whose reads draw anew (read_noise_each) are tried one by one."
            raise ConfigError(message)
        chips = self._side_by_side(sigma_d)

        def one(chip: Weights, batch: Tensor) -> Tensor:
            return self.read(functional_call(self.network, chip, (batch,)))

        many = torch.vmap(one, in_dims=(0, None))
        # grouped convolutions gain nothing from channels-last, and some steps after them cannot be batched with it
        batches = self._rounded(images).contiguous().split(MOST_AT_ONCE)
        with warnings.catch_warnings(), products_in(self._arithmetic, self.torch_device):
            # pooling what is 1 x 1 already is done chip by chip, which costs next to nothing
            warnings.filterwarnings("ignore", message="There is a performance drop", category=UserWarning)
            return self._unrounded(torch.cat([many(chips, batch) for batch in batches], dim=1))

    def _side_by_side(self, sigma_d: float) -> Weights:
        """The weights of all placed chips."""
        if isinstance(self._deployment, DeviceByDevice):
            found = [self._deployment.chip(draws, sigma_d=sigma_d) for draws in self._placed]
            chips = {
                name: torch.stack([_like(self._folded(name, chip[name]), parameter) for chip in found])
                for name, parameter in self._parameters.items()
            }
        else:
            chips = {
                name: torch.add(target, self._deviations[name], alpha=sigma_d) for name, target in self.targets.items()
            }
        return {name: self._rounded(chip) for name, chip in chips.items()}

    def _rounded(self, tensor: Tensor) -> Tensor:
        """As the network takes it."""
        return tensor.to(ROUNDED[self._arithmetic]) if self._arithmetic in ROUNDED else tensor

    def _unrounded(self, outputs: Tensor) -> Tensor:
        """As numbers are made of it."""
        return outputs.float() if self._arithmetic in ROUNDED else outputs

    def _deviations_of(self, name: str, normal: Tensor) -> Tensor:
        """A layer's deviations of one chip at sigma_d = 1, as the network's parameter lies."""
        if isinstance(self._deployment, Deployment) and name in self._deployment.turned:
            deviation = self._deployment.turned[name].deviation(normal)
            return _like(self._folded(name, deviation), self._parameters[name])
        return _like(normal, self._parameters[name]).mul_(self.stds[name])

    def _folded(self, name: str, weight: Tensor) -> Tensor:
        """A layer's weights with the factors of the BatchNorm that was folded into it."""
        return weight * self._factors[name] if name in self._factors else weight

    def largest_output(self, image: Shaped[Tensor, "1 ..."]) -> int:
        """Bytes of the largest output that a layer has for one image."""
        with self._each_read.silent():
            return _largest_output(self.network, image)

    def _fitting(self, images: Shaped[Tensor, "images ..."]) -> int:
        """How many images are computed at once: on a CPU so many that a layer's output stays in the cache."""
        if self.torch_device != "cpu":
            return MOST_AT_ONCE
        shape = images.shape[1:]
        if shape not in self._at_once:
            fitting = CACHED_BYTES // max(self.largest_output(images[:1]), 1)
            self._at_once[shape] = min(max(fitting, FEWEST_AT_ONCE), MOST_AT_ONCE)
        return self._at_once[shape]


class UntouchedNetwork:
    """A network on chips, computed as it was given: each chip is written into a copy that takes whole batches.

    Slower than `DeployedNetwork`, and right for any network: nothing is folded, laid out otherwise or cut. Chips meet
    what the network keeps as it was given, and the same random numbers where it draws any.

    Args:
        network: any module; it is left alone.
        law: how chips are made.
        in_devices: which parameters lie in devices, where not those of `neft.networks.device_layers`.
        torch_device: where torch computes.
        seed: where the network's own random numbers come from.
        read: what makes logits of the network's outputs.
    """

    def __init__(
        self,
        network: nn.Module,
        law: ChipLaw,
        *,
        in_devices: Collection[str] | None = None,
        torch_device: str = "cpu",
        seed: int = 0,
        read: Callable[[Any], Tensor] | None = None,
    ) -> None:
        self.torch_device = torch_device
        self.given = copied(network).eval().to(torch_device)
        self.renewed = False
        """Whether each batch, too, meets the network as it was given."""
        if law.arithmetic != USUAL:
            message = (
                f"arithmetic '{law.arithmetic}' is known of this package's networks alone; one of your own is computed "
                "as it was given: hand it in as you want it computed."
            )
            raise ConfigError(message)
        self.read = read or _as_they_are
        self._shapes = {name: weight.detach() for name, weight in device_weights(self.given, in_devices).items()}
        self.in_devices = tuple(self._shapes)
        self.chosen_by_kind = in_devices is None
        self._deployment = law.deploy(self._shapes, transposed_groups=transposed_groups(self.given))
        self._chance = chance_of(seed, "network", torch_device=torch_device)
        self._other_chance = chance_of(seed, "network otherwise", torch_device=torch_device)
        if law.effects.read_noise_each:
            message = (
                "read_noise_each (σ_r) is known of this package's networks alone; leave it out for one of your own, or "
                "take read_noise, which is frozen."
            )
            raise ConfigError(message)
        self.is_clean_at_zero = law.is_clean_at_zero
        """Whether chips without variation are all alike."""
        self._draws: Draws | None = None
        self._chip: Weights = {}
        self.network = self.given
        """Holds the weights of the chip that is programmed."""

    def normals(self, seed: int, *path: str | int) -> Draws:
        """What the chip of this path (a purpose and a number) draws."""
        return self._deployment.draw(draws_from(seed, *path))

    def place(self, draws: Draws) -> None:
        """Take these draws as the chip that is programmed next."""
        self._draws = draws

    def program(self, *, sigma_d: float) -> None:
        """Write the placed chip's weights at this device variation into a copy of the network."""
        self._chip = self._deployment.targets
        if self._draws is not None and (sigma_d or not self.is_clean_at_zero):
            self._chip = chip_of(self._deployment, self._draws, sigma_d=sigma_d)
        self.restart_chance()
        self.renew()

    def restart_chance(self) -> None:
        """Put the global generators of random numbers where each chip meets them; enter `own_chance` first."""
        self._chance.put()

    def has_drawn(self) -> bool:
        """Whether random numbers were drawn since."""
        return not self._chance.stands()

    def meet_other_chance(self) -> None:
        """Let the network be as it was given, and meet other random numbers."""
        self.renew()
        self._other_chance.put()

    @torch.no_grad()
    def logits(self, inputs: Inputs, *, before_each: Callable[[], None] = lambda: None) -> Tensor:
        """Outputs of the chip that is programmed, one batch at once.

        Args:
            inputs: of the batch.
            before_each: called before it is computed; it may raise.
        """
        before_each()
        if self.renewed:
            self.renew()
        return self.read(self.network(*inputs.positional, **inputs.named))

    def program_without(self, names: Collection[str]) -> None:
        """Write the weights without variation into a copy of the network, and 0 for these."""
        self._chip = self._deployment.targets | {name: torch.zeros_like(self._shapes[name]) for name in names}
        self.restart_chance()
        self.renew()

    @torch.no_grad()
    def renew(self) -> None:
        """Let the network be as it was given, with the chip that is programmed."""
        self.network = copied(self.given)
        for name, parameter in device_weights(self.network, list(self._chip)).items():
            _ = parameter.copy_(self._chip[name])


@torch.no_grad()
def plain_logits(
    network: nn.Module,
    images: Shaped[Tensor, "images ..."],
    law: ChipLaw,
    *,
    sigma_d: float,
    seed: int,
    instance: int,
    in_devices: Collection[str] | None = None,
) -> Float[Tensor, "images classes"]:
    """One chip's outputs the plain way: program, then run the network as it is."""
    plain = UntouchedNetwork(network, law, in_devices=in_devices, torch_device=str(images.device))
    plain.place(plain.normals(seed, "chip", instance))
    with own_chance(str(images.device)):
        plain.program(sigma_d=sigma_d)
        return plain.logits(Inputs((images,)))


def draws_from(seed: int, *path: str | int) -> Source:
    """Where the chip of this path draws from: programming from the path itself, each effect from one of its own."""
    return lambda purpose: generator(seed, *path) if purpose == CHIP else generator(seed, *path, purpose)


def drawn_chip(deployment: Deployment | DeviceByDevice, source: Source, *, sigma_d: float) -> Weights:
    """One chip's weights."""
    return chip_of(deployment, deployment.draw(source), sigma_d=sigma_d)


def chip_of(deployment: Deployment | DeviceByDevice, draws: Draws, *, sigma_d: float) -> Weights:
    """The weights of the chip that drew these."""
    if isinstance(deployment, DeviceByDevice) and isinstance(draws, DeviceDraws):
        return deployment.chip(draws, sigma_d=sigma_d)
    if isinstance(deployment, Deployment) and not isinstance(draws, DeviceDraws):
        return deployment.chip(draws, sigma_d=sigma_d)
    message = "Draws of another way of making chips."
    raise TypeError(message)


def channels_last(images: Tensor) -> Tensor:
    """Images laid out for convolutions; other inputs as they are."""
    return images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images


def _as_they_are(outputs: object) -> Tensor:
    return cast("Tensor", outputs)


def _largest_output(network: nn.Module, image: Tensor) -> int:
    """Bytes of the largest output that a layer has for one image."""
    sizes = [0]

    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel() * output.element_size())

    layers = [module for module in network.modules() if next(module.children(), None) is None]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        _ = network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return max(sizes)


def _channels_last(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return network


def _like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """The tensor on the parameter's torch device, laid out in memory as the parameter is."""
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
