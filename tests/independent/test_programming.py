"""What devices hold after they were written, device by device and on the same normals; and what writing costs."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neft.chips.device_by_device import DeviceByDevice, DeviceDraws, deploy_device_by_device
from neft.component import build, default_name
from neft.devices import Measured
from neft.effects import Effects
from neft.evaluation.sensitivity import second_derivatives
from neft.mapping.stack import Mapping
from neft.programming import PROGRAMMINGS, BaseProgramming, Selective, WriteVerify
from neft.programming.selective import Choice
from tests.independent.naive import mapping as naive_mapping
from tests.independent.naive import programming as naive
from tests.independent.settings import a_layer, mappings, plan_of, tensor

GIVEN = (0.2, 0.4, 2.5, 1.0)
UNEVEN = Measured(stds=GIVEN)
SIGMA_D = 0.13
FORMS: list[BaseProgramming] = [
    *(one for scheme in PROGRAMMINGS.values() for one in scheme.compared()),
    *(build(PROGRAMMINGS["residual"], {"sides": sides, "read_error": 0.05}) for sides in ("one", "two")),
    build(PROGRAMMINGS["write_verify"], {"tolerance": 0.3}),
    Selective(verified_share=0.4, chosen_by="magnitude"),
]
KNOWN = {
    "open_loop": {"name"},
    "write_verify": {"name", "tolerance"},
    "selective": {"name", "tolerance", "verified_share", "chosen_by"},
    "residual": {"name", "sides", "read_error"},
}
"""Every setting that is known here."""
FEW = list(mappings())[::7]


def by_magnitude(programming: BaseProgramming) -> BaseProgramming:
    """Chosen by what is there."""
    return programming.model_copy(update={"chosen_by": "magnitude"}) if programming.needs_scores else programming


def laid(programming: BaseProgramming, mapping: Mapping, effects: Effects | None = None) -> DeviceByDevice:
    """A layer to be written so."""
    weight = a_layer(mapping)
    return deploy_device_by_device(
        {"layer": weight},
        device=UNEVEN,
        mapping=mapping,
        programming=programming,
        effects=effects or Effects(),
        quantise=True,
        verified=programming.choose({"layer": weight}, None),
    )


def normals(deployed: DeviceByDevice, seed: int) -> Tensor:
    """Of every copy, set, slice and weight."""
    mapping, layer = deployed.mapping, deployed.laid["layer"]
    shape = (mapping.copies, len(layer.sets), mapping.num_slices, *layer.turned.shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def job_of(
    programming: BaseProgramming, plan: naive_mapping.Plan, code: int, *, verified: bool, **draws: Any
) -> naive.Job:
    """One weight's devices."""
    return naive.Job(
        plan=plan,
        code=code,
        of_level=list(GIVEN),
        sigma_d=SIGMA_D,
        errors=draws.get("errors", ()),
        reads=draws.get("reads"),
        verified=verified,
        settings=programming.model_dump(),
    )


def test_every_programming_has_an_independent_form() -> None:
    assert set(PROGRAMMINGS) == set(naive.WRITES), "write it in tests/independent/naive/programming.py"
    assert {name: set(scheme.model_fields) for name, scheme in PROGRAMMINGS.items()} == KNOWN
    assert {type(one) for one in FORMS} == set(PROGRAMMINGS.values())


def fitting(programming: BaseProgramming) -> list[Mapping]:
    """A choice of weights does not go with a rotation, whose devices hold a part of many."""
    return [one for one in FEW if not programming.budget_field or one.rotation == "none"]


