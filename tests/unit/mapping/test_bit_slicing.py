import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neft.chips.sampling import quantised
from neft.component import build
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing

mappings = st.from_type(BitSlicing)
weights = st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=30).map(torch.tensor)


@given(mapping=mappings, data=st.data())
def test_joining_levels_undoes_slicing(mapping: BitSlicing, data: st.DataObject) -> None:
    codes = torch.tensor(data.draw(st.lists(st.integers(0, mapping.max_code), min_size=1)), dtype=torch.int32)

    levels = mapping.slice_levels(codes)

    assert levels.shape == (mapping.num_slices, len(codes))
    assert int(levels.min()) >= 0
    assert int(levels.max()) <= mapping.max_level
    assert torch.equal(mapping.join_levels(levels.double()), codes.double())


def test_least_significant_slice_comes_first() -> None:
    # 228 = 0b11_10_01_00
    assert BitSlicing().slice_levels(torch.tensor([228], dtype=torch.int32)).flatten().tolist() == [0, 1, 2, 3]


@given(mapping=mappings, weight=weights)
def test_quantised_weights_are_their_own_quantisation(mapping: BitSlicing, weight: Tensor) -> None:
    maximum = weight.abs().amax()
    codes = mapping.quantise(weight, maximum)

    again = mapping.quantise(mapping.dequantise(codes, weight.sign(), maximum), maximum)

    assert torch.equal(again, codes)


@given(mapping=mappings, weight=weights)
def test_quantisation_misses_by_at_most_half_a_step(mapping: BitSlicing, weight: Tensor) -> None:
    maximum = weight.double().abs().amax()
    step = float(maximum) / mapping.max_code

    error = (quantised(weight.double(), mapping) - weight.double()).abs()

    assert float(error.max()) <= step * (0.5 + 1e-9)


@given(mapping=mappings, weight=weights)
def test_largest_weight_has_the_largest_code(mapping: BitSlicing, weight: Tensor) -> None:
    codes = mapping.quantise(weight, weight.abs().amax())

    assert int(codes.max()) == (mapping.max_code if weight.any() else int(codes.max()))
    assert int(codes.min()) >= 0


@given(mapping=mappings)
def test_layer_of_zeros_stays_zero(mapping: BitSlicing) -> None:
    zeros = torch.zeros(3)

    assert mapping.quantise(zeros, zeros.amax()).tolist() == [0, 0, 0]
    assert quantised(zeros, mapping).tolist() == [0, 0, 0]


@given(mapping=mappings)
def test_slices_cover_the_weight_bits(mapping: BitSlicing) -> None:
    assert mapping.num_slices * mapping.device_bits == mapping.weight_bits
    assert sum(mapping.max_level * weight for weight in mapping.significance) == mapping.max_code


def test_gradients_pass_straight_through_quantisation() -> None:
    weight = torch.tensor([0.1, -0.7, 1.0], requires_grad=True)

    (quantised(weight, BitSlicing()) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()

    assert weight.grad is not None
    assert weight.grad.tolist() == [1, 2, 3]


def test_bits_that_do_not_divide_are_refused() -> None:
    sentence = r"weight_bits \(M\) must be a multiple of device_bits \(K\); got M = 8, K = 3\."
    with pytest.raises(ConfigError, match=sentence):
        build(BitSlicing, {"weight_bits": 8, "device_bits": 3})
