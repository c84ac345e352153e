"""Output channels of transposed convolutions, whose weights have inputs first."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

from neft.chips.deployed import ChipLaw, DeployedNetwork, UntouchedNetwork
from neft.chips.sampling import deploy
from neft.devices import Rram1
from neft.effects import Effects
from neft.mapping.rows import Rows
from neft.mapping.stack import Mapping
from neft.networks.device_layers import transposed_groups
from neft.seeding import generator

GROUPS = 2
SIZES = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
"""How large each output channel's weights are."""


def a_transposed_weight() -> Tensor:
    """[4 inputs, 3 outputs a group, 2, 2] of two groups: outputs 0 to 2 read inputs 0 and 1, the others 2 and 3."""
    weight = torch.rand((4, 3, 2, 2), generator=generator(5)) + 0.5
    weight[:2] *= SIZES[:3, None, None]
    weight[2:] *= SIZES[3:, None, None]
    return weight


def a_network() -> nn.Sequential:
    layer = nn.ConvTranspose2d(4, 6, 2, groups=GROUPS, bias=False)
    layer.weight.data = a_transposed_weight()
    return nn.Sequential(layer, nn.Flatten()).eval()


def maxima(weight: Tensor) -> Tensor:
    """Of every output channel."""
    return torch.cat([part.abs().amax(dim=(0, 2, 3)) for part in weight.split(2)])


def test_rows_are_output_channels_and_lead_back() -> None:
    weight = a_transposed_weight()
    rows = Rows(tuple(weight.shape), GROUPS)

    matrix = rows.of(weight)

    assert matrix.shape == (6, 8)
    assert torch.equal(matrix.amax(dim=1), maxima(weight))
    assert torch.equal(rows.back(matrix), weight)
    assert torch.equal(rows.spread(matrix.amax(dim=1)).expand_as(weight)[3, 1], maxima(weight)[4].expand(2, 2))


def test_other_layers_have_outputs_first() -> None:
    weight = torch.rand((3, 2, 2, 2), generator=generator(1))

    assert torch.equal(Rows((3, 2, 2, 2)).of(weight), weight.reshape(3, -1))
    assert Rows((3, 2, 2, 2)).spread(torch.ones(3)).shape == (3, 1, 1, 1)


@pytest.mark.parametrize("clip_for", [0.0, 0.2])
def test_a_scale_by_channel_is_that_of_the_output_channel(clip_for: float) -> None:
    weight = a_transposed_weight()
    mapping = Mapping(scale="channel", clip_for=clip_for)

    stds = deploy({"a": weight}, device=Rram1(), mapping=mapping, transposed_groups={"a": GROUPS}).stds["a"]

    by_row = Rows(tuple(weight.shape), GROUPS).of(stds.expand_as(weight))
    as_outputs_first = deploy(
        {"a": Rows(tuple(weight.shape), GROUPS).of(weight)}, device=Rram1(), mapping=mapping
    ).stds["a"]
    torch.testing.assert_close(by_row, as_outputs_first.expand_as(by_row))
    if not clip_for:
        torch.testing.assert_close(by_row[:, 0], mapping.closed_form_factor * maxima(weight))


@pytest.mark.parametrize("effects", [Effects(), Effects(common_mode=1e-9)])
def test_networks_with_transposed_convolutions_have_it(effects: Effects) -> None:
    """Chip by chip, as one Gaussian a weight and device by device: each output channel misses by its own scale."""
    network = a_network()
    law = ChipLaw(device=Rram1(), mapping=Mapping(scale="channel"), effects=effects)
    for deployed in (DeployedNetwork(network, law), UntouchedNetwork(network, law)):
        missed: list[Tensor] = []
        for instance in range(200):
            deployed.place(deployed.normals(0, "chip", instance))
            deployed.program(sigma_d=0.1)
            held = next(deployed.network.parameters()).detach()
            missed.append(Rows((4, 3, 2, 2), GROUPS).of(held - a_transposed_weight()))
        stds = torch.stack(missed).std(dim=(0, 2))
        # 1600 samples of each channel; quantisation adds less than a thousandth
        torch.testing.assert_close(stds / maxima(a_transposed_weight()), torch.full((6,), 0.0778), rtol=0.09, atol=0)


def test_a_rotation_turns_each_output_s_inputs() -> None:
    weight = a_transposed_weight()
    weight[:2, 1] = 0

    laid = Mapping(rotation="hadamard").lay(weight, transposed_groups=GROUPS)

    turned = Rows(tuple(weight.shape), GROUPS).of(laid.turned)
    assert not turned[1].any()
    torch.testing.assert_close(turned.norm(dim=1), Rows(tuple(weight.shape), GROUPS).of(weight).norm(dim=1))
    assert laid.rotation is not None
    images = torch.rand((1, 4, 3, 3), generator=generator(2))
    torch.testing.assert_close(
        conv_transpose2d(images, laid.rotation.turned_back(laid.turned), groups=GROUPS),
        conv_transpose2d(images, weight, groups=GROUPS),
    )


def test_they_are_found_by_name() -> None:
    assert transposed_groups(nn.Sequential(nn.Linear(2, 2), nn.ConvTranspose1d(4, 4, 2, groups=4))) == {"1.weight": 4}
