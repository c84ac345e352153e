"""What happens to programmed devices: on the same draws, device by device; and in closed form."""

from itertools import product
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from neft.chips.device_by_device import DeviceByDevice, DeviceDraws
from neft.chips.each_read import EachRead
from neft.component import build, default_name
from neft.effects import Effects, moments
from neft.effects.drift import DriftLaw
from neft.effects.retention import RetentionLaw
from neft.mapping.stack import Mapping
from neft.programming import PROGRAMMINGS, OpenLoop, WriteVerify
from tests.independent.naive import converters as layers
from tests.independent.naive import effects as naive
from tests.independent.naive import mapping as naive_mapping
from tests.independent.naive import programming as naive_programming
from tests.independent.settings import a_layer, mappings, plan_of, tensor
from tests.independent.test_programming import GIVEN, SIGMA_D, job_of, laid, normals

BIAS = (0.0, 0.02, -0.01, 0.03)
GIVEN_LAW = {"retention_law": "given", "retention_std": 0.03, "retention_growth": 0.01, "retention_programmed": 0.03}
CASES: list[dict[str, Any]] = [
    {"drift_seconds": 86_400.0, "drift_law": "pcm"},
    {"drift_seconds": 3600.0, "drift_law": "hermes"},
    {"drift_seconds": 1e5, "drift_law": "given", "drift_exponent": 0.07, "drift_spread": 0.03},
    {"drift_seconds": 1e5, "drift_compensation": True},
    *({"retention_seconds": seconds} for seconds in (0.05, 0.1, 3.0, 1e5)),
    {"retention_seconds": 500.0} | GIVEN_LAW,
    {"retention_seconds": 0.5} | GIVEN_LAW,
    {"stuck_low": 0.2, "stuck_high": 0.1},
    {"read_noise": 0.04},
    {"read_noise_each": 0.04},
    {"common_mode": 0.3, "common_to": "chip"},
    {"common_mode": 0.6, "common_to": "layer"},
    {"level_bias": BIAS},
    {
        "common_mode": 0.2,
        "level_bias": BIAS,
        "retention_seconds": 100.0,
        "drift_seconds": 1e6,
        "drift_compensation": True,
        "stuck_low": 0.1,
        "stuck_high": 0.05,
        "read_noise": 0.02,
    },
]
MAPPINGS = [Mapping(), Mapping(on_off_ratio=12.5, sign="differential", copies=2), *list(mappings())[3::25]]
PROGRAMMED = [OpenLoop(), PROGRAMMINGS["residual"](), WriteVerify()]


def test_every_effect_has_an_independent_form() -> None:
    assert set(Effects.model_fields) == naive.SWITCHES, "write it in tests/independent/naive/effects.py"
    assert set(get_args(DriftLaw)) == {*naive.DRIFT_LAWS, "given"}
    assert set(get_args(RetentionLaw)) == set(naive.RETENTION_LAWS)
    assert {name for case in CASES for name in case} == set(Effects.model_fields)


def drawn(deployed: DeviceByDevice, effects: Effects) -> dict[str, Tensor]:
    """What each effect draws for every device; of stuck ones uniform numbers."""
    shape = normals(deployed, 0).shape
    rng = torch.Generator().manual_seed(8)
    return {
        name: (torch.rand if name == "stuck" else torch.randn)(shape, generator=rng, dtype=torch.float64)
        for name in effects.draws
    }


Place = tuple[int, int, int, int]
"""Copy, set, row and column."""
SHARED = 0.7
"""The normal that devices have in common."""


