"""Weight deviations layer by layer, beside their closed form."""

from collections.abc import Collection

import pandas as pd
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw, draws_from
from neft.chips.misses import layer_misses
from neft.networks.device_layers import device_weights, layer_name, transposed_groups

NUM_BINS = 61
BIN_EDGE = 5.0
"""Deviation histograms reach this many closed-form stds either side."""


USUAL_SIGMA_D = 0.1
"""Where chips are looked at whose deviations do not simply grow with sigma_d."""


def layer_deviations(
    network: nn.Module,
    law: ChipLaw,
    *,
    seed: int,
    num_instances: int = columns.SAMPLED_CHIPS,
    sigma_d: float = USUAL_SIGMA_D,
    in_devices: Collection[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far each layer's sampled weights lie from their targets, beside the closed form.

    Deviations are given over sigma_d w_max. Gaussian ones are proportional to sigma_d and hold for every sigma_d; those
    of chips drawn device by device are of the sigma_d given, and have no closed-form density (NaN).

    Args:
        network: as it was trained.
        law: how chips are made.
        seed: where chips come from.
        num_instances: chips.
        sigma_d: device variation, > 0, of chips drawn device by device.
        in_devices: names of the parameters that lie in devices; those of layers that multiply where None.

    Returns:
        A row per layer (weights, w_max, RMS weight, share of weights in the middle levels, realised and closed-form
        std), and a row per layer and bin (sampled and closed-form density).
    """
    weights = {name: weight.detach() for name, weight in device_weights(network, in_devices).items()}
    deployment = law.deploy(weights, transposed_groups=transposed_groups(network))
    chips = [deployment.draw(draws_from(seed, "chip", instance)) for instance in range(num_instances)]
    layers: list[dict[str, float | int | str]] = []
    histograms: list[pd.DataFrame] = []
    for name, weight in weights.items():
        maximum = float(weight.abs().amax())
        found = [layer_misses(deployment, chip, name, maximum=maximum, sigma_d=sigma_d) for chip in chips]
        sampled, asked = torch.cat([one.realised for one in found]), found[0].asked
        magnitude = weight.abs() / maximum
        closed_form_std = float(asked.square().mean().sqrt())
        realised_std = float(sampled.square().mean().sqrt())
        layer = layer_name(name)
        layers.append(
            {
                columns.LAYER: layer,
                columns.NUM_WEIGHTS: weight.numel(),
                columns.W_MAX: maximum,
                columns.RMS_WEIGHT: float(weight.double().square().mean().sqrt()),
                columns.MIDDLE_SHARE: float(((magnitude > 0.25) & (magnitude < 0.75)).double().mean()),
                columns.REALISED_STD: realised_std,
                columns.CLOSED_FORM_STD: closed_form_std,
            }
        )
        is_gaussian = found[0].is_gaussian
        scale = closed_form_std if is_gaussian else realised_std
        histograms.append(_histogram(layer, sampled, asked if is_gaussian else None, scale))
    return pd.DataFrame(layers), pd.concat(histograms, ignore_index=True)


def _histogram(layer: str, sampled: Tensor, stds: Tensor | None, scale: float) -> pd.DataFrame:
    edges = torch.linspace(-BIN_EDGE * scale, BIN_EDGE * scale, NUM_BINS + 1, dtype=torch.float64)
    counts = torch.histogram(sampled, bins=edges).hist
    width = float(edges[1] - edges[0])
    expected = torch.full_like(counts, float("nan"))
    if stds is not None:  # the law of a layer is a mixture of Gaussians, one for each std that its codes have
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
