"""Weight deviations, layer by layer."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.records import RunRecord
from neft.tables.intervals import crossed_interval
from neft.tables.variants import VARIANT_FACTS, facts_of, variant_facts

RATIO, NUM_SAMPLED, WITHIN = "ratio", "num_sampled", "within"
DEVIATION_TO_WEIGHT, LOWEST, HIGHEST = "deviation_to_weight", "lowest", "highest"
ALIKE = 0.1
"""Methods whose layers differ by no more than this share of their mean are drawn once."""
NORMAL_95 = 1.959964
"""The standard normal's 97.5 % quantile."""
SMALL = 0.1
"""Of w_max: a weight below it is called small."""
CONVERTER_COLUMNS = (
    columns.INPUT_RANGE,
    columns.INPUT_USED,
    columns.INPUT_CLIPPED,
    columns.OUTPUT_RANGE,
    columns.OUTPUT_USED,
    columns.OUTPUT_CLIPPED,
)
_LAW = (columns.BIN_LEFT, columns.BIN_RIGHT, columns.CLOSED_FORM_DENSITY)


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
                **variant_facts(record),
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
                    **variant_facts(record),
                    columns.LAYER: layers[columns.LAYER].map(layer_label),
                    columns.CLOSED_FORM_STD: asked,
                    columns.REALISED_STD: realised,
                    DEVIATION_TO_WEIGHT: realised * ratio,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def deviation_ratios(layers: pd.DataFrame) -> pd.DataFrame:
    """Per variant how large a typical deviation is beside a typical weight (RMS over RMS), as the mean over layers."""
    grouped = layers.groupby(list(VARIANT_FACTS), sort=False)[DEVIATION_TO_WEIGHT].mean()
    return grouped.rename(columns.MEAN).reset_index()


def noise_audit(runs: Sequence[tuple[RunRecord, pd.DataFrame, pd.DataFrame]], *, sigma_d: float) -> pd.DataFrame:
    """A row per run and layer: realised over asked std, and within what it lies in 95 % of samples if the law holds.

    The std of n deviations of kurtosis k errs by sqrt((k - 1) / (4 n)) of itself, 1 / sqrt(2 n) for a Gaussian; k is
    that of the closed form, a mixture of Gaussians where levels miss by different amounts.

    Args:
        runs: each run's record, layers and deviations.
        sigma_d: where the stds are given.
    """
    frames: list[pd.DataFrame] = []
    for record, layers, deviations in runs:
        found = layer_table([(record, layers)], sigma_d=sigma_d)
        kurtoses = deviations.groupby(columns.LAYER, sort=False)[list(_LAW)].apply(_kurtosis)
        num_sampled = columns.SAMPLED_CHIPS * layers[columns.NUM_WEIGHTS]
        half = NORMAL_95 * ((layers[columns.LAYER].map(kurtoses) - 1) / (4 * num_sampled)) ** 0.5
        ratio = layers[columns.REALISED_STD] / layers[columns.CLOSED_FORM_STD]
        frames.append(
            found.assign(
                **{
                    columns.RUN_ID: record.id,
                    RATIO: ratio,
                    columns.CI95: half,
                    NUM_SAMPLED: num_sampled,
                    WITHIN: (ratio - 1).abs() <= half,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def weight_sizes(layers: pd.DataFrame) -> pd.DataFrame:
    """A row per variant and layer: RMS weight over the largest, with its interval over trainings, and shares.

    Args:
        layers: of several runs, from `layer_table`.
    """
    rows: list[dict[str, object]] = []
    for (_, layer), cell in layers.groupby([columns.VARIANT, columns.LAYER], sort=False):
        ratios = (cell[columns.RMS_WEIGHT] / cell[columns.W_MAX]).to_numpy(dtype=float)
        interval = crossed_interval(ratios[:, None])
        half = 0.0 if np.isnan(interval.ci95) else interval.ci95
        rows.append(
            {
                **facts_of(cell),
                columns.LAYER: layer,
                columns.MEAN: interval.mean,
                columns.CI95: interval.ci95,
                columns.LOWER: interval.mean - half,
                columns.UPPER: interval.mean + half,
                columns.MIDDLE_SHARE: float(cell[columns.MIDDLE_SHARE].mean()),
                DEVIATION_TO_WEIGHT: float(cell[DEVIATION_TO_WEIGHT].mean()),
                columns.NUM_WEIGHTS: int(cell[columns.NUM_WEIGHTS].iloc[0]),
                columns.NUM_SEEDS: interval.num_seeds,
            }
        )
    return pd.DataFrame(rows)


def layers_over_methods(sizes: pd.DataFrame) -> pd.DataFrame:
    """A row per layer: a typical deviation over a typical weight, as the mean, lowest and highest of methods.

    Args:
        sizes: from `weight_sizes`.
    """
    if sizes.empty:
        return pd.DataFrame(columns=[columns.LAYER, columns.MEAN, LOWEST, HIGHEST])
    grouped = sizes.groupby(columns.LAYER, sort=False)[DEVIATION_TO_WEIGHT].agg(["mean", "min", "max"])
    return grouped.set_axis([columns.MEAN, LOWEST, HIGHEST], axis=1).reset_index()


def spread_over_methods(layers: pd.DataFrame) -> float:
    """By what share of its mean methods differ in the layer in which they differ the most; 0 without layers.

    Args:
        layers: from `layers_over_methods`.
    """
    spread = (layers[HIGHEST] - layers[LOWEST]) / layers[columns.MEAN]
    return float(spread.max()) if len(layers) else 0.0


def _kurtosis(law: pd.DataFrame) -> float:
    """The fourth moment of a density that is symmetric around 0, over its squared variance."""
    centres = (law[columns.BIN_LEFT] + law[columns.BIN_RIGHT]) / 2
    shares = law[columns.CLOSED_FORM_DENSITY] * (law[columns.BIN_RIGHT] - law[columns.BIN_LEFT])
    shares = shares / shares.sum()
    return float((shares * centres**4).sum() / (shares * centres**2).sum() ** 2)


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


def small_share(histograms: pd.DataFrame) -> float:
    """The share of all weights that are below `SMALL` of their layer's largest.

    Args:
        histograms: from `neft.inspection.magnitudes`.
    """
    widths = histograms[columns.BIN_RIGHT] - histograms[columns.BIN_LEFT]
    counts = histograms[columns.DENSITY] * histograms[columns.NUM_WEIGHTS] * widths
    is_small = histograms[columns.BIN_RIGHT] <= SMALL + 1e-9
    return float(counts[is_small].sum() / counts.sum())


def converter_table(layers: pd.DataFrame) -> pd.DataFrame:
    """How the converters of each layer are used, from the input to the output; empty of a run without converters.

    Args:
        layers: as stored with the run.

    Returns:
        A row per layer: its name, and of the ends that have converters the range, the peak over it, and the share of
        values beyond it.
    """
    found = [name for name in CONVERTER_COLUMNS if name in layers]
    if not found:
        return pd.DataFrame()
    return layers[found].assign(**{columns.LAYER: layers[columns.LAYER].map(layer_label)})[[columns.LAYER, *found]]
