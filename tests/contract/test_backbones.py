"""What every backbone must obey."""

import copy
import resource

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from neft.errors import ConfigError
from neft.input_kinds import INPUT_KINDS
from neft.networks.backbones import BACKBONES, BaseBackbone, Vgg8
from neft.networks.folding import fold_batchnorm
from neft.networks.network import HEADS, MAX_PARAMETERS, InputShape, Network, build_network, initialise
from neft.seeding import generator
from tests.input_shapes import shape_for

SMALL = {"num_channels": 3, "image_size": 16, "num_classes": 5}


def inputs_of(shape: InputShape, count: int = 4) -> Tensor:
    return torch.randn(count, *shape.blank().shape[1:], generator=generator(0))


def lively(network: Network) -> Network:
    """The network as after some training: BatchNorm's statistics and factors are not the first ones."""
    rng = generator(0, "lively")
    initialise(network, rng)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.data.uniform_(0.5, 1.5, generator=rng)
    return network.eval()


@given(image_size=st.integers(8, 40), num_channels=st.sampled_from([1, 3]), num_classes=st.integers(2, 200))
def test_takes_any_small_image(backbone: BaseBackbone, image_size: int, num_channels: int, num_classes: int) -> None:
    shape = shape_for(backbone, num_channels=num_channels, image_size=image_size, num_classes=num_classes)
    network = build_network(backbone, shape, num_snapshots=len(backbone.points()))

    logits, snapshots = network(inputs_of(shape, 2), snapshots=True)

    assert logits.shape == (2, num_classes)
    assert [snapshot.shape for snapshot in snapshots] == [(2, num_classes)] * len(backbone.points())


LARGEST: dict[str, float] = {"width": 4.0, "hidden_units": 8192, "hidden_layers": 16}


def test_too_large_a_network_is_refused_before_it_is_allocated(backbone: BaseBackbone) -> None:
    largest = {name: value for name, value in LARGEST.items() if name in type(backbone).model_fields}
    backbone = backbone.model_copy(update=largest)
    shape = shape_for(backbone, num_channels=3, image_size=256, num_classes=10**6)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(
        ConfigError, match=rf"^The network .* would have [0-9,]+ parameters; at most {MAX_PARAMETERS:,} "
    ):
        build_network(backbone, shape)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; it would take over a gigabyte


def test_snapshots_do_not_change_the_logits(backbone: BaseBackbone) -> None:
    network = lively(build_network(backbone, shape_for(backbone, **SMALL), num_snapshots=2))
    images = inputs_of(shape_for(backbone, **SMALL))

    logits, _ = network(images, snapshots=True)

    assert torch.equal(logits, network(images))


def test_heads_add_nothing_to_the_backbone(backbone: BaseBackbone) -> None:
    with_heads = build_network(backbone, shape_for(backbone, **SMALL), num_snapshots=2)
    without = build_network(backbone, shape_for(backbone, **SMALL))

    kept = [name for name in with_heads.state_dict() if not name.startswith(HEADS)]

    assert kept == list(without.state_dict())
    assert list(with_heads.device_weights())[: len(without.device_weights())] == list(without.device_weights())


def test_backbone_starts_the_same_with_and_without_heads(backbone: BaseBackbone) -> None:
    networks = [build_network(backbone, shape_for(backbone, **SMALL), num_snapshots=count) for count in (0, 2)]
    for network in networks:
        initialise(network, generator(0, "initial_weights"))
    plain, with_heads = (network.state_dict() for network in networks)

    assert all(torch.equal(tensor, with_heads[name]) for name, tensor in plain.items())


def test_more_snapshots_than_places_are_refused(backbone: BaseBackbone) -> None:
    points = len(backbone.points())
    with pytest.raises(ConfigError, match=rf"\(N\) must be at most {points}, .* got {points + 1}"):
        build_network(backbone, shape_for(backbone, **SMALL), num_snapshots=points + 1)


def test_initial_weights_are_kaiming_normal_fan_out(backbone: BaseBackbone) -> None:
    network = build_network(backbone, shape_for(backbone, **SMALL))
    initialise(network, generator(0))

    for weight in network.device_weights().values():
        fan_out = weight.shape[0] * weight[0, 0].numel()
        # std sqrt(2/fan_out); its estimate from n samples has a standard error of std/sqrt(2n)
        bound = 5 / (2 * weight.numel()) ** 0.5
        assert abs(float(weight.detach().square().mean().sqrt()) / (2 / fan_out) ** 0.5 - 1) < bound


def test_folded_batchnorm_changes_no_logit(backbone: BaseBackbone) -> None:
    network = lively(build_network(backbone, shape_for(backbone, **SMALL)))
    folded = copy.deepcopy(network)
    factors = fold_batchnorm(folded).factors
    for name, weight in folded.device_weights().items():
        weight.data *= factors.get(name, 1.0)
    images = inputs_of(shape_for(backbone, **SMALL))

    assert not [module for module in folded.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    torch.testing.assert_close(folded(images), network(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axes", sorted(INPUT_KINDS))
def test_inputs_of_another_kind_are_refused_in_a_sentence_that_names_who_takes_them(
    backbone: BaseBackbone, axes: int
) -> None:
    shape = InputShape(num_channels=3, image_size=16 if axes else 1, num_classes=5, num_axes=axes)
    if axes in backbone.takes:
        assert build_network(backbone, shape)(shape.blank()).shape == (1, 5)
        return
    with pytest.raises(ConfigError, match=rf"takes .*, but the data are {INPUT_KINDS[axes].many}; allowed: .*mlp"):
        build_network(backbone, shape)


def test_snapshots_go_deeper_however_many_are_taken(backbone: BaseBackbone) -> None:
    axes = max(backbone.takes)
    network = backbone.build(num_channels=1, image_size=8, num_classes=10, num_axes=axes)

    for count in range(len(backbone.points()) + 1):
        stages = [point.stage for point in backbone.chosen_points(count)]
        assert stages == sorted(set(stages))
        assert len(stages) == count
        assert all(stage < len(network.stages) for stage in stages)


def test_one_more_snapshot_leaves_the_others_where_they_are(backbone: BaseBackbone) -> None:
    for count in range(len(backbone.points())):
        assert set(backbone.chosen_points(count)) < set(backbone.chosen_points(count + 1))


def test_vgg8_takes_its_snapshots_after_these_stages() -> None:
    stages = {count: [point.stage for point in Vgg8().chosen_points(count)] for count in range(1, 6)}

    # the paper's three; the fourth, which stored runs have, after the last convolution; the fifth before it
    assert stages == {1: [0], 2: [0, 1], 3: [0, 1, 3], 4: [0, 1, 3, 5], 5: [0, 1, 3, 4, 5]}


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_paper_takes_no_more_snapshots_than_there_are_places(name: str) -> None:
    assert BACKBONES[name].default_num_snapshots <= len(BACKBONES[name]().points())


def test_short_name_can_stand_in_an_id(backbone: BaseBackbone) -> None:
    assert backbone.short_name.isascii()
    assert "-" not in backbone.short_name
    assert backbone.full_label.startswith(backbone.label)
