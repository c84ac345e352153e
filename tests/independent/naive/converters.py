"""DACs and ADCs, value by value; layers between them, product by product."""

from collections.abc import Sequence
from math import floor

KINDS = {"Linear", "Conv1d", "Conv2d"}
"""Layers that are known here."""


def num_levels(bits: int, sides: int) -> int:
    """From 0 to the range: 2^b - 1 where values have one sign, 2^(b-1) - 1 where they have both."""
    return 2 ** (bits - 1) - 1 if sides == 0 else 2**bits - 1


def nearest_even(value: float) -> int:
    """The nearest whole number; of two as near the even one."""
    below = floor(value)
    rest = value - below
    return below if rest < 0.5 or (rest == 0.5 and below % 2 == 0) else below + 1


def convert(value: float, reach: float, bits: int, sides: int) -> float:
    """R round(n clip(v / R)) / n, clipped to [-1, 1], [0, 1] or [-1, 0] by the sides."""
    scaled = min(max(value / reach, 0.0 if sides > 0 else -1.0), 0.0 if sides < 0 else 1.0)
    levels = num_levels(bits, sides)
    return nearest_even(scaled * levels) / levels * reach


def gradients(value: float, reach: float, bits: int, sides: int) -> tuple[float, float]:
    """In v and in R, straight through the rounding (LSQ, Esser et al. 2020, Eq. 3)."""
    scaled = value / reach
    low, high = (0.0 if sides > 0 else -1.0), (0.0 if sides < 0 else 1.0)
    if scaled < low:
        return 0.0, low
    if scaled > high:
        return 0.0, high
    levels = num_levels(bits, sides)
    return 1.0, nearest_even(scaled * levels) / levels - scaled


def sides_of(values: Sequence[float]) -> int:
    """+1 where none is negative, -1 where none is positive, 0 otherwise."""
    return 1 if min(values) >= 0 else -1 if max(values) <= 0 else 0


def best_range(layers: Sequence[tuple[Sequence[float], int]], bits: int, tried: int) -> float:
    """Of so many ranges, evenly up to the largest magnitude, that of the least mean square error over the power."""
    peak = max(abs(value) for values, _ in layers for value in values)
    best, least = 0.0, float("inf")
    for step in range(1, tried + 1):
        reach, total = peak * step / tried, 0.0
        for values, sides in layers:
            power = sum(value**2 for value in values) / len(values)
            error = sum((convert(value, reach, bits, sides) - value) ** 2 for value in values) / len(values)
            total += error / power
        if total < least:
            best, least = reach, total
    return best


def linear(weight: Sequence[Sequence[float]], inputs: Sequence[float]) -> list[float]:
    """W x."""
    return [sum(w * x for w, x in zip(row, inputs, strict=True)) for row in weight]


Image = Sequence[Sequence[Sequence[float]]]


def conv2d(weight: Sequence[Image], image: Image, *, stride: int, padding: int) -> list[list[list[float]]]:
    """A convolution of one image [channels][rows][columns], zeros around it."""
    height, width = len(image[0]), len(image[0][0])
    tall, wide = len(weight[0][0]), len(weight[0][0][0])
    found: list[list[list[float]]] = []
    for kernel in weight:
        plane: list[list[float]] = []
        for top in range(-padding, height + padding - tall + 1, stride):
            line: list[float] = []
            for left in range(-padding, width + padding - wide + 1, stride):
                total = 0.0
                for channel, part in enumerate(kernel):
                    for i, taps in enumerate(part):
                        for j, tap in enumerate(taps):
                            y, x = top + i, left + j
                            if 0 <= y < height and 0 <= x < width:
                                total += tap * image[channel][y][x]
                line.append(total)
            plane.append(line)
        found.append(plane)
    return found
