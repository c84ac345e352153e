"""Device variation as a value: `program()` returns one sampled chip as a dict of weights.

[Qin2025], Eq. 5: W_p = W_d + w_max / (2^M - 1) * sum_j dg_j 2^{jK}, with dg_j independent per device and drawn once per
chip.

The unit trap: read literally, Eq. 5 gives dg_j, which is counted in levels, the std sigma_d. But sigma_d is relative to
a device's *maximal* conductance (section 4.1), which is 2^K - 1 levels: dg_j has std sigma_d (2^K - 1). A weight's std
over sigma_d w_max, by the literal reading and as it is here:

>>> from neft.devices import Rram1
>>> mapping = BitSlicing(weight_bits=8, device_bits=2)
>>> literal = sum(step**2 for step in mapping.significance) ** 0.5 / mapping.max_code
>>> ours = float(relative_std(torch.ones(1), device=Rram1(), mapping=mapping, sampler="exact"))
>>> round(literal, 4), round(ours, 4)
(0.2592, 0.7776)

Two samplers. `exact` follows Eq. 4 and 5 per slice and level: a sum of independent Gaussians is Gaussian, so one draw
per weight with the code's own std has that very distribution (`sample_slices` draws the slices themselves; the tests
hold the two against each other). `one_factor` is the released code's approximation: one factor per weight, from |W| /
w_max alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from neft.devices import BaseDevice
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.rotation import Rotation
from neft.mapping.stack import LaidLayer
from neft.mapping.stack import Mapping as WeightMapping

Sampler = Literal["exact", "one_factor"]
Weights = dict[str, Tensor]
Source = Callable[[str], torch.Generator]
"""Where the draws of one purpose come from."""
NONE_TRANSPOSED: Mapping[str, int] = MappingProxyType({})
CHIP = "chip"
"""The purpose of what programming draws; an effect's is its name."""


@dataclass(frozen=True)
class Deployment:
    """Weights as they are to be programmed: what each aims at, and how far it misses at sigma_d = 1."""

    targets: Weights
    """W_d (Eq. 4), or W where quantisation is off."""
    stds: Weights
    """std(W_p - W_d) / sigma_d, in weight units; in a shape that broadcasts where weights of a layer are alike."""
    turned: Mapping[str, "TurnedStds"] = field(default_factory=dict)
    """Layers whose weights do not miss independently, because their devices hold a turned layer of unequal stds."""

    def chip(self, normals: Mapping[str, Tensor], *, sigma_d: float | Mapping[str, float]) -> Weights:
        """One chip: targets + sigma_d x stds x normals; sigma_d for all layers, or by layer."""
        levels = sigma_d if isinstance(sigma_d, Mapping) else dict.fromkeys(self.targets, sigma_d)
        return {
            name: target + levels[name] * self.turned[name].deviation(normals[name])
            if name in self.turned
            else target + (self.stds[name] * levels[name]) * normals[name]
            for name, target in self.targets.items()
        }

    def draw(self, source: Source) -> Weights:
        """One chip's normals."""
        return draw_normals(self.targets, source(CHIP))


