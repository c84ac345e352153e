"""What networks cost: every count worked out by hand beside the law it stands for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given
from torch import nn

from neft import columns as c
from neft.component import build
from neft.errors import ConfigError
from neft.hardware.constants import Constants, load_constants
from neft.hardware.costs import (
    ADC,
    COLUMN,
    DAC,
    DEVICE,
    SHARED_BANK,
    SHIFT_ADD,
    SUBTRACTOR,
    ConverterBits,
    Deployed,
    LayerShape,
    Layout,
    bipolar_per_layer,
    by_component,
    by_layer,
    hardware_costs,
    totals,
)
from neft.hardware.shapes import layer_shapes, layout_of
from neft.mapping.stack import Mapping
from neft.networks.backbones import Mlp, Vgg8
from neft.networks.network import InputShape, build_network
from tests.conftest import any_component

ROUND = {
    # arrays of 4 x 4; a device has 1 µm² and takes 1 pJ a read
    "array_rows": 4,
    "array_columns": 4,
    "array_area": 16,
    "array_energy": 16,
    "dac_bits": 1,
    "dac_area": 10,
    "dac_energy": 2,
    "hold_area": 3,
    "hold_energy": 5,
    "adc_bits": 8,
    "adc_area": 100,
    "adc_energy": 20,
    "adc_growth": 2,
    "adc_columns": 4,
    "shift_add_area": 7,
    "shift_add_energy": 1,
    "shift_add_adcs": 2,
    "subtractor_area": 11,
    "subtractor_energy": 3,
}
LAYERS = (LayerShape("first", 2, 3, 1), LayerShape("second", 1, 6, 5))
ONE_SLICE = Layout(num_slices=1)
UNIPOLAR = Layout(num_slices=1, devices_a_magnitude=1, subtracts=False, holds_both_signs=False)
ONE_BIT = ConverterBits(dac_bits=1, adc_bits=8)


def constants(**changes: float) -> Constants:
    units = {name: field.json_schema_extra["unit"] for name, field in Constants.model_fields.items()}  # type: ignore[index]
    values = ROUND | changes
    return build(Constants, {n: {"value": values[n], "unit": units[n], "source": "made up"} for n in units})


def costs(
    layers: Iterable[LayerShape] = LAYERS,
    layout: Layout = ONE_SLICE,
    converters: ConverterBits = ONE_BIT,
    **changes: float,
) -> pd.DataFrame:
    return hardware_costs(Deployed(tuple(layers), layout, converters), constants(**changes))


def column(frame: pd.DataFrame, layer: str, name: str) -> dict[str, Any]:
    found = frame[frame[c.LAYER] == layer]
    return dict(zip(map(str, found[c.COMPONENT]), found[name], strict=True))


# ---------------------------------------------------------------- counts, by hand
def test_a_small_layer_has_the_counts_that_a_pencil_gives() -> None:
    """2 outputs of 3 inputs in pairs: 4 columns of 3 devices in one array, its 3 rows, one converter for 4 columns."""
    counts = column(costs(), "first", c.COUNT)

    assert counts == {DEVICE: 12, COLUMN: 4, DAC: 3, ADC: 1, SHIFT_ADD: 1, SUBTRACTOR: 1}


def test_a_column_longer_than_an_array_is_cut_and_every_piece_is_converted() -> None:
    """1 output of 6 inputs in a pair: 2 columns over 2 arrays of 4 rows, so 4 pieces; each read 5 times a converter."""
    frame = costs()

    assert column(frame, "second", c.COUNT) == {DEVICE: 12, COLUMN: 4, DAC: 6, ADC: 1, SHIFT_ADD: 1, SUBTRACTOR: 1}
    # 5 products of 4 pieces; of each pair one subtraction
    assert column(frame, "second", c.NUM_OPERATIONS) == {
        DEVICE: 60, COLUMN: 20, DAC: 30, ADC: 20, SHIFT_ADD: 20, SUBTRACTOR: 10,
    }  # fmt: skip


def test_columns_beyond_an_arrays_width_need_their_own_row_drivers() -> None:
    """3 outputs in pairs are 6 columns: two arrays side by side, 2 x 3 drivers."""
    assert column(costs([LayerShape("wide", 3, 3, 1)]), "wide", c.COUNT)[DAC] == 6


def test_area_and_energy_are_counts_times_unit_costs() -> None:
    """Of the first layer, µm²: 12 + 4·3 + 3·10 + 100 + 7 + 11; pJ: 12 + 4·5 + 3·2 + 4·20 + 4·1 + 2·3."""
    frame = costs(LAYERS[:1])

    assert frame[c.AREA].sum() == pytest.approx(172e-6)
    assert frame[c.ENERGY].sum() == pytest.approx(128e-3)


def test_slices_and_copies_multiply_devices_and_columns() -> None:
    frame = costs(LAYERS[:1], replace(ONE_SLICE, num_slices=3, copies=2))

    assert column(frame, "first", c.COUNT)[DEVICE] == 3 * 2 * 12
    assert column(frame, "first", c.COUNT)[COLUMN] == 3 * 2 * 4


def test_an_input_of_b_bits_is_streamed_in_b_reads_through_drivers_of_one_bit() -> None:
    eight, one = (totals(costs(converters=ConverterBits(bits, 8))) for bits in (8, 1))

    assert eight.energy == pytest.approx(8 * one.energy)
    assert eight.area == one.area


def test_drivers_of_full_width_read_once() -> None:
    full = totals(costs(converters=ConverterBits(8, 8), dac_bits=8))

    assert full.conversions == totals(costs()).conversions


def test_a_converters_area_and_energy_double_with_a_bit() -> None:
    """The rule: growth 2 a bit; 6 bits cost a quarter of 8."""
    eight, six = (costs(LAYERS[:1], converters=ConverterBits(1, bits)) for bits in (8, 6))

    for name in (c.AREA, c.ENERGY):
        assert column(six, "first", name)[ADC] == pytest.approx(column(eight, "first", name)[ADC] / 4)


def test_bits_that_nobody_chose_are_priced_as_eight() -> None:
    assert costs(converters=ConverterBits()).equals(costs(converters=ConverterBits(8, 8)))
    assert ConverterBits().is_assumed
    assert not ConverterBits(8, 8).is_assumed


# ---------------------------------------------------------------- one sign
def test_weights_of_one_sign_take_half_the_devices_and_no_subtractor() -> None:
    frame = costs([replace(one, is_one_sign=True) for one in LAYERS], UNIPOLAR)
    unipolar, bipolar = totals(frame), totals(costs())

    assert 2 * unipolar.devices == bipolar.devices
    assert 2 * unipolar.conversions == bipolar.conversions
    assert unipolar.subtractors == 0
    assert SUBTRACTOR not in set(frame[c.COMPONENT])


def test_a_layer_of_both_signs_falls_back_on_pairs_alone() -> None:
    """The first layer is of one sign, the second is not: it costs what it costs in a bipolar network."""
    frame = costs([replace(LAYERS[0], is_one_sign=True), LAYERS[1]], UNIPOLAR)

    assert column(frame, "first", c.COUNT)[DEVICE] == 6
    assert column(frame, "second", c.COUNT) == column(costs(), "second", c.COUNT)


def test_an_offset_is_subtracted_though_it_needs_no_pair() -> None:
    """2 outputs of 3 inputs have 2 columns of 3 devices, and an offset is taken off each."""
    frame = costs(LAYERS[:1], layout_of(Mapping(weight_bits=2, device_bits=2, sign="offset")))

    assert column(frame, "first", c.COUNT)[DEVICE] == 6
    assert column(frame, "first", c.NUM_OPERATIONS)[SUBTRACTOR] == 2


@given(any_component(Mapping))
def test_devices_are_those_that_the_mapping_says(mapping: Mapping) -> None:
    layers = [replace(one, is_one_sign=True) for one in LAYERS]
    weights = [torch.ones(one.num_outputs, one.num_inputs) for one in layers]

    assert totals(costs(layers, layout_of(mapping))).devices == mapping.num_devices(weights)


# ---------------------------------------------------------------- banks
def test_a_shared_bank_is_the_largest_layers() -> None:
    """The first layer has 3 drivers, the second 6: together 9, in one bank 6."""
    own, shared = costs(), costs(converters=replace(ONE_BIT, shared=True))

    assert (totals(own).banks, totals(own).dacs, totals(own).adcs) == (2, 9, 2)
    assert (totals(shared).banks, totals(shared).dacs, totals(shared).adcs) == (1, 6, 1)
    assert column(shared, SHARED_BANK, c.COUNT) == {DAC: 6, ADC: 1, SHIFT_ADD: 1, SUBTRACTOR: 1}


def test_sharing_saves_area_and_no_energy() -> None:
    own, shared = totals(costs()), totals(costs(converters=replace(ONE_BIT, shared=True)))

    # the smaller of two: 3 drivers, a converter, an adder, a subtractor
    assert own.area - shared.area == pytest.approx((3 * 10 + 100 + 7 + 11) * 1e-6)
    assert shared.energy == pytest.approx(own.energy)


def test_bipolar_with_a_bank_a_layer_is_its_own_reference() -> None:
    plain = Deployed(LAYERS, ONE_SLICE, ONE_BIT)
    unipolar = Deployed(LAYERS, UNIPOLAR, replace(ONE_BIT, shared=True))

    assert bipolar_per_layer(plain) == plain
    assert bipolar_per_layer(unipolar) == plain


# ---------------------------------------------------------------- tables
@pytest.mark.parametrize("shared", [False, True])
def test_tables_by_layer_and_by_component_add_up_to_the_whole(shared: bool) -> None:
    frame = costs(converters=replace(ONE_BIT, shared=shared))

    for table in (by_layer(frame), by_component(frame)):
        assert table[c.AREA].sum() == pytest.approx(totals(frame).area)
        assert table[c.ENERGY].sum() == pytest.approx(totals(frame).energy)
    assert by_layer(frame)[c.NUM_OPERATIONS].sum() == totals(frame).conversions
    assert by_component(frame)[c.AREA_SHARE].sum() == pytest.approx(1)


def test_unit_costs_of_nothing_cost_nothing() -> None:
    free = {name: 0.0 for name in ROUND if name.endswith(("area", "energy"))}
    frame = hardware_costs(Deployed(LAYERS, ONE_SLICE), constants(**free))

    assert totals(frame).area == totals(frame).energy == 0
    assert by_component(frame)[c.AREA_SHARE].sum() == 0


# ---------------------------------------------------------------- networks
def meta(backbone: Mlp | Vgg8, shape: InputShape) -> tuple[LayerShape, ...]:
    with torch.device("meta"):
        network = build_network(backbone, shape)
        return layer_shapes(network, torch.zeros(1, shape.num_channels, shape.image_size, shape.image_size))


def test_shapes_of_a_small_mlp() -> None:
    """8 x 8 pixels, 5 hidden units, 10 classes; each layer is one product an inference."""
    found = meta(Mlp(hidden_layers=1, hidden_units=5), InputShape(1, 8, 10))

    assert [(one.num_outputs, one.num_inputs, one.num_products) for one in found] == [(5, 64, 1), (10, 5, 1)]


def test_shapes_of_vgg8() -> None:
    """3 x 3 kernels, so 9 inputs a channel; 8 x 8 pixels, halved by pools after layers 2, 4 and 6."""
    found = meta(Vgg8(width=1), InputShape(1, 8, 10))

    assert [(one.num_outputs, one.num_inputs, one.num_products) for one in found] == [
        (64, 9, 64), (128, 9 * 64, 64), (256, 9 * 128, 16), (256, 9 * 256, 16),
        (512, 9 * 256, 4), (512, 9 * 512, 4), (1024, 512, 1), (10, 1024, 1),
    ]  # fmt: skip


def test_vgg8_of_width_an_eighth_on_the_shipped_constants() -> None:
    """Last layer, 128 to 10, M = 8 on K = 2 in pairs: 10·4·2 = 80 columns of 128 devices, one array and converter.

    Area, µm²: 10,240·25/16,384 + 80·0.0391 + 128·0.166 + 1200 + 60 + 60 = 1,360.0. Energy of 8 reads, pJ:
    8·(10,240·30/16,384 + 80·0.000977 + 128·0.391 + 80·1.5625 + 80·0.0195 + 40·0.0195) = 1,569.7.
    """
    layers = meta(Vgg8(width=1 / 8), InputShape(1, 8, 10))
    frame = hardware_costs(Deployed(layers, layout_of(Mapping())), load_constants())

    assert column(frame, "classifier.3", c.COUNT) == {
        DEVICE: 10_240, COLUMN: 80, DAC: 128, ADC: 1, SHIFT_ADD: 1, SUBTRACTOR: 1,
    }  # fmt: skip
    assert sum(column(frame, "classifier.3", c.AREA).values()) == pytest.approx(1_360.0e-6, rel=1e-4)
    assert sum(column(frame, "classifier.3", c.ENERGY).values()) == pytest.approx(1.5697, rel=1e-4)


def test_a_transposed_convolution_counts_its_outputs_not_its_inputs() -> None:
    """2 channels to 3, kernel 2, stride 2: 3 outputs of 2·2·2 inputs each, at 8 x 8 places."""
    found = layer_shapes(nn.ConvTranspose2d(2, 3, 2, stride=2), torch.zeros(1, 2, 4, 4))

    assert [(one.num_outputs, one.num_inputs, one.num_products) for one in found] == [(3, 8, 64)]


def test_a_pass_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).train()
    _ = layer_shapes(network, torch.zeros(1, 1, 2, 2))

    assert network.training
    assert not network[1]._forward_hooks


def test_weights_of_other_layers_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"weight_ih_l0 is a weight of a GRU; hardware costs are known of linear"):
        _ = layer_shapes(nn.GRU(3, 2), torch.zeros(1, 1, 3))