class Written:
    """A layer on one chip, device by device: written, then each effect in the order in which it happens."""

    def __init__(self, deployed: DeviceByDevice, errors: Tensor, of_effects: dict[str, Tensor]) -> None:
        self._deployed, self._errors, self._of_effects = deployed, errors, of_effects
        self._settings = deployed.effects.model_dump()
        self.plan = plan_of(deployed.mapping)
        self.layer = naive_mapping.lay(a_layer(deployed.mapping).tolist(), self.plan)
        self._aimed = [0.0] * self.plan.copies
        self._conducted = [0.0] * self.plan.copies
        rows, inputs = len(self.layer.turned), len(self.layer.turned[0])
        sizes = (range(self.plan.copies), range(len(self.layer.codes)), range(rows), range(inputs))
        self._held = {place: self._device(place) for place in product(*sizes)}

    def _device(self, place: Place) -> list[tuple[float, float]]:
        """What the devices of one weight conduct when they are read."""
        copy, index, o, i = place
        programming, effects = self._deployed.programming, self._deployed.effects
        errors = self._errors[copy, index, :, o, i].tolist()
        if effects.common_mode:
            errors = [naive.common(z, SHARED, effects.common_mode) for z in errors]
        job = job_of(programming, self.plan, self.layer.codes[index][o][i], verified=False, errors=errors)
        found: list[tuple[float, float]] = []
        for j, (held, level, side) in enumerate(naive_programming.WRITES[default_name(type(programming))](job)):
            aimed = self.plan.conductance(level)
            draws = {name: float(of[copy, index, j, o, i]) for name, of in self._of_effects.items()}
            conducted = naive.conducted(held, level, aimed, self.plan.lowest, self._settings, draws)
            self._aimed[copy] += aimed
            self._conducted[copy] += conducted
            found.append((conducted, side))
        return found

    def read(self, copy: int, index: int, o: int, i: int) -> list[tuple[float, float]]:
        """Slice by slice; drift is compensated by one factor a layer that brings its summed conductance back."""
        factor = 1.0
        if self._deployed.effects.drift_compensation and self._conducted[copy] > 0:
            factor = self._aimed[copy] / self._conducted[copy]
        return [(factor * conducted, side) for conducted, side in self._held[copy, index, o, i]]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_chip_of_the_same_draws(case: dict[str, Any]) -> None:
    """Every mapping, programming and effect, each met by each."""
    effects = build(Effects, case)
    for mapping, programming in product(MAPPINGS, PROGRAMMED):
        deployed = laid(programming, mapping, effects)
        errors, of_effects = normals(deployed, 1), drawn(deployed, effects)
        written = Written(deployed, errors, of_effects)
        shared = {"layer": torch.tensor(SHARED, dtype=torch.float64)} if effects.common_mode else {}
        draws = DeviceDraws({"layer": errors}, {}, {name: {"layer": of} for name, of in of_effects.items()}, shared)

        chip = deployed.chip(draws, sigma_d=SIGMA_D)["layer"]

        expected = naive_mapping.read(written.layer, written.plan, written.read)
        torch.testing.assert_close(chip, tensor(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_moments_of_a_device(case: dict[str, Any]) -> None:
    """Mean and variance of what a device of each level conducts, by summing over a fine grid of normals."""
    effects = build(Effects, case)
    lowest = 0.08
    aimed = [lowest + (1 - lowest) * level / 3 for level in range(4)]
    variances = [(SIGMA_D * s) ** 2 for s in GIVEN]
    mean, variance = moments(
        effects,
        aimed=torch.tensor(aimed, dtype=torch.float64),
        variance=torch.tensor(variances, dtype=torch.float64),
        bias=effects.bias(4).double(),
        lowest=lowest,
    )

    for level in range(4):
        expected = naive.moments(aimed[level], level, (0.0, variances[level]), lowest, effects.model_dump())
        assert (float(mean[level]), float(variance[level])) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_moments_of_a_weight(mapping: Mapping) -> None:
    """Of an independent sum of devices: means add up with their gains, variances with the gains' squares."""
    effects = build(Effects, {"level_bias": BIAS, "stuck_low": 0.1, "drift_seconds": 1e4, "read_noise": 0.03})
    plan, rows = plan_of(mapping), a_layer(mapping).tolist()
    layer, settings, span = naive_mapping.lay(rows, plan), effects.model_dump(), 1 - plan.lowest
    by_level = [
        naive.moments(plan.conductance(level), level, (0.0, (SIGMA_D * s) ** 2), plan.lowest, settings)
        for level, s in enumerate(GIVEN)
    ]
    means = [[0.0] * len(rows[0]) for _ in rows]
    variances = [[0.0] * len(rows[0]) for _ in rows]
    for o, top in enumerate(layer.maxima):
        for i in range(len(rows[0])):
            for index, codes in enumerate(layer.codes):
                levels = naive_mapping.levels(codes[o][i], plan)
                for step, level in zip(plan.significance, levels, strict=True):
                    part = layer.gains[index][o][i] * top * step / sum(plan.significance) / span
                    means[o][i] += part * (by_level[level][0] - plan.conductance(level))
                    variances[o][i] += part**2 * by_level[level][1] / plan.copies
    if mapping.rotation != "none":
        squares = [[h * h for h in row] for row in naive_mapping.hadamard(len(rows[0]))]
        means, variances = naive_mapping.turned_back(means, plan), naive_mapping.product(variances, squares)

    found = laid(OpenLoop(), mapping, effects).moments("layer", sigma_d=SIGMA_D)

    assert found is not None
    torch.testing.assert_close(found[0].double(), tensor(means), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found[1].double(), tensor(variances), rtol=1e-5, atol=1e-9)


# ---------------------------------------------------------------- reads that draw anew
@pytest.mark.parametrize("mapping", [one for one in MAPPINGS if one.rotation == "none"], ids=str)
def test_std_of_one_weights_reading(mapping: Mapping) -> None:
    """Every device of a weight misreads by sigma_r independently, at whatever level."""
    plan, rows = plan_of(mapping), a_layer(mapping).tolist()
    effects = Effects(read_noise_each=0.05)
    expected = [[0.05 * s for s in row] for row in naive_mapping.stds(rows, plan, [1.0] * 4)]

    found = laid(OpenLoop(), mapping, effects).read_stds()["layer"]

    torch.testing.assert_close(found.expand(len(rows), len(rows[0])).double(), tensor(expected), rtol=1e-9, atol=0)


def test_read_noise_of_a_convolutions_outputs() -> None:
    """Var = s^2 sum x^2 over what an output reads, zeros around the image not counted; on the same normals."""
    convolution = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False).double()
    images = torch.randn((2, 2, 5, 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    stds = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    network = nn.Sequential(convolution)
    clean = network(images)
    noisy = EachRead(network, {"0.weight": stds})
    noisy.begin(11, "cpu")
    missed = (network(images) - clean).detach()
    noisy.begin(11, "cpu")
    again = (network(images) - clean).detach()
    ones = [[[[1.0] * 3] * 3] * 2]

    torch.testing.assert_close(missed, again)
    for image, of_image in zip(images.tolist(), missed, strict=True):
        squares = [[[x * x for x in row] for row in plane] for plane in image]
        sums = layers.conv2d(ones, squares, stride=2, padding=1)[0]
        for channel in range(3):
            scaled = of_image[channel] / (stds[channel] * tensor(sums).sqrt())
            assert scaled.abs().max() < 5  # standard normals, 54 of them
            assert scaled.abs().min() > 0


def test_read_noise_has_the_variance_of_what_is_read() -> None:
    """Of a fully connected layer, over 20,000 reads of one input: five standard errors of a std."""
    layer = nn.Linear(5, 2, bias=False).double()
    network = nn.Sequential(layer)
    one = torch.tensor([0.5, -1.0, 2.0, 0.0, 3.0], dtype=torch.float64)
    clean = network(one)
    noisy = EachRead(network, {"0.weight": torch.tensor([0.3], dtype=torch.float64)})
    noisy.begin(2, "cpu")

    missed = (network(one.expand(20_000, 5)) - clean).detach()

    expected = 0.3 * sum(x * x for x in one.tolist()) ** 0.5
    for output in range(2):
        assert float(missed[:, output].std()) == pytest.approx(expected, rel=5 / 40_000**0.5)
        assert float(missed[:, output].mean()) == pytest.approx(0, abs=5 * expected / 20_000**0.5)
    assert abs(float(torch.corrcoef(missed.T)[0, 1])) < 5 / 20_000**0.5
