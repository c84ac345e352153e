"""The papers' networks, counted by hand."""

import pytest
import torch

from neft.networks.backbones import BaseBackbone, Mlp, Resnet18, Vgg8
from neft.networks.network import InputShape, build_network, num_parameters

COLOUR_32 = InputShape(num_channels=3, image_size=32, num_classes=10)


def test_vgg8_has_12902474_parameters() -> None:
    convolutions = 9 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)  # no biases: 4,499,136
    norms = 2 * (64 + 128 + 256 + 256 + 512 + 512)  # 3,456
    connected = (512 * 4 * 4 + 1) * 1024 + (1024 + 1) * 10  # 8,389,632 + 10,250
    assert convolutions + norms + connected == 12_902_474

    with torch.device("meta"):
        assert num_parameters(build_network(Vgg8(width=1.0), COLOUR_32)) == 12_902_474


def test_resnet18_has_11173962_parameters() -> None:
    """Projections only where the shape changes; the released code's unused ones would add 352,256 + 2,048."""
    stem = 9 * 3 * 64 + 2 * 64  # 1,856
    stage_1 = 4 * 9 * 64 * 64 + 4 * 2 * 64  # 147,968
    stage_2 = 9 * 64 * 128 + 3 * 9 * 128 * 128 + 64 * 128 + 5 * 2 * 128  # 525,568
    stage_3 = 9 * 128 * 256 + 3 * 9 * 256 * 256 + 128 * 256 + 5 * 2 * 256  # 2,099,712
    stage_4 = 9 * 256 * 512 + 3 * 9 * 512 * 512 + 256 * 512 + 5 * 2 * 512  # 8,393,728
    connected = (512 + 1) * 10  # 5,130
    assert stem + stage_1 + stage_2 + stage_3 + stage_4 + connected == 11_173_962

    with torch.device("meta"):
        assert num_parameters(build_network(Resnet18(width=1.0), COLOUR_32)) == 11_173_962


def test_mlp_has_59146_parameters() -> None:
    assert (64 + 1) * 128 + 3 * (128 + 1) * 128 + (128 + 1) * 10 == 59_146  # 8,320 + 49,536 + 1,290

    shape = InputShape(num_channels=1, image_size=8, num_classes=10)
    assert num_parameters(build_network(Mlp(), shape)) == 59_146


def test_a_quarter_of_vgg8() -> None:
    """Channels 16-32-64-64-128-128; three pools leave 1 x 1 of an 8 x 8 grey image; connected 128-256-10."""
    convolutions = 9 * (16 + 16 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128)  # 281,232
    norms = 2 * (16 + 32 + 64 + 64 + 128 + 128)  # 864
    connected = (128 + 1) * 256 + (256 + 1) * 10  # 33,024 + 2,570
    assert convolutions + norms + connected == 317_690

    shape = InputShape(num_channels=1, image_size=8, num_classes=10)
    assert num_parameters(build_network(Vgg8(width=0.25), shape)) == 317_690


@pytest.mark.parametrize(
    ("backbone", "head_inputs"),
    [
        # after conv1 pooled to 6 x 6, conv2 + pool to 4 x 4, conv4 + pool to 3 x 3
        (Vgg8(), [64 * 36, 128 * 16, 256 * 9]),
        # after the stem (6), stage 1 (6), stage 2 (4), stage 3 (3)
        (Resnet18(), [64 * 36, 64 * 36, 128 * 16, 256 * 9]),
    ],
    ids=["vgg8", "resnet18"],
)
def test_heads_sit_where_the_paper_puts_them(backbone: BaseBackbone, head_inputs: list[int]) -> None:
    with torch.device("meta"):
        network = build_network(backbone, COLOUR_32, num_snapshots=backbone.default_num_snapshots)

    linears = [[part for part in head.modules() if isinstance(part, torch.nn.Linear)] for head in network.heads]

    assert [first.in_features for first, _ in linears] == head_inputs
    assert [first.out_features for first, _ in linears] == [512] * len(head_inputs)
    assert [last.out_features for _, last in linears] == [10] * len(head_inputs)


@pytest.mark.parametrize(
    ("backbone", "stage_shapes"),
    [
        (Vgg8(), [(64, 32), (128, 16), (256, 16), (256, 8), (512, 8), (512, 4)]),
        (Resnet18(), [(64, 32), (64, 32), (128, 16), (256, 8), (512, 4)]),
    ],
    ids=["vgg8", "resnet18"],
)
def test_stages_have_the_papers_shapes(backbone: BaseBackbone, stage_shapes: list[tuple[int, int]]) -> None:
    with torch.device("meta"):
        staged = backbone.build(num_channels=3, image_size=32, num_classes=10)
        _, outputs = staged.forward_stages(torch.zeros(2, 3, 32, 32))

    assert [(output.shape[1], output.shape[2]) for output in outputs] == stage_shapes
