"""One chip of an evaluation: where it stands among the others, and which images it flips.

An evaluation's mean hides its chips. Each of them can be made again from the run's chip seed (`opened_chips`), and then
says which of its weights missed (`chip_errors`) and which answers that changed (`image_outcomes`). Here stand the
tables of that; torch is not needed.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd

from neft import columns
from neft.errors import ConfigError

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


# ---------------------------------------------------------------- predictions: of `image_outcomes.image_predictions`
def chip_accuracy(predictions: pd.DataFrame) -> float:
    """The share of images that the chip has right."""
    return float((predictions[columns.CHIP_CLASS] == predictions[columns.TRUE_CLASS]).mean())


def changed(predictions: pd.DataFrame, change: str) -> pd.DataFrame:
    """The images that the chip flips (or mends), those first of which it is surest."""
    rows = predictions[predictions[columns.CHANGE] == change]
    return rows.sort_values(columns.CHIP_CONFIDENCE, ascending=False, kind="stable", ignore_index=True)


def commonest_flip(predictions: pd.DataFrame) -> tuple[int, int, int] | None:
    """The commonest (true class, class that the chip predicts, count) of flipped images; None where none is flipped."""
    flips = predictions[predictions[columns.CHANGE] == FLIPPED]
    if flips.empty:
        return None
    counts = flips.groupby([columns.TRUE_CLASS, columns.CHIP_CLASS]).size().sort_values(ascending=False, kind="stable")
    true, predicted = counts.index[0]
    return int(true), int(predicted), int(counts.iloc[0])


def confusion(predictions: pd.DataFrame, *, num_classes: int) -> pd.DataFrame:
    """A row per pair of true and predicted class: how many images the clean network and the chip put there.

    `difference` is chip - clean: positive beside the diagonal is confusion that the chip adds.
    """
    pairs = pd.MultiIndex.from_product([range(num_classes)] * 2, names=[columns.TRUE_CLASS, columns.PREDICTED_CLASS])
    table = pd.DataFrame(
        {
            count: predictions.groupby([columns.TRUE_CLASS, column]).size().rename_axis(pairs.names).reindex(pairs)
            for count, column in ((columns.CLEAN_COUNT, columns.CLEAN_CLASS), (columns.CHIP_COUNT, columns.CHIP_CLASS))
        }
    )
    table = table.fillna(0).astype(int)
    table[columns.DIFFERENCE] = table[columns.CHIP_COUNT] - table[columns.CLEAN_COUNT]
    return table.reset_index()
