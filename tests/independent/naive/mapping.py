"""From a layer's weights to the conductances that its devices aim at, and back: weight by weight, device by device.

A layer is a list of rows, one an output channel, of its weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

Rows = list[list[float]]


@dataclass(frozen=True)
class Plan:
    """How a layer is mapped."""

    weight_bits: int = 8
    device_bits: int = 2
    base: int | None = None
    scale: str = "layer"
    sign: str = "crossbar"
    rotation: str = "none"
    clip_for: float = 0.0
    on_off_ratio: float | None = None
    copies: int = 1
    turning_signs: tuple[float, ...] = ()
    """D of the rotation, one a column."""

    @property
    def max_level(self) -> int:
        """2^K - 1."""
        return 2**self.device_bits - 1

    @property
    def significance(self) -> list[int]:
        """b^j of the L = M/K slices; b = 2^K in plain bit slicing (NeFT, Eq. 4; Le Gallo et al. 2022, Eq. 8)."""
        base = 2**self.device_bits if self.base is None else self.base
        return [base**j for j in range(self.weight_bits // self.device_bits)]

    @property
    def max_code(self) -> int:
        """(2^K - 1) sum_j b^j, which is 2^M - 1 in plain bit slicing."""
        return self.max_level * sum(self.significance)

    @property
    def lowest(self) -> float:
        """Level 0's conductance over the highest: 1/r."""
        return 0.0 if self.on_off_ratio is None else 1.0 / self.on_off_ratio

    @property
    def factor(self) -> float:
        """std(W_p - W_d) over (sigma_d w_max) of one set whose levels all miss alike; NeFT, Eq. 5.

        A device's error has std sigma_d (2^K - 1) in level units, as sigma_d is relative to the maximal conductance.
        """
        return sqrt(sum((self.max_level * step) ** 2 for step in self.significance)) / self.max_code

    def conductance(self, level: int) -> float:
        """Of a level, over the maximal one: from 1/r to 1 in equal steps."""
        return self.lowest + (1 - self.lowest) * level / self.max_level


