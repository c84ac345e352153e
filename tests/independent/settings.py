"""Mappings and layers to try, in the package's form and in the naive one."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neft.component import build
from neft.mapping.rotation import Rotation
from neft.mapping.stack import Mapping
from tests.independent.naive.mapping import SIGNS, Plan

NUM_OUTPUTS, NUM_INPUTS = 3, 6
"""Of a layer: inputs are no power of two, so that a rotation has two blocks."""
FIELDS = {
    "weight_bits",
    "device_bits",
    "significance_base",
    "scale",
    "sign",
    "rotation",
    "clip_for",
    "on_off_ratio",
    "copies",
}
"""Every setting of a mapping that is known here."""


def mappings() -> Iterator[Mapping]:
    """Every sign with every scale, rotation and base, and further settings in turns."""
    bases: list[dict[str, Any]] = [
        {"weight_bits": 8, "device_bits": 2},
        {"weight_bits": 8, "device_bits": 2, "significance_base": 2},
        {"weight_bits": 6, "device_bits": 2, "significance_base": 1},
    ]
    further: itertools.cycle[dict[str, Any]] = itertools.cycle(
        [
            {},
            {"clip_for": 0.2},
            {"on_off_ratio": 12.5},
            {"copies": 2},
            {"copies": 3, "on_off_ratio": 30.0, "clip_for": 0.4},
        ]
    )
    for sign, scale, rotation, base in itertools.product(SIGNS, ("layer", "channel"), ("none", "hadamard"), bases):
        if sign == "unipolar" and rotation == "hadamard":
            continue  # a turned layer has both signs
        yield build(Mapping, {"sign": sign, "scale": scale, "rotation": rotation} | base | next(further))


def plan_of(mapping: Mapping) -> Plan:
    """The naive form; D of a rotation is read off the package's, which only has to be signs."""
    signs: tuple[float, ...] = ()
    if mapping.rotation == "hadamard":
        signs = turning_signs(NUM_INPUTS)
    settings = {name: getattr(mapping, name) for name in FIELDS - {"significance_base"}}
    return Plan(base=mapping.significance_base, turning_signs=signs, **settings)


def turning_signs(num_inputs: int) -> tuple[float, ...]:
    """D: a turned unit vector begins its block with D / sqrt(block), as a Hadamard matrix's first column is 1."""
    turned = Rotation(num_inputs).turned(torch.eye(num_inputs, dtype=torch.float64))
    found: list[float] = []
    start = 0
    for block in Rotation(num_inputs).blocks:
        found += [float(turned[start + i, start]) * block**0.5 for i in range(block)]
        start += block
    return tuple(found)


def tensor(rows: list[list[float]]) -> Tensor:
    """In float64."""
    return torch.tensor(rows, dtype=torch.float64)


def a_layer(mapping: Mapping, seed: int = 0) -> Tensor:
    """Weights in float64; of one sign where the mapping takes no other."""
    weights = np.random.default_rng(seed).normal(size=(NUM_OUTPUTS, NUM_INPUTS))
    return torch.tensor(-abs(weights) if mapping.sign == "unipolar" else weights)


def name_of(mapping: Mapping) -> str:
    """For a test's id."""
    return "-".join(str(getattr(mapping, name)) for name in ("sign", "scale", "rotation", "significance_base"))
