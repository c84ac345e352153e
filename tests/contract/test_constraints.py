"""What weight constraints must obey."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neft.component import default_name
from neft.config import RunConfig
from neft.constraints import CONSTRAINTS, BaseConstraint, Binary, Clip, NoConstraint, Saturating
from neft.methods import BaseMethod, Irs, NoiseInjection
from neft.networks.backbones import BaseBackbone, Vgg8
from neft.networks.network import HEADS, InputShape, Network, build_network, initialise
from neft.runs.facts import run_facts
from neft.seeding import generator
from tests.input_shapes import shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)


def a_network(backbone: BaseBackbone | None = None, *, num_snapshots: int = 0) -> Network:
    backbone = backbone or Vgg8(width=1 / 32)
    network = build_network(backbone, shape_for(backbone), num_snapshots=num_snapshots)
    initialise(network, generator(0, "initial_weights"))
    return network


@torch.no_grad()
def held(constraint: BaseConstraint, *rows: list[float]) -> Tensor:
    """A layer of so many output channels, as the constraint leaves it."""
    weight = torch.tensor(rows)
    constraint.hold({"layer": weight})
    return weight


# ---------------------------------------------------------------- every constraint
def test_weights_are_changed_in_place_and_stay_finite(constraint: BaseConstraint, backbone: BaseBackbone) -> None:
    network = a_network(backbone)
    weights = network.device_weights()
    places = {name: weight.data_ptr() for name, weight in weights.items()}

    with torch.no_grad():
        constraint.hold(weights)

    assert {name: weight.data_ptr() for name, weight in network.device_weights().items()} == places
    assert all(bool(weight.isfinite().all()) and bool(weight.any()) for weight in weights.values())


def test_a_constraint_reads_nothing_back_to_the_host(constraint: BaseConstraint, backbone: BaseBackbone) -> None:
    """Tensors without numbers have none to read: an `.item()` or a branch on one would raise."""
    with torch.no_grad():
        constraint.hold(a_network(backbone).to("meta").device_weights())


def test_what_lies_in_devices_is_made_of_what_is_trained_and_passes_gradients_on(
    constraint: BaseConstraint, backbone: BaseBackbone
) -> None:
    weights = a_network(backbone).device_weights()
    effective = constraint.effective(weights)

    assert {name: weight.shape for name, weight in effective.items()} == {n: w.shape for n, w in weights.items()}
    torch.stack([weight.sum() for weight in effective.values()]).sum().backward()
    assert all(weight.grad is not None and bool((weight.grad != 0).all()) for weight in weights.values())


def test_a_constraint_that_says_so_and_no_other_changes_what_lies_in_devices(constraint: BaseConstraint) -> None:
    weights = {"layer": torch.randn(6, 5, generator=generator(0))}

    changed = not torch.equal(constraint.effective(weights)["layer"], weights["layer"])
    assert changed is constraint.reparametrises


def test_training_begins_with_the_weights_it_is_given(constraint: BaseConstraint) -> None:
    """Those that the constraint allows."""
    allowed = constraint.effective({"layer": 0.3 * torch.randn(6, 5, generator=generator(0))})

    begun = constraint.effective(constraint.trainable(allowed))
    torch.testing.assert_close(dict(begun), dict(allowed))


@given(one=st.from_type(BaseConstraint), other=st.from_type(BaseConstraint))
def test_different_settings_are_different_variants(one: BaseConstraint, other: BaseConstraint) -> None:
    assert (one == other) == (one.variant == other.variant) == (one.variant_label == other.variant_label)


@given(one=st.from_type(RunConfig), other=st.from_type(BaseConstraint))
def test_runs_with_and_without_a_constraint_are_never_one_variant(one: RunConfig, other: BaseConstraint) -> None:
    changed = one.model_copy(update={"constraint": other})

    assert (changed.variant == one.variant) == (other == one.constraint)
    assert (changed.variant_label == one.variant_label) == (other == one.constraint)


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_a_constraint_is_registered_by_its_own_name_and_says_where_it_is_from(name: str) -> None:
    constraint = CONSTRAINTS[name]

    assert default_name(constraint) == name
    assert constraint.label
    assert constraint.source


# ---------------------------------------------------------------- a run's facts
@pytest.mark.parametrize(
    ("method", "constraint", "variant", "label"),
    [
        (NoiseInjection(temperature=4), NoConstraint(), "noise_injection_t4", "Noise injection, T = 4"),
        (
            NoiseInjection(temperature=4),
            Clip(alpha=1.1),
            "noise_injection_t4_clip1.1",
            "Noise injection, T = 4, clip α = 1.1",
        ),
        (Irs(), Clip(alpha=2, per_channel=True), "irs_clip2_channel", "IRS, clip α = 2 by channel"),
    ],
)
def test_variant_names_method_and_constraint(
    method: BaseMethod, constraint: BaseConstraint, variant: str, label: str
) -> None:
    config = RunConfig.make(method=method, constraint=constraint)
    facts = run_facts(config, num_classes=10)

    assert (config.variant, config.variant_label) == (facts.variant, facts.label) == (variant, label)
    assert facts.constraint == constraint.variant


@pytest.mark.parametrize(("constraint", "is_control"), [(NoConstraint(), True), (Clip(), False)])
def test_only_an_unconstrained_run_is_what_feedback_is_held_against(
    constraint: BaseConstraint, is_control: bool
) -> None:
    config = RunConfig.make(method=NoiseInjection(temperature=4), constraint=constraint)

    assert run_facts(config, num_classes=10).is_control is is_control


# ---------------------------------------------------------------- none
def test_no_constraint_leaves_weights_alone() -> None:
    assert held(NoConstraint(), [-9.0, 0.5]).tolist() == [[-9.0, 0.5]]


# ---------------------------------------------------------------- clip
def test_clip_holds_a_layer_within_alpha_times_its_rms() -> None:
    # RMS of (1, -1, 1, 5) is sqrt(28/4) = 2.6458
    weight = held(Clip(alpha=1.5), [1.0, -1.0], [1.0, 5.0])

    torch.testing.assert_close(weight, torch.tensor([[1.0, -1.0], [1.0, 1.5 * 7**0.5]]))


def test_clip_by_channel_holds_each_output_channel_within_its_own_rms() -> None:
    # RMS of (1, -7) is 5, of (1, 1) is 1
    weight = held(Clip(alpha=1.2, per_channel=True), [1.0, -7.0], [1.0, 1.0])

    torch.testing.assert_close(weight, torch.tensor([[1.0, -6.0], [1.0, 1.0]]))


def test_clip_by_channel_of_a_convolution_takes_the_rms_over_inputs_and_kernel() -> None:
    weight = torch.randn(3, 4, 5, 5, generator=generator(0)) * torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1, 1)
    rms = weight.square().mean(dim=(1, 2, 3)).sqrt()

    Clip(alpha=1.1, per_channel=True).hold({"conv": weight})

    torch.testing.assert_close(weight.abs().amax(dim=(1, 2, 3)), 1.1 * rms)


@pytest.mark.parametrize("per_channel", [False, True])
def test_weights_within_the_limit_stay_as_they_are(per_channel: bool) -> None:
    weight = torch.randn(6, 50, generator=generator(0))
    before = weight.clone()

    Clip(alpha=100, per_channel=per_channel).hold({"layer": weight})

    assert torch.equal(weight, before)


def test_clip_leaves_a_layer_of_zeros_alone() -> None:
    assert held(Clip(), [0.0, 0.0]).tolist() == [[0.0, 0.0]]


def test_snapshot_heads_are_held_too() -> None:
    """Their weights lie in devices while training."""
    network = a_network(num_snapshots=2)
    heads = {name: weight for name, weight in network.device_weights().items() if name.startswith(HEADS)}
    limits = {name: 1.1 * float(weight.detach().square().mean().sqrt()) for name, weight in heads.items()}

    with torch.no_grad():
        Clip(alpha=1.1).hold(network.device_weights())

    assert heads
    assert all(float(weight.detach().abs().amax()) == pytest.approx(limits[name]) for name, weight in heads.items())


# ---------------------------------------------------------------- saturating, binary
def test_saturating_weights_stay_below_their_bound_and_begin_as_they_are() -> None:
    """A layer of 8 outputs: fan-out 8, so that Kaiming's std is sqrt(2/8) = 0.5; at bound 0.6 that is 0.3."""
    weight = torch.linspace(-4, 4, 64).view(8, 8)

    effective = Saturating(bound=0.6).effective({"layer": weight})["layer"]

    assert float(effective.abs().amax()) == pytest.approx(0.3)
    torch.testing.assert_close(effective, 0.3 * torch.tanh(weight / 0.3))
    near_zero = Saturating(bound=0.6).effective({"layer": 1e-3 * weight})["layer"]
    torch.testing.assert_close(near_zero, 1e-3 * weight, rtol=1e-4, atol=1e-8)


