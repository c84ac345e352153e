"""From a network, images and a seed to the table of chips: every backbone, evaluated a second time in float64.

A chip's draws are part of every stored number, so they are made here from the seed as well.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from neft.chips.deployed import ChipLaw
from neft.component import build
from neft.datasets.base import ImageData, Split
from neft.devices import Rram4
from neft.evaluation.monte_carlo import CALIBRATION_INSTANCES, evaluate
from neft.mapping.bit_slicing import BitSlicing
from neft.metrics import METRICS
from neft.networks.backbones import BACKBONES
from neft.networks.network import Network, build_network, initialise
from tests.independent.naive import devices as naive_devices
from tests.independent.naive import mapping as naive_mapping
from tests.independent.naive import metrics as naive_metrics
from tests.independent.naive.networks import NETWORKS
from tests.input_shapes import shape_for

SMALL: dict[str, Any] = {"width": 1 / 64, "hidden_units": 6, "hidden_layers": 2}
SIGMA_DS = (0.0, 0.2)
SEED, NUM_CHIPS, NUM_IMAGES = 3, 2, 12
MEAN, STD, MAXIMUM = 0.4, 0.3, 255


def test_every_backbone_has_an_independent_form() -> None:
    assert set(BACKBONES) == set(NETWORKS), "write its forward pass in tests/independent/naive/networks.py"


def derived(*path: str | int) -> int:
    """The first 63 bits of SHA-256 of the use's path, numbers plain and names quoted."""
    text = "/".join(repr(part) for part in path)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def a_network(name: str) -> Network:
    """With BatchNorm's statistics as after a training."""
    chosen = BACKBONES[name]
    backbone = build(chosen, {field: value for field, value in SMALL.items() if field in chosen.model_fields})
    network = build_network(backbone, shape_for(backbone, num_classes=3))
    rng = torch.Generator().manual_seed(4)
    initialise(network, rng)
    for part, buffer in network.named_buffers():
        if part.endswith(("running_mean", "running_var")):
            _ = buffer.copy_(torch.rand(buffer.shape, generator=rng) + 0.2)
    for part, parameter in network.named_parameters():
        if part.endswith(("norm.weight", "bias")):
            _ = parameter.detach().copy_(torch.rand(parameter.shape, generator=rng) + 0.3)
    return network.eval()


def images_for(name: str) -> ImageData:
    """A few random images of three classes; series of floats where the backbone takes no images."""
    rng = np.random.default_rng(0)
    shape = (NUM_IMAGES, 1, 8, 8) if max(BACKBONES[name]().takes) == 2 else (NUM_IMAGES, 1, 8)

    def split() -> Split:
        images = torch.tensor(rng.integers(256, size=shape), dtype=torch.uint8 if len(shape) == 4 else torch.float32)
        return Split(images=images, labels=torch.tensor(rng.integers(3, size=NUM_IMAGES)))

    return ImageData(split(), split(), split(), ("a", "b", "c"), maximum=MAXIMUM, mean=(MEAN,), std=(STD,))


Arrays = dict[str, np.ndarray[Any, Any]]


class Chips:
    """A network's chips: RRAM4, 8 bits on 2-bit devices, quantised, exact stds."""

    def __init__(self, name: str, network: Network) -> None:
        plan, of_level = naive_mapping.Plan(), naive_devices.level_stds("rram4", 4)
        self._run = NETWORKS[name]
        self._numbers: Arrays = {part: value.double().numpy() for part, value in network.state_dict().items()}
        self._aimed: Arrays = {}
        self._stds: Arrays = {}
        for layer in network.device_weights():
            weight = self._numbers[layer]
            rows = weight.reshape(len(weight), -1).tolist()
            self._aimed[layer] = np.array(naive_mapping.targets(rows, plan)).reshape(weight.shape)
            self._stds[layer] = np.array(naive_mapping.stds(rows, plan, of_level)).reshape(weight.shape)

    def logits(self, split: Split, sigma_d: float, *path: str | int) -> list[list[float]]:
        """Of the chip of this path from the seed, its layers drawn one after the other."""
        rng = torch.Generator().manual_seed(derived(SEED, *path))
        held = dict(self._numbers)
        for layer, aimed in self._aimed.items():
            normals = torch.randn(aimed.shape, generator=rng).double().numpy()
            held[layer] = aimed + sigma_d * self._stds[layer] * normals
        return self._run((split.images.double().numpy() / MAXIMUM - MEAN) / STD, held).tolist()


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_table_of_chips(name: str) -> None:
    """Eq. 4 and 5 (NeFT), the network, the metrics and the calibration temperature, all of the same draws."""
    network = a_network(name)
    chips = Chips(name, network)
    data = images_for(name)

    table = evaluate(
        network,
        data,
        ChipLaw(device=Rram4(), mapping=BitSlicing()),
        sigma_ds=SIGMA_DS,
        num_instances=NUM_CHIPS,
        seed=SEED,
    )

    agree(table, data, chips.logits, clean_at_zero=True)


Logits = Callable[..., list[list[float]]]
"""From images, sigma_d and a chip's path."""


def agree(table: pd.DataFrame, data: ImageData, logits: Logits, *, clean_at_zero: bool) -> None:
    """Every metric of every chip, and the calibration temperatures, are those of these logits."""
    assert table.groupby("sigma_d").size().tolist() == [NUM_CHIPS] * table["sigma_d"].nunique()
    labels, held_out = data.test.labels.tolist(), data.validation.labels.tolist()
    for sigma_d, rows in table.groupby("sigma_d"):
        at = float(str(sigma_d))
        seen: list[list[float]] = []
        for instance in range(CALIBRATION_INSTANCES if at or not clean_at_zero else 1):
            seen += logits(data.validation, at, "calibration_chip", instance)
        temperature = naive_metrics.best_temperature(seen, held_out * (len(seen) // len(held_out)), 1e-2, 1e3)
        assert float(rows["calibration_temperature"].iloc[0]) == pytest.approx(temperature, rel=2e-3)
        for row in rows.to_dict("records"):
            outputs = logits(data.test, at, "chip", int(row["instance"]))
            for metric in METRICS:
                divided_by = row["calibration_temperature"] if metric in naive_metrics.CALIBRATED else 1.0
                expected = naive_metrics.METRICS[metric](outputs, labels, divided_by)
                assert row[metric] == pytest.approx(expected, rel=1e-3, abs=1e-4, nan_ok=True)
