"""What a network takes on a chip of analog crossbars: devices, columns, converters, area and energy an inference.

A layer of O outputs and I inputs under a mapping of L slices, c copies and p devices a magnitude (2 for a sign
crossbar or a differential pair, 1 for weights of one sign or with an offset) has O L c p columns of I devices each.
Columns longer than an array are cut, and every piece is converted. Inputs are streamed: one of b bits takes b / (a
driver's bits) reads of the crossbar, each with a conversion a column. Both columns of a pair are converted, then
subtracted. Sign crossbars are read as such pairs.

After [GarciaRedondo2019]: weights of one sign halve the crossbars; one range for all layers lets them take turns at one
bank of converters, as large as the largest layer's. *Reconstruction*: its cost model is not public.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from neft import columns
from neft.hardware.constants import Constants

USUAL_BITS = 8
"""Bits of a converter where nothing is said of it: an ideal one has no cost."""
DEVICE, COLUMN, DAC, ADC, SHIFT_ADD, SUBTRACTOR = "device", "column", "dac", "adc", "shift_add", "subtractor"
COMPONENTS = (DEVICE, COLUMN, DAC, ADC, SHIFT_ADD, SUBTRACTOR)
"""In the order of the signal; a column comes with its sample-and-hold, a DAC is a row's driver."""
IN_A_BANK = (DAC, ADC, SHIFT_ADD, SUBTRACTOR)
"""What layers of one range can share."""
SHARED_BANK = "shared bank"
"""In the place of a layer: what all of them share."""
BIPOLAR = 2
"""Devices a magnitude of a layer whose weights are of both signs, where the mapping is for layers of one sign."""


@dataclass(frozen=True)
class LayerShape:
    """A layer as its crossbars have it."""

    name: str
    num_outputs: int
    num_inputs: int
    """Products that an output sums."""
    num_products: int
    """Times that the layer is read in one inference: the places of a convolution's output."""
    is_one_sign: bool = False
    """Whether all its weights are >= 0, or all <= 0."""


@dataclass(frozen=True)
class Layout:
    """What of a mapping decides costs."""

    num_slices: int
    copies: int = 1
    devices_a_magnitude: int = 2
    subtracts: bool = True
    """Whether something is subtracted from what a column gives: the other of its pair, or an offset."""
    holds_both_signs: bool = True
    """Otherwise a layer of both signs falls back on a pair of devices."""

    def of_layer(self, layer: LayerShape) -> tuple[int, bool]:
        """Devices a magnitude of a layer, and whether it needs subtractors."""
        falls_back = not self.holds_both_signs and not layer.is_one_sign
        return (BIPOLAR, True) if falls_back else (self.devices_a_magnitude, self.subtracts)


@dataclass(frozen=True)
class ConverterBits:
    """The converters around the crossbars; no bits are those of an ideal one, priced as one of `USUAL_BITS`."""

    dac_bits: int | None = None
    """Of an input."""
    adc_bits: int | None = None
    shared: bool = False
    """Whether all layers have one range, and so one bank."""

    @property
    def priced_dac_bits(self) -> int:
        """Those that an input is streamed in."""
        return self.dac_bits or USUAL_BITS

    @property
    def priced_adc_bits(self) -> int:
        """Those that are paid for."""
        return self.adc_bits or USUAL_BITS

    @property
    def is_assumed(self) -> bool:
        """Whether some bits are nobody's choice."""
        return self.dac_bits is None or self.adc_bits is None


@dataclass(frozen=True)
class Deployed:
    """A network as it lies on a chip."""

    layers: tuple[LayerShape, ...]
    layout: Layout
    converters: ConverterBits = ConverterBits()


@dataclass(frozen=True)
class Totals:
    """Of a whole network."""

    devices: int
    columns: int
    """With columns that are cut counted by their pieces."""
    dacs: int
    adcs: int
    conversions: int
    """An inference."""
    subtractors: int
    banks: int
    area: float
    """mm²."""
    energy: float
    """nJ an inference."""


@dataclass(frozen=True)
class Size:
    """A network's totals, and what they are of the same network bipolar with a bank a layer."""

    totals: Totals
    area_share: float
    energy_share: float


def hardware_costs(deployed: Deployed, constants: Constants) -> pd.DataFrame:
    """A row per layer and component: count, operations an inference, area (mm²), energy (nJ an inference).

    Where the converters are shared they stand in rows of their own, by the largest layer; what they do stays the
    layers'.

    Returns:
        layer, component, bank, count, operations, area, energy; parts that a layer has none of are left out.
    """
    rows = [row for layer in deployed.layers for row in _layer_rows(layer, deployed, constants)]
    table = pd.DataFrame(rows)
    if deployed.converters.shared:
        table = _with_one_bank(table)
    used = (table[columns.COUNT] > 0) | (table[columns.NUM_OPERATIONS] > 0)
    return table[used].reset_index(drop=True)


def totals(costs: pd.DataFrame) -> Totals:
    """Of a table of `hardware_costs`."""
    counts = costs.groupby(columns.COMPONENT)[columns.COUNT].sum()
    conversions = costs.loc[costs[columns.COMPONENT] == ADC, columns.NUM_OPERATIONS].sum()
    return Totals(
        devices=int(counts[DEVICE]),
        columns=int(counts[COLUMN]),
        dacs=int(counts[DAC]),
        adcs=int(counts[ADC]),
        conversions=int(conversions),
        subtractors=int(counts.get(SUBTRACTOR, 0)),
        banks=costs.loc[costs[columns.COMPONENT] == ADC].query(f"{columns.COUNT} > 0")[columns.BANK].nunique(),
        area=float(costs[columns.AREA].sum()),
        energy=float(costs[columns.ENERGY].sum()),
    )


