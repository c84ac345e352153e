"""Chips device by device: what every device aims at, holds after programming, and conducts when it is read.

The literal form of any mapping, programming and effect, for those that one Gaussian a weight cannot stand for. It costs
a draw and a few steps a device rather than a weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from neft.chips.sampling import CHIP, NONE_TRANSPOSED, Source, Weights, at_least_float32, straight_through
from neft.devices import BaseDevice
from neft.effects import Devices, Effects, drawn, happened, moments
from neft.errors import ConfigError
from neft.mapping.stack import LaidLayer
from neft.mapping.stack import Mapping as WeightMapping
from neft.programming import Aim, BaseProgramming, Effort


@dataclass(frozen=True)
class DeviceDraws:
    """What one chip's devices draw, at every sigma_d the same: a tensor [copies, sets, slices, …] a layer."""

    errors: Weights
    reads: Weights
    effects: dict[str, Weights]
    common: Weights
    """The normal that a layer's devices have in common, in the programming of this chip."""
    each_read: int | None = None
    """The seed of what is drawn anew at every read of this chip; None where nothing is."""


@dataclass(frozen=True)
class DeviceByDevice:
    """Layers as they are to be programmed, device by device."""

    targets: Weights
    """What the devices aim at, as weights."""
    laid: dict[str, LaidLayer]
    device: BaseDevice
    mapping: WeightMapping
    programming: BaseProgramming
    effects: Effects
    verified: Mapping[str, Bool[Tensor, "..."]]
    """By layer the weights that are verified, for programming that chooses."""

    def draw(self, source: Source) -> DeviceDraws:
        """One chip's draws; every effect has its own, so that switching one changes no other."""
        shapes = {name: self._shape(laid) for name, laid in self.laid.items()}
        rng = source(CHIP)
        errors = {name: _normals(shape, rng) for name, shape in shapes.items()}
        reads: Weights = {}
        if self.programming.num_reads:
            rng = source("reads")
            reads = {name: _normals(shape, rng) for name, shape in shapes.items()}
        effects: dict[str, Weights] = {}
        for effect in self.effects.draws:
            rng = source(effect)
            effects[effect] = {name: drawn(effect, shape, rng) for name, shape in shapes.items()}
        return DeviceDraws(errors, reads, effects, self._common(source), each_read=self._each_read(source))

    def packed_draw(self, rng: torch.Generator) -> Weights:
        """A chip's draws from one generator as a tensor a layer, for training: of its programming, without effects."""
        kinds = 1 + self.programming.num_reads
        return {name: _normals((kinds, *self._shape(laid)), rng) for name, laid in self.laid.items()}

    def unpacked(self, packed: Mapping[str, Tensor]) -> DeviceDraws:
        """The draws that were packed so, of these layers."""
        reads = {name: packed[name][1] for name in self.laid} if self.programming.num_reads else {}
        return DeviceDraws({name: packed[name][0] for name in self.laid}, reads, {}, {})

    def chip(self, draws: DeviceDraws, *, sigma_d: float | Mapping[str, float]) -> Weights:
        """One chip's weights; gradients reach the noise-free weights."""
        levels = sigma_d if isinstance(sigma_d, Mapping) else dict.fromkeys(self.targets, sigma_d)
        return {name: self.layer(name, draws, sigma_d=levels[name]) for name in self.targets}

    def layer(self, name: str, draws: DeviceDraws, *, sigma_d: float) -> Float[Tensor, "outputs ..."]:
        """One layer's weights of a chip."""
        target = self.targets[name]
        deviation = self._read(name, draws, sigma_d) - self._codes_held[name]
        return target + deviation.to(target)

    def moments(self, name: str, *, sigma_d: float) -> tuple[Tensor, Tensor] | None:
        """Mean and variance of W_p - W_d of every weight of a layer, in closed form; None where there is none."""
        laid, mapping = self.laid[name], self.mapping
        by_level = [self._level_moments(sigma_d, verified=verified) for verified in (False, True)]
        depends = self.effects.drift_compensation or self.effects.common_mode  # devices do not miss independently
        if by_level[0] is None or by_level[1] is None or depends:
            return None
        significance = torch.tensor(mapping.significance, dtype=torch.float64) / sum(mapping.significance)
        mean, variance = torch.zeros_like(laid.turned).double(), torch.zeros_like(laid.turned).double()
        for index, one in enumerate(laid.sets):
            levels = laid.levels(index)
            pairs = [(means[levels], variances[levels]) for means, variances in (by_level[0], by_level[1])]
            chosen = self.verified.get(name)
            first, second = pairs[0]
            if chosen is not None:
                first = torch.where(chosen, pairs[1][0], first)
                second = torch.where(chosen, pairs[1][1], second)
            gain = one.gain.double() if isinstance(one.gain, Tensor) else one.gain
            mean = mean + gain * torch.tensordot(significance, first, dims=1)
            variance = variance + laid.sign.step**2 * torch.tensordot(significance.square(), second, dims=1)
        scale = laid.maximum.double()
        mean = mean * scale
        variance = variance * scale.square() / mapping.copies
        if laid.rotation is not None:
            return laid.rotation.turned_back(mean), laid.rotation.variance_back(variance)
        return mean, variance

    def read_stds(self) -> Weights:
        """By layer the std of one weight at every read, in weight units; of none where nothing is drawn anew."""
        if not self.effects.read_noise_each:
            return {}
        factor = self.effects.read_noise_each * self.mapping.closed_form_factor * self.mapping.error_factor
        return {name: factor * laid.sign.errors_a_weight**0.5 * laid.maximum for name, laid in self.laid.items()}

    def effort(self, *, sigma_d: float) -> Effort:
        """Expected pulses and reads a weight, over all of its device sets and copies, averaged over the weights.

        Devices that are taken to hold, as a second crossbar's of signs, are not counted.
        """
        pulses, reads, count = 0.0, 0.0, 0
        for name, laid in self.laid.items():
            size = laid.turned.numel()
            for aim in self._aims[name]:
                found = self.programming.effort(aim, sigma_d=sigma_d)
                pulses += found.pulses * size
                reads += found.reads * size
            count += size
        copies = self.mapping.copies
        return Effort(pulses=copies * pulses / count, reads=copies * reads / count)

    def _level_moments(self, sigma_d: float, *, verified: bool) -> tuple[Tensor, Tensor] | None:
        """Of each level's error when it is read, over a device's range."""
        stds = self.device.level_stds(self.mapping.device_bits).double()
        variance = self.programming.level_variance(stds, sigma_d=sigma_d, verified=verified)
        if variance is None:
            return None
        aimed = self.mapping.conductance(torch.arange(len(stds)), stds)
        bias = self.effects.bias(len(stds)).double()
        mean, spread = moments(
            self.effects, aimed=aimed, variance=variance.double(), bias=bias, lowest=self.mapping.lowest
        )
        span = 1 - self.mapping.lowest
        return (mean - aimed) / span, spread / span**2

    def _shape(self, laid: LaidLayer) -> tuple[int, ...]:
        return (self.mapping.copies, len(laid.sets), self.mapping.num_slices, *laid.turned.shape)

    def _common(self, source: Source) -> Weights:
        if not self.effects.common_mode:
            return {}
        rng = source("common_mode")
        if self.effects.common_to == "layer":
            return {name: torch.randn((), generator=rng) for name in self.laid}
        return dict.fromkeys(self.laid, torch.randn((), generator=rng))

    def _each_read(self, source: Source) -> int | None:
        if not self.effects.read_noise_each:
            return None
        return int(torch.randint(2**62, (), generator=source("read_noise_each")))

    def _read(self, name: str, draws: DeviceDraws, sigma_d: float) -> Float[Tensor, "..."]:
        """The weights that are read from a layer's devices: of copies the mean."""
        copies = [self._copy(name, draws, sigma_d, copy) for copy in range(self.mapping.copies)]
        return self.laid[name].joined([torch.stack(sets).mean(dim=0) for sets in zip(*copies, strict=True)])

    @cached_property
    def _aims(self) -> dict[str, tuple[Aim, ...]]:
        """Of every layer's sets: the same for all chips."""
        return {
            name: tuple(self._aim(name, index) for index in range(len(laid.sets))) for name, laid in self.laid.items()
        }

    def _aim(self, name: str, index: int) -> Aim:
        laid, mapping = self.laid[name], self.mapping
        stds = self.device.level_stds(mapping.device_bits).to(laid.turned)
        magnitude = laid.codes[index].to(laid.turned) / mapping.max_code
        return Aim(mapping, stds, magnitude, laid.levels(index), self.verified.get(name))

    @cached_property
    def _codes_held(self) -> Weights:
        """What chips without variation are read as, by layer."""
        return {name: laid.target(quantise=True) for name, laid in self.laid.items()}

    def _copy(self, name: str, draws: DeviceDraws, sigma_d: float, copy: int) -> list[Float[Tensor, "..."]]:
        """The magnitudes that one copy's device sets are read as, in weight units."""
        laid, mapping = self.laid[name], self.mapping
        held = [self._held(name, draws, sigma_d, copy, index) for index in range(len(laid.sets))]
        factor = 1.0
        if self.effects.drift_compensation:
            before = sum(float(one.aimed.sum()) for one in held)
            after = sum(float(one.conducted.sum()) for one in held)
            factor = before / after if after > 0 else 1.0  # nothing is brought back where nothing is conducted
        significance = torch.tensor(mapping.significance, dtype=laid.turned.dtype) / sum(mapping.significance)
        span = 1 - mapping.lowest
        return [
            torch.tensordot(significance, one.side * (factor * one.conducted - mapping.lowest) / span, dims=1)
            * laid.maximum
            for one in held
        ]

    def _held(self, name: str, draws: DeviceDraws, sigma_d: float, copy: int, index: int) -> "_Held":
        """One set of one copy of a layer."""
        laid, mapping, effects = self.laid[name], self.mapping, self.effects
        aim = self._aims[name][index]
        errors = draws.errors[name][copy, index].to(laid.turned)
        if name in draws.common:
            rho = effects.common_mode
            errors = rho**0.5 * draws.common[name].to(errors) + (1 - rho) ** 0.5 * errors
        reads = draws.reads[name][copy, index].to(laid.turned) if name in draws.reads else None
        written = self.programming.write(aim, errors, reads, sigma_d=sigma_d)
        same = written.levels is aim.levels
        aimed = aim.targets if same else aim.conductance(written.levels)
        devices = Devices(written.conductance, aimed, written.levels, mapping.lowest)
        of_effects = {effect: layers[name][copy, index].to(laid.turned) for effect, layers in draws.effects.items()}
        conducted = happened(effects, devices, of_effects, effects.bias(len(aim.level_stds)))
        return _Held(conducted, devices.aimed, written.side)


