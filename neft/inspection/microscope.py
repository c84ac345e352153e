"""One weight down to its devices: what Eq. 4 and Eq. 5 of [Qin2025] do to a single number.

Eq. 4 gives a weight W a sign and an M-bit code, |W| / w_max rounded, spread over L = M/K devices; the device of slice j
holds the level g_j. Eq. 5 lets every device miss by a Gaussian dg_j of its own, with std sigma_d (2^K - 1) times the
level's std, and joins them again: W_p = W_d + s w_max / (2^M - 1) sum_j dg_j 2^{jK}.

Numbers are those of `neft.chips.sampling`, `neft.mapping` and `neft.devices`: nothing is computed here a second way.
"""

import torch
from torch import Tensor

from neft.chips.sampling import sample_slices
from neft.devices import BaseDevice
from neft.errors import ConfigError
from neft.inspection.sliced_weight import NUM_CHIPS, SlicedWeight
from neft.mapping.bit_slicing import BitSlicing
from neft.seeding import generator

SEED = 0
"""Where those chips come from: the microscope's own, not those of any evaluation, which draw weights, not slices."""


def slice_weight(
    weight: float,
    *,
    w_max: float,
    device: BaseDevice,
    mapping: BitSlicing,
    sigma_d: float,
    num_chips: int = NUM_CHIPS,
    seed: int = SEED,
) -> SlicedWeight:
    """Put one weight on its devices, and program them on many chips.

    Args:
        weight: W.
        w_max: the largest magnitude of its layer.
        device: the technology.
        mapping: the bit slicing.
        sigma_d: device variation, std over maximal conductance.
        num_chips: how many chips; number 7 stays the same while this does.
        seed: where they come from.

    Raises:
        ConfigError: |W| exceeds w_max; w_max is not positive; the device does not know so many bits.
    """
    if not (w_max > 0 and abs(weight) <= w_max):
        message = f"The weight W must lie in [-w_max, w_max], with w_max > 0; got W = {weight:g}, w_max = {w_max:g}."
        raise ConfigError(message)
    # the layer's largest weight stands beside it, so that w_max is what it is in the layer
    layer = torch.tensor([weight] * num_chips + [w_max], dtype=torch.float64)
    sampled = sample_slices(layer, device=device, mapping=mapping, sigma_d=sigma_d, rng=generator(seed, "microscope"))[
        :, :num_chips
    ]
    alone, maximum = layer[:1], layer[-1]
    codes = mapping.quantise(alone, maximum)
    levels = mapping.slice_levels(codes)[:, 0]
    level_stds = device.level_stds(mapping.device_bits)[levels.long()] * (sigma_d * mapping.max_level)
    sign = -1 if weight < 0 else 1
    return SlicedWeight(
        device_bits=mapping.device_bits,
        max_code=mapping.max_code,
        max_level=mapping.max_level,
        sigma_d=sigma_d,
        weight=weight,
        w_max=w_max,
        sign=sign,
        code=int(codes),
        target=float(mapping.dequantise(codes, alone.sign(), maximum)),
        std=float(device.code_stds(mapping)[int(codes)]) * sigma_d * w_max,
        levels=_integers(levels),
        significance=mapping.significance,
        level_stds=tuple(level_stds.tolist()),
        sampled=sampled.numpy(),
        programmed=(sign * (w_max / mapping.max_code) * mapping.join_levels(sampled)).numpy(),
    )


def _integers(values: Tensor) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