@pytest.mark.parametrize(("programming", "mapping"), [(p, m) for p in FORMS for m in fitting(p)], ids=str)
def test_a_chip_of_the_same_normals(programming: BaseProgramming, mapping: Mapping) -> None:
    """Targets, what is written, and Eq. 5 with what the devices hold, each device by itself."""
    programming = by_magnitude(programming)
    plan, deployed = plan_of(mapping), laid(programming, mapping)
    rows = a_layer(mapping).tolist()
    errors, reads = normals(deployed, 1), normals(deployed, 2) if programming.num_reads else None
    magnitudes = [abs(w) for row in rows for w in row]
    chosen = naive.chosen(magnitudes, None, getattr(programming, "verified_share", 0.0))
    layer = naive_mapping.lay(rows, plan)

    def held(copy: int, index: int, o: int, i: int) -> list[tuple[float, float]]:
        job = job_of(
            programming,
            plan,
            layer.codes[index][o][i],
            verified=o * len(rows[0]) + i in chosen,
            errors=errors[copy, index, :, o, i].tolist(),
            reads=None if reads is None else reads[copy, index, :, o, i].tolist(),
        )
        return [(g, side) for g, _, side in naive.WRITES[default_name(type(programming))](job)]

    draws = DeviceDraws({"layer": errors}, {} if reads is None else {"layer": reads}, {}, {})
    chip = deployed.chip(draws, sigma_d=SIGMA_D)["layer"]

    torch.testing.assert_close(chip, tensor(naive_mapping.read(layer, plan, held)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("programming", FORMS, ids=str)
def test_without_variation_every_code_is_held(programming: BaseProgramming, dtype: torch.dtype) -> None:
    """Every code of a layer: what is read of devices that miss nothing is W_d."""
    mapping = Mapping()
    weight = torch.arange(mapping.max_code + 1, dtype=dtype)[None, :] / mapping.max_code
    programming = by_magnitude(programming).model_copy(
        update={"read_error": 0.0} if "read_error" in type(programming).model_fields else {}
    )
    deployed = deploy_device_by_device(
        {"layer": weight},
        device=UNEVEN,
        mapping=mapping,
        programming=programming,
        effects=Effects(),
        quantise=True,
        verified=programming.choose({"layer": weight}, None),
    )

    chip = deployed.chip(DeviceDraws({"layer": normals(deployed, 1)}, {}, {}, {}), sigma_d=0.0)["layer"]

    torch.testing.assert_close(chip, weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize("tolerance", [0.05, 0.2])
@pytest.mark.parametrize("std", [0.1, 0.4])
def test_write_verify_is_what_redrawing_leaves(tolerance: float, std: float) -> None:
    """SWIM (arXiv 2202.08395): redraw until |error| <= epsilon; cycles, residual variance, five standard errors."""
    rng = np.random.default_rng(0)
    kept: list[float] = []
    cycles = 0
    for _ in range(4000):
        while True:
            cycles += 1
            error = std * rng.normal()
            if abs(error) <= tolerance:
                kept.append(error)
                break
    scheme = WriteVerify(tolerance=tolerance)
    variance = float(scheme.level_variance(torch.tensor([1.0], dtype=torch.float64), sigma_d=std, verified=True)[0])
    job = naive.Job(naive_mapping.Plan(2, 2), 0, [1.0] * 4, std, (), None, True, {"tolerance": tolerance})
    expected, reads = naive.effort("write_verify", job)

    # the variance of n cut errors errs by less than a Gaussian's would: var sqrt(2/n)
    assert float(np.var(kept)) == pytest.approx(variance, rel=5 * (2 / len(kept)) ** 0.5)
    # a geometric number of cycles has the std sqrt(1 - p) / p
    assert cycles / len(kept) == pytest.approx(expected, abs=5 * expected / len(kept) ** 0.5)
    assert reads == expected


@pytest.mark.parametrize(("std", "cycles", "residual"), [(0.1, 2.6, 0.028), (0.4, 10.1, 0.029)])
def test_published_numbers_of_write_verify(std: float, cycles: float, residual: float) -> None:
    """Derived from a = epsilon / sigma, epsilon = 0.05: 1 / (2 Phi(a) - 1) and sigma^2 (1 - 2 a phi(a) / ...)."""
    job = naive.Job(naive_mapping.Plan(2, 2), 0, [1.0] * 4, std, (), None, True, {"tolerance": 0.05})
    assert naive.effort("write_verify", job)[0] == pytest.approx(cycles, abs=0.06)
    variance = WriteVerify(tolerance=0.05).level_variance(torch.ones(1), sigma_d=std, verified=True)
    assert float(variance[0]) ** 0.5 == pytest.approx(residual, abs=6e-4)


@pytest.mark.parametrize("programming", FORMS, ids=str)
def test_effort(programming: BaseProgramming) -> None:
    """Expected pulses and reads a weight, over its sets and copies, averaged over weights by hand."""
    programming = by_magnitude(programming)
    for mapping in fitting(programming):
        plan, rows = plan_of(mapping), a_layer(mapping).tolist()
        layer = naive_mapping.lay(rows, plan)
        chosen = naive.chosen([abs(w) for row in rows for w in row], None, getattr(programming, "verified_share", 0.0))
        pulses = reads = 0.0
        for codes in layer.codes:
            for place, code in enumerate(code for row in codes for code in row):
                job = job_of(programming, plan, code, verified=place in chosen)
                found = naive.effort(default_name(type(programming)), job)
                pulses, reads = pulses + mapping.copies * found[0], reads + mapping.copies * found[1]
        count = len(rows) * len(rows[0])

        effort = laid(programming, mapping).effort(sigma_d=SIGMA_D)

        assert (effort.pulses, effort.reads) == pytest.approx((pulses / count, reads / count), rel=1e-6)


# ---------------------------------------------------------------- which weights are verified
def two_layers() -> dict[str, Tensor]:
    rng = np.random.default_rng(4)
    return {"one": torch.tensor(rng.normal(size=(4, 5))), "two": torch.tensor(rng.normal(size=(3, 4)))}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("chosen_by", ["second_derivative", "magnitude", "random"])
def test_chosen_weights(chosen_by: Choice, share: float) -> None:
    """SWIM: the share p with the largest scores, of equal scores the larger weights; of a random choice the number."""
    weights = two_layers()
    scores = {name: (weight * 3).round().abs() for name, weight in weights.items()}  # with many equal ones
    magnitudes = [abs(w) for weight in weights.values() for w in weight.flatten().tolist()]
    flat = [s for score in scores.values() for s in score.flatten().tolist()]
    expected = naive.chosen(magnitudes, flat if chosen_by == "second_derivative" else None, share)

    made = Selective(verified_share=share, chosen_by=chosen_by).choose(weights, scores)

    found = [one for mask in made.values() for one in mask.flatten().tolist()]
    if chosen_by == "random":
        assert sum(found) == round(share * len(found))
    else:
        assert {place for place, one in enumerate(found) if one} == expected


def test_second_derivatives() -> None:
    """SWIM (arXiv 2202.08395): h_W = h_y (x^2)', h_x = (W^2)' h_y, p (1 - p) at the logits; the mean over images."""
    rng = np.random.default_rng(1)
    first, second, images = rng.normal(size=(5, 4)), rng.normal(size=(3, 5)), rng.normal(size=(7, 4))
    layers = (torch.nn.Linear(4, 5).double(), torch.nn.Linear(5, 3).double())
    with torch.no_grad():
        for layer, weight in zip(layers, (first, second), strict=True):
            _ = layer.weight.copy_(torch.tensor(weight))
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    biases = [layer.bias.tolist() for layer in layers]
    of_first, of_second = np.zeros_like(first), np.zeros_like(second)
    for image in images:
        hidden = [
            sum(w * x for w, x in zip(row, image, strict=True)) + b for row, b in zip(first, biases[0], strict=True)
        ]
        active = [max(h, 0.0) for h in hidden]
        logits = [
            sum(w * x for w, x in zip(row, active, strict=True)) + b for row, b in zip(second, biases[1], strict=True)
        ]
        total = sum(np.exp(z) for z in logits)
        at_logits = [np.exp(z) / total * (1 - np.exp(z) / total) for z in logits]
        for o, j in np.ndindex(3, 5):
            of_second[o, j] += at_logits[o] * active[j] ** 2 / len(images)
        for j, i in np.ndindex(5, 4):
            at_hidden = sum(at_logits[o] * second[o, j] ** 2 for o in range(3)) if hidden[j] > 0 else 0.0
            of_first[j, i] += at_hidden * image[i] ** 2 / len(images)

    found = second_derivatives(network, torch.tensor(images))

    torch.testing.assert_close(found["0.weight"], torch.tensor(of_first), rtol=1e-9, atol=0)
    torch.testing.assert_close(found["2.weight"], torch.tensor(of_second), rtol=1e-9, atol=0)


def test_residual_programming_leaves_the_last_slices_error() -> None:
    """Song et al., Science 383:903: while nothing saturates, (2^K - 1) / (2^M - 1) sigma_d w_max and the rounding.

    The rounding of the least step is uniform, 1 / (2^M - 1) / sqrt(12); 40,000 weights, five standard errors.
    """
    mapping, sigma_d, count = Mapping(), 0.03, 40_000
    weight = 0.8 * torch.rand((1, count), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight[0, 0] = 1.0  # w_max, and room above all others
    deployed = deploy_device_by_device(
        {"layer": weight},
        device=Measured(),
        mapping=mapping,
        programming=build(PROGRAMMINGS["residual"], {"sides": "two"}),
        effects=Effects(),
        quantise=True,
        verified={},
    )
    chip = deployed.chip(DeviceDraws({"layer": normals(deployed, 1)}, {}, {}, {}), sigma_d=sigma_d)["layer"]
    missed = (chip - deployed.targets["layer"])[0, 1:]

    expected = ((3 / 255 * sigma_d) ** 2 + (1 / 255) ** 2 / 12) ** 0.5
    assert float(missed.square().mean()) ** 0.5 == pytest.approx(expected, rel=5 / (2 * count) ** 0.5)


def test_smaller_variation_never_costs_more() -> None:
    """A sanity check of the naive form itself: cycles grow with sigma."""
    plan = naive_mapping.Plan(2, 2)
    cycles = [
        naive.effort("write_verify", naive.Job(plan, 1, [1.0] * 4, std, (), None, True, {"tolerance": 0.05}))[0]
        for std in (0.01, 0.05, 0.1, 0.4)
    ]
    assert all(one < other for one, other in pairwise(cycles))