@dataclass(frozen=True)
class _Held:
    """A device set when it is read."""

    conducted: Float[Tensor, "slices ..."]
    aimed: Float[Tensor, "slices ..."]
    side: Float[Tensor, "slices ..."] | float


def deploy_device_by_device(
    weights: Mapping[str, Tensor],
    *,
    device: BaseDevice,
    mapping: WeightMapping,
    programming: BaseProgramming,
    effects: Effects,
    quantise: bool,
    verified: Mapping[str, Bool[Tensor, "..."]],
    transposed_groups: Mapping[str, int] = NONE_TRANSPOSED,
) -> DeviceByDevice:
    """Map layers to devices for chips of this programming and these effects.

    Raises:
        ConfigError: a layer cannot lie so.
    """
    if verified and mapping.rotation != "none":
        message = (
            f"rotation '{mapping.rotation}' does not go with {programming.label}: a turned device holds a part of many "
            "weights, so that no weight can be verified alone. Allowed with it: rotation none."
        )
        raise ConfigError(message)
    weights = {name: at_least_float32(weight) for name, weight in weights.items()}
    laid = {
        name: mapping.lay(weight.detach(), transposed_groups=transposed_groups.get(name))
        for name, weight in weights.items()
    }
    return DeviceByDevice(
        targets={name: straight_through(weight, laid[name], quantise=quantise) for name, weight in weights.items()},
        laid=laid,
        device=device,
        mapping=mapping,
        programming=programming,
        effects=effects,
        verified=verified,
    )


def _normals(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=rng)
