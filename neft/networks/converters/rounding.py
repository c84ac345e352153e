"""What a converter does to a value: clipped to its range, rounded to its levels; gradients go straight through.

With u = v / R, clipped to [lowest, highest], and n levels from 0 to R: R round(n u) / n. The gradient is 1 in v inside
the range and 0 outside; in R it is the rounding error inside and the sign outside ([Esser2020], Eq. 3).
"""

import torch
from jaxtyping import Float
from torch import Tensor


def num_levels(bits: int, sides: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Levels from 0 to the range: 2^b - 1 of a converter that sees one side only, 2^(b-1) - 1 of one that sees both.

    Args:
        bits: of the converter, at least 2.
        sides: +1 where values are never negative, -1 where never positive, 0 where they are both.
    """
    return torch.where(sides == 0, 2.0 ** (bits - 1) - 1, 2.0**bits - 1)


def convert(
    values: Float[Tensor, "..."], reach: Float[Tensor, ""], *, bits: int, sides: Float[Tensor, ""]
) -> Float[Tensor, "..."]:
    """The values as a converter passes them.

    Args:
        values: what comes in.
        reach: its range R, > 0, in the units of the values.
        bits: of the converter.
        sides: as of `num_levels`.
    """
    levels = num_levels(bits, sides)
    lowest, highest = -(sides <= 0).to(values), (sides >= 0).to(values)
    if not torch.is_grad_enabled():
        return (values / reach).clamp_(lowest, highest).mul_(levels).round_().div_(levels).mul_(reach)
    scaled = (values / reach).clamp(lowest, highest)
    rounded = (scaled * levels).round() / levels
    return (rounded.detach() + (scaled - scaled.detach())) * reach
