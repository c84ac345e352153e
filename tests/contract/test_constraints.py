"""What weight constraints must obey."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neft.component import default_name
from neft.config import RunConfig
from neft.constraints import CONSTRAINTS, BaseConstraint, Clip, NoConstraint
from neft.methods import BaseMethod, Irs, NoiseInjection
from neft.networks.backbones import BaseBackbone, Vgg8
from neft.networks.network import HEADS, InputShape, Network, build_network, initialise
from neft.runs.facts import run_facts
from neft.seeding import generator

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)


def a_network(backbone: BaseBackbone | None = None, *, num_snapshots: int = 0) -> Network:
    network = build_network(backbone or Vgg8(width=1 / 32), SHAPE, num_snapshots=num_snapshots)
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