def bipolar_per_layer(deployed: Deployed) -> Deployed:
    """The same network with weights of both signs in pairs and a bank a layer: what relative costs are held against."""
    layout = replace(deployed.layout, devices_a_magnitude=BIPOLAR, subtracts=True, holds_both_signs=True)
    return replace(deployed, layout=layout, converters=replace(deployed.converters, shared=False))


def size_of(deployed: Deployed, constants: Constants) -> Size:
    """What a network takes, and over the reference; where that is free so is all."""
    own, reference = (totals(hardware_costs(one, constants)) for one in (deployed, bipolar_per_layer(deployed)))
    area = own.area / reference.area if reference.area else 1.0
    return Size(own, area, own.energy / reference.energy if reference.energy else 1.0)


def by_layer(costs: pd.DataFrame) -> pd.DataFrame:
    """A row per layer: a column for each component's count, then conversions, area and energy; the shared bank last."""
    counts = costs.pivot_table(index=columns.LAYER, columns=columns.COMPONENT, values=columns.COUNT, sort=False)
    counts = counts.reindex(columns=list(COMPONENTS)).fillna(0).astype(int)
    adcs = costs[costs[columns.COMPONENT] == ADC].set_index(columns.LAYER)[columns.NUM_OPERATIONS]
    sums = costs.groupby(columns.LAYER, sort=False)[[columns.AREA, columns.ENERGY]].sum()
    return counts.assign(**{columns.NUM_OPERATIONS: adcs}).join(sums).reset_index()


def by_component(costs: pd.DataFrame) -> pd.DataFrame:
    """A row per component, in the order of the signal: count, operations, area, energy, and shares of the whole."""
    names = [columns.COUNT, columns.NUM_OPERATIONS, columns.AREA, columns.ENERGY]
    sums = costs.groupby(columns.COMPONENT)[names].sum()
    table = sums.reindex([name for name in COMPONENTS if name in sums.index]).reset_index()
    shares = {
        share: table[name] / (table[name].sum() or 1.0)
        for name, share in ((columns.AREA, columns.AREA_SHARE), (columns.ENERGY, columns.ENERGY_SHARE))
    }
    return table.assign(**shares)


def _layer_rows(layer: LayerShape, deployed: Deployed, constants: Constants) -> Iterator[dict[str, object]]:
    pair, subtracts = deployed.layout.of_layer(layer)
    whole_columns = layer.num_outputs * deployed.layout.num_slices * deployed.layout.copies * pair
    pieces = whole_columns * _up(layer.num_inputs, constants.count("array_rows"))
    dacs = layer.num_inputs * _up(whole_columns, constants.count("array_columns"))
    adcs = _up(pieces, constants.count("adc_columns"))
    adders = _up(adcs, constants.count("shift_add_adcs"))
    devices = layer.num_inputs * whole_columns
    reads = layer.num_products * _up(deployed.converters.priced_dac_bits, constants.count("dac_bits"))
    array = constants.count("array_rows") * constants.count("array_columns")
    factor = constants.adc_factor(deployed.converters.priced_adc_bits)
    one = constants
    for component, count, operations, area, energy in (
        (DEVICE, devices, devices, one.array_area.value / array, one.array_energy.value / array),
        (COLUMN, pieces, pieces, one.hold_area.value, one.hold_energy.value),
        (DAC, dacs, dacs, one.dac_area.value, one.dac_energy.value),
        (ADC, adcs, pieces, factor * one.adc_area.value, factor * one.adc_energy.value),
        (SHIFT_ADD, adders, pieces, one.shift_add_area.value, one.shift_add_energy.value),
        (
            SUBTRACTOR,
            subtracts * adders,
            subtracts * pieces // pair,
            one.subtractor_area.value,
            one.subtractor_energy.value,
        ),
    ):
        yield {
            columns.LAYER: layer.name,
            columns.COMPONENT: component,
            columns.BANK: layer.name if component in IN_A_BANK else "",
            columns.COUNT: count,
            columns.NUM_OPERATIONS: operations * reads,
            columns.AREA: count * area * 1e-6,
            columns.ENERGY: operations * reads * energy * 1e-3,
        }


def _with_one_bank(table: pd.DataFrame) -> pd.DataFrame:
    in_bank = table[columns.COMPONENT].isin(IN_A_BANK)
    largest = table[in_bank].groupby(columns.COMPONENT, sort=False)[[columns.COUNT, columns.AREA]].max().reset_index()
    bank = {columns.LAYER: SHARED_BANK, columns.BANK: SHARED_BANK, columns.NUM_OPERATIONS: 0, columns.ENERGY: 0.0}
    layers = table.assign(
        **{
            columns.BANK: table[columns.BANK].where(~in_bank, SHARED_BANK),
            columns.COUNT: table[columns.COUNT].where(~in_bank, 0),
            columns.AREA: table[columns.AREA].where(~in_bank, 0.0),
        }
    )
    return pd.concat([layers, largest.assign(**bank)[list(table.columns)]], ignore_index=True)


def _up(count: int, size: int) -> int:
    """How many of a size it takes."""
    return -(-count // size)
