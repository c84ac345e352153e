"""What a network takes on a chip, counted a second time: layers' sizes and unit costs (Shafiee et al. 2016)."""

from dataclasses import dataclass
from math import ceil

ROWS = COLUMNS = ADC_COLUMNS = 128
SLICES, DEVICES_A_MAGNITUDE, STREAMED_BITS = 4, 2, 8
"""8-bit weights on 2-bit devices, a pair for the sign; inputs of 8 bits, one a read."""
AREA = {"device": 25.0 / 128**2, "column": 0.0391, "dac": 0.166, "adc": 1200.0, "shift_add": 60.0, "subtractor": 60.0}
"""In square micrometres, as the source's table has them."""
ENERGY = {
    "device": 30.0 / 128**2,
    "column": 0.000977,
    "dac": 0.391,
    "adc": 1.5625,
    "shift_add": 0.0195,
    "subtractor": 0.0195,
}
"""In picojoules an operation."""
Layer = tuple[int, int, int]
"""Outputs, inputs that an output sums, and how often it is read."""
MLP: list[Layer] = [(128, 64, 1), (128, 128, 1), (128, 128, 1), (128, 128, 1), (10, 128, 1)]
"""4 x 128 on digits of 8 x 8."""
VGG8: list[Layer] = [
    (16, 9, 64),
    (32, 16 * 9, 64),
    (64, 32 * 9, 16),
    (64, 64 * 9, 16),
    (128, 64 * 9, 4),
    (128, 128 * 9, 4),
    (256, 128, 1),
    (10, 256, 1),
]
"""Width 1/4: 16-32-P-64-64-P-128-128-P, 256, 10; images of 8 x 8, halved by each P."""


@dataclass(frozen=True)
class Taken:
    """Of a whole network, by part of the chip."""

    counts: dict[str, int]
    operations: dict[str, int]

    @property
    def areas(self) -> dict[str, float]:
        """In mm²."""
        return {part: count * AREA[part] * 1e-6 for part, count in self.counts.items()}

    @property
    def energies(self) -> dict[str, float]:
        """In nJ an inference."""
        return {part: count * ENERGY[part] * 1e-3 for part, count in self.operations.items()}


def taken(layers: list[Layer]) -> Taken:
    """With a bank of converters for each layer."""
    counts, operations = dict.fromkeys(AREA, 0), dict.fromkeys(AREA, 0)
    for outputs, inputs, places in layers:
        columns = outputs * SLICES * DEVICES_A_MAGNITUDE
        pieces = columns * ceil(inputs / ROWS)
        adcs = ceil(pieces / ADC_COLUMNS)
        reads = places * STREAMED_BITS
        own = {
            "device": columns * inputs,
            "column": pieces,
            "dac": inputs * ceil(columns / COLUMNS),
            "adc": adcs,
            "shift_add": ceil(adcs / 2),
            "subtractor": ceil(adcs / 2),
        }
        done = own | {"adc": pieces, "shift_add": pieces, "subtractor": pieces // 2}
        for part, count in own.items():
            counts[part] += count
            operations[part] += done[part] * reads
    return Taken(counts, operations)