def test_saturating_weights_of_a_convolution_count_its_kernel_in_the_fan_out() -> None:
    # 2 outputs x 9 = 18: sqrt(2/18) = 1/3
    effective = Saturating(bound=1).effective({"conv": 100 * torch.ones(2, 5, 3, 3)})["conv"]

    assert float(effective.amax()) == pytest.approx(1 / 3)


def test_binary_weights_are_two_values_a_layer() -> None:
    weight = torch.tensor([[1.0, -3.0], [0.0, 4.0]])

    # the mean of 1, 3, 0, 4 is 2; 0 counts as positive
    assert Binary().effective({"layer": weight})["layer"].tolist() == [[2.0, -2.0], [2.0, 2.0]]


def test_binary_weights_by_channel_are_two_values_a_channel() -> None:
    weight = torch.tensor([[1.0, -3.0], [0.0, 4.0]])
    effective = Binary(scale_per_channel=True).effective({"layer": weight})["layer"]

    assert effective.tolist() == [[2.0, -2.0], [2.0, 2.0]]
    wider = Binary(scale_per_channel=True).effective({"layer": torch.tensor([[1.0, -1.0], [5.0, 7.0]])})["layer"]
    assert wider.tolist() == [[1.0, -1.0], [6.0, 6.0]]


def test_gradients_go_straight_through_binary_weights() -> None:
    weight = torch.tensor([[0.3, -0.7]], requires_grad=True)

    (Binary().effective({"layer": weight})["layer"] * torch.tensor([[2.0, 5.0]])).sum().backward()

    assert weight.grad is not None
    assert weight.grad.tolist() == [[2.0, 5.0]]
