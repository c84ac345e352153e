"""A stored network tried on another device, also after some time."""

from dataclasses import replace

import pytest
import torch

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.datasets.base import ImageData, Split
from neft.devices import Measured, Rram1
from neft.errors import ConfigError
from neft.inspection.device_trial import try_device
from neft.mapping.stack import Mapping
from neft.networks.backbones import Mlp
from neft.networks.network import Network, build_network, initialise
from neft.seeding import generator
from neft.training.loop import input_shape

LAW = ChipLaw(Rram1(), Mapping())
DEVICE = Measured(stds=(0.5, 1, 1.2, 1.1))
SPREAD = {"retention_seconds": 1e4, "retention_law": "given", "retention_std": 0.02, "retention_growth": 0.1}


@pytest.fixture(scope="module")
def network(few_digits: ImageData) -> Network:
    found = build_network(Mlp(hidden_layers=2, hidden_units=16), input_shape(few_digits))
    initialise(found, generator(3, "initial_weights"))
    return found.eval()


@pytest.fixture(scope="module")
def learned(network: Network, few_digits: ImageData) -> ImageData:
    """Labels are what the clean network says."""
    with torch.inference_mode():
        deployed = DeployedNetwork(network, LAW)
        deployed.program(sigma_d=0.0)
        said = deployed.logits(few_digits.normalise(few_digits.test.images)).argmax(dim=1)
    return replace(few_digits, test=Split(images=few_digits.test.images, labels=said))


def test_effects_reach_chips_of_the_device_and_not_the_run_s_own(network: Network, learned: ImageData) -> None:
    at_once = try_device(LAW, network, learned, DEVICE, sigma_ds=(0.0, 0.05))
    later = try_device(LAW, network, learned, DEVICE, sigma_ds=(0.0, 0.05), effects=SPREAD)

    assert at_once.here[columns.MEAN][0] == 1
    # 42 % of the range: hardly anything is left
    assert later.here[columns.MEAN].max() < 0.6
    assert later.there.equals(at_once.there)


def test_what_is_no_effect_is_refused(network: Network, learned: ImageData) -> None:
    with pytest.raises(ConfigError, match="Unknown setting of Effects 'retention_second'"):
        try_device(LAW, network, learned, DEVICE, sigma_ds=(0.0,), effects={"retention_second": 1.0})
