"""One layer on one chip, from its weights to what they are read as; and an MLP of such layers, between converters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import sqrt
from typing import Any

from tests.independent.naive import converters, effects
from tests.independent.naive.mapping import Plan, Rows, lay, read, stds, turned_back
from tests.independent.naive.programming import WRITES, Job

Nested = Sequence[Any]
"""Numbers by copy, set, slice, row and column."""


@dataclass(frozen=True)
class Layer:
    """A layer and how it is put on devices."""

    rows: Rows
    plan: Plan
    of_level: list[float]
    """Std of every level over (sigma_d x maximal conductance)."""
    programming: str
    settings: Mapping[str, Any]
    """Of the programming."""
    effects: Mapping[str, Any]
    verified: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    """Rows and columns of the weights that are verified, for programming that chooses."""


@dataclass(frozen=True)
class Draws:
    """What one chip's devices of a layer draw."""

    errors: Nested
    reads: Nested | None
    effects: Mapping[str, Nested]
    shared: float | None
    """The normal that they have in common."""


def device_by_device(layer: Layer, draws: Draws, *, sigma_d: float) -> Rows:
    """What is read: written, then what happens, then drift compensated by one factor for each copy of the layer."""
    plan, laid = layer.plan, lay(layer.rows, layer.plan)
    num_rows, num_columns = len(layer.rows), len(layer.rows[0])
    aimed, conducted = [0.0] * plan.copies, [0.0] * plan.copies
    found: dict[tuple[int, int, int, int], list[tuple[float, float]]] = {}
    for place in product(range(plan.copies), range(len(laid.codes)), range(num_rows), range(num_columns)):
        copy, index, o, i = place

        def of(drawn: Nested, at: tuple[int, int, int, int] = place) -> list[float]:
            return [one[at[2]][at[3]] for one in drawn[at[0]][at[1]]]

        errors = of(draws.errors)
        if draws.shared is not None:
            errors = [effects.common(z, draws.shared, layer.effects["common_mode"]) for z in errors]
        job = Job(
            plan=plan,
            code=laid.codes[index][o][i],
            of_level=layer.of_level,
            sigma_d=sigma_d,
            errors=errors,
            reads=None if draws.reads is None else of(draws.reads),
            verified=(o, i) in layer.verified,
            settings=layer.settings,
        )
        by_slice = {name: of(drawn) for name, drawn in draws.effects.items()}
        found[place] = []
        for j, (held, level, side) in enumerate(WRITES[layer.programming](job)):
            target = plan.conductance(level)
            own = {name: values[j] for name, values in by_slice.items()}
            now = effects.conducted(held, level, target, plan.lowest, layer.effects, own)
            aimed[copy] += target
            conducted[copy] += now
            found[place].append((now, side))
    factors = [1.0] * plan.copies
    if layer.effects["drift_compensation"]:
        factors = [before / after for before, after in zip(aimed, conducted, strict=True)]

    def held_by(copy: int, index: int, o: int, i: int) -> list[tuple[float, float]]:
        return [(factors[copy] * conducts, side) for conducts, side in found[copy, index, o, i]]

    return read(laid, plan, held_by)


def weight_by_weight(layer: Layer, normals: Rows, *, sigma_d: float, stds_of: Rows, aims: Rows) -> Rows:
    """A Gaussian a weight: W_d + sigma_d std z, of a turned layer turned back."""
    missed = [
        [sigma_d * std * z for std, z in zip(of_row, row, strict=True)]
        for of_row, row in zip(stds_of, normals, strict=True)
    ]
    missed = turned_back(missed, layer.plan)
    return [[aim + miss for aim, miss in zip(*rows, strict=True)] for rows in zip(aims, missed, strict=True)]


def exact_stds(layer: Layer) -> Rows:
    """Of what the layer's devices hold: of a turned layer those of the turned weights."""
    return stds(layer.rows, layer.plan, layer.of_level, kind="turned")


def reading_stds(layer: Layer) -> list[float]:
    """By row of one weight's reading, where every device misreads by the same std at each read."""
    of_rows = stds(layer.rows, layer.plan, [1.0] * len(layer.of_level))
    return [layer.effects["read_noise_each"] * row[0] for row in of_rows]


# ---------------------------------------------------------------- a network of such layers
@dataclass(frozen=True)
class Converter:
    """Of one end of one layer."""

    reach: float
    sides: int
    bits: int

    def convert(self, values: Sequence[float]) -> list[float]:
        """Value by value."""
        return [converters.convert(value, self.reach, self.bits, self.sides) for value in values]


Ends = Mapping[tuple[str, int], Converter]
"""By end (inputs or outputs) and layer; none where values pass as they are."""
Noise = Callable[[int, int, list[float]], list[float]]
"""From layer, image and what comes in to what a read adds to every output."""
Seen = dict[tuple[str, int], list[float]]


def mlp(
    images: Rows, layers: Sequence[Rows], biases: Rows, ends: Ends, noise: Noise | None = None
) -> tuple[Rows, Seen]:
    """ADC(W DAC(x)) + b, a ReLU between layers; and what came to each converter."""
    outputs: Rows = []
    seen: Seen = {(end, k): [] for end in ("inputs", "outputs") for k in range(len(layers))}
    for number, image in enumerate(images):
        values = list(image)
        for k, (weight, bias) in enumerate(zip(layers, biases, strict=True)):
            seen["inputs", k] += values
            given = ends["inputs", k].convert(values) if ("inputs", k) in ends else values
            products = converters.linear(weight, given)
            seen["outputs", k] += products
            products = ends["outputs", k].convert(products) if ("outputs", k) in ends else products
            read_out = [p + b for p, b in zip(products, bias, strict=True)]
            if noise is not None:
                read_out = [v + z for v, z in zip(read_out, noise(k, number, given), strict=True)]
            values = read_out if k == len(layers) - 1 else [max(value, 0.0) for value in read_out]
        outputs.append(values)
    return outputs, seen


def calibrated(seen: Seen, layers: Sequence[Rows], settings: Mapping[str, Any], *, tried: int) -> dict[Any, Converter]:
    """Ranges of the least square error over the power, by layer or one for all; ADCs' in units of w_max then."""
    found: dict[Any, Converter] = {}
    tops = [max(abs(w) for row in rows for w in row) for rows in layers]
    for end, name in (("inputs", "dac_bits"), ("outputs", "adc_bits")):
        bits = settings[name]
        if bits is None:
            continue
        values = [(seen[end, k], converters.sides_of(seen[end, k])) for k in range(len(layers))]
        units = tops if end == "outputs" and settings["scaling"] == "uniform" else [1.0] * len(layers)
        scaled = [([v / unit for v in of], sides) for (of, sides), unit in zip(values, units, strict=True)]
        for k, ((_, sides), unit) in enumerate(zip(values, units, strict=True)):
            group = scaled if settings["scaling"] == "uniform" else [scaled[k]]
            found[end, k] = Converter(converters.best_range(group, bits, tried) * unit, sides, bits)
    return found


def norm(values: Sequence[float]) -> float:
    """The root of the sum of squares."""
    return sqrt(sum(value * value for value in values))
