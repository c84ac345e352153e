"""One device variation in every unit: by hand, back and forth, and as chips have it."""

from math import sqrt

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft.chips.sampling import program
from neft.devices import Rram1
from neft.devices.conversion import UNITS, converted, std_from_text
from neft.errors import ConfigError
from neft.mapping.stack import Mapping
from neft.seeding import generator


def test_by_hand() -> None:
    # 2 of 40 µS are sigma_d 0.05; level 0 conducts 10 µS, so the range is 30; K = M = 2: c = 1
    found = converted(2, "microsiemens", g_max=40, mapping=Mapping(weight_bits=2, on_off_ratio=4))

    assert (found.sigma_d, found.microsiemens) == (0.05, 2)
    assert found.range == pytest.approx(100 * 2 / 30)
    assert found.weight == pytest.approx(2 / 30)


def test_a_weight_s_std_is_c_times_sigma_d() -> None:
    # sqrt(4369)/85 = 0.7776; pairs add two variances, an offset doubles
    assert converted(0.1, "sigma_d", g_max=1).weight == pytest.approx(0.07776, rel=1e-4)
    assert converted(0.1, "sigma_d", g_max=1, mapping=Mapping(sign="differential")).weight == pytest.approx(
        0.07776 * sqrt(2), rel=1e-4
    )
    assert converted(0.1, "sigma_d", g_max=1, mapping=Mapping(sign="offset")).weight == pytest.approx(
        0.07776 * 2, rel=1e-4
    )


@given(value=st.floats(0, 1e3), unit=st.sampled_from(list(UNITS)), g_max=st.floats(1e-3, 1e4))
def test_every_unit_leads_back(value: float, unit: str, g_max: float) -> None:
    found = converted(value, unit, g_max=g_max, mapping=Mapping(on_off_ratio=3))

    assert getattr(found, unit) == pytest.approx(value)
    for other in UNITS:
        again = converted(getattr(found, other), other, g_max=g_max, mapping=Mapping(on_off_ratio=3))
        assert again.sigma_d == pytest.approx(found.sigma_d)


@pytest.mark.parametrize(
    "mapping", [Mapping(), Mapping(sign="differential", on_off_ratio=5), Mapping(sign="offset", significance_base=1)]
)
def test_chips_miss_by_the_weight_s_std(mapping: Mapping) -> None:
    count = 20_000
    weight = torch.rand(count, generator=generator(1)) * 2 - 1
    asked = converted(3, "range", g_max=1, mapping=mapping)
    chip = program(
        {"a": weight}, device=Rram1(), mapping=mapping, sigma_d=asked.sigma_d, rng=generator(2), quantise=False
    )["a"]

    std = float(((chip - weight) / weight.abs().amax()).std())

    assert abs(std / asked.weight - 1) < 5 / sqrt(2 * count)  # five standard errors of a std


@pytest.mark.parametrize("text", ["", "µS", "abc", "1 mS", "-", "1 2", "nan", "inf µS"])
def test_what_is_no_std_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="A std must be like"):
        std_from_text(text)


def test_units_are_read_as_they_are_written() -> None:
    read = {text: std_from_text(text) for text in ("0.1", "0.1 σ_d", "2e1uS", "2 μS", "5 % of range", "1 std/w_max")}

    assert list(read.values()) == [
        (0.1, "sigma_d"),
        (0.1, "sigma_d"),
        (20.0, "microsiemens"),
        (2.0, "microsiemens"),
        (5.0, "range"),
        (1.0, "weight"),
    ]


def test_what_cannot_be_converted_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"A std must be a number >= 0; got -1 µS"):
        converted(-1, "microsiemens", g_max=1)
    with pytest.raises(ConfigError, match="g_max must be a positive conductance in µS; got 0"):
        converted(1, "microsiemens", g_max=0)
    with pytest.raises(ConfigError, match="Unknown unit 'ohm'"):
        converted(1, "ohm", g_max=1)
