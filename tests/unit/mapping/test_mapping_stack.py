from math import sqrt

import pytest
import torch

from neft.chips.sampling import deploy
from neft.devices import Rram1, Rram4
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.rotation import Rotation
from neft.mapping.stack import Mapping
from neft.seeding import generator

# published closed forms of significance bases ([LeGallo2022], Eq. 8), for four 2-bit devices
FACTORS = {4: 0.7776, 2: 0.6146, 1: 0.5}
MAGNITUDES = {4: 256, 2: 46, 1: 13}


def a_layer(*shape: int) -> torch.Tensor:
    """Rows of different sizes."""
    rng = generator(1, "layer")
    return torch.randn(shape, generator=rng) * torch.rand((shape[0], *[1] * (len(shape) - 1)), generator=rng)


def test_default_mapping_is_the_bit_slicing_to_the_bit() -> None:
    weights = {"a": a_layer(12, 9)}
    laid = Mapping().lay(weights["a"])
    plain = deploy(weights, device=Rram4(), mapping=BitSlicing())

    assert torch.equal(laid.target(quantise=True), plain.targets["a"])
    assert torch.equal(deploy(weights, device=Rram4(), mapping=Mapping()).stds["a"], plain.stds["a"])


@pytest.mark.parametrize(("base", "factor"), FACTORS.items())
def test_factor_of_a_significance_base_is_the_published_one(base: int, factor: float) -> None:
    assert Mapping(significance_base=base).closed_form_factor == pytest.approx(factor, abs=5e-5)


@pytest.mark.parametrize(("base", "count"), MAGNITUDES.items())
def test_every_code_of_a_significance_base_has_levels(base: int, count: int) -> None:
    mapping = Mapping(significance_base=base)
    codes = torch.arange(mapping.max_code + 1, dtype=torch.int32)

    levels = mapping.slice_levels(codes)

    assert len(codes) == count
    assert int(levels.max()) == mapping.max_level
    assert torch.equal(mapping.join_levels(levels.double()), codes.double())


def test_equal_devices_share_a_code_evenly() -> None:
    levels = Mapping(significance_base=1).slice_levels(torch.arange(13, dtype=torch.int32))

    assert int((levels.amax(dim=0) - levels.amin(dim=0)).max()) == 1


def test_base_beyond_the_levels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 2\^K = 4"):
        _ = Mapping(significance_base=5)


@pytest.mark.parametrize("sign", ["crossbar", "differential"])
@pytest.mark.parametrize("scale", ["layer", "channel"])
@pytest.mark.parametrize("rotation", ["none", "hadamard"])
def test_targets_miss_by_at_most_half_a_step(sign: str, scale: str, rotation: str) -> None:
    weight = a_layer(16, 24)
    mapping = Mapping.model_validate({"sign": sign, "scale": scale, "rotation": rotation})
    laid = mapping.lay(weight)

    error = (laid.target(quantise=True) - weight).norm(dim=1)

    step = laid.maximum.reshape(-1) / mapping.max_code
    assert bool((error <= sqrt(24) * (step / 2 + 1e-6)).all())


def test_offset_spreads_its_range_over_both_signs() -> None:
    weight = a_layer(200)
    error = (Mapping(sign="offset").lay(weight).target(quantise=True) - weight).abs().max()

    assert float(error) <= float(weight.abs().max()) / 255 * 1.001


def test_unipolar_layers_of_one_sign_are_held_and_others_refused() -> None:
    weight = a_layer(8, 5)
    mapping = Mapping(sign="unipolar")

    held = mapping.lay(-weight.abs()).target(quantise=True)

    assert float((held + weight.abs()).abs().max()) <= float(weight.abs().max()) / 255
    with pytest.raises(ConfigError, match="unipolar"):
        _ = mapping.lay(weight).target(quantise=True)


def test_channel_scales_make_each_rows_errors_go_with_its_own_largest_weight() -> None:
    weight = a_layer(6, 50)

    stds = deploy({"a": weight}, device=Rram1(), mapping=Mapping(scale="channel")).stds["a"]

    torch.testing.assert_close(stds[:, 0], Mapping().closed_form_factor * weight.abs().amax(dim=1))


