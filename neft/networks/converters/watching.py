"""What passes a network's converters while somebody looks: for calibration, and for how much of a range is used."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

SAMPLE = 8192
"""Values that are kept of a layer's end, of each batch at most."""


@dataclass
class Seen:
    """Of one end of one layer."""

    lowest: float = float("inf")
    highest: float = float("-inf")
    beyond: int = 0
    """Values outside the range."""
    count: int = 0
    values: list[Tensor] = field(default_factory=list[Tensor])
    """Evenly spread ones; their number is that of the batches times `SAMPLE` at most."""

    @property
    def sides(self) -> float:
        """+1 where no value is negative, -1 where none is positive, 0 where some are either."""
        return 1.0 if self.lowest >= 0 else -1.0 if self.highest <= 0 else 0.0

    @property
    def peak(self) -> float:
        """The largest magnitude."""
        return max(abs(self.lowest), abs(self.highest))


@dataclass
class Watch:
    """What was seen, by end and layer."""

    converts: bool
    """Whether values are converted meanwhile."""
    keeps: bool = False
    """Whether some of the values are kept."""
    seen: dict[tuple[str, int], Seen] = field(default_factory=dict[tuple[str, int], Seen])

    @torch.no_grad()
    def see(self, end: str, layer: int, values: Float[Tensor, "..."], reach: Float[Tensor, ""] | None) -> None:
        """Note these values.

        Args:
            end: inputs or outputs.
            layer: its place, from the input.
            values: before they are converted.
            reach: the converter's range; None where there is none.
        """
        found = self.seen.setdefault((end, layer), Seen())
        flat = values.detach().flatten()
        found.lowest = min(found.lowest, float(flat.amin()))
        found.highest = max(found.highest, float(flat.amax()))
        found.count += flat.numel()
        if reach is not None:
            found.beyond += int((flat.abs() > reach).sum())
        if self.keeps:
            found.values.append(flat[:: max(1, flat.numel() // SAMPLE)].clone())
