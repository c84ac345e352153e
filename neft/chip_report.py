"""One chip of an evaluation: where it stands among the others, how far its weights miss, which images it flips.

An evaluation's mean hides its chips. Each of them can be made again from the run's chip seed, and then says which of
its weights missed and which answers that changed.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from neft import columns
from neft.device_layers import device_weights, layer_name
from neft.errors import ConfigError, unknown_name
from neft.metrics import Predictions
from neft.montecarlo import ChipLaw
from neft.noise import draw_normals, rms
from neft.seeding import generator

Unit = Literal["w_max", "rms"]
FLIPPED, MENDED, KEPT = "flipped", "mended", "kept"


@dataclass(frozen=True)
class ErrorMap:
    """The deviations of one layer's weights, as a matrix of outputs by inputs."""

    cells: pd.DataFrame
    """A row per block of outputs, a column per block of inputs (of convolutions: inputs x kernel), named by their
    first; a deviation where a block is one weight, else the RMS deviation of its weights."""
    block: tuple[int, int]
    """Outputs and inputs of one cell; the last ones may have fewer."""

    @property
    def is_signed(self) -> bool:
        """Whether each cell is one weight."""
        return self.block == (1, 1)


# ---------------------------------------------------------------- where it stands
def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """An evaluation's chips at one sigma_d in order of accuracy, worst first; of equal ones the lower number first.

    Args:
        rows: instance, accuracy; a row per chip.

    Returns:
        instance, accuracy, rank (1 … C), share (rank / C: of the chips so far).
    """
    ordered = rows[[columns.INSTANCE, columns.ACCURACY]].sort_values(
        [columns.ACCURACY, columns.INSTANCE], ignore_index=True
    )
    rank = np.arange(1, len(ordered) + 1)
    return ordered.assign(**{columns.RANK: rank, columns.SHARE: rank / max(len(ordered), 1)})


def percentile_rank(percentile: float | int, num_chips: int) -> int:
    """The rank of the p-th percentile chip: ceil(p C / 100) of C, at least 1 (nearest rank: always a chip there is).

    Summaries of runs interpolate between two chips instead, which no one can open.

    Raises:
        ConfigError: the percentile lies outside 0 … 100, or there are no chips.

    >>> percentile_rank(1, 200), percentile_rank(50, 200), percentile_rank(0, 200), percentile_rank(100, 200)
    (2, 100, 1, 200)
    """
    if not 0 <= percentile <= 100 or num_chips < 1:
        message = f"A percentile must lie in [0, 100], of at least one chip; got {percentile} of {num_chips}."
        raise ConfigError(message)
    return max(1, ceil(percentile * num_chips / 100))


# ---------------------------------------------------------------- what it says
def answers(
    clean: Float[Tensor, "images classes"],
    chip: Float[Tensor, "images classes"],
    labels: Int[Tensor, " images"],
) -> pd.DataFrame:
    """A row per image: what the clean network and the chip say of it, how surely, and whether that changed."""
    before, after = Predictions.from_logits(clean, labels), Predictions.from_logits(chip, labels)
    lost = (before.correct & ~after.correct).numpy()
    won = (~before.correct & after.correct).numpy()
    return pd.DataFrame(
        {
            columns.IMAGE: np.arange(len(labels)),
            columns.TRUE_CLASS: labels.numpy(),
            columns.CLEAN_CLASS: before.log_probabilities.argmax(dim=1).numpy(),
            columns.CLEAN_CONFIDENCE: before.confidence.numpy(),
            columns.CHIP_CLASS: after.log_probabilities.argmax(dim=1).numpy(),
            columns.CHIP_CONFIDENCE: after.confidence.numpy(),
            columns.CHANGE: np.where(lost, FLIPPED, np.where(won, MENDED, KEPT)),
        }
    )


def chip_accuracy(said: pd.DataFrame) -> float:
    """The share of images that the chip has right."""
    return float((said[columns.CHIP_CLASS] == said[columns.TRUE_CLASS]).mean())


def changed(said: pd.DataFrame, change: str) -> pd.DataFrame:
    """The images that the chip flips (or mends), those first of which it is surest."""
    rows = said[said[columns.CHANGE] == change]
    return rows.sort_values(columns.CHIP_CONFIDENCE, ascending=False, kind="stable", ignore_index=True)


def commonest_flip(said: pd.DataFrame) -> tuple[int, int, int] | None:
    """The commonest (true class, class that the chip says, count) of flipped images; None where none is flipped."""
    flips = said[said[columns.CHANGE] == FLIPPED]
    if flips.empty:
        return None
    counts = flips.groupby([columns.TRUE_CLASS, columns.CHIP_CLASS]).size().sort_values(ascending=False, kind="stable")
    true, told = counts.index[0]
    return int(true), int(told), int(counts.iloc[0])


