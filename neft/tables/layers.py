"""Weight deviations, layer by layer."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from neft import columns
from neft.records import RunRecord


def scaled_deviations(
    runs: Sequence[tuple[RunRecord, pd.DataFrame, pd.DataFrame]], *, sigma_d: float, unit: Literal["w_max", "rms"]
) -> pd.DataFrame:
    """Histograms of several runs' weight deviations at one sigma_d.

    Args:
        runs: each run's record, layers and deviations (stored over sigma_d w_max, to which they are proportional).
        sigma_d: where to show them.
        unit: deviations over the layer's w_max, or over its RMS weight (1 = as large as a typical weight).
    """
    frames: list[pd.DataFrame] = []
    for record, layers, deviations in runs:
        known = layers.set_index(columns.LAYER)
        scale = pd.Series(sigma_d, index=known.index)
        if unit == "rms":
            scale = scale * known[columns.W_MAX] / known[columns.RMS_WEIGHT]
        factor = deviations[columns.LAYER].map(scale)
        scaled = deviations.assign(
            **{
                columns.VARIANT: record.facts.variant,
                columns.LABEL: record.facts.label,
                columns.LAYER: deviations[columns.LAYER].map(layer_label),
            }
        )
        for edge in (columns.BIN_LEFT, columns.BIN_RIGHT):
            scaled[edge] = scaled[edge] * factor
        for density in (columns.DENSITY, columns.CLOSED_FORM_DENSITY):
            scaled[density] = scaled[density] / factor
        frames.append(scaled)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def layer_table(runs: Sequence[tuple[RunRecord, pd.DataFrame]], *, sigma_d: float) -> pd.DataFrame:
    """A row per run and layer: asked and realised std at one sigma_d, over w_max and over the RMS weight."""
    frames: list[pd.DataFrame] = []
    for record, layers in runs:
        asked = layers[columns.CLOSED_FORM_STD] * sigma_d
        realised = layers[columns.REALISED_STD] * sigma_d
        ratio = layers[columns.W_MAX] / layers[columns.RMS_WEIGHT]
        frames.append(
            layers.assign(
                **{
                    columns.VARIANT: record.facts.variant,
                    columns.LABEL: record.facts.label,
                    columns.LAYER: layers[columns.LAYER].map(layer_label),
                    columns.CLOSED_FORM_STD: asked,
                    columns.REALISED_STD: realised,
                    "deviation_to_weight": realised * ratio,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def deviation_ratios(layers: pd.DataFrame) -> pd.DataFrame:
    """Per variant how large a typical deviation is beside a typical weight (RMS over RMS), as the mean over layers."""
    grouped = layers.groupby([columns.VARIANT, columns.LABEL], sort=False)["deviation_to_weight"].mean()
    return grouped.rename(columns.MEAN).reset_index()


def layer_label(layer: str) -> str:
    """A layer's name for people: where it stands in the network.

    >>> layer_label("stages.1.0.conv"), layer_label("stages.2.0.first.conv"), layer_label("classifier.3")
    ('stage 2 conv', 'stage 3 block 1 first', 'classifier 3')
    """
    words: list[str] = []
    parts = layer.split(".")
    if parts[0] != "stages":
        return " ".join(parts)
    words.append(f"stage {int(parts[1]) + 1}")
    inner = parts[2:]
    if any(name in inner for name in ("first", "second", "shortcut")):
        words += [f"block {int(inner[0]) + 1}", inner[1]]
    elif "conv" in inner:
        words.append("conv")
    return " ".join(words)
