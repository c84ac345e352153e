"""Devices, samplers and laws against the equations."""

from typing import get_args

import numpy as np
import pytest
import torch

from neft.chips import laws
from neft.chips.laws import Law, RightCensored, Shift, Truncated
from neft.chips.sampling import Sampler, program, sample_slices
from neft.devices import DEVICES, BaseDevice, Measured
from neft.devices.conversion import UNITS, converted
from neft.devices.presets import PRESETS
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from tests.independent.naive import devices as naive
from tests.independent.naive import laws as naive_laws
from tests.independent.naive import mapping as naive_mapping
from tests.independent.settings import a_layer, mappings, plan_of, tensor

GIVEN = (0.2, 0.4, 2.5, 1.0)
SLICINGS = [BitSlicing(), BitSlicing(weight_bits=6), BitSlicing(significance_base=2), BitSlicing(significance_base=1)]
SIGMA_D = 0.13


def made(name: str) -> BaseDevice:
    """A device; a user's own with level stds that have no symmetry."""
    return Measured(stds=GIVEN) if DEVICES[name] is Measured else DEVICES[name]()


def plan(slicing: BitSlicing) -> naive_mapping.Plan:
    return naive_mapping.Plan(slicing.weight_bits, slicing.device_bits, slicing.significance_base)


def test_every_device_has_an_independent_form() -> None:
    assert set(DEVICES) == naive.NAMES, "write the new device's equation in tests/independent/naive/devices.py"


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_level_stds(name: str) -> None:
    """NeFT (doi 10.1109/TCAD.2025.3591409), released configuration: (1, s, s, 1) / n(s)."""
    assert made(name).level_stds(2).tolist() == pytest.approx(naive.level_stds(name, 4, GIVEN), rel=1e-6)


@pytest.mark.parametrize("slicing", SLICINGS, ids=str)
@pytest.mark.parametrize("name", sorted(DEVICES))
def test_std_of_every_code(name: str, slicing: BitSlicing) -> None:
    """NeFT, Eq. 5, device by device: the variances of a code's slices add up."""
    of_level, chosen = naive.level_stds(name, 4, GIVEN), plan(slicing)
    expected = [
        sum(
            (of_level[level] * chosen.max_level * step / chosen.max_code) ** 2
            for level, step in zip(naive_mapping.levels(code, chosen), chosen.significance, strict=True)
        )
        ** 0.5
        for code in range(chosen.max_code + 1)
    ]

    assert made(name).code_stds(slicing).tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_one_factor(name: str) -> None:
    """NeFT, released code: s where 0.25 < |W| / w_max < 0.75."""
    magnitudes = [0.0, 0.1, 0.25, 0.2501, 0.4, 0.5, 0.7499, 0.75, 0.9, 1.0]
    slicing = BitSlicing()
    expected = [naive.one_factor(name, x, plan(slicing).factor, GIVEN) for x in magnitudes]

    found = made(name).one_factor(torch.tensor(magnitudes, dtype=torch.float64), slicing)

    assert torch.as_tensor(found).expand(len(magnitudes)).tolist() == pytest.approx(expected, rel=1e-6)


def test_every_sampler_is_tried_here() -> None:
    assert set(get_args(Sampler)) == {"exact", "one_factor"}


