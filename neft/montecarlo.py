"""Monte Carlo over chips: one row per sigma_d and instance.

Instance 7 is the same chip whether 10 or 1,000 are drawn, at every sigma_d and for every network of equal shape: its
normals come from `generator(seed, "chip", 7)`, drawn once and scaled by sigma_d. Comparisons are therefore paired.

The fast path programs chips in place into one network whose BatchNorm has been folded into the weights and their
deviations, channels-last, without autograd. `plain_logits` is the slow, plain path it is tested against.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from neft import columns
from neft.calibration import fit_temperature
from neft.datasets.base import ImageData, Split
from neft.devices import BaseDevice
from neft.errors import StoppedError
from neft.mapping import BitSlicing
from neft.metrics import METRICS, Predictions
from neft.network import Network, fold_batchnorm
from neft.noise import Deployment, Sampler, Weights, deploy, draw_normals
from neft.seeding import generator
from neft.stopping import FLOOR, RunningMean

EVALUATION_BATCH = 512
CALIBRATION_INSTANCES = 8
"""Chips on which the calibration temperature is fitted."""
NUM_BINS = 61
BIN_EDGE = 5.0
"""Deviation histograms reach this many closed-form stds either side."""


@dataclass(frozen=True)
class ChipLaw:
    """How chips are made."""

    device: BaseDevice
    mapping: BitSlicing
    sampler: Sampler = "exact"
    quantise: bool = True

    def deploy(self, weights: Weights) -> Deployment:
        """Targets and stds of these layers."""
        return deploy(weights, device=self.device, mapping=self.mapping, sampler=self.sampler, quantise=self.quantise)


class DeployedNetwork:
    """A network on chips: BatchNorm folded, channels-last, weights replaced in place chip by chip."""

    def __init__(self, network: Network, law: ChipLaw, *, torch_device: str = "cpu") -> None:
        deployed = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        original = {name: weight.detach().clone() for name, weight in deployed.device_weights().items()}
        deployment = law.deploy(original)
        factors = fold_batchnorm(deployed)
        # torch's stub does not know memory_format
        self._network = deployed.to(torch_device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._parameters = deployed.device_weights()
        self._targets = {
            name: _like(target * factors.get(name, 1.0), self._parameters[name])
            for name, target in deployment.targets.items()
        }
        self._scales = {name: (std * factors.get(name, 1.0)).to(torch_device) for name, std in deployment.stds.items()}
        self._shapes = original
        self._deviation: Weights = {}

    def draw(self, seed: int, instance: int, *, purpose: str = "chip") -> None:
        """Draw one chip: its deviations at sigma_d = 1; each purpose has chips of its own."""
        normals = draw_normals(self._shapes, generator(seed, purpose, instance))
        self._deviation = {
            name: _like(normal, self._parameters[name]).mul_(self._scales[name]) for name, normal in normals.items()
        }

    def program(self, *, sigma_d: float) -> None:
        """Write the drawn chip's weights at this device variation into the network."""
        for name, parameter in self._parameters.items():
            if sigma_d == 0:
                _ = parameter.copy_(self._targets[name])
            else:
                _ = torch.add(self._targets[name], self._deviation[name], alpha=sigma_d, out=parameter)

    def logits(self, images: Float[Tensor, "images channels height width"]) -> Float[Tensor, "images classes"]:
        """Outputs of the chip that is programmed."""
        batches = images.split(EVALUATION_BATCH)
        return torch.cat([cast("Tensor", self._network(batch)) for batch in batches])


