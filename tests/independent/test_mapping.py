"""How weights sit on devices: what they aim at and how far they miss, weight by weight."""

from typing import get_args

import numpy as np
import pytest
import torch

from neft.chips.sampling import deploy
from neft.devices import Measured, Rram1
from neft.mapping.rotation import Rotation
from neft.mapping.signs import SIGNS
from neft.mapping.stack import Mapping, RotationName, ScaleOf
from tests.independent.naive import mapping as naive
from tests.independent.settings import FIELDS, a_layer, mappings, name_of, plan_of, tensor, turning_signs

GIVEN = (0.2, 0.4, 2.5, 1.0)
UNEVEN = Measured(stds=GIVEN)
MAPPINGS = list(mappings())


def test_every_part_of_a_mapping_has_an_independent_form() -> None:
    assert set(SIGNS) == set(naive.SIGNS), "write the new sign scheme in tests/independent/naive/mapping.py"
    assert set(get_args(ScaleOf)) == {"layer", "channel"}
    assert set(get_args(RotationName)) == {"none", "hadamard"}
    assert set(Mapping.model_fields) == FIELDS, "give the naive mapping the new setting"


def test_every_part_is_tried() -> None:
    assert {one.sign for one in MAPPINGS} == set(SIGNS)
    assert {one.scale for one in MAPPINGS} == set(get_args(ScaleOf))
    assert {one.rotation for one in MAPPINGS} == set(get_args(RotationName))
    assert {bool(one.clip_for) for one in MAPPINGS} == {one.copies > 1 for one in MAPPINGS} == {True, False}


@pytest.mark.parametrize("bits", [(8, 2), (6, 2), (8, 1), (8, 4), (4, 4)], ids=str)
@pytest.mark.parametrize("base", [None, 1, 2])
def test_levels_of_every_code(bits: tuple[int, int], base: int | None) -> None:
    """NeFT, Eq. 4: g_j; with another base Le Gallo et al. 2022, Eq. 8. Levels come together to the code again."""
    mapping = Mapping(weight_bits=bits[0], device_bits=bits[1], significance_base=base)
    plan = plan_of(mapping)
    codes = range(plan.max_code + 1)

    levels = mapping.slice_levels(torch.tensor(list(codes)))

    assert mapping.max_code == plan.max_code
    assert levels.T.tolist() == [naive.levels(code, plan) for code in codes]
    for code in codes:
        found = zip(naive.levels(code, plan), plan.significance, strict=True)
        assert sum(level * step for level, step in found) == code


@pytest.mark.parametrize("mapping", MAPPINGS, ids=name_of)
def test_targets(mapping: Mapping) -> None:
    """W_d of Eq. 4, through every part of the mapping."""
    weight = a_layer(mapping)
    expected = tensor(naive.targets(weight.tolist(), plan_of(mapping)))

    found = deploy({"layer": weight}, device=UNEVEN, mapping=mapping).targets["layer"]

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=name_of)
def test_stds(mapping: Mapping) -> None:
    """std(W_p - W_d): what the independent errors of all of a weight's devices add up to."""
    weight = a_layer(mapping)
    expected = tensor(naive.stds(weight.tolist(), plan_of(mapping), list(GIVEN)))

    found = deploy({"layer": weight}, device=UNEVEN, mapping=mapping).stds["layer"].expand(weight.shape)

    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=name_of)
def test_stds_where_all_levels_miss_alike(mapping: Mapping) -> None:
    """One number a layer or a channel: c times what the sign, the range and the copies make of it."""
    weight = a_layer(mapping)
    expected = tensor(naive.stds(weight.tolist(), plan_of(mapping), [1.0] * 4))

    found = deploy({"layer": weight}, device=Rram1(), mapping=mapping).stds["layer"].expand(weight.shape)

    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", ["layer", "channel"])
def test_a_turned_layers_deviation_of_the_same_normals(scale: ScaleOf) -> None:
    """The turned layer's devices miss; its own weights miss by what that is turned back."""
    mapping = Mapping(rotation="hadamard", scale=scale)
    weight, plan = a_layer(mapping), plan_of(mapping)
    normals = torch.randn(weight.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    stds = naive.stds(weight.tolist(), plan, list(GIVEN), "turned")
    missed = [[0.1 * s * z for s, z in zip(*pair, strict=True)] for pair in zip(stds, normals.tolist(), strict=True)]
    deployment = deploy({"layer": weight}, device=UNEVEN, mapping=mapping)

    found = deployment.chip({"layer": normals}, sigma_d=0.1)["layer"] - deployment.targets["layer"]

    torch.testing.assert_close(found, tensor(naive.turned_back(missed, plan)), rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13])
def test_rotation(size: int) -> None:
    """Sylvester's Hadamard matrix, entry by entry, and random signs; inputs turned likewise leave products alone."""
    signs = turning_signs(size)
    assert {round(abs(sign), 9) for sign in signs} == {1.0}
    weight = torch.tensor(np.random.default_rng(size).normal(size=(4, size)))
    plan = naive.Plan(rotation="hadamard", turning_signs=signs)

    turned = Rotation(size).turned(weight)

    torch.testing.assert_close(turned, tensor(naive.turned(weight.tolist(), plan)), rtol=0, atol=1e-12)
    torch.testing.assert_close(Rotation(size).turned_back(turned), weight, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        Rotation(size).turned_back(weight), tensor(naive.turned_back(weight.tolist(), plan)), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("groups", [1, 2])
def test_channels_of_a_transposed_convolution(groups: int) -> None:
    """Its weights are [inputs, outputs / groups, taps]: an output's largest weight is over its own group's inputs."""
    inputs, outputs, taps = 4, 6, 3
    weight = torch.tensor(np.random.default_rng(groups).normal(size=(inputs, outputs // groups, taps)))
    laid = Mapping(scale="channel").lay(weight, transposed_groups=groups)

    for i, j in np.ndindex(inputs, outputs // groups):
        group = i // (inputs // groups)
        mine = range(group * (inputs // groups), (group + 1) * (inputs // groups))
        largest = max(abs(float(weight[k, j, tap])) for k in mine for tap in range(taps))
        assert float(laid.maximum[i, j, 0]) == pytest.approx(largest, rel=1e-12)
