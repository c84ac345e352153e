"""Layers of one sign."""

import pytest
import torch

from neft.constraints import Unipolar
from neft.errors import ConfigError
from neft.mapping.stack import Mapping

WEIGHTS = {
    "a": torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.1, -0.2]]),
    "b": torch.tensor([[1.0, -1.0]]),
    "c": torch.tensor([[-1.0, 2.0]]),
}


def test_every_layer_gets_its_sign_and_magnitudes_stay() -> None:
    made = Unipolar(signs="+-b").effective(WEIGHTS)

    assert torch.equal(made["a"], WEIGHTS["a"].abs())
    assert torch.equal(made["b"], -WEIGHTS["b"].abs())
    assert torch.equal(made["c"], WEIGHTS["c"])


def test_one_sign_stands_for_all_layers_and_layers_behind_the_named_ones_keep_both() -> None:
    assert all(bool((weight <= 0).all()) for weight in Unipolar(signs="-").effective(WEIGHTS).values())
    assert torch.equal(Unipolar(signs="+-").effective(WEIGHTS)["c"], WEIGHTS["c"])


def test_more_signs_than_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most the network's 3 layers; got 4"):
        _ = Unipolar(signs="++++").effective(WEIGHTS)


def test_initial_weights_are_few_and_large_at_the_same_mean_square_by_hand() -> None:
    made = Unipolar(connections=1).initial({"a": WEIGHTS["a"]})["a"]
    # row by row the largest stays, the others are a hundredth: 0.01, 0.02, 3 and 0.5, 0.001, 0.002
    sparse = torch.tensor([[0.01, 0.02, 3.0], [0.5, 0.001, 0.002]])
    expected = sparse * (WEIGHTS["a"].square().mean() / sparse.square().mean()).sqrt()

    assert torch.allclose(made, expected)
    assert float(made.square().mean()) == pytest.approx(float(WEIGHTS["a"].square().mean()))


def test_layers_of_one_sign_take_half_the_devices_where_the_mapping_goes_by_layer() -> None:
    layers = Unipolar(signs="+-b").effective(WEIGHTS)

    # 6 + 2 weights on one set, 2 on two sets, of 8 / 2 slices each
    assert Mapping(sign="by_layer").num_devices(layers.values()) == 4 * (8 + 2 * 2)
    assert Mapping(sign="crossbar").num_devices(layers.values()) == 4 * 2 * 10


def test_mapping_by_layer_holds_the_weights() -> None:
    layers = Unipolar(signs="+-b").effective(WEIGHTS)
    for layer in layers.values():
        laid = Mapping(sign="by_layer").lay(layer)

        assert len(laid.sets) == 1
        assert torch.allclose(laid.target(quantise=False), layer)
