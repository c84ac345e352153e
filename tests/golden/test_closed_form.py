"""Numbers of the device model that can be worked out with a pocket calculator."""

from functools import partial
from math import sqrt

import pytest
import torch

from neft.chips.sampling import program
from neft.devices import DEVICES, PUBLISHED, Rram1
from neft.mapping.bit_slicing import BitSlicing
from neft.seeding import generator

# The paper's c is sqrt((4^M - 1) / (4^K - 1)) (2^K - 1) / (2^M - 1):
CLOSED_FORM = {
    (8, 1): 0.5796,  # sqrt(65535/3) * 1/255 = 147.80/255
    (8, 2): 0.777628,  # sqrt(65535/15) * 3/255 = sqrt(4369)/85 = 66.0984/85
    (8, 4): 0.9430,  # sqrt(65535/255) * 15/255 = sqrt(257)/17 = 16.0312/17
    (8, 8): 1.0,  # one device holds the whole magnitude
    (6, 2): 0.7868,  # sqrt(4095/15) * 3/63 = sqrt(273)/21 = 16.5227/21
    (4, 2): 0.8246,  # sqrt(255/15) * 3/15 = sqrt(17)/5 = 4.1231/5
}

# n(s) = sqrt(0.4 s^2 + 0.6); outer = c/n, middle = c s/n with c = 0.777628
DEVICE_TABLE = {
    "rram1": (1.0, 0.7776, 0.7776),  # sqrt(1.0)
    "fefet2": (1.4832, 0.5243, 1.0486),  # sqrt(2.2)
    "rram4": (2.6458, 0.2939, 1.1757),  # sqrt(7.0)
    "fefet6": (3.8730, 0.2008, 1.2047),  # sqrt(15.0)
}


@pytest.mark.parametrize(("bits", "expected"), CLOSED_FORM.items(), ids=str)
def test_closed_form_factor(bits: tuple[int, int], expected: float) -> None:
    mapping = BitSlicing(weight_bits=bits[0], device_bits=bits[1])

    assert mapping.closed_form_factor == pytest.approx(expected, abs=5e-5)


def test_every_published_device_is_in_the_table() -> None:
    assert set(DEVICE_TABLE) == set(PUBLISHED)


@pytest.mark.parametrize("name", DEVICE_TABLE)
def test_one_factor_outside_and_in_the_middle(name: str) -> None:
    _, outer, middle = DEVICE_TABLE[name]
    magnitude = torch.tensor([0.0, 0.25, 0.2501, 0.5, 0.7499, 0.75, 1.0])

    factor = torch.as_tensor(DEVICES[name]().one_factor(magnitude, BitSlicing())).expand(7)

    expected = torch.tensor([outer, outer, middle, middle, middle, outer, outer])
    torch.testing.assert_close(factor, expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize("name", DEVICE_TABLE)
def test_level_stds_times_n_are_one_s_s_one(name: str) -> None:
    normalisation, outer, middle = DEVICE_TABLE[name]
    ratio = middle / outer

    stds = DEVICES[name]().level_stds(2) * normalisation

    torch.testing.assert_close(stds, torch.tensor([1.0, ratio, ratio, 1.0]), atol=2e-3, rtol=0)


def test_std_of_single_codes() -> None:
    # RRAM4, n = sqrt(7): code 0 has all four slices in level 0, std c/n = 0.777628/2.645751 = 0.293916.
    # Code 64 has its most significant slice in level 1: sqrt(16 * 64^2 + 16^2 + 4^2 + 1) * 3/255/n
    # = sqrt(65536 + 273)/85/2.645751 = 256.5327/224.8888 = 1.140709.
    # Code 21 (0 1 1 1) has the three others there: sqrt(64^2 + 16 * 273)/224.8888 = sqrt(8464)/224.8888 = 0.409092.
    stds = DEVICES["rram4"]().code_stds(BitSlicing())

    torch.testing.assert_close(stds[[0, 64, 21]], torch.tensor([0.293916, 1.140709, 0.409092]), atol=2e-6, rtol=0)


def test_sigma_d_is_relative_to_the_maximal_conductance() -> None:
    """The unit trap: reading Eq. 5 literally gives 0.777628/3 = 0.2592."""
    weights = {"layer": torch.linspace(-1, 1, 100_000)}
    program_chip = partial(program, weights, device=Rram1(), mapping=BitSlicing())
    target = program_chip(sigma_d=0.0, rng=generator(0))["layer"]

    deviation = program_chip(sigma_d=0.2, rng=generator(0))["layer"] - target

    # w_max = 1; five standard errors of a std from n samples are 5 std/sqrt(2n) = 0.0087
    assert float(deviation.std()) / 0.2 == pytest.approx(0.777628, abs=5 * 0.777628 / sqrt(200_000))
