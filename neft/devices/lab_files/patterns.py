"""What columns of numbers without names look like: windows, targets, levels, readings in turn.

Decided on the first rows and columns; each answer is a guess that a user is told and may overrule.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neft.devices.lab_files.tables import ROWS, Column

Floats = NDArray[np.float64]
HELD = 64
"""Columns, the first, that are held against one another."""
MAX_LEVELS = 256
LONGEST_CYCLE = 64
INSIDE = 0.5
"""Of readings, the share that lies in its window, at least."""
EXPLAINED = 0.6
"""Of the readings' variance, what a level explains, at least."""
FOLLOWS = 0.5
"""The correlation of readings with what was aimed at, at least."""
SLOPE = 5.0
"""Readings are at most so many times what was aimed at, and at least as small a part."""
SLIPS = 0.8
"""Where rows are missing, a short cycle repeats less well than it does after some more rounds."""
REPEATS = 0.5
"""The correlation of readings with those a cycle later, at least."""


def window(columns: Sequence[Column]) -> tuple[Column, Column, Column] | None:
    """Two neighbours of which one is always lower, in few pairs, and a column that follows and mostly lies between."""
    best: tuple[float, tuple[Column, Column, Column]] | None = None
    columns = columns[:HELD]
    for low, high in pairwise(columns):
        one, other = low.numbers[:ROWS], high.numbers[:ROWS]
        if not (one < other).all():
            continue
        known, groups = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)
        if not 2 <= len(known) <= MAX_LEVELS or len(one) < 2 * len(known):
            continue
        for read in columns:
            if read in (low, high):
                continue
            values = read.numbers[:ROWS]
            share = float(((one <= values) & (values <= other)).mean())
            is_better = share >= INSIDE and (best is None or share > best[0])
            if is_better and share_explained(groups.astype(np.float64), values) >= EXPLAINED:
                best = share, (low, high, read)
    return None if best is None else best[1]


def along(aimed: Column, columns: Sequence[Column]) -> list[Column]:
    """Columns that rise with what was aimed at, and are about as large."""
    return [column for column in columns if _follows(aimed.numbers[:ROWS], column.numbers[:ROWS])]


def _follows(aimed: Floats, values: Floats) -> bool:
    both = np.isfinite(aimed) & np.isfinite(values)
    one, other = aimed[both], values[both]
    if len(one) < 4 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return False
    top = one >= np.quantile(one, 0.75)
    size = float(np.median(other[top]) / np.median(one[top])) if np.median(one[top]) else 0.0
    return float(np.corrcoef(one, other)[0, 1]) > FOLLOWS and 1 / SLOPE < size < SLOPE


def explained_by(level: Column, columns: Sequence[Column]) -> list[Column]:
    """Columns whose variance a level explains, the best first."""
    groups = level.numbers[:ROWS]
    told = [(share_explained(groups, column.numbers[:ROWS]), column) for column in columns]
    return [column for share, column in sorted(told, key=lambda pair: -pair[0]) if share >= EXPLAINED]


def share_explained(groups: Floats, values: Floats) -> float:
    """Of the variance of values, or of their logarithms where they span decades, the part between groups."""
    both = np.isfinite(groups) & np.isfinite(values)
    one, other = groups[both], _flattened(values[both])
    if len(one) < 4 or np.ptp(other) == 0:
        return 0.0
    _, places = np.unique(one, return_inverse=True)
    counts = np.bincount(places)
    if counts.min() < 2:
        return 0.0
    means = np.bincount(places, other) / counts
    return float(1 - ((other - means[places]) ** 2).mean() / other.var())


def stds_by_level(columns: Sequence[Column]) -> dict[str, str] | None:
    """Without a header: levels in order, each once, and beside them stds of g_max, or means and stds."""
    if not 2 <= len(columns) <= 3 or not _counts_up(columns[0].numbers):
        return None
    largest = np.ones(1) if len(columns) == 2 else np.abs(columns[1].numbers).max()
    last = columns[-1].numbers
    if not ((last >= 0) & (last <= largest)).all():
        return None
    roles = ("level", "std") if len(columns) == 2 else ("level", "mean", "std")
    return dict(zip(roles, (column.name for column in columns), strict=True))


def _counts_up(numbers: Floats) -> bool:
    return (
        2 <= len(numbers) <= MAX_LEVELS
        and np.array_equal(numbers, np.arange(len(numbers)) + numbers[0])
        and numbers[0] in (0, 1)
    )


def aimed_at(columns: Sequence[Column], measured: Sequence[Column] | None) -> tuple[str, Column, Column] | None:
    """A column of few numbers and one that follows it: as a target where they are about as large, else as a level."""
    columns = columns[:HELD]
    few = [column for column in columns if _is_few(column.numbers[:ROWS])]
    for aimed in few:
        reads = [column for column in (measured or columns) if column is not aimed and column not in few]
        following = along(aimed, reads)
        if following:
            return "target", aimed, following[0]
    for aimed in few:
        reads = [column for column in (measured or columns) if column is not aimed]
        whole = np.array_equal(aimed.known, np.round(aimed.known)) and aimed.known.min() >= 0
        read = explained_by(aimed, reads) if whole else []
        if read:
            return "level", aimed, read[0]
    return None


def _is_few(numbers: Floats) -> bool:
    known = numbers[np.isfinite(numbers)]
    distinct = len(np.unique(known))
    return 2 <= distinct <= MAX_LEVELS and len(known) >= 4 * distinct and set(np.unique(known)) != {0.0, 1.0}


def alike(columns: Sequence[Column]) -> list[Column]:
    """The last columns, as far as they are of one size and do not just count up."""
    kept: list[Column] = []
    largest = 0.0
    for column in reversed(columns):
        top = column.size
        if np.isnan(top):
            break
        if kept and not largest / 100 <= top <= largest * 100 and top > largest:
            break
        largest = max(largest, top)
        kept.append(column)
    return kept[::-1]


def most_different(columns: Sequence[Column]) -> Column | None:
    """The column with the most different numbers that is no address or clock; the last of several."""
    reads = [column for column in columns if not (np.diff(column.numbers[:ROWS]) >= 0).all() or len(columns) == 1]
    return max(reversed(reads), key=lambda column: len(np.unique(column.known[:ROWS])), default=None)


def cycle(values: Floats) -> int | None:
    """After how many readings they repeat; None where they do not, or just change slowly."""
    known = _flattened(values[np.isfinite(values)][:ROWS])
    longest = min(LONGEST_CYCLE, len(known) // 4)
    if longest < 2 or np.ptp(known) == 0:
        return None
    found = np.array([_repeats(known, length) for length in range(1, longest + 1)])
    best = float(found[1:].max())
    if best < REPEATS or found[0] > best - 0.2:
        return None
    return int(np.flatnonzero(found[1:] >= SLIPS * best)[0]) + 2


def _repeats(known: Floats, length: int) -> float:
    one, other = known[:-length], known[length:]
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) > 0 and np.ptp(other) > 0 else 0.0


def _flattened(values: Floats) -> Floats:
    """Logarithms of what is positive and spans more than a decade."""
    positive = len(values) > 0 and bool((values > 0).all())
    return np.log(values) if positive and values.max() > 10 * values.min() else values
