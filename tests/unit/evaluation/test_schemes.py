"""What a scheme costs and by how much its weights miss, held against counting and sampling."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from neft import columns as c
from neft.chips.deployed import ChipLaw
from neft.chips.device_by_device import DeviceByDevice
from neft.component import component_text
from neft.devices import Rram1
from neft.evaluation.schemes import Scheme, budgeted_schemes, scheme_costs, usual_schemes
from neft.mapping.stack import Mapping
from neft.mapping.variations import variations
from neft.programming import PROGRAMMINGS, BaseProgramming, OpenLoop, Residual, Selective, WriteVerify
from neft.seeding import generator

OUTPUTS, INPUTS, KERNEL, SIZE, CLASSES = 6, 2, 3, 5, 4
PLACES = SIZE * SIZE
SIGMA_D = 0.1


def small_network() -> nn.Module:
    """A convolution of 6 x 2 x 3 x 3 with 25 places, then a product with 150 inputs."""
    layers = nn.Sequential(
        nn.Conv2d(INPUTS, OUTPUTS, KERNEL, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(OUTPUTS * PLACES, CLASSES)
    )
    rng = generator(3, "weights")
    with torch.no_grad():
        for parameter in layers.parameters():
            _ = parameter.copy_(torch.randn(parameter.shape, generator=rng))
    return layers.eval()


IMAGE = torch.ones(1, INPUTS, SIZE, SIZE)


def row(mapping: Mapping, programming: BaseProgramming, *, sigma_d: float = SIGMA_D) -> dict[str, float]:
    network = small_network()
    law = ChipLaw(device=Rram1(), mapping=mapping, programming=programming)
    if programming.needs_scores:
        law = replace(law, scores={n: p.detach().abs() for n, p in network.named_parameters() if p.dim() > 1})
    found = scheme_costs(network, IMAGE, law, sigma_ds=[sigma_d], seed=0, name="x")
    return {str(name): value for name, value in found.iloc[0].items() if name != c.SCHEME}


def test_an_open_loop_writes_every_device_once_and_reads_none() -> None:
    assert (row(Mapping(), OpenLoop())[c.PULSES], row(Mapping(), OpenLoop())[c.READS]) == (4, 0)


@pytest.mark.parametrize(
    ("mapping", "devices", "pulses"),
    [
        (Mapping(), 8, 4),  # the second crossbar of signs is taken to hold
        (Mapping(sign="differential"), 8, 8),
        (Mapping(sign="offset"), 4, 4),
        (Mapping(copies=3), 24, 12),
        (Mapping(weight_bits=6, device_bits=3), 4, 2),
    ],
)
def test_devices_and_pulses_are_those_counted_by_hand(mapping: Mapping, devices: int, pulses: int) -> None:
    found = row(mapping, OpenLoop())
    assert (found[c.DEVICES], found[c.PULSES]) == (devices, pulses)


def test_verifying_takes_as_many_pulses_as_drawing_anew_takes() -> None:
    expected = row(Mapping(), WriteVerify(tolerance=0.1))
    # every level of this device misses by sigma_d: a write is near enough in 68.3 of 100 cases
    once = math.erf(1 / math.sqrt(2))
    assert expected[c.PULSES] == pytest.approx(4 / once)
    assert expected[c.READS] == expected[c.PULSES]
    draws = torch.randn(200_000, generator=generator(0, "writes")).abs()
    share = float((draws <= 1).double().mean())
    assert once == pytest.approx(share, abs=5 * math.sqrt(once * (1 - once) / len(draws)))


def test_verifying_a_share_costs_between_nothing_and_all() -> None:
    whole, none = row(Mapping(), WriteVerify()), row(Mapping(), OpenLoop())
    share = row(Mapping(), Selective(verified_share=0.25))
    assert share[c.PULSES] == pytest.approx(0.75 * none[c.PULSES] + 0.25 * whole[c.PULSES], rel=0.01)
    assert share[c.READS] == pytest.approx(0.25 * whole[c.READS], rel=0.01)


@pytest.mark.parametrize(
    ("mapping", "of_convolution", "of_product"),
    [
        (Mapping(), 0, 0),
        (Mapping(scale="channel"), OUTPUTS, CLASSES),
        (Mapping(sign="offset"), OUTPUTS, CLASSES),
        (Mapping(copies=3), 2 * OUTPUTS, 2 * CLASSES),
        # 18 = 16 + 2 inputs: 16 log 16 + 2 log 2 additions; 150 = 128 + 16 + 4 + 2
        (Mapping(rotation="hadamard"), 64 + 2, 128 * 7 + 64 + 8 + 2),
    ],
)
def test_digital_operations_are_those_counted_by_hand(mapping: Mapping, of_convolution: int, of_product: int) -> None:
    reads = PLACES * OUTPUTS * INPUTS * KERNEL**2 + OUTPUTS * PLACES * CLASSES
    expected = (PLACES * of_convolution + of_product) / reads
    assert row(mapping, OpenLoop())[c.OPERATIONS] == pytest.approx(expected)


FORMS = [form for kind in PROGRAMMINGS.values() for form in kind.compared()]
USUAL = variations(Mapping())


# a turned device holds a part of many weights: none can be verified alone
PAIRS = [(one, form) for one in USUAL for form in FORMS if one.rotation == "none" or not form.budget_field]


@pytest.mark.parametrize(("mapping", "programming"), PAIRS, ids=component_text)
def test_closed_form_noise_is_that_of_sampled_chips(mapping: Mapping, programming: BaseProgramming) -> None:
    found = row(mapping, programming)
    count = OUTPUTS * INPUTS * KERNEL**2 + OUTPUTS * PLACES * CLASSES
    assert found[c.SAMPLED_NOISE] > 0
    if math.isnan(found[c.CLOSED_FORM_NOISE]):
        law = ChipLaw(device=Rram1(), mapping=mapping, programming=programming)
        deployed = law.deploy({"layer": torch.ones(2, 2)})
        assert isinstance(deployed, DeviceByDevice)
        assert deployed.moments("layer", sigma_d=SIGMA_D) is None
    else:
        # a mean square of n normals errs by at most sqrt(2 / n) of itself, and its root by half of that
        error = 5 * math.sqrt(2 / count) / 2
        assert found[c.SAMPLED_NOISE] == pytest.approx(found[c.CLOSED_FORM_NOISE], rel=error)


def test_the_first_usual_scheme_is_the_one_given_and_none_comes_twice() -> None:
    given = Scheme(Mapping(scale="channel"), Residual(sides="one"))
    found = usual_schemes(given.mapping, given.programming)
    assert found[0] == given
    assert len({one.key for one in found}) == len(found)


def test_every_programming_and_every_variation_is_among_the_usual_schemes() -> None:
    found = usual_schemes(Mapping(), OpenLoop())
    assert {type(one.programming) for one in found} == set(PROGRAMMINGS.values())
    assert {component_text(one) for one in variations(Mapping())} <= {component_text(one.mapping) for one in found}


def test_budgets_are_tried_with_every_way_of_choosing() -> None:
    found = budgeted_schemes(Mapping(), [0.25, 0.5])
    kinds = [kind for kind in PROGRAMMINGS.values() if kind.budget_field]
    assert kinds
    assert len(found) == sum(len(kind.choices()) * 2 for kind in kinds)
    assert all(
        getattr(one.scheme.programming, one.scheme.programming.budget_field) == one.share
        and getattr(one.scheme.programming, one.scheme.programming.choice_field) == one.choice
        for one in found
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_none_or_all_are_chosen_it_is_one_scheme_however_they_are(share: float) -> None:
    found = budgeted_schemes(Mapping(), [share])
    assert len({one.choice for one in found}) > 1
    assert len({one.scheme.key for one in found}) == 1


def test_bits_that_a_variation_does_not_go_with_are_left_alone() -> None:
    one_bit = Mapping(weight_bits=4, device_bits=1)
    assert all((one.weight_bits, one.device_bits) == (4, 1) for one in variations(one_bit))
