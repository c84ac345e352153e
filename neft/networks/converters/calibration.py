"""Ranges from what passes: those at which converting changes it least, by the mean square; and how they are used."""

from collections.abc import Callable

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neft import columns
from neft.networks.converters.ranges import INPUTS, OUTPUTS, R_W, Ranges
from neft.networks.converters.rounding import convert
from neft.networks.converters.watching import Seen, Watch
from neft.networks.device_layers import layer_name

TRIED = 64
"""Ranges that are tried, evenly up to the largest magnitude."""
SMALLEST = 1e-12
"""A range, where nothing but zeros passes."""


def calibrate(ranges: Ranges, run: Callable[[], object]) -> None:
    """Set all ranges to those at which converting changes what passes least, by the mean square.

    With uniform scaling it is the layers' mean of the square error over the mean square of what passes, so that layers
    of small values count as others do.

    Args:
        ranges: are changed; `largest_weights` are to be the network's already.
        run: runs the network on the images to calibrate on.
    """
    watch = Watch(converts=False, keeps=True)
    with ranges.watched(watch), torch.no_grad():
        _ = run()
    largest = ranges.get_buffer("largest_weights")
    for end, parameter, sides in (
        (INPUTS, "input_ranges", "input_sides"),
        (OUTPUTS, "output_ranges", "output_sides"),
    ):
        bits = ranges.bits(end)
        if bits is None:
            continue
        seen = [watch.seen[end, layer] for layer in range(len(ranges.layers))]
        _ = ranges.get_buffer(sides).copy_(torch.tensor([one.sides for one in seen]))
        is_scaled = end == OUTPUTS and ranges.settings.are_shared
        units = (largest / R_W).tolist() if is_scaled else [1.0] * len(seen)
        if ranges.settings.are_shared:
            found = [_best(list(zip(seen, units, strict=True)), bits)]
        else:
            found = [_best([(one, 1.0)], bits) for one in seen]
        with torch.no_grad():
            _ = ranges.get_parameter(parameter).copy_(torch.tensor(found).clamp_min(SMALLEST).log())


def range_use(ranges: Ranges, run: Callable[[], object]) -> pd.DataFrame:
    """How much of each converter's range is used, and what share of values lies beyond it.

    Args:
        ranges: of the network that `run` runs.
        run: runs the network on the images to look at.

    Returns:
        A row per layer: `layer`, and of each end that has converters its range (in the units of what passes), the
        largest magnitude over it, and the share of values beyond it.
    """
    watch = Watch(converts=True)
    with ranges.watched(watch), torch.no_grad():
        _ = run()
    rows: list[dict[str, float | str]] = []
    for layer, name in enumerate(ranges.layers):
        row: dict[str, float | str] = {columns.LAYER: layer_name(name)}
        for end, names in (
            (INPUTS, (columns.INPUT_RANGE, columns.INPUT_USED, columns.INPUT_CLIPPED)),
            (OUTPUTS, (columns.OUTPUT_RANGE, columns.OUTPUT_USED, columns.OUTPUT_CLIPPED)),
        ):
            if ranges.bits(end) is not None:
                seen, reach = watch.seen[end, layer], float(ranges.reach(end, layer).detach())
                row |= dict(zip(names, (reach, seen.peak / reach, seen.beyond / seen.count), strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


def _best(layers: list[tuple[Seen, float]], bits: int) -> float:
    """The range of the least error, in units of the layers' own."""
    samples = [(torch.cat(seen.values) / unit, torch.tensor(seen.sides)) for seen, unit in layers]
    largest = max(seen.peak / unit for seen, unit in layers)
    if not largest:
        return SMALLEST
    tried = [largest * step / TRIED for step in range(1, TRIED + 1)]
    errors = [sum(_error(values, reach, bits, sides) for values, sides in samples) for reach in tried]
    return tried[errors.index(min(errors))]


def _error(values: Float[Tensor, " values"], reach: float, bits: int, sides: Float[Tensor, ""]) -> float:
    """The square error over the mean square."""
    power = float(values.square().mean())
    if not power:
        return 0.0
    converted = convert(values, torch.tensor(reach, dtype=values.dtype), bits=bits, sides=sides)
    return float((converted - values).square().mean()) / power
