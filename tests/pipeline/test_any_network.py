"""Monte Carlo on networks and batches of one's own."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from typing_extensions import override

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, plain_logits
from neft.chips.device_by_device import DeviceDraws
from neft.config import RunConfig
from neft.datasets.base import ImageData
from neft.datasets.torchvision_import import import_torchvision
from neft.devices import DEVICES, Rram1
from neft.errors import ConfigError, StoppedError
from neft.evaluation import bench
from neft.evaluation.monte_carlo import evaluate, try_network
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.backbones import BaseBackbone
from neft.networks.device_layers import device_weights, parameter_table
from neft.networks.folding import fold_batchnorm
from neft.networks.network import InputShape, build_network, initialise
from neft.seeding import generator
from tests.input_shapes import data_for, shape_for

LAW = ChipLaw(device=Rram1(), mapping=BitSlicing())


class Small(nn.Module):
    """Two convolutions with BatchNorm written the usual way, one with a bias, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.second, self.second_norm = nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8, affine=False)
        self.out = nn.Linear(8, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.first_norm(self.first(images)))
        return self.out(torch.relu(self.second_norm(self.second(features))).mean(dim=(2, 3)))


class Counting(Small):
    """It looks at its input's shape one size after the other, so it cannot be traced."""

    @override
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images if len([*images.shape]) == 4 else -images)


class Twice(nn.Module):
    """A BatchNorm's convolution is read a second time: folding would change what the second reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 4)

    @override
    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images)
        return self.out((self.norm(features) + features).mean(dim=(2, 3)))


class TiedConvolutions(nn.Module):
    """Two convolutions with one weight, one of them before a BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.second = nn.Conv2d(3, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3)
        self.second.weight = self.first.weight

    @override
    def forward(self, images: Tensor) -> Tensor:
        return self.second(self.norm(self.first(images))).mean(dim=(2, 3))


