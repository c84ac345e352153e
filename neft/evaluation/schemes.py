"""Schemes: how a trained network's weights come onto chips, and what each way costs.

A scheme is a mapping and a programming; the training stays as it is. Noise is over w_max of the layer, as the root mean
square over all weights; costs are a weight's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neft import columns
from neft.chips.deployed import ChipLaw, draws_from
from neft.chips.device_by_device import DeviceByDevice
from neft.component import build, component_text
from neft.mapping.stack import Mapping
from neft.mapping.variations import cheaply_improved, variations
from neft.networks.device_layers import device_weights
from neft.programming import PROGRAMMINGS, BaseProgramming, Effort, OpenLoop
from neft.sigma_d import rounded_sigma_d

BUDGETS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Shares of the weights on which effort is spent, where a comparison varies it."""


@dataclass(frozen=True)
class Scheme:
    """A mapping and a programming."""

    mapping: Mapping
    programming: BaseProgramming

    @property
    def key(self) -> str:
        """`scale=channel~residual:sides=one`; `default~open_loop` as published."""
        return f"{component_text(self.mapping)}~{component_text(self.programming)}"


@dataclass(frozen=True)
class Budgeted:
    """A scheme that spends effort on a share of the weights."""

    scheme: Scheme
    share: float
    choice: str
    """How those weights are chosen."""


def usual_schemes(mapping: Mapping, programming: BaseProgramming) -> tuple[Scheme, ...]:
    """The schemes that are compared where none are asked for, each once; first the one that is given.

    Every other mapping with one write a device; every programming on the mapping given, and on that mapping improved
    where it costs no device.
    """
    forms = [form for kind in PROGRAMMINGS.values() for form in kind.compared() if not form.is_open_loop]
    found = [Scheme(mapping, programming)]
    found += [Scheme(one, OpenLoop()) for one in variations(mapping)]
    found += [Scheme(one, form) for one in (mapping, cheaply_improved(mapping)) for form in forms]
    return tuple({one.key: one for one in found}.values())


def budgeted_schemes(mapping: Mapping, budgets: Iterable[float] = BUDGETS) -> tuple[Budgeted, ...]:
    """Every programming that spends effort on a share of the weights, at these shares, chosen in every way it knows."""
    found: list[Budgeted] = []
    for kind in PROGRAMMINGS.values():
        for choice, share in product(kind.choices(), tuple(budgets)):
            # where none or all are chosen it is one scheme, however they are
            decided = choice if 0 < share < 1 else kind.choices()[0]
            form = build(kind, {kind.budget_field: share, kind.choice_field: decided})
            found.append(Budgeted(Scheme(mapping, form), share, choice))
    return tuple(found)


def scheme_costs(
    network: nn.Module, image: Tensor, law: ChipLaw, *, sigma_ds: Sequence[float], seed: int, name: str
) -> pd.DataFrame:
    """What a scheme costs and how far its weights miss: a row per sigma_d.

    Args:
        network: the deployed network.
        image: one normalised image, [1, channels, height, width].
        law: how chips are made.
        sigma_ds: device variations.
        seed: where the sampled chip comes from.
        name: of the scheme, as the column `scheme` has it.

    Raises:
        ConfigError: the network cannot lie so.
    """
    weights = {name: weight.detach() for name, weight in device_weights(network).items()}
    deployment = _device_by_device(law, weights)
    operations = _operations(network, image, deployment)
    draws = deployment.draw(draws_from(seed, "chip", 0))
    num_weights = sum(weight.numel() for weight in weights.values())
    devices_a_weight = deployment.mapping.num_devices(weights.values()) / num_weights
    rows: list[dict[str, object]] = []
    for sigma_d in sigma_ds:
        effort = deployment.effort(sigma_d=sigma_d)
        missed = {name: deployment.layer(name, draws, sigma_d=sigma_d) - deployment.targets[name] for name in weights}
        rows.append(
            {
                columns.SCHEME: name,
                columns.SIGMA_D: sigma_d,
                columns.DEVICES: devices_a_weight,
                columns.PULSES: effort.pulses,
                columns.READS: effort.reads,
                columns.OPERATIONS: operations,
                columns.CLOSED_FORM_NOISE: closed_form_noise(deployment, weights, sigma_d=sigma_d),
                columns.SAMPLED_NOISE: _over_largest({name: one.square() for name, one in missed.items()}, weights),
            }
        )
    return pd.DataFrame(rows)


def programming_effort(weights: dict[str, Tensor], law: ChipLaw, *, sigma_ds: Iterable[float]) -> dict[float, Effort]:
    """By sigma_d, rounded as it is stored, the expected pulses and reads a weight (`DeviceByDevice.effort`).

    Args:
        weights: those in devices, by name.
        law: how chips are made.
        sigma_ds: device variations.

    Raises:
        ConfigError: the weights cannot lie so.
    """
    deployment = _device_by_device(law, weights)
    return {rounded_sigma_d(sigma_d): deployment.effort(sigma_d=sigma_d) for sigma_d in sigma_ds}


def _device_by_device(law: ChipLaw, weights: dict[str, Tensor]) -> DeviceByDevice:
    """The weights as chips are programmed device by device."""
    deployment = replace(law, device_by_device=True).deploy({name: one.detach() for name, one in weights.items()})
    if not isinstance(deployment, DeviceByDevice):
        message = "Chips must be drawn device by device here."
        raise TypeError(message)
    return deployment


def closed_form_noise(deployment: DeviceByDevice, weights: dict[str, Tensor], *, sigma_d: float) -> float:
    """Root mean square of W_p - W_d over w_max, expected; NaN where only sampling tells."""
    squares: dict[str, Tensor] = {}
    for name in weights:
        moments = deployment.moments(name, sigma_d=sigma_d)
        if moments is None:
            return float("nan")
        squares[name] = moments[0].square() + moments[1]
    return _over_largest(squares, weights)


def _over_largest(squares: dict[str, Tensor], weights: dict[str, Tensor]) -> float:
    """The root of the mean of squared misses, each over the square of its layer's largest weight."""
    total, count = 0.0, 0
    for name, square in squares.items():
        largest = float(weights[name].abs().amax()) or 1.0  # a layer of zeros misses by nothing
        total += float(square.double().sum()) / largest**2
        count += square.numel()
    return (total / count) ** 0.5


def _operations(network: nn.Module, image: Tensor, deployment: DeviceByDevice) -> float:
    """Digital operations of one image over the weights that it is multiplied with, each as often as it is read."""
    vectors = _vectors(network, image, deployment.targets)
    operations, reads = 0, 0
    for name, count in vectors.items():
        weight = deployment.targets[name]
        outputs, inputs = len(weight), weight[0].numel()
        operations += count * deployment.mapping.digital_operations(num_outputs=outputs, num_inputs=inputs)
        reads += count * weight.numel()
    return operations / reads


@torch.no_grad()
def _vectors(network: nn.Module, image: Tensor, layers: Iterable[str]) -> dict[str, int]:
    """By layer how many vectors one image is to it: the places of a convolution's output, one of any other layer."""
    found: dict[str, int] = {}
    modules = dict(network.named_modules())

    def note(name: str) -> RemovableHandle:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            found[name] = found.get(name, 0) + output[0].numel() // output.shape[1]

        return modules[name.rpartition(".")[0]].register_forward_hook(hook)

    hooks = [note(name) for name in layers]
    try:
        _ = network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found
