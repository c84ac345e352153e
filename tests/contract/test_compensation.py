"""Digital compensation, an option of every backbone."""

from pathlib import Path

import pytest
import torch
from torch.func import functional_call

from neft.chips.deployed import ChipLaw, DeployedNetwork, plain_logits
from neft.component import build
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.devices import Rram1
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import CorrectNet
from neft.networks.backbones import BaseBackbone, Mlp, Vgg8
from neft.networks.compensation import DigitalCompensation
from neft.networks.device_layers import parameter_table
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.pipeline import Settings, load_data, restore_network, run
from neft.runs.store import RunStore, Stores
from neft.seeding import generator
from tests.input_shapes import inputs_for, shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
IMAGES = torch.randn(6, 1, 8, 8, generator=generator(0, "images"))


def compensated(backbone: BaseBackbone, share: float = 0.25) -> BaseBackbone:
    return build(type(backbone), backbone.model_dump() | {"compensation": share})


def a_network(backbone: BaseBackbone) -> Network:
    network = build_network(backbone, shape_for(backbone))
    initialise(network, generator(0, "initial_weights"))
    return network.eval()


def test_it_begins_as_the_identity(backbone: BaseBackbone) -> None:
    network = a_network(compensated(backbone))
    for module in network.modules():
        if isinstance(module, DigitalCompensation):
            for places in ((), (4,), (2, 2)):
                features = torch.randn(3, module.reduce.shape[1], *places, generator=generator(0, "features"))
                assert torch.equal(module(features), features)


def test_there_is_one_behind_every_stage_and_none_lies_in_devices(backbone: BaseBackbone) -> None:
    plain, network = a_network(backbone), a_network(compensated(backbone))
    layers = [module for module in network.modules() if isinstance(module, DigitalCompensation)]

    assert len(layers) == len(network.backbone.stages)
    assert len(network.device_weights()) == len(plain.device_weights())
    table = parameter_table(network).set_index("parameter")
    digital = [name for name in table.index if name.endswith((".reduce", ".expand"))]
    assert len(digital) == 2 * len(layers)
    assert not table.loc[digital, "in_devices"].any()


def test_hidden_channels_are_a_share_of_the_stages() -> None:
    # VGG-8 at width 1/8: 8, 16, 32, 32, 64, 64 channels
    network = a_network(Vgg8(width=0.125, compensation=0.25))

    layers = [module for module in network.modules() if isinstance(module, DigitalCompensation)]
    assert [tuple(layer.reduce.shape) for layer in layers] == [(2, 8), (4, 16), (8, 32), (8, 32), (16, 64), (16, 64)]


def test_it_changes_what_a_trained_network_says_and_chips_see_it(backbone: BaseBackbone) -> None:
    network = a_network(compensated(backbone))
    images = inputs_for(network, IMAGES)
    before = network(images)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, DigitalCompensation):
                _ = module.expand.normal_(generator=generator(0, "expand"))

    assert not torch.allclose(network(images), before)
    law = ChipLaw(device=Rram1(), mapping=BitSlicing())
    deployed = DeployedNetwork(network, law)
    with torch.inference_mode():
        deployed.draw(0, 0)
        deployed.program(sigma_d=0.1)
        ours = deployed.logits(images)
    theirs = plain_logits(network, images, law, sigma_d=0.1, seed=0, instance=0)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("backbone", "name"),
    [
        (Vgg8(width=0.25, compensation=0.125), "vgg8w4c8"),
        (Vgg8(compensation=1.0), "vgg8c1"),
        (Mlp(compensation=0.3), "mlp4x128cx0.3"),
        (Mlp(), "mlp4x128"),
    ],
)
def test_short_name_says_it(backbone: BaseBackbone, name: str) -> None:
    assert backbone.short_name == name


def test_a_run_with_it_is_trained_stored_and_opened(tmp_path: Path) -> None:
    config = RunConfig(
        backbone=Mlp(hidden_layers=2, hidden_units=16, compensation=0.5),
        method=CorrectNet(),
        training=TrainingConfig(epochs=2, validation_instances=2),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=2),
    )
    stores = Stores(own=RunStore(tmp_path / "runs"), shipped=RunStore(tmp_path / "none", read_only=True))
    settings = Settings(store=stores.own, pretrained_stores=stores, unfinished_root=tmp_path / "unfinished")

    record = run(config, settings)

    weights = stores.own.weights(record)
    network = restore_network(config, load_data(config, settings), weights)
    moved = [weight for name, weight in weights.items() if name.endswith(".expand")]
    assert len(moved) == 2
    assert all(bool(weight.any()) for weight in moved)
    assert functional_call(network, {}, (IMAGES,)).shape == (6, 10)
