"""Uniform layers and weights of one sign: what each costs in accuracy, at few bits, beside what they save.

[GarciaRedondo2019] compares quantised devices; here they vary as well. Every network is trained with its converters
(learned ranges) and its quantised weights, at one method and budget.
"""

from dataclasses import replace
from itertools import product

from neft.component import build
from neft.config import RunConfig
from neft.constraints import Constraint, NoConstraint, Unipolar
from neft.experiments.planning import PlannedRun, Scale, Standing, Stored
from neft.experiments.questions import setting_key
from neft.mapping.signs import SignScheme
from neft.mapping.stack import Mapping
from neft.methods import NoiseInjection
from neft.networks.converters import Converters

METHOD = NoiseInjection(temperature=16.0)
"""Of all runs: the claims find no better one at this budget."""
WEIGHTS: dict[str, tuple[Constraint, SignScheme]] = {
    "bipolar": (NoConstraint(), "crossbar"),
    "unipolar": (Unipolar(), "unipolar"),
}
SCALINGS = ("layer", "uniform")
BITS = ((8, 2), (4, 4), (4, 2), (2, 2))
"""Of weights and of devices, (M, K): the usual, then those of [GarciaRedondo2019]."""
USUAL_CONVERTERS = 8
CONVERTER_BITS = (8, 6, 4)


def uniform_unipolar(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """{bipolar, unipolar} x {per layer, uniform} at every number of bits."""
    found: list[PlannedRun] = []
    for seed, weights, scaling, (place, bits) in product(scale.seeds, WEIGHTS, SCALINGS, enumerate(BITS)):
        sized = _scaled(scale, weights, scaling, bits=bits, converter_bits=USUAL_CONVERTERS)
        setting = f"weights_{bits[0]}_devices_{bits[1]}"
        at = scale.base.training.sigma_d
        found.append(_run(sized, seed, Standing(uniform_unipolar.__name__, f"{weights}_{scaling}", setting, place, at)))
    return found


def converter_bits(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Bipolar weights of 8 bits, per layer and uniform, between converters of ever fewer bits."""
    found: list[PlannedRun] = []
    for seed, scaling, bits in product(scale.seeds, SCALINGS, CONVERTER_BITS):
        sized = _scaled(scale, "bipolar", scaling, bits=BITS[0], converter_bits=bits)
        at = scale.base.training.sigma_d
        standing = Standing(converter_bits.__name__, f"bipolar_{scaling}", setting_key("bits", bits), bits, at)
        found.append(_run(sized, seed, standing))
    return found


def _run(scale: Scale, seed: int, standing: Standing) -> PlannedRun:
    """Tried at every test sigma_d of the base, and where it is read."""
    read = replace(scale, sigma_ds=(standing.sigma_d,))
    config = read.run(METHOD, seed, whole_curve=True, constraint=scale.base.constraint)
    return PlannedRun(config, keep_weights=False, standings=(standing,))


def _scaled(scale: Scale, weights: str, scaling: str, *, bits: tuple[int, int], converter_bits: int) -> Scale:
    constraint, sign = WEIGHTS[weights]
    weight_bits, device_bits = bits
    converters = {
        "dac_bits": converter_bits,
        "adc_bits": converter_bits,
        "converter_ranges": "learned",
        "scaling": scaling,
    }
    parts = {name: getattr(scale.base, name) for name in RunConfig.model_fields} | {
        "constraint": constraint,
        "mapping": Mapping(weight_bits=weight_bits, device_bits=device_bits, sign=sign),
        "converters": build(Converters, converters),
    }
    return replace(scale, base=RunConfig.make(**parts))