@pytest.mark.parametrize(
    ("mapping", "times"),
    [
        (Mapping(sign="offset"), 2.0),
        (Mapping(sign="differential"), sqrt(2)),
        (Mapping(copies=4), 0.5),
        (Mapping(on_off_ratio=5), 1 / (1 - 1 / 5)),
    ],
    ids=["offset", "differential", "copies", "on/off"],
)
def test_errors_of_a_scheme_are_so_many_times_those_of_the_plain_one(mapping: Mapping, times: float) -> None:
    weights = {"a": a_layer(9, 9)}
    plain = float(deploy(weights, device=Rram1(), mapping=Mapping()).stds["a"])

    stds = deploy(weights, device=Rram1(), mapping=mapping).stds["a"]

    assert stds.flatten().tolist() == pytest.approx([times * plain] * stds.numel())


@pytest.mark.parametrize("size", [1, 8, 9, 72, 100])
def test_turning_keeps_every_product(size: int) -> None:
    weight, inputs = a_layer(7, size).double(), torch.randn(size, generator=generator(2, "x")).double()
    rotation = Rotation(size)

    turned = rotation.turned(weight) @ rotation.turned(inputs[None])[0]

    torch.testing.assert_close(turned, weight @ inputs)


@pytest.mark.parametrize("size", [1, 8, 9, 72, 100])
def test_turning_back_undoes_turning(size: int) -> None:
    weight = a_layer(7, size).double()
    rotation = Rotation(size)

    torch.testing.assert_close(rotation.turned_back(rotation.turned(weight)), weight)


def test_turning_makes_a_row_with_one_large_weight_flat() -> None:
    weight = torch.zeros(1, 64)
    weight[0, 5] = 8.0

    torch.testing.assert_close(Rotation(64).turned(weight).abs(), torch.ones(1, 64))


def test_clipping_costs_less_than_any_other_clip() -> None:
    weight = a_layer(4000)
    mapping = Mapping(clip_for=0.2)
    relative = mapping.closed_form_factor * 0.2

    def cost(alpha: float) -> float:
        return float((weight.abs() - alpha).clamp(min=0).square().mean()) + (relative * alpha) ** 2

    best = cost(float(mapping.lay(weight).maximum))

    assert (
        best <= min(cost(share * float(weight.abs().max())) for share in torch.linspace(0.01, 1, 200).tolist()) + 1e-9
    )


def test_clip_grows_less_the_more_devices_miss() -> None:
    weight = a_layer(4000)

    clips = [float(Mapping(clip_for=sigma_d).lay(weight).maximum) for sigma_d in (0.0, 0.05, 0.1, 0.2, 0.4)]

    assert clips == sorted(clips, reverse=True)
    assert clips[0] == float(weight.abs().max())


@pytest.mark.parametrize("mapping", [Mapping(rotation="hadamard"), Mapping(clip_for=0.1), Mapping(sign="offset")])
def test_gradients_pass_straight_through_a_mapping(mapping: Mapping) -> None:
    weight = a_layer(6, 10).requires_grad_()

    deploy({"a": weight}, device=Rram1(), mapping=mapping).targets["a"].sum().backward()

    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.ones(6, 10))


@pytest.mark.parametrize("sign", ["crossbar", "differential", "offset"])
def test_clip_is_the_best_one_for_every_scheme(sign: str) -> None:
    weight = a_layer(40, 60) ** 3  # heavy tails
    sigma_d = 0.3
    costs: dict[float, float] = {}
    for times in (0.5, 0.7, 1.0, 1.4, 2.0):
        mapping = Mapping.model_validate({"sign": sign, "clip_for": sigma_d * times})
        stds = deploy({"a": weight}, device=Rram1(), mapping=mapping).stds["a"]
        lost = (mapping.lay(weight).turned - weight).square().mean()
        costs[times] = float(lost + (sigma_d * stds).square())

    assert min(costs, key=lambda times: costs[times]) == 1.0


def test_base_that_another_device_cannot_have_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"significance_base \(b\) must be at most"):
        _ = Mapping(significance_base=4).on_devices_of(1)
