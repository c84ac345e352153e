"""One weight on its devices: a worked example, and the law that it must follow."""

import numpy as np
import pytest

from neft import columns
from neft.devices import Fefet6, Rram1
from neft.errors import ConfigError
from neft.inspection.microscope import slice_weight
from neft.inspection.sliced_weight import NUM_CHIPS, SlicedWeight, bits_of
from neft.mapping.bit_slicing import BitSlicing

EIGHT_TWO = BitSlicing(weight_bits=8, device_bits=2)


def half(weight: float = -0.5, sigma_d: float = 0.1) -> SlicedWeight:
    return slice_weight(weight, w_max=1.0, device=Rram1(), mapping=EIGHT_TWO, sigma_d=sigma_d)


def test_a_weight_by_hand() -> None:
    """W = -0.5, w_max = 1: code round(127.5) = 128 (to even) = 10 00 00 00 in bits, so g = (0, 0, 0, 2).

    W_d = -128/255. Every dg_j has std 0.1 x 3 = 0.3 levels; at significance 64 that is 0.3 x 64/255 = 0.0753 of w_max.
    std(W_p - W_d) = 0.3 sqrt(1 + 16 + 256 + 4096)/255 = 0.0777628. The first device's share is 4096/4369 = 93.75 %.
    """
    found = half()

    assert (found.sign, found.code, found.levels) == (-1, 128, (0, 0, 0, 2))
    assert found.target == pytest.approx(-128 / 255)
    assert found.std == pytest.approx(0.0777628, rel=1e-5)
    assert found.level_stds == pytest.approx([0.3] * 4)
    rows = found.slices(7)
    assert rows[columns.SIGNIFICANCE].tolist() == [64, 16, 4, 1]
    assert rows[columns.LEVEL].tolist() == [2, 0, 0, 0]
    assert rows[columns.VARIANCE_SHARE].tolist() == pytest.approx([s**2 / 4369 for s in (64, 16, 4, 1)])
    assert [bits_of(level, 2) for level in rows[columns.LEVEL]] == ["10", "00", "00", "00"]


def test_the_devices_errors_add_up_to_the_weights() -> None:
    found = half()

    for chip in (0, 1, NUM_CHIPS - 1):
        rows = found.slices(chip)
        assert rows[columns.WEIGHT_ERROR].sum() == pytest.approx(found.programmed[chip] - found.target)
        expected = -rows[columns.LEVEL_ERROR] * rows[columns.SIGNIFICANCE] / 255
        assert rows[columns.WEIGHT_ERROR].tolist() == pytest.approx(expected.tolist())


def test_a_middle_level_of_a_state_dependent_device_misses_six_times_as_far() -> None:
    # code 64 = 01 00 00 00: levels (0, 0, 0, 1); stds (1, 6, 6, 1) / sqrt(0.4 x 36 + 0.6) x 0.1 x 3
    found = slice_weight(64 / 255, w_max=1.0, device=Fefet6(), mapping=EIGHT_TWO, sigma_d=0.1)

    outer = 0.3 / 15**0.5
    assert found.levels == (0, 0, 0, 1)
    assert found.level_stds == pytest.approx([outer, outer, outer, 6 * outer], rel=1e-5)


def test_the_samples_follow_the_closed_form() -> None:
    found = half()

    # five standard errors of a mean and of a std over N chips
    assert abs(found.programmed.mean() - found.target) < 5 * found.std / NUM_CHIPS**0.5
    assert abs(found.programmed.std() / found.std - 1) < 5 / (2 * NUM_CHIPS) ** 0.5
    bins = found.histogram()
    width = bins[columns.BIN_RIGHT] - bins[columns.BIN_LEFT]
    assert (bins[columns.CLOSED_FORM_DENSITY] * width).sum() == pytest.approx(1, abs=1e-4)
    assert (bins[columns.DENSITY] * width).sum() == pytest.approx(1, abs=0.005)


def test_the_same_chip_misses_in_the_same_direction_whatever_sigma_d() -> None:
    near, far = half(sigma_d=0.05).slices(3), half(sigma_d=0.4).slices(3)

    np.testing.assert_allclose(8 * near[columns.LEVEL_ERROR], far[columns.LEVEL_ERROR], rtol=1e-5, atol=1e-12)


def test_without_variation_every_chip_holds_the_target() -> None:
    found = half(sigma_d=0.0)

    np.testing.assert_allclose(found.programmed, found.target)
    assert found.histogram().empty
    assert found.slices(0)[columns.VARIANCE_SHARE].tolist() == [0, 0, 0, 0]


def test_a_weight_of_zero_misses_too() -> None:
    found = half(weight=0.0)

    assert (found.code, found.target) == (0, 0.0)
    assert found.programmed.std() > 0


@pytest.mark.parametrize(("weight", "w_max"), [(1.5, 1.0), (0.1, 0.0), (0.0, -1.0)])
def test_a_weight_outside_its_layer_is_refused(weight: float, w_max: float) -> None:
    with pytest.raises(ConfigError, match=r"must lie in \[-w_max, w_max\]"):
        slice_weight(weight, w_max=w_max, device=Rram1(), mapping=EIGHT_TWO, sigma_d=0.1)


@pytest.mark.parametrize("chip", [-1, NUM_CHIPS])
def test_a_chip_that_is_not_there_is_refused(chip: int) -> None:
    with pytest.raises(ConfigError, match="A chip's number must lie in"):
        half().slices(chip)
