"""Second derivatives by one backward pass against those that autograd takes one by one."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.sensitivity import second_derivatives, with_scores
from neft.mapping.stack import Mapping
from neft.networks.backbones import Cnn1d, Resnet18, Vgg8
from neft.networks.network import InputShape, build_network, initialise
from neft.programming import Selective
from neft.seeding import generator
from tests.input_shapes import inputs_for, shape_for


def images(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(2, "images"))


def one_by_one(network: nn.Module, inputs: Tensor, name: str) -> Tensor:
    """The Hessian's diagonal of the expected cross entropy in one layer's weights."""
    said = network(inputs).detach().softmax(dim=1)
    weight = network.get_parameter(name).detach()

    def loss(flat: Tensor) -> Tensor:
        logits = functional_call(network, {name: flat.reshape(weight.shape)}, (inputs,))
        return (said * -logits.log_softmax(dim=1)).sum(dim=1).mean()

    return torch.autograd.functional.hessian(loss, weight.flatten()).diagonal().reshape(weight.shape)


def test_last_layers_second_derivatives_are_exact() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 4)).eval()
    inputs = images(12, 1, 3, 3)

    found = second_derivatives(network, inputs)

    torch.testing.assert_close(found["3.weight"], one_by_one(network, inputs, "3.weight"), rtol=1e-4, atol=1e-6)


def test_last_convolutions_second_derivatives_are_exact_where_no_positions_share_a_weight() -> None:
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten()).eval()
    inputs = images(8, 2, 3, 3)

    found = second_derivatives(network, inputs)

    torch.testing.assert_close(found["0.weight"], one_by_one(network, inputs, "0.weight"), rtol=1e-4, atol=1e-6)


def test_those_of_a_convolution_over_a_series_are_exact_likewise() -> None:
    network = nn.Sequential(nn.Conv1d(2, 4, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()
    inputs = images(8, 2, 5)

    found = second_derivatives(network, inputs)

    torch.testing.assert_close(found["0.weight"], one_by_one(network, inputs, "0.weight"), rtol=1e-4, atol=1e-6)


def test_second_derivatives_before_batchnorm_are_exact_too() -> None:
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        _ = norm.weight.copy_(torch.tensor([0.5, 3.0, -2.0, 1.0]))
        _ = norm.running_var.copy_(torch.tensor([0.1, 4.0, 1.0, 2.0]))  # pyright: ignore[reportOptionalMemberAccess]
    network = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), norm, nn.Flatten()).eval()
    inputs = images(8, 2, 3, 3)

    found = second_derivatives(network, inputs)

    torch.testing.assert_close(found["0.weight"], one_by_one(network, inputs, "0.weight"), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "backbone", [Vgg8(width=1 / 64), Resnet18(width=1 / 64), Cnn1d(width=1 / 64)], ids=["vgg8", "resnet18", "cnn1d"]
)
def test_every_layer_of_a_backbone_is_told(backbone: Vgg8 | Resnet18 | Cnn1d) -> None:
    network = build_network(backbone, shape_for(backbone, num_classes=3)).eval()
    initialise(network, generator(0, "init"))

    found = second_derivatives(network, inputs_for(network, images(6, 1, 8, 8)))

    weights = network.device_weights()
    assert {name: layer.shape for name, layer in found.items()} == {name: w.shape for name, w in weights.items()}
    assert all(bool((layer >= 0).all()) and bool((layer > 0).any()) for layer in found.values())


def test_network_is_left_alone() -> None:
    network = build_network(Vgg8(width=1 / 64), InputShape(num_channels=1, image_size=8, num_classes=3))
    initialise(network, generator(0, "init"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    _ = second_derivatives(network, images(6, 1, 8, 8))

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_layer_that_second_derivatives_cannot_pass_is_named() -> None:
    with pytest.raises(ConfigError, match="LayerNorm"):
        _ = second_derivatives(nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.LayerNorm(4)), images(3, 1, 2, 2))


def test_weights_with_the_largest_second_derivatives_cost_the_most(few_digits: ImageData) -> None:
    """Moving them by so much raises the loss more than moving as many others does."""
    network = build_network(Vgg8(width=1 / 32), InputShape(num_channels=1, image_size=8, num_classes=10)).eval()
    initialise(network, generator(0, "init"))
    inputs, labels = few_digits.normalise(few_digits.train.images), few_digits.train.labels
    law = with_scores(ChipLaw(Rram1(), Mapping(), programming=Selective(verified_share=0.3)), network, few_digits)
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    chosen = law.programming.choose(weights, law.scores)

    def raised(*, important: bool) -> float:
        total = 0.0
        for chip in range(20):
            rng = generator(chip, "moves")
            moved = {
                name: weight + 0.3 * torch.randn(weight.shape, generator=rng) * (chosen[name] == important)
                for name, weight in weights.items()
            }
            with torch.no_grad():
                total += float(cross_entropy(functional_call(network, moved, (inputs,)), labels))
        return total

    share = sum(int(mask.sum()) for mask in chosen.values()) / sum(mask.numel() for mask in chosen.values())
    assert share == pytest.approx(0.3, abs=0.001)
    assert raised(important=True) > raised(important=False)


def test_choosing_by_second_derivatives_without_data_is_refused() -> None:
    law = ChipLaw(Rram1(), Mapping(), programming=Selective())

    with pytest.raises(ConfigError, match="second derivative"):
        _ = law.deploy({"a": images(3, 3)})
