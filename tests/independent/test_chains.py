"""Whole chains: devices, mappings, programmings, effects and converters together, from the seed to the metrics.

A few combinations of which each member of each registry is in one at least; an MLP of three layers, device by device in
float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np
import pytest
import torch

from neft.chips import device_by_device as package_chips
from neft.chips.deployed import ChipLaw
from neft.chips.sampling import Sampler
from neft.component import build
from neft.corrections.converter_ranges import with_converters
from neft.datasets.base import ImageData, Split
from neft.devices import DEVICES, BaseDevice, Measured
from neft.effects import Effects
from neft.effects.drift import DriftLaw
from neft.effects.retention import RetentionLaw
from neft.evaluation.monte_carlo import evaluate
from neft.mapping.signs import SIGNS
from neft.mapping.stack import Mapping, RotationName, ScaleOf
from neft.networks.backbones import Mlp
from neft.networks.converters import Converters
from neft.networks.converters.calibration import TRIED
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.programming import PROGRAMMINGS
from neft.programming.selective import Choice
from tests.independent.naive import chips as naive
from tests.independent.naive import devices as naive_devices
from tests.independent.naive import mapping as naive_mapping
from tests.independent.naive import programming as naive_programming
from tests.independent.naive.mapping import Rows
from tests.independent.settings import plan_of, turning_signs
from tests.independent.test_whole_chain import MAXIMUM, MEAN, NUM_CHIPS, NUM_IMAGES, SEED, STD, agree, derived

GIVEN = (0.2, 0.4, 2.5, 1.0)
"""Level stds of a user's own device, without any symmetry."""
SIDE, HIDDEN, CLASSES = 4, 6, 3
SHAPE = InputShape(num_channels=1, image_size=SIDE, num_classes=CLASSES)
BACKBONE = Mlp(hidden_layers=2, hidden_units=HIDDEN)
LEARNED = {"inputs": 1.9, "outputs": 1.2}
"""Ranges of converters as if they had been learned."""


@dataclass(frozen=True)
class Chain:
    """A combination."""

    device: str
    mapping: dict[str, Any] = field(default_factory=dict[str, Any])
    programming: dict[str, Any] = field(default_factory=lambda: {"name": "open_loop"})
    effects: dict[str, Any] = field(default_factory=dict[str, Any])
    converters: dict[str, Any] = field(default_factory=dict[str, Any])
    sampler: Sampler = "exact"
    quantise: bool = True
    sigma_ds: tuple[float, ...] = (0.0, 0.2)


GIVEN_RETENTION = {"retention_law": "given", "retention_std": 0.03, "retention_growth": 0.01}
CHAINS = {
    "unipolar": Chain("rram1", {"sign": "unipolar"}, converters={"dac_bits": 4, "adc_bits": 5}),
    "one_factor": Chain(
        "fefet2", sampler="one_factor", quantise=False, converters={"adc_bits": 4, "scaling": "uniform"}
    ),
    "turned": Chain("measured", {"sign": "differential", "rotation": "hadamard", "clip_for": 0.2}),
    "verified": Chain(
        "rram4",
        {"sign": "differential", "on_off_ratio": 12.5, "copies": 2},
        {"name": "write_verify", "tolerance": 0.08},
        {"retention_seconds": 3.0, "drift_seconds": 1e5, "drift_compensation": True},
    ),
    "selective": Chain(
        "measured",
        {"scale": "channel", "weight_bits": 6},
        {"name": "selective", "verified_share": 0.4, "tolerance": 0.1, "chosen_by": "magnitude"},
        {"level_bias": (0.0, 0.02, -0.01, 0.03), "drift_seconds": 3600.0, "drift_law": "hermes", "common_mode": 0.3},
    ),
    "residual of two sides": Chain(
        "fefet6",
        {"sign": "offset"},
        {"name": "residual", "sides": "two", "read_error": 0.05},
        {"stuck_low": 0.05, "stuck_high": 0.02, "read_noise": 0.02, "common_mode": 0.6, "common_to": "layer"},
        sigma_ds=(0.05, 0.2),
    ),
    "residual of one side": Chain(
        "rram4",
        {"sign": "by_layer", "significance_base": 2},
        {"name": "residual", "sides": "one", "read_error": 0.0},
        {"drift_seconds": 1e3, "drift_law": "given", "drift_exponent": 0.07, "drift_spread": 0.03},
        {"dac_bits": 6, "adc_bits": 6, "scaling": "uniform"},
        sigma_ds=(0.05, 0.2),
    ),
    "each read": Chain("fefet2", {"significance_base": 1, "weight_bits": 6}, effects={"read_noise_each": 0.05}),
    "learned": Chain(
        "rram1",
        {"clip_for": 0.2},
        effects={"retention_seconds": 500.0, "retention_programmed": 0.01} | GIVEN_RETENTION,
        converters={"dac_bits": 4, "adc_bits": 4, "converter_ranges": "learned"},
    ),
}


