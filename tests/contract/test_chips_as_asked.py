"""Every device, mapping, programming, effect, correction and backbone, each met by each: chips miss as is asked.

Where there is a closed form, mean and std over a layer's weights are its own; what is left to sampling moves chips.
What cannot be combined is refused in a sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, count
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from neft.chips.deployed import ChipLaw, draws_from
from neft.chips.device_by_device import DeviceByDevice
from neft.component import build
from neft.config import RunConfig
from neft.corrections.batchnorm import recalibrate_batchnorm
from neft.datasets.base import DataAccess, ImageData
from neft.datasets.digits import Digits
from neft.devices import PUBLISHED
from neft.devices.presets import PRESETS
from neft.errors import ConfigError
from neft.input_kinds import IMAGES
from neft.mapping.signs import SIGNS
from neft.networks.backbones import BACKBONES, BaseBackbone
from neft.networks.network import Network, build_network, initialise
from neft.pipeline import input_shape, law_of_chips
from neft.programming import PROGRAMMINGS
from neft.seeding import generator, numpy_generator
from tests.input_shapes import data_for

SIGMA_D = 0.15
STANDARD_ERRORS = 5
SAMPLES = 2_000
"""Of each layer at least, over as many chips as that takes."""
MOST_CHIPS = 24
ATTEMPTS = 60
Setting = dict[str, Any]

BACKBONE: dict[str, Setting] = {
    name: {"name": name} | ({"hidden_units": 24, "hidden_layers": 2} if name == "mlp" else {"width": 1 / 32})
    for name in BACKBONES
} | {"mlp, compensated": {"name": "mlp", "hidden_units": 24, "hidden_layers": 2, "compensation": 0.25}}
DEVICE: dict[str, Setting] = {name: {"name": name} for name in PUBLISHED} | {
    name: preset.device(2)[1].model_dump() for name, preset in PRESETS.items()
}
MAPPING: dict[str, Setting] = {
    "plain": {},
    **{sign: {"sign": sign} for sign in SIGNS if sign != "crossbar"},
    "scale by channel": {"scale": "channel"},
    "hadamard": {"rotation": "hadamard"},
    "base 1": {"significance_base": 1},
    "base 2": {"significance_base": 2},
    "clipped": {"clip_for": 0.2},
    "on/off ratio": {"on_off_ratio": 5},
    "copies": {"copies": 2},
    "four bits": {"weight_bits": 4},
    "devices of one bit": {"device_bits": 1},
    "devices of four bits": {"device_bits": 4},
    "all": {
        "sign": "differential",
        "scale": "channel",
        "rotation": "hadamard",
        "significance_base": 2,
        "clip_for": 0.1,
        "on_off_ratio": 10,
        "copies": 2,
    },
}
PROGRAMMING: dict[str, Setting] = {
    f"{name} {index}": form.model_dump()
    for name, kind in PROGRAMMINGS.items()
    for index, form in enumerate(kind.compared())
} | {
    f"{name} by {choice}": kind().model_dump() | {kind.choice_field: choice}
    for name, kind in PROGRAMMINGS.items()
    for choice in kind.choices()
}
EFFECT: dict[str, Setting] = {
    "no effect": {},
    "drift": {"drift_seconds": 1e4},
    "drift of Hermes": {"drift_seconds": 1e4, "drift_law": "hermes"},
    "retention": {"retention_seconds": 100},
    "read noise": {"read_noise": 0.05},
    "stuck devices": {"stuck_low": 0.05, "stuck_high": 0.02},
    "common mode": {"common_mode": 0.5},
    "common mode by layer": {"common_mode": 0.5, "common_to": "layer"},
    "level bias": {"level_bias": (0.01, -0.02, 0.02, -0.01)},
}
CORRECTION: dict[str, Setting] = {
    "no correction": {},
    "BatchNorm": {"recalibrate_batchnorm": True},
    "drift compensation": {"drift_compensation": True},
}
FACTORS: dict[str, dict[str, Setting]] = {
    "backbone": BACKBONE,
    "device": DEVICE,
    "mapping": MAPPING,
    "programming": PROGRAMMING,
    "effect": EFFECT,
    "correction": CORRECTION,
}
Row = tuple[str, ...]
Pair = tuple[tuple[int, str], tuple[int, str]]
REFUSED: tuple[tuple[str, str], ...] = (
    *((name, "drift compensation") for name in EFFECT if not name.startswith("drift")),
    *((turned, form) for turned in ("hadamard", "all") for form in PROGRAMMING if form.startswith("selective")),
    *(("devices of one bit", name) for name, device in DEVICE.items() if device["name"] != "rram1"),
    *(("devices of four bits", name) for name, device in DEVICE.items() if device["name"] != "rram1"),
    *(("mlp, compensated", form) for form in ("selective 0", "selective by second_derivative")),
    *((bits, "level bias") for bits in ("devices of one bit", "devices of four bits")),
)
"""What cannot stand together: drift that is not there is not compensated, weights of turned rows are not chosen one by
one, second derivatives do not pass a digital layer, a measured device has as many levels as were measured."""


def pairs_of(row: Row) -> set[Pair]:
    return set(combinations(enumerate(row), 2))


def is_refused(row: Row) -> bool:
    return any(one in row and other in row for one, other in REFUSED)


def every_pair_met() -> Iterator[Row]:
    """Combinations in which every two settings that can stand together do, few by a greedy choice."""
    names = [list(factor) for factor in FACTORS.values()]
    left = {
        ((one, a), (other, b))
        for one, other in combinations(range(len(names)), 2)
        for a in names[one]
        for b in names[other]
        if not is_refused((a, b))
    }
    rng = numpy_generator(0, "combinations")
    while left:
        first, second = min(left)
        best: tuple[int, Row] = (0, ())
        for attempt in count():
            if attempt > ATTEMPTS and best[0]:
                break
            row = [str(rng.choice(factor)) for factor in names]
            for place, setting in (first, second):
                row[place] = setting
            if not is_refused(tuple(row)):
                best = max(best, (len(pairs_of(tuple(row)) & left), tuple(row)))
        left -= pairs_of(best[1])
        yield best[1]


ROWS = list(every_pair_met())


@cache
def data(backbone: str) -> ImageData:
    return data_for(made_of(backbone), Digits(max_train=40).load(DataAccess(Path())))


def made_of(backbone: str) -> BaseBackbone:
    setting = BACKBONE[backbone]
    return build(BACKBONES[setting["name"]], setting)


@cache
def untrained(backbone: str) -> Network:
    made = build_network(made_of(backbone), input_shape(data(backbone)))
    initialise(made, generator(0, "network"))
    return made.eval()


def asked(row: Row) -> RunConfig:
    backbone, device, mapping, programming, effect, correction = row
    corrected = dict(CORRECTION[correction])
    of_batchnorm = corrected.pop("recalibrate_batchnorm", False)
    takes_images = IMAGES in made_of(backbone).takes
    return RunConfig.make(
        dataset={"name": "digits" if takes_images else "basic_motions"},
        backbone=BACKBONE[backbone],
        device=DEVICE[device],
        mapping=MAPPING[mapping],
        programming=PROGRAMMING[programming],
        evaluation={
            "effects": {**EFFECT[effect], **corrected},
            "recalibrate_batchnorm": of_batchnorm,
            "sigma_ds": (SIGMA_D,),
        },
    )


def assert_as_asked(deployment: DeviceByDevice, layer: str) -> None:
    """Mean and variance over a layer lie within five standard errors of the closed form's, where there is one."""
    moments, target = deployment.moments(layer, sigma_d=SIGMA_D), deployment.targets[layer]
    num_chips = min(MOST_CHIPS, ceil(SAMPLES / target.numel())) if moments else 1
    draws = [deployment.draw(draws_from(0, "chip", chip)) for chip in range(num_chips)]
    missed = torch.stack([deployment.layer(layer, one, sigma_d=SIGMA_D) - target for one in draws]).double()
    assert float(missed.abs().max()) > 0
    if moments is None:
        return
    mean, variance = moments
    # the weights of an output of a turned layer share their devices' misses, so outputs count, not weights
    beyond = ((missed - mean).square() - variance).flatten(2).mean(dim=2)
    error = float(beyond.std()) / sqrt(beyond.numel())
    assert float(beyond.mean().abs()) <= STANDARD_ERRORS * error
    assert float((missed - mean).mean().abs()) <= STANDARD_ERRORS * sqrt(float(variance.mean()) / missed.numel())


