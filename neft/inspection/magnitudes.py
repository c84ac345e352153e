"""How a network's weights are spread over the magnitudes that devices hold, layer by layer."""

import pandas as pd
import torch
from torch import nn

from neft import columns
from neft.networks.device_layers import device_weights, layer_name

NUM_BINS = 40


@torch.no_grad()
def magnitude_histograms(network: nn.Module) -> pd.DataFrame:
    """A row per layer and bin of abs(w)/w_max from 0 to 1: its density, and how many weights the layer has.

    A layer of zeros alone has them all in its first bin.
    """
    edges = torch.linspace(0, 1, NUM_BINS + 1, dtype=torch.float64)
    frames: list[pd.DataFrame] = []
    for name, weight in device_weights(network).items():
        magnitudes = weight.detach().double().abs().flatten().cpu()
        magnitudes = magnitudes / magnitudes.amax().clamp_min(torch.finfo(torch.float64).tiny)
        counts = torch.histogram(magnitudes, bins=edges).hist
        frames.append(
            pd.DataFrame(
                {
                    columns.LAYER: layer_name(name),
                    columns.BIN_LEFT: edges[:-1].numpy(),
                    columns.BIN_RIGHT: edges[1:].numpy(),
                    columns.DENSITY: (counts * NUM_BINS / len(magnitudes)).numpy(),
                    columns.NUM_WEIGHTS: len(magnitudes),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
