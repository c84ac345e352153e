"""Weight deviations layer by layer, beside their closed form."""

import pandas as pd
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.chips.sampling import draw_normals
from neft.networks.device_layers import device_weights, layer_name
from neft.seeding import generator

NUM_BINS = 61
BIN_EDGE = 5.0
"""Deviation histograms reach this many closed-form stds either side."""


def layer_deviations(
    network: nn.Module, law: ChipLaw, *, seed: int, num_instances: int = columns.SAMPLED_CHIPS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far each layer's sampled weights lie from their targets, beside the closed form.

    Deviations are proportional to sigma_d, so they are given over sigma_d w_max and hold for every sigma_d.

    Returns:
        A row per layer (weights, w_max, RMS weight, share of weights in the middle levels, realised and closed-form
        std), and a row per layer and bin (sampled and closed-form density).
    """
    weights = {name: weight.detach() for name, weight in device_weights(network).items()}
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
        layer = layer_name(name)
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