class Tied(nn.Module):
    """Two names for one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, 6)
        self.out = nn.Linear(6, 4, bias=False)
        self.out.weight = self.embedding.weight

    @override
    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.embedding(tokens).mean(dim=1))


def lived_in(network: nn.Module) -> nn.Module:
    """With weights of its own and BatchNorm statistics that are not the first ones."""
    rng = generator(0, "lived_in")
    for parameter in network.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for statistic in (module.running_mean, module.running_var):
                if statistic is not None:
                    statistic.uniform_(0.5, 1.5, generator=rng)
    return network.eval()


def images(count: int = 6, size: int = 10) -> Tensor:
    return torch.randn(count, 3, size, size, generator=generator(0, "images"))


def accuracies(tried: pd.DataFrame) -> list[float]:
    return tried[columns.ACCURACY].tolist()


@pytest.mark.parametrize(
    "network", [Small(), Counting(), Twice(), TiedConvolutions()], ids=lambda network: type(network).__name__
)
@pytest.mark.parametrize("device", list(DEVICES.values()), ids=lambda device: device.__name__)
def test_any_network_is_the_plain_one_on_every_chip(network: nn.Module, device: type) -> None:
    network = lived_in(network)
    law = ChipLaw(device=device(), mapping=BitSlicing())
    deployed = DeployedNetwork(network, law)
    with torch.inference_mode():
        for instance in range(2):
            deployed.draw(0, instance)
            deployed.program(sigma_d=0.1)
            plain = plain_logits(network, images(), law, sigma_d=0.1, seed=0, instance=instance)
            torch.testing.assert_close(deployed.logits(images()), plain, rtol=1e-4, atol=1e-5)


def test_batchnorm_is_folded_where_the_network_can_be_traced() -> None:
    network = lived_in(Small())
    assert set(fold_batchnorm(network).factors) == {"first.weight", "second.weight"}
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_a_network_that_cannot_be_traced_is_tried_with_a_note() -> None:
    labels = torch.zeros(6, dtype=torch.long)
    tried = try_network(lived_in(Counting()), [(images(), labels)], sigma_ds=[0.1], num_instances=2)
    assert len(tried.notes) == 1
    assert "Counting cannot be traced" in tried.notes[0]


def test_a_convolution_that_is_read_twice_is_not_folded() -> None:
    assert fold_batchnorm(lived_in(Twice())).factors == {}


def test_batchnorm_without_statistics_is_not_folded() -> None:
    network = lived_in(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)))
    assert fold_batchnorm(network).factors == {}


def test_table_says_of_every_parameter_where_it_lies() -> None:
    table = parameter_table(Small()).set_index(columns.PARAMETER)
    assert set(table.index) == {name for name, _ in Small().named_parameters()}
    assert list(table.index[table[columns.IN_DEVICES]]) == ["first.weight", "second.weight", "out.weight"]
    assert table.loc["first.weight", columns.REASON] == "weight of a Conv2d"
    assert table.loc["first.weight", columns.SHAPE] == "8×3×3×3"
    assert table.loc["out.bias", columns.REASON] == "bias of a Linear, added digitally"
    assert table.loc["first_norm.weight", columns.REASON] == "weight of a BatchNorm2d, digital"


def test_parameters_may_be_named() -> None:
    network = lived_in(Small())
    assert list(device_weights(network, ["out.weight"])) == ["out.weight"]
    tried = try_network(
        network,
        [(images(), torch.zeros(6, dtype=torch.long))],
        sigma_ds=[0.3],
        num_instances=3,
        in_devices=["out.weight"],
    )
    table = tried.parameters.set_index(columns.PARAMETER)
    assert list(table.index[table[columns.IN_DEVICES]]) == ["out.weight"]
    plain = [
        plain_logits(network, images(), LAW, sigma_d=0.3, seed=0, instance=i, in_devices=["out.weight"])
        for i in range(3)
    ]
    assert accuracies(tried.instances) == [float((logits.argmax(dim=1) == 0).float().mean()) for logits in plain]


@pytest.mark.parametrize("beside", ["first.bias", "first_norm.weight", "first_norm.bias"])
def test_what_lies_in_devices_beside_a_weight_is_not_folded_away(beside: str) -> None:
    network, inside = lived_in(Small()), ["first.weight", beside]
    deployed = DeployedNetwork(network, LAW, in_devices=inside)
    with torch.inference_mode():
        deployed.draw(0, 0)
        deployed.program(sigma_d=0.1)
        plain = plain_logits(network, images(), LAW, sigma_d=0.1, seed=0, instance=0, in_devices=inside)
        torch.testing.assert_close(deployed.logits(images()), plain, rtol=1e-4, atol=1e-5)


def test_what_was_not_named_is_said_so() -> None:
    table = parameter_table(Small(), ["out.weight"]).set_index(columns.PARAMETER)
    assert table.loc["out.weight", columns.REASON] == "named"
    assert table.loc["first.weight", columns.REASON] == "not named"


def test_naming_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"in_devices names none. Known: first.weight"):
        device_weights(Small(), [])


def test_tied_parameters_are_the_same_devices() -> None:
    table = parameter_table(Tied()).set_index(columns.PARAMETER)
    assert list(device_weights(Tied())) == ["out.weight"]
    assert table[columns.IN_DEVICES].all()
    assert table.loc["embedding.weight", columns.REASON] == "the same tensor as out.weight"
    assert table[columns.NUM_WEIGHTS].sum() == 24


def test_inputs_need_not_be_images() -> None:
    tokens = torch.tensor([[0, 1], [2, 3]])
    tried = try_network(Tied().eval(), [(tokens, torch.tensor([0, 1]))], sigma_ds=[0.1], num_instances=2)
    assert len(tried.instances) == 2


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Unknown parameter 'out.weigt'. Did you mean 'out.weight'"):
        device_weights(Small(), ["out.weigt"])


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(ConfigError, match="No parameter of ReLU lies in devices"):
        device_weights(nn.ReLU())


def test_a_computed_weight_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"0\.weight is computed from other parameters"):
        device_weights(nn.Sequential(weight_norm(nn.Linear(3, 4))))


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "batches are empty"),
        ([(images(), torch.zeros(5, dtype=torch.long))], r"got \[5\] of torch.int64 for outputs \[6, 4\]"),
        ([(images(), torch.zeros(6))], "labels must be whole numbers"),
        ([(images(), torch.zeros(6, dtype=torch.bool))], "labels must be whole numbers"),
        ([(images(), torch.full((6,), 4))], "from 0 to 3, the last class; got 4 to 4"),
        ([(images(), torch.full((6,), -1))], "from 0 to 3, the last class; got -1 to -1"),
    ],
)
def test_batches_that_cannot_be_are_refused(batches: list[tuple[Tensor, Tensor]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        try_network(lived_in(Small()), batches, sigma_ds=[0.1])


def test_labels_may_be_small_integers() -> None:
    labels = torch.arange(6) % 4
    small, usual = (
        try_network(lived_in(Small()), [(images(), kind)], sigma_ds=[0.1], num_instances=2)
        for kind in (labels.to(torch.uint8), labels)
    )
    pd.testing.assert_frame_equal(small.instances, usual.instances)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sigma_ds": []}, "at least one"),
        ({"sigma_ds": [0.1, 0.1]}, r"must be different numbers.* got \[0.1, 0.1\]"),
        ({"sigma_ds": [-0.1]}, "none below 0"),
        ({"num_instances": 0}, r"num_instances \(chips\) must be at least 1; got 0"),
        ({"chips_at_once": 0}, "chips_at_once must be at least 1; got 0"),
    ],
)
def test_counts_that_cannot_be_are_refused(changed: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"sigma_ds": [0.1]} | changed
    with pytest.raises(ConfigError, match=message):
        try_network(lived_in(Small()), [(images(), torch.zeros(6, dtype=torch.long))], **settings)


def test_several_outputs_are_refused() -> None:
    class Pair(Small):
        @override
        def forward(self, images: Tensor) -> Any:
            return super().forward(images), images

    with pytest.raises(ConfigError, match=r"got tuple\. Say which they are by logits="):
        try_network(lived_in(Pair()), [(images(), torch.zeros(6, dtype=torch.long))], sigma_ds=[0.1])


def test_chips_side_by_side_are_as_many_as_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch, few_digits: ImageData
) -> None:
    network = build_network(RunConfig().backbone, InputShape(num_channels=1, image_size=8, num_classes=10))
    initialise(network, generator(0, "weights"))
    place_many, asked = DeployedNetwork.place_many, list[int]()

    def within_memory(deployed: DeployedNetwork, chips: list[Any]) -> None:
        asked.append(len(chips))
        if len(chips) > 2:
            message = "CUDA out of memory"
            raise torch.OutOfMemoryError(message)
        place_many(deployed, chips)

    one = evaluate(network, few_digits, LAW, sigma_ds=[0.1], num_instances=9, seed=0)
    monkeypatch.setattr(DeployedNetwork, "place_many", within_memory)
    many = evaluate(network, few_digits, LAW, sigma_ds=[0.1], num_instances=9, seed=0, chips_at_once=8)

    pd.testing.assert_frame_equal(one, many, rtol=1e-3, atol=1e-4)
    assert asked == [8, 4, 2, 2, 2, 2]


def test_outputs_that_are_no_logits_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"logits of shape \[inputs, classes\]"):
        try_network(nn.Conv2d(3, 4, 3), [(images(), torch.zeros(6, dtype=torch.long))], sigma_ds=[0.1])


def test_cutting_batches_otherwise_changes_nothing() -> None:
    network, labels = lived_in(Small()), torch.arange(6) % 4
    whole = try_network(network, [(images(), labels)], sigma_ds=[0.1, 0.2], num_instances=5)

    def loader() -> Iterator[tuple[Tensor, Tensor]]:
        yield images()[:4], labels[:4]
        yield images()[4:], labels[4:]

    cut = try_network(network, loader(), sigma_ds=[0.1, 0.2], num_instances=5)
    pd.testing.assert_frame_equal(whole.instances, cut.instances, atol=1e-5)


def test_the_network_is_left_alone() -> None:
    network = lived_in(Small())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    try_network(network, [(images(), torch.zeros(6, dtype=torch.long))], sigma_ds=[0.1], num_instances=2)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_it_may_be_stopped() -> None:
    with pytest.raises(StoppedError, match="after 1 of 100"):
        try_network(
            lived_in(Small()),
            [(images(), torch.zeros(6, dtype=torch.long))],
            sigma_ds=[0.1],
            should_stop=lambda: True,
        )


def test_a_precision_stops_early() -> None:
    network, inputs = lived_in(Small()), images(count=32)
    with torch.no_grad():
        predicted = network(inputs).argmax(dim=1)
    tried = try_network(
        network,
        [(inputs, predicted)],
        sigma_ds=[0.0, 0.4],
        num_instances=60,
        precision=0.02,
        min_instances=10,
    )
    counts = tried.instances.groupby(columns.SIGMA_D).size()
    assert counts[0.0] == 10
    assert counts[0.4] > 10


def test_chips_side_by_side_are_the_chips_one_by_one(backbone: BaseBackbone, few_digits: ImageData) -> None:
    network = build_network(backbone, shape_for(backbone))
    initialise(network, generator(0, "weights"))
    data = data_for(backbone, few_digits)
    one, many = (
        evaluate(network, data, LAW, sigma_ds=[0.0, 0.1], num_instances=5, seed=0, chips_at_once=count)
        for count in (1, 3)
    )
    pd.testing.assert_frame_equal(one, many, rtol=1e-3, atol=1e-4)


def test_chips_side_by_side_stop_where_chips_one_by_one_do(few_digits: ImageData) -> None:
    network = build_network(RunConfig().backbone, InputShape(num_channels=1, image_size=8, num_classes=10))
    initialise(network, generator(0, "weights"))
    one, many = (
        evaluate(
            network,
            few_digits,
            LAW,
            sigma_ds=[0.0, 0.1],
            num_instances=40,
            seed=0,
            precision=0.05,
            min_instances=3,
            chips_at_once=count,
        )
        for count in (1, 7)
    )
    assert one.groupby(columns.SIGMA_D).size().to_dict() == many.groupby(columns.SIGMA_D).size().to_dict()
    assert len(one) < 80


def test_chips_drawn_ahead_are_the_same(few_digits: ImageData) -> None:
    deployed = DeployedNetwork(lived_in(Small()), LAW)
    ahead = list(bench.drawn(deployed, 0, range(7), ahead=3))
    assert len(ahead) == 7
    for instance, chip in enumerate(ahead):
        drawn = deployed.normals(0, "chip", instance)
        assert not isinstance(drawn, DeviceDraws)
        assert not isinstance(chip, DeviceDraws)
        assert all(torch.equal(chip[name], normals) for name, normals in drawn.items())


@pytest.mark.parametrize("name", ["resnet18", "vit"])
def test_torchvision_networks_in_three_lines(name: str) -> None:
    network = lived_in(import_torchvision().models.resnet18()) if name == "resnet18" else small_vit()
    inputs, labels = images(count=4, size=32), torch.tensor([0, 1, 2, 3])

    tried = try_network(network, [(inputs, labels)], sigma_ds=[0.0, 0.05], num_instances=2)

    assert tried.notes == ()
    assert len(tried.instances) == 4
    inside = tried.parameters[tried.parameters[columns.IN_DEVICES]]
    assert set(inside[columns.PARAMETER]) == set(device_weights(network))
    deployed = DeployedNetwork(network, LAW)
    with torch.inference_mode():
        deployed.draw(0, 1)
        deployed.program(sigma_d=0.05)
        plain = plain_logits(network, inputs, LAW, sigma_d=0.05, seed=0, instance=1)
        torch.testing.assert_close(deployed.logits(inputs), plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


def test_attention_projections_lie_in_devices() -> None:
    table = parameter_table(small_vit()).set_index(columns.PARAMETER)
    name = "encoder.layers.encoder_layer_0.self_attention.in_proj_weight"
    assert table.loc[name, columns.REASON] == "weight of a MultiheadAttention"
    assert bool(table.loc[name, columns.IN_DEVICES])
    assert not bool(table.loc["class_token", columns.IN_DEVICES])
    assert not bool(table.loc["encoder.ln.weight", columns.IN_DEVICES])


def small_vit() -> nn.Module:
    """torchvision's vision transformer, small enough for a test, its last layer no longer all zero."""
    network = import_torchvision().models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=10
    )
    nn.init.normal_(network.heads.head.weight, generator=generator(0, "head"))
    return network.eval()