@dataclass(frozen=True)
class TurnedStds:
    """The stds of a turned layer's weights, where they are not all alike along the inputs."""

    rotation: Rotation
    stds: Float[Tensor, "outputs ..."]

    def deviation(self, normals: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        """What the layer's own weights miss by."""
        return self.rotation.turned_back(self.stds.to(normals) * normals)


def quantised(weight: Float[Tensor, "..."], mapping: BitSlicing) -> Float[Tensor, "..."]:
    """W_d of Eq. 4; gradients pass straight through to the weight.

    Codes are computed in float32 at least: half precision has too few digits to divide by 2^M - 1.
    """
    detached = at_least_float32(weight.detach())
    maximum = detached.abs().amax()
    target = mapping.dequantise(mapping.quantise(detached, maximum), detached.sign(), maximum).to(weight.dtype)
    return weight + (target - weight.detach()) if weight.requires_grad else target


def at_least_float32(tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The tensor in float32 where it has fewer digits, else itself."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def relative_std(
    weight: Float[Tensor, "..."], *, device: BaseDevice, mapping: BitSlicing, sampler: Sampler
) -> Float[Tensor, "..."]:
    """std(W_p - W_d) / (sigma_d w_max) of every weight of a layer; a scalar where all are alike."""
    magnitude = at_least_float32(weight.detach()).abs()
    return _relative_std(magnitude, magnitude.amax(), device, mapping, sampler)


def _relative_std(
    magnitude: Tensor, maximum: Tensor, device: BaseDevice, mapping: BitSlicing, sampler: Sampler
) -> Tensor:
    if sampler == "exact":
        # frozen models can be hashed, which their stub does not know
        table, alike = _code_stds(device, mapping)  # pyright: ignore[reportArgumentType]
        table = table.to(magnitude)
        return table[0] if alike else table[mapping.quantise(magnitude, maximum).long()]
    factor = device.one_factor(magnitude / maximum.clamp_min(torch.finfo(magnitude.dtype).tiny), mapping)
    return factor if isinstance(factor, Tensor) else magnitude.new_full((), factor)


@lru_cache
def _code_stds(device: BaseDevice, mapping: BitSlicing) -> tuple[Tensor, bool]:
    """Every code's std, and whether all are alike; decided on the host."""
    with torch.inference_mode(mode=False):  # it is kept, and trainings read it too
        table = device.code_stds(mapping)
    return table, bool((table == table[0]).all())


def deploy(
    weights: Mapping[str, Tensor],
    *,
    device: BaseDevice,
    mapping: BitSlicing,
    sampler: Sampler = "exact",
    quantise: bool = True,
    transposed_groups: Mapping[str, int] = NONE_TRANSPOSED,
) -> Deployment:
    """Map layers to devices: targets and stds. Each tensor is one layer with a w_max of its own.

    Args:
        weights: the layers that lie in devices; biases and BatchNorm are digital and do not belong here.
        device: the technology.
        mapping: how weights sit on devices (`neft.mapping.stack`), or the bit slicing alone.
        sampler: `exact` or `one_factor`.
        quantise: aim at W_d (Eq. 4) rather than at W.
        transposed_groups: of layers that are transposed convolutions (`neft.networks.device_layers`).

    Returns:
        Targets and stds in the weights' floating type, in float32 at least.

    Raises:
        ConfigError: a layer cannot lie so.
    """
    if isinstance(mapping, WeightMapping) and not mapping.is_plain:
        laid = {
            name: mapping.lay(at_least_float32(weight.detach()), transposed_groups=transposed_groups.get(name))
            for name, weight in weights.items()
        }
        return _deploy_laid(weights, laid, device=device, sampler=sampler, quantise=quantise)
    targets: Weights = {}
    stds: Weights = {}
    for name, given in weights.items():
        weight = at_least_float32(given)
        targets[name] = quantised(weight, mapping) if quantise else weight
        magnitude = weight.detach().abs()
        maximum = magnitude.amax()
        stds[name] = _relative_std(magnitude, maximum, device, mapping, sampler) * maximum
    return Deployment(targets=targets, stds=stds)


def _deploy_laid(
    weights: Mapping[str, Tensor],
    layers: Mapping[str, LaidLayer],
    *,
    device: BaseDevice,
    sampler: Sampler,
    quantise: bool,
) -> Deployment:
    """The same for any mapping, set by set of devices."""
    targets: Weights = {}
    stds: Weights = {}
    turned: dict[str, TurnedStds] = {}
    for name, laid in layers.items():
        weight = at_least_float32(weights[name])
        targets[name] = straight_through(weight, laid, quantise=quantise)
        stds[name] = laid_stds(laid, device, sampler)
        varies = stds[name].dim() > 1 and any(size > 1 for size in stds[name].shape[1:])
        if laid.rotation is not None and varies:
            turned[name] = TurnedStds(laid.rotation, stds[name])
            stds[name] = laid.rotation.variance_back(stds[name].square()).sqrt()
    return Deployment(targets=targets, stds=stds, turned=turned)


def straight_through(weight: Float[Tensor, "..."], laid: LaidLayer, *, quantise: bool) -> Float[Tensor, "..."]:
    """What the layer's devices aim at; gradients pass straight through to the weight."""
    if not quantise and laid.rotation is None and not laid.mapping.clip_for:
        return weight
    target = laid.target(quantise=quantise)
    return weight + (target - weight.detach()) if weight.requires_grad else target


def laid_stds(laid: LaidLayer, device: BaseDevice, sampler: Sampler) -> Float[Tensor, "..."]:
    """std(W_p - W_d) / sigma_d of a turned layer's weights: the root of what its device sets' variances add up to."""
    mapping = laid.mapping
    found = [_relative_std(one.magnitude, laid.maximum, device, mapping, sampler) for one in laid.sets]
    whole = found[0] if len(found) == 1 else torch.stack(torch.broadcast_tensors(*found)).square().sum(dim=0).sqrt()
    return whole * (laid.maximum * mapping.error_factor)


def draw_normals(weights: Mapping[str, Tensor], rng: torch.Generator) -> Weights:
    """Standard normals for every weight, layer by layer in the given order: the same chip for equal shapes.

    In the weights' floating type, in float32 at least.
    """
    return {
        name: torch.randn(weight.shape, generator=rng, dtype=torch.float32, device=rng.device).to(
            weight.device, torch.promote_types(weight.dtype, torch.float32)
        )
        for name, weight in weights.items()
    }


def program(
    weights: Mapping[str, Tensor],
    *,
    device: BaseDevice,
    mapping: BitSlicing,
    sigma_d: float | Mapping[str, float],
    rng: torch.Generator,
    sampler: Sampler = "exact",
    quantise: bool = True,
) -> Weights:
    """One sampled chip: every layer's weights as its devices hold them.

    Run it with `torch.func.functional_call(network, chip, (images,))`. Gradients reach the noise-free weights; neither
    w_max nor the deviations carry any.

    Args:
        weights: the layers that lie in devices.
        device: the technology.
        mapping: how weights sit on devices.
        sigma_d: device variation, std over maximal conductance, >= 0; of all layers, or by layer.
        rng: where the chip's deviations come from.
        sampler: `exact` or `one_factor`.
        quantise: aim at W_d (Eq. 4) rather than at W.
    """
    deployment = deploy(weights, device=device, mapping=mapping, sampler=sampler, quantise=quantise)
    chip = deployment.chip(draw_normals(weights, rng), sigma_d=sigma_d)
    return {name: held.to(weights[name].dtype) for name, held in chip.items()}


def sample_slices(
    weight: Float[Tensor, "..."],
    *,
    device: BaseDevice,
    mapping: BitSlicing,
    sigma_d: float,
    rng: torch.Generator,
) -> Float[Tensor, "slices ..."]:
    """Every device's programmed level g_j + dg_j of one layer, in level units (the inside of Eq. 5).

    The literal form, device by device: what a microscope shows, and what `program` is tested against.
    """
    magnitude = at_least_float32(weight.detach()).abs()
    levels = mapping.slice_levels(mapping.quantise(magnitude, magnitude.amax()))
    stds = device.level_stds(mapping.device_bits).to(magnitude)[levels.long()] * (sigma_d * mapping.max_level)
    draws = torch.randn(levels.shape, generator=rng, device=rng.device).to(magnitude)
    return levels.to(magnitude) + stds * draws


def rms(tensors: Iterable[Tensor]) -> float:
    """Root mean square over all elements of some tensors."""
    total = 0.0
    count = 0
    for tensor in tensors:
        total += float(tensor.double().square().sum())
        count += tensor.numel()
    return (total / count) ** 0.5 if count else 0.0