def confusion(said: pd.DataFrame, *, num_classes: int) -> pd.DataFrame:
    """A row per pair of true and said class: how many images the clean network and the chip put there.

    `difference` is chip - clean: positive beside the diagonal is confusion that the chip adds.
    """
    pairs = pd.MultiIndex.from_product([range(num_classes)] * 2, names=[columns.TRUE_CLASS, columns.SAID_CLASS])
    table = pd.DataFrame(
        {
            count: said.groupby([columns.TRUE_CLASS, column]).size().rename_axis(pairs.names).reindex(pairs)
            for count, column in ((columns.CLEAN_COUNT, columns.CLEAN_CLASS), (columns.CHIP_COUNT, columns.CHIP_CLASS))
        }
    )
    table = table.fillna(0).astype(int)
    table[columns.DIFFERENCE] = table[columns.CHIP_COUNT] - table[columns.CLEAN_COUNT]
    return table.reset_index()


# ---------------------------------------------------------------- how far its weights miss
def layer_errors(network: nn.Module, law: ChipLaw, *, seed: int, instance: int) -> pd.DataFrame:
    """How far one chip's weights miss, layer by layer, over sigma_d w_max, beside what the device model asks.

    Returns:
        layer, num_weights, w_max, rms_weight, realised_std (of this chip), closed_form_std; from the input down.
    """
    weights = _weights(network)
    deployment = law.deploy(weights)
    normals = draw_normals(weights, generator(seed, "chip", instance))
    rows: list[dict[str, float | int | str]] = []
    for name, weight in weights.items():
        maximum = float(weight.abs().amax())
        scale = maximum or 1.0  # a layer of zeros misses by nothing
        asked = deployment.stds[name].expand_as(weight) / scale
        rows.append(
            {
                columns.LAYER: layer_name(name),
                columns.NUM_WEIGHTS: weight.numel(),
                columns.W_MAX: maximum,
                columns.RMS_WEIGHT: rms([weight]),
                columns.REALISED_STD: rms([asked * normals[name]]),
                columns.CLOSED_FORM_STD: rms([asked]),
            }
        )
    return pd.DataFrame(rows)


def error_map(
    network: nn.Module,
    law: ChipLaw,
    *,
    layer: str,
    seed: int,
    instance: int,
    sigma_d: float,
    unit: Unit = "w_max",
    max_cells: tuple[int, int] = (64, 256),
) -> ErrorMap:
    """W_p - W_d of one layer of one chip (NeFT Eq. 5), as an image.

    Args:
        network: as it was trained, BatchNorm and all.
        law: how chips are made.
        layer: as `layer_errors` names it.
        seed: where chips come from.
        instance: the chip.
        sigma_d: device variation, std over maximal conductance.
        unit: deviations over the layer's w_max, or over its RMS weight (1 = as large as a typical weight).
        max_cells: the most rows and columns of the image; larger layers are summed up block by block.

    Raises:
        ConfigError: no such layer.
    """
    weights = _weights(network)
    names = {layer_name(name): name for name in weights}
    if layer not in names:
        error = unknown_name("layer", layer, names)
        raise error
    name = names[layer]
    weight, std = weights[name], law.deploy({name: weights[name]}).stds[name]
    normals = draw_normals(weights, generator(seed, "chip", instance))[name]
    over = float(weight.abs().amax()) if unit == "w_max" else rms([weight])
    deviation = (sigma_d * std * normals / (over or 1.0)).flatten(1)
    rows, inputs = (ceil(size / most) for size, most in zip(deviation.shape, max_cells, strict=True))
    cells = deviation.numpy() if (rows, inputs) == (1, 1) else block_rms(deviation, rows=rows, inputs=inputs).numpy()
    frame = pd.DataFrame(cells)
    frame.index, frame.columns = rows * frame.index, inputs * frame.columns
    return ErrorMap(cells=frame, block=(rows, inputs))


def block_rms(
    matrix: Float[Tensor, "outputs inputs"], *, rows: int, inputs: int
) -> Float[Tensor, "blocks_of_outputs blocks_of_inputs"]:
    """Root mean square of each block of so many rows and inputs; the last ones take what is left."""
    squares = matrix.double().square()[None, None]
    # with ceil_mode a window that reaches over the edge is a mean of what lies within
    return avg_pool2d(squares, (rows, inputs), ceil_mode=True)[0, 0].sqrt().to(matrix)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in device_weights(network).items()}