def assert_fast_path_agrees(law: ChipLaw, deployment: DeviceByDevice, weights: dict[str, Tensor]) -> None:
    """One Gaussian a weight has the closed form's variance."""
    stds = law.deploy_gaussian(weights).stds
    for layer, weight in weights.items():
        moments = deployment.moments(layer, sigma_d=SIGMA_D)
        assert moments is not None
        fast = (SIGMA_D * stds[layer]).double().square().expand_as(weight)
        torch.testing.assert_close(fast, moments[1], rtol=1e-4, atol=1e-12)


def chips_of(row: Row) -> tuple[ChipLaw, DeviceByDevice, dict[str, Tensor]]:
    """How a combination's chips are made, the same device by device, and the weights they hold.

    Raises:
        ConfigError: it cannot be.
    """
    network = untrained(row[0])
    law = law_of_chips(asked(row), network, data(row[0]))
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    if "unipolar" in row:
        weights = {name: weight.abs() for name, weight in weights.items()}
    deployment = replace(law, device_by_device=True).deploy(weights)
    assert isinstance(deployment, DeviceByDevice)
    return law, deployment, weights


@pytest.mark.parametrize("row", ROWS, ids=", ".join)
def test_chips_miss_as_is_asked(row: Row) -> None:
    law, deployment, weights = chips_of(row)

    for layer in weights:
        assert_as_asked(deployment, layer)
    if law.is_gaussian:
        assert_fast_path_agrees(law, deployment, weights)
    if asked(row).evaluation.recalibrate_batchnorm and "unipolar" not in row:
        assert_statistics_are_renewed(row[0], law)


@pytest.mark.parametrize("pair", REFUSED, ids=", ".join)
def test_what_cannot_stand_together_is_refused_in_a_sentence(pair: tuple[str, str]) -> None:
    usual = ("mlp", "rram1", "plain", "open_loop 0", "no effect", "no correction")
    row = tuple(
        next((name for name in pair if name in factor), name)
        for name, factor in zip(usual, FACTORS.values(), strict=True)
    )
    with pytest.raises(ConfigError) as refused:
        _ = chips_of(row)

    assert re.fullmatch(r"[^\n]{20,300}\.", str(refused.value))


def assert_statistics_are_renewed(backbone: str, law: ChipLaw) -> None:
    network = untrained(backbone)
    renewed, before = recalibrate_batchnorm(network, data(backbone), law).state_dict(), network.state_dict()
    assert renewed.keys() == before.keys()
    for name, tensor in renewed.items():
        assert torch.equal(tensor, before[name]) != name.endswith(
            ("running_mean", "running_var", "num_batches_tracked")
        )