@pytest.mark.parametrize("sampler", get_args(Sampler))
@pytest.mark.parametrize("name", sorted(DEVICES))
def test_a_chip_of_the_same_normals(name: str, sampler: Sampler) -> None:
    """NeFT, Eq. 4 and 5: W_d + sigma_d std z, each weight by itself."""
    weight = a_layer(Mapping())
    whole, of_level = plan(BitSlicing()), naive.level_stds(name, 4, GIVEN)
    normals = torch.randn(weight.shape, generator=torch.Generator().manual_seed(5)).double()
    rows = weight.tolist()
    top = max(abs(w) for row in rows for w in row)
    stds = naive_mapping.stds(rows, whole, of_level)
    if sampler == "one_factor":
        stds = [[top * naive.one_factor(name, abs(w) / top, whole.factor, GIVEN) for w in row] for row in rows]
    aimed = tensor(naive_mapping.targets(rows, whole))

    chip = program(
        {"layer": weight},
        device=made(name),
        mapping=BitSlicing(),
        sigma_d=SIGMA_D,
        rng=torch.Generator().manual_seed(5),
        sampler=sampler,
    )["layer"]

    torch.testing.assert_close(chip, aimed + SIGMA_D * tensor(stds) * normals, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_slices_of_the_same_normals(name: str) -> None:
    """NeFT, Eq. 5: a device holds g_j + dg_j, std sigma_d s(level) (2^K - 1) in level units."""
    weight, whole, of_level = a_layer(Mapping()), plan(BitSlicing()), naive.level_stds(name, 4, GIVEN)
    top = float(weight.abs().max())
    normals = torch.randn((4, *weight.shape), generator=torch.Generator().manual_seed(3)).double()
    held = sample_slices(
        weight, device=made(name), mapping=BitSlicing(), sigma_d=SIGMA_D, rng=torch.Generator().manual_seed(3)
    )

    for o, i in np.ndindex(*weight.shape):
        code = round(abs(float(weight[o, i])) / top * whole.max_code)
        for j, level in enumerate(naive_mapping.levels(code, whole)):
            expected = level + SIGMA_D * of_level[level] * whole.max_level * float(normals[j, o, i])
            assert float(held[j, o, i]) == pytest.approx(expected, abs=1e-6)


def test_the_unit_trap_would_be_seen() -> None:
    """Reading Eq. 5 literally is wrong by 2^K - 1 = 3, and these comparisons tell a percent."""
    factor, literal = plan(BitSlicing()).factor, sum(4.0 ** (2 * j) for j in range(4)) ** 0.5 / 255
    assert factor == pytest.approx(0.777628, abs=1e-6)
    assert factor / literal == pytest.approx(3)
    assert factor * 1.01 != pytest.approx(BitSlicing().closed_form_factor, rel=1e-6)


# ---------------------------------------------------------------- technologies and units
def test_every_technology_has_an_independent_form() -> None:
    assert set(PRESETS) == set(naive.SPREADS), "write its fit in tests/independent/naive/devices.py"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_spread_of_a_technology(name: str) -> None:
    """The published fit over its range, to the digits that are published; relative to g_max, level by level."""
    std, least, most = naive.SPREADS[name]
    preset = PRESETS[name]
    conductances = [least + (most - least) * k / 15 for k in range(16)]

    assert (preset.g_min, preset.g_max) == (least, most)
    assert list(preset.spread.stds(conductances)) == pytest.approx([std(g) for g in conductances], rel=2e-4)
    assert list(preset.relative_stds(4)) == pytest.approx([std(g) / most for g in conductances], rel=2e-4)
    sigma_d, device = preset.device(4)
    assert [sigma_d * s for s in device.stds] == pytest.approx([std(g) / most for g in conductances], rel=2e-3)


@pytest.mark.parametrize("mapping", list(mappings())[::7], ids=str)
def test_every_unit_of_a_variation(mapping: Mapping) -> None:
    """A std of all devices, in weights: Eq. 5 on a layer, whose variance a naive sum over devices gives."""
    chosen = plan_of(mapping.model_copy(update={"rotation": "none", "clip_for": 0.0}))
    rows = a_layer(mapping).tolist()
    of_layer = naive_mapping.stds(rows, chosen, [1.0] * 4)
    top = max(abs(w) for w in rows[0]) if mapping.scale == "channel" else max(abs(w) for row in rows for w in row)
    span = 1 - chosen.lowest
    expected = {
        "sigma_d": SIGMA_D,
        "weight": SIGMA_D * of_layer[0][0] / top,
        "microsiemens": SIGMA_D * 40.0,
        "range": 100 * SIGMA_D / span,
    }
    assert set(expected) == set(UNITS)

    for unit, value in expected.items():
        found = converted(value, unit, g_max=40.0, mapping=mapping)
        assert {name: getattr(found, name) for name in UNITS} == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------- laws of a deviation
def every_law() -> list[tuple[str, float, Law]]:
    """Each with some parameters."""
    found: list[tuple[str, float, Law]] = [("Gaussian", 0.0, laws.GAUSSIAN)]
    for limit in (0.5, 1.0, 2.0):
        found += [("RightCensored", limit, RightCensored(limit)), ("Truncated", limit, Truncated(limit))]
    return [*found, ("Shift", -0.3, Shift(-0.3))]


def test_every_law_has_an_independent_form() -> None:
    assert {law.__name__ for law in Law.__subclasses__()} == set(naive_laws.LAWS) == {name for name, *_ in every_law()}


@pytest.mark.parametrize(("name", "parameter", "law"), every_law(), ids=str)
def test_law(name: str, parameter: float, law: Law) -> None:
    """Mean and std by summing over a grid; deviations of the same normals."""
    mean, std = naive_laws.moments(name, parameter)
    normals = torch.randn(200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    assert (law.mean, law.std) == pytest.approx((mean, std), abs=2e-6)
    expected = [naive_laws.LAWS[name](z, parameter) for z in normals.tolist()]
    assert law.deviations(normals).tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("limit", "mean", "std"),
    [(0.5, -0.1978, 0.744), (0.7, -0.1429, 0.799), (1.0, -0.0833, 0.867), (2.0, -0.0085, 0.980)],
)
def test_published_moments_of_the_censored_law(limit: float, mean: float, std: float) -> None:
    """TRICE (arXiv 2307.15853): m(t) and the std."""
    assert naive_laws.moments("RightCensored", limit) == pytest.approx((mean, std), abs=6e-4)