def levels(code: int, plan: Plan) -> list[int]:
    """A code on its devices, least significant first: digits; or greedy from the top; or dealt out where b = 1."""
    steps = plan.significance
    if plan.base == 1:
        found = [0] * len(steps)
        for unit in range(code):
            found[-1 - unit % len(steps)] += 1
        return found
    left, found = code, [0] * len(steps)
    for j in reversed(range(len(steps))):
        found[j] = min(left // steps[j], plan.max_level)
        left -= found[j] * steps[j]
    assert left == 0
    return found


# ---------------------------------------------------------------- sign: magnitudes on device sets
@dataclass(frozen=True)
class SignScheme:
    """Of one weight: what its sets aim at and what each counts, given w_max; and what is added over w_max."""

    split: Callable[[float, float, bool], list[tuple[float, float]]]
    """From a weight, w_max and whether the layer is all <= 0 to pairs of magnitude and gain."""
    offset: float = 0.0


def _by_sign(weight: float, _maximum: float, _is_negative: bool) -> list[tuple[float, float]]:
    return [(abs(weight), -1.0 if weight < 0 else 1.0)]


def _one_sign(weight: float, _maximum: float, is_negative: bool) -> list[tuple[float, float]]:
    return [(abs(weight), -1.0 if is_negative else 1.0)]


SIGNS = {
    # NeFT, section 4.1: magnitude on one set, sign on a second crossbar that is taken to hold
    "crossbar": SignScheme(_by_sign),
    # w = g+ - g-, one of both idle; as in Joshi et al. 2020
    "differential": SignScheme(lambda weight, _m, _n: [(max(weight, 0.0), 1.0), (max(-weight, 0.0), -1.0)]),
    # g = (w + w_max) / 2, a reference subtracts w_max / 2: read back doubled
    "offset": SignScheme(lambda weight, maximum, _n: [((weight + maximum) / 2, 2.0)], offset=-1.0),
    # Garcia-Redondo et al., arXiv 1910.13850: one sign a layer
    "unipolar": SignScheme(_one_sign),
    # unipolar where a layer is; for the layers of these tests, which have both signs unless said otherwise, a crossbar
    "by_layer": SignScheme(_by_sign),
}


# ---------------------------------------------------------------- rotation
def blocks(size: int) -> list[int]:
    """The powers of two that a number of inputs is, largest first."""
    return [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]


def hadamard(size: int) -> Rows:
    """Sylvester's matrix of these inputs, block by block, orthonormal: (-1)^popcount(i & k) / sqrt(n)."""
    found = [[0.0] * size for _ in range(size)]
    start = 0
    for block in blocks(size):
        for i in range(block):
            for k in range(block):
                found[start + i][start + k] = (-1.0) ** (i & k).bit_count() / sqrt(block)
        start += block
    return found


def product(rows: Rows, matrix: Rows) -> Rows:
    """Rows times a matrix."""
    return [[sum(a * matrix[k][i] for k, a in enumerate(row)) for i in range(len(matrix[0]))] for row in rows]


def turned(rows: Rows, plan: Plan) -> Rows:
    """W D H."""
    if plan.rotation == "none":
        return rows
    signed = [[w * d for w, d in zip(row, plan.turning_signs, strict=True)] for row in rows]
    return product(signed, hadamard(len(rows[0])))


def turned_back(rows: Rows, plan: Plan) -> Rows:
    """W H^T D."""
    if plan.rotation == "none":
        return rows
    matrix = hadamard(len(rows[0]))
    transposed = [[matrix[k][i] for k in range(len(matrix))] for i in range(len(matrix))]
    return [[w * d for w, d in zip(row, plan.turning_signs, strict=True)] for row in product(rows, transposed)]


# ---------------------------------------------------------------- what a device's range stands for
def maxima(rows: Rows, plan: Plan, num_sets: int) -> list[float]:
    """Of every row: the largest magnitude of the layer or of its own, or what clipping leaves of it."""
    groups = rows if plan.scale == "channel" else [[weight for row in rows for weight in row]]
    found = [max(abs(weight) for weight in group) for group in groups]
    if plan.clip_for:
        gain = 2.0 if plan.sign == "offset" else 1.0
        std = plan.factor * gain / (1 - plan.lowest) / sqrt(plan.copies) * sqrt(num_sets) * plan.clip_for
        found = [best_clip(group, std) for group in groups]
    return found if plan.scale == "channel" else found * len(rows)


def best_clip(group: list[float], relative_std: float) -> float:
    """Argmin_a E(|w| - a)_+^2 + (c sigma_d a)^2: between neighbouring magnitudes the derivative is a straight line.

    With the k largest beyond a: sum_k (|w| - a) = n (c sigma_d)^2 a, so a = sum_k |w| / (n (c sigma_d)^2 + k).
    """
    ordered = sorted((abs(weight) for weight in group), reverse=True)
    beyond = 0.0
    for k, magnitude in enumerate(ordered, start=1):
        beyond += magnitude
        candidate = beyond / (len(ordered) * relative_std**2 + k)
        following = ordered[k] if k < len(ordered) else 0.0
        if following <= candidate <= magnitude:
            return candidate
    raise AssertionError


@dataclass(frozen=True)
class Laid:
    """A layer on its devices: by set, row and column what a weight aims at and counts."""

    turned: Rows
    maxima: list[float]
    codes: list[list[list[int]]]
    gains: list[Rows]


def lay(rows: Rows, plan: Plan) -> Laid:
    """Turned, scaled, clipped, split by sign, rounded to codes (NeFT, Eq. 4)."""
    num_sets = 2 if plan.sign == "differential" else 1
    laid = turned(rows, plan)
    largest = maxima(laid, plan, num_sets)
    laid = [[min(max(w, -top), top) for w in row] for row, top in zip(laid, largest, strict=True)]
    is_negative = all(weight <= 0 for row in laid for weight in row)
    codes = [[[0] * len(row) for row in laid] for _ in range(num_sets)]
    gains = [[[0.0] * len(row) for row in laid] for _ in range(num_sets)]
    for o, row in enumerate(laid):
        for i, weight in enumerate(row):
            for index, (magnitude, gain) in enumerate(SIGNS[plan.sign].split(weight, largest[o], is_negative)):
                codes[index][o][i] = round(magnitude / largest[o] * plan.max_code)
                gains[index][o][i] = gain
    return Laid(laid, largest, codes, gains)


Held = Callable[[int, int, int, int], list[tuple[float, float]]]
"""From copy, set, row and column to each slice's conductance and side (1, or -1 where it counts negative)."""


def read(laid: Laid, plan: Plan, held: Held) -> Rows:
    """The weights that the devices are read as: NeFT, Eq. 5, the mean over copies, turned back.

    A set is read as w_max sum_j b^j (g_j - 1/r) / (1 - 1/r) / sum_j b^j.
    """
    steps, span = plan.significance, 1 - plan.lowest
    found: Rows = []
    for o, top in enumerate(laid.maxima):
        row: list[float] = []
        for i in range(len(laid.turned[o])):
            total = SIGNS[plan.sign].offset * top
            for index in range(len(laid.codes)):
                for copy in range(plan.copies):
                    slices = held(copy, index, o, i)
                    parts = (s * side * (g - plan.lowest) / span for s, (g, side) in zip(steps, slices, strict=True))
                    total += laid.gains[index][o][i] * top * sum(parts) / sum(steps) / plan.copies
            row.append(total)
        found.append(row)
    return turned_back(found, plan)


def targets(rows: Rows, plan: Plan) -> Rows:
    """The weights without variation, W_d."""
    laid = lay(rows, plan)

    def held(_copy: int, index: int, o: int, i: int) -> list[tuple[float, float]]:
        return [(plan.conductance(level), 1.0) for level in levels(laid.codes[index][o][i], plan)]

    return read(laid, plan, held)


def stds(rows: Rows, plan: Plan, of_level: list[float], kind: Literal["exact", "turned"] = "exact") -> Rows:
    """std(W_p - W_d) at sigma_d = 1 of every weight: independent errors, so that variances add up.

    Args:
        rows: the layer.
        plan: how it is mapped.
        of_level: std of every level over (sigma_d x maximal conductance).
        kind: of the layer's own weights, or of the turned ones.
    """
    laid = lay(rows, plan)
    span = 1 - plan.lowest
    variances: Rows = []
    for o, top in enumerate(laid.maxima):
        row: list[float] = []
        for i in range(len(laid.turned[o])):
            variance = 0.0
            for index in range(len(laid.codes)):
                for step, level in zip(plan.significance, levels(laid.codes[index][o][i], plan), strict=True):
                    part = laid.gains[index][o][i] * top * step / sum(plan.significance) / span
                    variance += (part * of_level[level]) ** 2 / plan.copies
            row.append(variance)
        variances.append(row)
    if plan.rotation != "none" and kind == "exact":
        matrix = hadamard(len(rows[0]))
        squares = [[matrix[i][k] ** 2 for i in range(len(matrix))] for k in range(len(matrix))]
        variances = product(variances, squares)
    return [[sqrt(variance) for variance in row] for row in variances]
