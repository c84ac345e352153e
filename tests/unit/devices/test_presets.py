"""Measured technologies: their stds by hand, their range, and devices that have them."""

import pytest

from neft.devices.measured import MAX_TITLE, Measured
from neft.devices.presets import PRESETS
from neft.devices.spreads import Polynomial, Saturating, TwoPolynomials
from neft.reference.citations import references

GOLDEN = {
    # by numpy.polyval and exp of the coefficients as published (SONOS in nA, over 100), to six digits
    "pcm_nandakumar": (0.26348, 0.681411, 0.952705, 1.07736, 1.05538),
    "pcm_joshi": (0.286386, 0.690663, 0.955278, 1.08023, 1.06552),
    "pcm_hermes": (0.1578, 0.614462, 0.865275, 0.974775, 1.0075),
    "pcm_buchel": (2.5797, 7.8231, 8.43487, 9.8916, 19.1999),
    "rram_wan_1s": (0.348, 2.25827, 2.02294, 1.53299, 1.103),
    "rram_wan_1d": (0.701, 3.72076, 3.909, 3.36648, 2.651),
    "rram_wan_2d": (0.782, 3.66379, 3.92913, 3.37435, 2.677),
    "rram_milo": (4.32697, 3.92854, 3.53011, 3.13168, 2.73325),
    "rram_cmo_fine": (0.0104302, 0.0315922, 0.0527543, 0.0739163, 0.0950783),
    "rram_cmo": (0.112831, 0.336378, 0.559926, 0.783473, 1.00702),
    "sonos_fresh": (0, 0.178298, 0.196742, 0.19865, 0.198847),
    "sonos_1d": (0, 0.22582, 0.252372, 0.255494, 0.255861),
    "sonos_5d": (0, 0.295559, 0.338493, 0.34473, 0.345636),
    "rram_ember": (0.019,) * 5,
    "nvm_unverified": (0.1,) * 5,
    "nvm_verified": (0.03,) * 5,
}
"""std(g) at 0, 1/4, 1/2, 3/4 and 1 of the range, in µS; over the maximal conductance where the source tells none."""
RANGES = {
    "pcm_nandakumar": (0, 25),
    "pcm_joshi": (0, 25),
    "pcm_hermes": (0, 10.35),
    "pcm_buchel": (0, 180),
    "rram_wan_1s": (0, 40),
    "rram_wan_1d": (0, 40),
    "rram_wan_2d": (0, 40),
    "rram_milo": (50, 225),
    "rram_cmo_fine": (9, 88.2),
    "rram_cmo": (9, 88.2),
    "sonos_fresh": (0, 16),
    "sonos_1d": (0, 16),
    "sonos_5d": (0, 16),
}
"""In µS."""


def test_every_preset_has_golden_stds() -> None:
    assert set(GOLDEN) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_stds_are_those_of_the_published_coefficients(name: str) -> None:
    preset = PRESETS[name]

    # published to five digits or more
    assert preset.spread.stds(preset.conductances(5)).tolist() == pytest.approx(GOLDEN[name], rel=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_ranges_are_those_that_were_measured(name: str) -> None:
    preset = PRESETS[name]

    assert (preset.g_min, preset.g_max) == RANGES.get(name, (0, 1))
    assert preset.is_relative == (name not in RANGES)


def test_relative_stds_are_over_the_maximal_conductance() -> None:
    # PCM: 0.26348 / 25 and 1.05538 / 25; at a third: 0.26348 + 0.655 - 0.130344 = 0.788136, over 25
    assert PRESETS["pcm_nandakumar"].relative_stds(1) == pytest.approx((0.0105392, 0.0422152))
    assert PRESETS["pcm_nandakumar"].relative_stds(2)[1] == pytest.approx(0.03152542, rel=1e-6)
    # Milo: 4.326971 / 225, though levels begin at 50
    assert PRESETS["rram_milo"].relative_stds(1) == pytest.approx((0.01923098, 0.01214776), rel=1e-6)


def test_the_on_off_ratio_is_that_of_the_range() -> None:
    assert PRESETS["rram_milo"].on_off_ratio == 4.5
    assert PRESETS["pcm_joshi"].on_off_ratio is None


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_every_preset_is_a_device_of_any_bits(name: str, bits: int) -> None:
    preset = PRESETS[name]
    sigma_d, device = preset.device(bits)

    assert isinstance(device, Measured)
    assert (device.device_bits, device.title) == (bits, preset.label)
    # kept to four digits each
    assert [sigma_d * std for std in device.stds] == pytest.approx(preset.relative_stds(bits), rel=1e-3)
    assert 0 < sigma_d < 0.2


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_where_it_is_from(name: str) -> None:
    preset = PRESETS[name]

    assert references(preset.source)
    assert preset.technology
    assert len(preset.label) <= MAX_TITLE
    assert preset.spread.text.startswith("σ(g) = ")
    assert preset.spread.equation.startswith(r"\sigma(g) = ")


def test_labels_are_told_apart() -> None:
    assert len({preset.label for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_conductance_outside_the_range_is_warned_of(name: str) -> None:
    preset = PRESETS[name]

    assert preset.warning(preset.g_min) == preset.warning(preset.g_max) == ""
    assert f"outside {preset.g_min:g} to {preset.g_max:g}" in preset.warning(preset.g_max * 1.01)
    assert "extrapolated" in preset.warning(preset.g_min - 0.01)


def test_no_std_is_negative_where_a_fit_falls_below_0() -> None:
    assert Polynomial((1.0, -1.0)).stds([0.5, 3.0]).tolist() == [0.5, 0.0]


def test_equations_hold_the_coefficients() -> None:
    cubic = Polynomial((2.0, 0.0, -0.25, 3e-5), unit=40.0)

    assert cubic.text == "σ(g) = 2 + 0 (g/40) − 0.25 (g/40)^2 + 3·10^-5 (g/40)^3"
    assert cubic.equation == r"\sigma(g) = 2 + 0\,(g/40) - 0.25\,(g/40)^{2} + 3\cdot 10^{-5}\,(g/40)^{3}"
    assert Saturating(2.0, 5.0).text == "σ(g) = 2 (1 − exp(−g/5))"
    both = TwoPolynomials(3.0, Polynomial((1.0,)), Polynomial((-1.0, 2.0)))
    assert both.text == "σ(g) = 1 up to g = 3, then − 1 + 2 g"
    assert both.stds([3.0, 3.5]).tolist() == [1.0, 6.0]