def evaluate(
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    sigma_ds: Sequence[float],
    num_instances: int,
    seed: int,
    precision: float | None = None,
    min_instances: int = FLOOR,
    split: Split | None = None,
    torch_device: str = "cpu",
    on_instance: Callable[[int, float], None] = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Try a network on sampled chips.

    Args:
        network: the deployed network.
        data: the data set; its test split is used unless `split` is given.
        law: how chips are made.
        sigma_ds: device variations, std over maximal conductance.
        num_instances: chips, the same ones at every sigma_d; with a precision, at most so many.
        seed: where chips come from.
        precision: stop at each sigma_d when its mean accuracy is known to this half-width (`neft.stopping`).
        min_instances: chips that a precision cannot do without.
        split: another split of the same data set.
        torch_device: where torch computes.
        on_instance: told after each chip how many are done and its accuracy at the last sigma_d.
        should_stop: asked after each chip.

    Returns:
        A row per sigma_d and instance: `sigma_d`, `instance`, one column a metric, and the temperature to which the
        calibrated ones were calibrated, on validation images and chips of their own.

    Raises:
        StoppedError: `should_stop` said so.
    """
    split = data.test if split is None else split
    rows: list[pd.DataFrame] = []
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law, torch_device=torch_device)
        images = data.normalise(split.images.to(torch_device)).contiguous(memory_format=torch.channels_last)
        labels = split.labels.to(torch_device)
        temperatures = _calibrate(deployed, data, sigma_ds=sigma_ds, seed=seed, torch_device=torch_device)
        at = dict(zip(sigma_ds, temperatures, strict=True))
        clean = _measure(deployed, images, labels, sigma_d=0.0, temperature=at[0.0]) if 0 in sigma_ds else None
        known = (
            {} if precision is None else {s: RunningMean(precision=precision, floor=min_instances) for s in sigma_ds}
        )
        for instance in range(num_instances):
            open_sigma_ds = [sigma_d for sigma_d in sigma_ds if sigma_d not in known or not known[sigma_d].suffices]
            if not open_sigma_ds:
                break
            deployed.draw(seed, instance)
            # without variation every chip is the same one
            measured = torch.stack(
                [
                    clean
                    if clean is not None and sigma_d == 0
                    else _measure(deployed, images, labels, sigma_d=sigma_d, temperature=at[sigma_d])
                    for sigma_d in open_sigma_ds
                ]
            ).cpu()
            rows.append(_rows(instance, open_sigma_ds, measured, [at[sigma_d] for sigma_d in open_sigma_ds]))
            for sigma_d, accuracy in zip(open_sigma_ds, measured[:, 0].tolist(), strict=True):
                if sigma_d in known:
                    known[sigma_d].add(accuracy)
            on_instance(instance + 1, float(measured[-1, 0]))
            if should_stop():
                message = f"Stopped after {instance + 1} of {num_instances} chips."
                raise StoppedError(message, epoch=-1)
    instances = pd.concat(rows, ignore_index=True)
    return instances.sort_values([columns.SIGMA_D, columns.INSTANCE], ignore_index=True)


@torch.no_grad()
def plain_logits(
    network: Network,
    images: Float[Tensor, "images channels height width"],
    law: ChipLaw,
    *,
    sigma_d: float,
    seed: int,
    instance: int,
) -> Float[Tensor, "images classes"]:
    """One chip's outputs the plain way: program, then run the network as it is."""
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    chip = law.deploy(weights).chip(draw_normals(weights, generator(seed, "chip", instance)), sigma_d=sigma_d)
    return cast("Tensor", functional_call(network.eval(), chip, (images,)))


def layer_deviations(
    network: Network, law: ChipLaw, *, seed: int, num_instances: int = 8
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far each layer's sampled weights lie from their targets, beside the closed form.

    Deviations are proportional to sigma_d, so they are given over sigma_d w_max and hold for every sigma_d.

    Returns:
        A row per layer (weights, w_max, RMS weight, share of weights in the middle levels, realised and closed-form
        std), and a row per layer and bin (sampled and closed-form density).
    """
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    deployment = law.deploy(weights)
    layers: list[dict[str, float | int | str]] = []
    histograms: list[pd.DataFrame] = []
    chips = [draw_normals(weights, generator(seed, "chip", instance)) for instance in range(num_instances)]
    for name, weight in weights.items():
        maximum = float(weight.abs().amax())
        stds = (deployment.stds[name] / maximum).expand_as(weight).flatten().double()
        sampled = torch.cat([chip[name].flatten().double() * stds for chip in chips])
        magnitude = weight.abs() / maximum
        closed_form_std = float(stds.square().mean().sqrt())
        layer = name.removesuffix(".weight").removeprefix("backbone.")
        layers.append(
            {
                columns.LAYER: layer,
                columns.NUM_WEIGHTS: weight.numel(),
                columns.W_MAX: maximum,
                columns.RMS_WEIGHT: float(weight.double().square().mean().sqrt()),
                columns.MIDDLE_SHARE: float(((magnitude > 0.25) & (magnitude < 0.75)).double().mean()),
                columns.REALISED_STD: float(sampled.square().mean().sqrt()),
                columns.CLOSED_FORM_STD: closed_form_std,
            }
        )
        histograms.append(_histogram(layer, sampled, stds, closed_form_std))
    return pd.DataFrame(layers), pd.concat(histograms, ignore_index=True)


def _histogram(layer: str, sampled: Tensor, stds: Tensor, scale: float) -> pd.DataFrame:
    edges = torch.linspace(-BIN_EDGE * scale, BIN_EDGE * scale, NUM_BINS + 1, dtype=torch.float64)
    counts = torch.histogram(sampled, bins=edges).hist
    width = float(edges[1] - edges[0])
    # the law of a layer is a mixture of Gaussians, one for each std that its codes have
    values, members = torch.unique(stds, return_counts=True)
    cumulative = torch.special.ndtr(edges[:, None] / values[None, :].clamp_min(1e-12))
    expected = (cumulative.diff(dim=0) * (members / members.sum())).sum(dim=1) / width
    return pd.DataFrame(
        {
            columns.LAYER: layer,
            columns.BIN_LEFT: edges[:-1].numpy(),
            columns.BIN_RIGHT: edges[1:].numpy(),
            columns.DENSITY: (counts / (len(sampled) * width)).numpy(),
            columns.CLOSED_FORM_DENSITY: expected.numpy(),
        }
    )


def _calibrate(
    deployed: DeployedNetwork, data: ImageData, *, sigma_ds: Sequence[float], seed: int, torch_device: str
) -> list[float]:
    """The calibration temperature at each sigma_d, from validation images on chips that no test image meets."""
    images = data.normalise(data.validation.images.to(torch_device)).contiguous(memory_format=torch.channels_last)
    outputs: list[list[Tensor]] = [[] for _ in sigma_ds]
    for instance in range(CALIBRATION_INSTANCES):
        deployed.draw(seed, instance, purpose="calibration_chip")
        for found, sigma_d in zip(outputs, sigma_ds, strict=True):
            if sigma_d or not found:
                deployed.program(sigma_d=sigma_d)
                found.append(deployed.logits(images))
    labels = data.validation.labels
    return [fit_temperature(torch.cat(found), labels.repeat(len(found))) for found in outputs]


def _measure(
    deployed: DeployedNetwork, images: Tensor, labels: Tensor, *, sigma_d: float, temperature: float
) -> Tensor:
    deployed.program(sigma_d=sigma_d)
    logits = deployed.logits(images)
    plain = Predictions.from_logits(logits, labels)
    calibrated = Predictions.from_logits(logits, labels, temperature=temperature)
    return torch.stack([metric.compute(calibrated if metric.calibrated else plain) for metric in METRICS.values()])


def _rows(instance: int, sigma_ds: Sequence[float], measured: Tensor, temperatures: Sequence[float]) -> pd.DataFrame:
    frame = pd.DataFrame(measured.double().numpy(), columns=list(METRICS))
    frame.insert(0, columns.SIGMA_D, list(sigma_ds))
    frame.insert(1, columns.INSTANCE, instance)
    frame[columns.CALIBRATION_TEMPERATURE] = list(temperatures)
    return frame


def _like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """The tensor on the parameter's torch device, laid out in memory as the parameter is."""
    return torch.empty_like(parameter).copy_(tensor)