def test_every_member_of_every_registry_is_in_a_chain() -> None:
    chains = CHAINS.values()
    mappings = [build(Mapping, chain.mapping) for chain in chains]
    assert {chain.device for chain in chains} == set(DEVICES)
    assert {chain.programming["name"] for chain in chains} == set(PROGRAMMINGS)
    assert {chain.sampler for chain in chains} == set(get_args(Sampler))
    assert {mapping.sign for mapping in mappings} == set(SIGNS)
    assert {mapping.scale for mapping in mappings} == set(get_args(ScaleOf))
    assert {mapping.rotation for mapping in mappings} == set(get_args(RotationName))
    assert {name for chain in chains for name in chain.mapping} == set(Mapping.model_fields) - {"device_bits"}
    assert {name for chain in chains for name in chain.effects} == set(Effects.model_fields)
    assert {chain.effects.get("drift_law", "pcm") for chain in chains} == set(get_args(DriftLaw))
    assert {chain.effects.get("retention_law", "ember") for chain in chains} == set(get_args(RetentionLaw))
    assert {chain.effects.get("common_to", "chip") for chain in chains} == {"chip", "layer"}
    for name, allowed in (("scaling", {"layer", "uniform"}), ("converter_ranges", {"calibrated", "learned"})):
        found = Converters.model_fields[name]
        assert {chain.converters.get(name, found.default) for chain in chains if chain.converters} == allowed
        assert set(get_args(found.annotation)) == allowed
    given = {name for chain in chains for name in chain.converters}
    assert given == set(Converters.model_fields) - {"scaling_penalty"}, "the penalty is of training alone"
    for name, scheme in PROGRAMMINGS.items():
        given = {field for chain in chains if chain.programming["name"] == name for field in chain.programming}
        assert given == set(scheme.model_fields)
    assert "magnitude" in get_args(Choice)


def a_device(name: str) -> BaseDevice:
    return Measured(stds=GIVEN) if DEVICES[name] is Measured else DEVICES[name]()


def a_network(chain: Chain, data: ImageData, law: ChipLaw) -> Network:
    """Small, with biases; with ranges as if they were learned, or calibrated."""
    converters = build(Converters, chain.converters)
    network = build_network(BACKBONE, SHAPE, converters=converters if converters.are_learned else Converters())
    rng = torch.Generator().manual_seed(4)
    initialise(network, rng)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                _ = parameter.copy_(torch.rand(parameter.shape, generator=rng) - 0.4)
            elif name.startswith("ranges."):
                end = "inputs" if name.startswith("ranges.input") else "outputs"
                _ = parameter.fill_(float(np.log(LEARNED[end])))
            elif chain.mapping.get("sign") == "unipolar":
                _ = parameter.abs_()
    if converters.is_none or converters.are_learned:
        return network.eval()
    return with_converters(network.eval(), converters, backbone=BACKBONE, shape=SHAPE, data=data, law=law)


def some_images() -> ImageData:
    rng = np.random.default_rng(0)

    def split() -> Split:
        images = torch.tensor(rng.integers(256, size=(NUM_IMAGES, 1, SIDE, SIDE)), dtype=torch.uint8)
        return Split(images=images, labels=torch.tensor(rng.integers(CLASSES, size=NUM_IMAGES)))

    return ImageData(split(), split(), split(), ("a", "b", "c"), maximum=MAXIMUM, mean=(MEAN,), std=(STD,))


def values_of(split: Split) -> Rows:
    """Normalised, an image a row."""
    return ((split.images.double().numpy() / MAXIMUM - MEAN) / STD).reshape(len(split), -1).tolist()


class Naive:
    """The same chips and logits a second time."""

    def __init__(self, chain: Chain, network: Network, data: ImageData) -> None:
        self._chain = chain
        self._effects = build(Effects, chain.effects)
        self._converters = build(Converters, chain.converters)
        self._data = data
        programming = build(PROGRAMMINGS[chain.programming["name"]], chain.programming)
        self._num_reads = programming.num_reads
        mapping = build(Mapping, chain.mapping)
        weights = [weight.detach().double().tolist() for weight in network.device_weights().values()]
        self._biases: Rows = [
            value.double().tolist() for name, value in network.state_dict().items() if name.endswith("bias")
        ]
        of_level = naive_devices.level_stds(chain.device, 4, GIVEN)
        magnitudes = [abs(w) for rows in weights for row in rows for w in row]
        chosen = naive_programming.chosen(magnitudes, None, chain.programming.get("verified_share", 0.0))
        self._layers: list[naive.Layer] = []
        start = 0
        for rows in weights:
            places = [(o, i) for o in range(len(rows)) for i in range(len(rows[0]))]
            plan = plan_of(mapping)
            if mapping.rotation != "none":
                plan = replace(plan, turning_signs=turning_signs(len(rows[0])))
            verified = {place for number, place in enumerate(places) if start + number in chosen}
            settings = chain.programming
            self._layers.append(
                naive.Layer(rows, plan, of_level, settings["name"], settings, self._effects.model_dump(), verified)
            )
            start += len(places)

    @property
    def is_gaussian(self) -> bool:
        """Open loop, and nothing happens."""
        return self._chain.programming["name"] == "open_loop" and not self._chain.effects

    @cached_property
    def aims(self) -> list[Rows]:
        """What the layers aim at: W_d, or W as it is."""
        if not self._chain.quantise:
            return [layer.rows for layer in self._layers]
        return [naive_mapping.targets(layer.rows, layer.plan) for layer in self._layers]

    @cached_property
    def stds(self) -> list[Rows]:
        """Of Gaussian chips, at sigma_d = 1."""
        if self._chain.sampler == "exact":
            return [naive.exact_stds(layer) for layer in self._layers]
        found: list[Rows] = []
        for layer in self._layers:
            top = max(abs(w) for row in layer.rows for w in row)
            factor = layer.plan.factor
            found.append(
                [
                    [top * naive_devices.one_factor(self._chain.device, abs(w) / top, factor) for w in row]
                    for row in layer.rows
                ]
            )
        return found

    @cached_property
    def ends(self) -> naive.Ends:
        """Converters, calibrated on validation images of the chip that misses nothing."""
        settings = self._converters.model_dump()
        _, seen = naive.mlp(values_of(self._data.validation), self.aims, self._biases, {})
        if self._converters.are_learned:
            bits = {"inputs": settings["dac_bits"], "outputs": settings["adc_bits"]}
            return {(end, k): naive.Converter(LEARNED[end], 0, bits[end]) for end, k in seen}
        return naive.calibrated(seen, self.aims, settings, tried=TRIED)

    def logits(self, split: Split, sigma_d: float, *path: str | int) -> Rows:
        """Of the chip of this path from the seed."""
        noise = self._noise(path, len(split)) if self._effects.read_noise_each else None
        return naive.mlp(values_of(split), list(self._chip(sigma_d, path)), self._biases, self.ends, noise)[0]

    def _rng(self, path: tuple[str | int, ...], *purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(derived(SEED, *path, *purpose))

    def _chip(self, sigma_d: float, path: tuple[str | int, ...]) -> Iterator[Rows]:
        """Layer by layer: draws of one purpose follow one another from layer to layer."""
        errors, reads = self._rng(path), self._rng(path, "reads")
        names = self._effects.draws
        happening = {name: self._rng(path, name) for name in names}
        common = self._rng(path, "common_mode")
        of_chip = float(torch.randn((), generator=common)) if self._effects.common_mode else None
        for number, layer in enumerate(self._layers):
            if self.is_gaussian:
                normals = torch.randn((len(layer.rows), len(layer.rows[0])), generator=errors).double().tolist()
                yield naive.weight_by_weight(
                    layer, normals, sigma_d=sigma_d, stds_of=self.stds[number], aims=self.aims[number]
                )
                continue
            sets = 2 if layer.plan.sign == "differential" else 1
            shape = (layer.plan.copies, sets, len(layer.plan.significance), len(layer.rows), len(layer.rows[0]))
            shared = of_chip
            if self._effects.common_to == "layer" and number:
                shared = float(torch.randn((), generator=common))
            draws = naive.Draws(
                torch.randn(shape, generator=errors).double().tolist(),
                torch.randn(shape, generator=reads).double().tolist() if self._num_reads else None,
                {
                    name: (torch.rand if name == "stuck" else torch.randn)(shape, generator=rng).double().tolist()
                    for name, rng in happening.items()
                },
                shared,
            )
            yield naive.device_by_device(layer, draws, sigma_d=sigma_d)

    def _noise(self, path: tuple[str | int, ...], num_images: int) -> naive.Noise:
        """Anew for every image and output: s |x| z."""
        of_chip = int(torch.randint(2**62, (), generator=self._rng(path, "read_noise_each")))
        rng = torch.Generator().manual_seed(derived(of_chip, "each_read"))
        normals = [
            torch.randn((num_images, len(layer.rows)), generator=rng).double().tolist() for layer in self._layers
        ]
        of_layer = [naive.reading_stds(layer) for layer in self._layers]

        def added(k: int, image: int, given: list[float]) -> list[float]:
            return [s * naive.norm(given) * z for s, z in zip(of_layer[k], normals[k][image], strict=True)]

        return added


@pytest.mark.parametrize("name", CHAINS)
def test_chain(name: str) -> None:
    """Every metric of every chip, and the calibration temperature, in float64 from the equations and the same draws."""
    chain, data = CHAINS[name], some_images()
    law = ChipLaw(
        device=a_device(chain.device),
        mapping=build(Mapping, chain.mapping),
        sampler=chain.sampler,
        quantise=chain.quantise,
        programming=build(PROGRAMMINGS[chain.programming["name"]], chain.programming),
        effects=build(Effects, chain.effects),
    )
    network = a_network(chain, data, law)
    again = Naive(chain, network, data)

    table = evaluate(network, data, law, sigma_ds=chain.sigma_ds, num_instances=NUM_CHIPS, seed=SEED)

    assert len(table) == len(chain.sigma_ds) * NUM_CHIPS
    agree(table, data, again.logits, clean_at_zero=not chain.effects and not chain.programming.get("read_error"))


def test_an_effect_that_is_a_percent_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail, through all that comes after."""
    right = package_chips.happened

    def wrong(effects: Any, devices: Any, draws: Any, bias: Any) -> torch.Tensor:
        return right(effects, devices, draws, bias) * 1.01

    monkeypatch.setattr(package_chips, "happened", wrong)
    with pytest.raises(AssertionError, match="comparison failed"):
        test_chain("residual of two sides")
