"""What training methods must obey."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call
from typing_extensions import override

from neft.chips.sampling import Sampler, program, quantised
from neft.component import default_name
from neft.config import RunConfig, TrainingConfig
from neft.devices import BaseDevice, Rram1
from neft.methods import METHODS, BaseMethod, FeedbackMethod, Irs, NoiseInjection, NoisyForward, Ovf, Vanilla
from neft.networks.backbones import BaseBackbone, Mlp, Vgg8
from neft.networks.network import HEADS, InputShape, Network, build_network, initialise
from neft.seeding import generator
from neft.training.forward import BatchForward
from tests.input_shapes import inputs_for, shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
SIGMA_D = 0.1
IMAGES = torch.randn(12, 1, 8, 8, generator=generator(0, "images"))
LABELS = torch.randint(10, (12,), generator=generator(0, "labels"))
FEEDBACK = [Ovf, Irs]
CROSS_ENTROPIES = [method() for method in METHODS.values() if method.is_cross_entropy]


def a_network(method: BaseMethod, backbone: BaseBackbone | None = None) -> Network:
    backbone = backbone or Vgg8(width=1 / 32)
    network = build_network(backbone, shape_for(backbone), num_snapshots=method.num_snapshots)
    initialise(network, generator(0, "initial_weights"))
    return network.train()


def a_forward(network: Network, seed: int = 0, **training: Any) -> BatchForward:
    config = RunConfig(training=TrainingConfig(**training))
    images = inputs_for(network, IMAGES)
    teacher = a_teacher() if images is IMAGES else network
    return BatchForward(network, images, config, generator(seed, "training_chips"), teacher=teacher)


@cache
def a_teacher() -> Network:
    return a_network(Vanilla()).eval()


class Recording(BatchForward):
    """A forward that keeps what was asked of it and what it gave."""

    def __init__(self, network: Network) -> None:
        super().__init__(network, IMAGES, RunConfig(), generator(0, "training_chips"), teacher=a_teacher())
        self.sigma_ds: list[float | Mapping[str, float]] = []
        self.outputs: list[Tensor] = []

    @override
    def __call__(self, *, sigma_d: float | Mapping[str, float], **options: Any) -> Tensor:
        self.sigma_ds.append(sigma_d)
        self.outputs.append(super().__call__(sigma_d=sigma_d, **options))
        return self.outputs[-1]

    @override
    def with_snapshots(self, *, sigma_d: float | Mapping[str, float], **options: Any) -> tuple[Tensor, list[Tensor]]:
        self.sigma_ds.append(sigma_d)
        logits, snapshots = super().with_snapshots(sigma_d=sigma_d, **options)
        self.outputs += [logits, *snapshots]
        return logits, snapshots


def recorded_loss(method: BaseMethod) -> tuple[Network, Recording, Tensor]:
    network = a_network(method)
    recording = Recording(network)
    loss, _ = method.loss(recording, LABELS, sigma_d=SIGMA_D)
    return network, recording, loss


# ---------------------------------------------------------------- every method
def test_loss_is_one_finite_number_and_logits_are_the_backbones(method: BaseMethod) -> None:
    loss, logits = method.loss(a_forward(a_network(method)), LABELS, sigma_d=SIGMA_D)

    assert loss.shape == ()
    assert bool(loss.isfinite())
    assert logits.shape == (12, 10)


def test_every_weight_gets_a_gradient(method: BaseMethod, backbone: BaseBackbone) -> None:
    network = a_network(method, backbone)
    loss, _ = method.loss(a_forward(network), LABELS, sigma_d=SIGMA_D)

    loss.backward()

    assert all(
        weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in network.device_weights().values()
    )


@pytest.mark.parametrize("method", CROSS_ENTROPIES, ids=lambda method: method.name)
def test_loss_is_the_cross_entropy_at_the_temperature_before_any_feedback(method: BaseMethod) -> None:
    """With feedback turned off, a method that says so is cross entropy of logits over T."""
    if isinstance(method, FeedbackMethod):
        method = method.model_copy(update={"beta": 0.0})
    loss, logits = method.loss(a_forward(a_network(method)), LABELS, sigma_d=SIGMA_D)

    expected = nn.functional.cross_entropy(logits / method.effective_temperature, LABELS)
    assert torch.equal(loss, expected)


def test_orders_are_unique() -> None:
    """A control takes the place after its method's, so that is no other's either."""
    orders = [rank for method in METHODS.values() for rank in {method().rank, *(m.rank for m in controls(method))}]

    assert len(orders) == len(set(orders))


def controls(method: type[BaseMethod]) -> list[BaseMethod]:
    """The method at the papers' temperature, where that is a control."""
    return [
        made
        for made in ([method.model_validate({"temperature": 4})] if "temperature" in method.model_fields else [])
        if made.is_control
    ]


def test_there_is_one_control() -> None:
    assert [one.variant for method in METHODS.values() for one in controls(method)] == ["noise_injection_t4"]


def test_num_passes_are_the_passes_that_are_made(method: BaseMethod) -> None:
    network = a_network(method)
    passes: list[nn.Module] = []
    _ = network.register_forward_hook(lambda module, _inputs, _output: passes.append(module))

    for _ in method.losses(a_forward(network), LABELS, sigma_d=SIGMA_D):
        pass

    assert len(passes) == method.num_passes


def test_noise_is_drawn_just_where_a_method_says_it_is(method: BaseMethod) -> None:
    chips = generator(0, "training_chips")
    before = chips.get_state()

    forward = BatchForward(a_network(method), IMAGES, RunConfig(), chips, teacher=a_teacher())
    for _ in method.losses(forward, LABELS, sigma_d=SIGMA_D):
        pass

    assert torch.equal(chips.get_state(), before) is not method.uses_noise


@pytest.mark.parametrize("method", CROSS_ENTROPIES, ids=lambda method: method.name)
def test_further_outputs_move_a_cross_entropy_just_where_there_is_feedback(method: BaseMethod) -> None:
    _, recording, loss = recorded_loss(method)

    gradients = torch.autograd.grad(loss, recording.outputs, allow_unused=True)

    assert any(gradient is not None and bool(gradient.any()) for gradient in gradients[1:]) is method.has_feedback


def test_one_loss_a_batch_unless_a_method_says_otherwise() -> None:
    method = NoiseInjection()
    (several,) = method.losses(a_forward(a_network(method)), LABELS, sigma_d=SIGMA_D)
    once = method.loss(a_forward(a_network(method)), LABELS, sigma_d=SIGMA_D)

    assert all(torch.equal(ours, theirs) for ours, theirs in zip(several, once, strict=True))


def test_weights_are_deployed_as_trained_unless_a_method_says_otherwise() -> None:
    weights = {"layer": torch.ones(2, 3)}

    assert NoiseInjection().deployed(weights, stds={"layer": torch.tensor(0.1)}) is weights


def test_forward_keeps_the_methods_contract() -> None:
    assert isinstance(a_forward(a_network(Vanilla())), NoisyForward)


@given(one=st.from_type(BaseMethod), other=st.from_type(BaseMethod))
def test_different_settings_are_different_variants(one: BaseMethod, other: BaseMethod) -> None:
    assert (one == other) == (one.variant == other.variant) == (one.variant_label == other.variant_label)


@given(method=st.from_type(BaseMethod), data=st.data())
def test_one_changed_setting_makes_another_variant(method: BaseMethod, data: st.DataObject) -> None:
    donor = data.draw(st.from_type(type(method)))
    field = data.draw(st.sampled_from(sorted(set(type(method).model_fields) - {"name"})))
    changed = method.model_copy(update={field: getattr(donor, field)})
    assume(changed != method)

    assert changed.variant != method.variant
    assert changed.variant_label != method.variant_label


@pytest.mark.parametrize("name", sorted(METHODS))
def test_default_variant_is_the_methods_name(name: str) -> None:
    method = METHODS[name]()

    assert method.variant == default_name(type(method)) == name
    assert method.variant_label == method.label


@pytest.mark.parametrize(
    ("method", "variant", "label"),
    [
        (NoiseInjection(temperature=4), "noise_injection_t4", "Noise injection, T = 4"),
        (Ovf(num_feedback=2, decay="reversed"), "ovf_n2_reversed", "OVF, N = 2, reversed γ"),
        (Irs(beta=0.1, classifier_noise=False), "irs_b0.1_cnFalse", "IRS, β = 0.1, noise-free heads"),
        (Ovf(feedback_moves_batchnorm=False), "ovf_bnFalse", "OVF, first pass moves BatchNorm"),
        (Ovf(raised_layers="first_and_last"), "ovf_first_and_last", "OVF, Δσ in = first_and_last"),
    ],
)
def test_variant_names_what_differs(method: BaseMethod, variant: str, label: str) -> None:
    assert (method.variant, method.variant_label) == (variant, label)


# ---------------------------------------------------------------- temperature
@pytest.mark.parametrize("method", FEEDBACK)
@pytest.mark.parametrize("num_feedback", [1, 3, 4])
def test_feedback_divides_by_n_plus_1(method: type[FeedbackMethod], num_feedback: int) -> None:
    assert method(num_feedback=num_feedback).effective_temperature == num_feedback + 1
    assert method(num_feedback=num_feedback, temperature=2.5).effective_temperature == 2.5


@pytest.mark.parametrize("method", [Vanilla, NoiseInjection])
def test_single_pass_divides_by_nothing(method: type[BaseMethod]) -> None:
    assert method().effective_temperature == 1


# ---------------------------------------------------------------- decay factors
@pytest.mark.parametrize(
    ("method", "gamma"),
    [
        # OVF, 10^(n-N): the noisiest pass weighs 1. IRS, 10^(1-n): the shallowest snapshot weighs 1
        (Ovf(num_feedback=3), (0.01, 0.1, 1.0)),
        (Ovf(num_feedback=3, decay="reversed"), (1.0, 0.1, 0.01)),
        (Irs(num_feedback=3), (1.0, 0.1, 0.01)),
        (Irs(num_feedback=3, decay="reversed"), (0.01, 0.1, 1.0)),
        (Ovf(num_feedback=3, decay="constant"), (1.0, 1.0, 1.0)),
        (Irs(num_feedback=4, decay_base=2.0), (1.0, 0.5, 0.25, 0.125)),
    ],
)
def test_gamma(method: FeedbackMethod, gamma: tuple[float, ...]) -> None:
    assert method.gamma == pytest.approx(gamma)


@given(num_feedback=st.integers(1, 16), base=st.floats(1.01, 1000), chosen=st.sampled_from(FEEDBACK))
def test_reversing_gamma_keeps_its_sum(num_feedback: int, base: float, chosen: type[FeedbackMethod]) -> None:
    paper, turned, constant = (
        chosen(num_feedback=num_feedback, decay_base=base, decay=decay).gamma
        for decay in ("paper", "reversed", "constant")
    )

    # the geometric series 1 + 1/b + … + b^(1-N)
    assert sum(paper) == pytest.approx((1 - base**-num_feedback) / (1 - 1 / base))
    assert turned == paper[::-1]
    assert sum(constant) == num_feedback
    assert max(paper) == 1


@pytest.mark.parametrize("method", FEEDBACK)
def test_one_feedback_term_weighs_1_in_every_schedule(method: type[FeedbackMethod]) -> None:
    gammas = {method(num_feedback=1, decay=decay).gamma for decay in ("paper", "reversed", "constant")}

    assert gammas == {(1.0,)}


# ---------------------------------------------------------------- the feedback
@pytest.mark.parametrize("method", FEEDBACK)
@pytest.mark.parametrize("num_feedback", [1, 3])
def test_feedback_of_zero_is_noise_injection_at_the_same_temperature(
    method: type[FeedbackMethod], num_feedback: int
) -> None:
    """The control: same seed, same chip, same loss and gradients to the last bit."""
    pair = (method(num_feedback=num_feedback, beta=0.0), NoiseInjection(temperature=num_feedback + 1))
    losses: list[Tensor] = []
    gradients: list[list[Tensor]] = []
    for one in pair:
        network = a_network(one)
        loss, _ = one.loss(a_forward(network), LABELS, sigma_d=SIGMA_D)
        loss.backward()
        losses.append(loss)
        gradients.append([p.grad for p in network.backbone.parameters() if p.grad is not None])

    assert torch.equal(losses[0], losses[1])
    assert len(gradients[0]) == len(gradients[1]) > 0
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*gradients, strict=True))


@pytest.mark.parametrize("method", [Ovf(beta=0.1), Irs(beta=0.1)], ids=["ovf", "irs"])
def test_output_n_is_pushed_by_minus_beta_gamma_n(method: FeedbackMethod) -> None:
    """dL/dOut_n = -beta gamma_n dL/dO."""
    _, recording, loss = recorded_loss(method)

    backbone, *feedback = torch.autograd.grad(loss, recording.outputs)

    assert len(feedback) == method.num_feedback
    for gamma, gradient in zip(method.gamma, feedback, strict=True):
        torch.testing.assert_close(gradient, -method.beta * gamma * backbone)


@pytest.mark.parametrize("method", [Ovf(beta=0.1), Irs(beta=0.1)], ids=["ovf", "irs"])
def test_gradients_flow_to_the_noise_free_weights_through_every_output(method: FeedbackMethod) -> None:
    network, recording, _ = recorded_loss(method)
    first = next(iter(network.device_weights().values()))

    assert len(recording.outputs) == 1 + method.num_feedback
    for output in recording.outputs:
        (gradient,) = torch.autograd.grad(output.square().sum(), [first], retain_graph=True)
        assert bool((gradient != 0).any())


def test_passes_see_fresh_noise() -> None:
    _, recording, _ = recorded_loss(Ovf(delta_sigma=0.0))

    assert recording.sigma_ds == [SIGMA_D] * 4
    assert not torch.equal(recording.outputs[1], recording.outputs[2])


@pytest.mark.parametrize(
    ("method", "sigma_ds"),
    [
        (Ovf(), [0.1, 0.15, 0.2, 0.25]),
        (Ovf(delta_sigma=-0.05), [0.1, 0.05, 0.0, 0.0]),  # 0.1 - 3 * 0.05 would be -0.05: no such variation
        (Irs(), [0.1]),
        (NoiseInjection(), [0.1]),
        (Vanilla(), [0.0]),
    ],
)
def test_device_variation_of_each_pass(method: BaseMethod, sigma_ds: list[float]) -> None:
    _, recording, _ = recorded_loss(method)

    assert recording.sigma_ds == pytest.approx(sigma_ds)


# ---------------------------------------------------------------- layers that see another variation
@pytest.mark.parametrize("backbone", [Mlp(hidden_layers=2, hidden_units=16), Vgg8(width=1 / 32)])
def test_only_the_first_and_the_last_layer_are_raised_where_the_method_says_so(backbone: BaseBackbone) -> None:
    method = Ovf(raised_layers="first_and_last")
    network = a_network(method, backbone)
    recording = Recording(network)
    _ = method.loss(recording, LABELS, sigma_d=SIGMA_D)
    first, *inner, last = network.device_weights()

    assert recording.sigma_ds[0] == SIGMA_D
    assert inner
    for n, by_layer in enumerate(recording.sigma_ds[1:], start=1):
        raised = SIGMA_D + 0.05 * n
        assert by_layer == pytest.approx({first: raised, last: raised} | dict.fromkeys(inner, SIGMA_D))


def test_where_sigma_d_does_not_rise_it_does_not_matter_in_which_layers() -> None:
    every, ends = (
        recorded_loss(Ovf(delta_sigma=0.0)),
        recorded_loss(Ovf(delta_sigma=0.0, raised_layers="first_and_last")),
    )

    assert torch.equal(every[2], ends[2])


# ---------------------------------------------------------------- a step
@pytest.mark.parametrize("sampler", ["one_factor", "exact"])
@pytest.mark.parametrize("quantise", [False, True])
def test_every_pass_of_a_step_is_the_next_chip_of_the_same_weights(sampler: Sampler, quantise: bool) -> None:
    """To the last bit, in outputs and gradients, as if weights were mapped to devices anew for every pass."""
    network, reference = a_network(Ovf()), a_network(Ovf())
    forward = a_forward(network, sampler=sampler, quantise=quantise)
    rng = generator(0, "training_chips")

    def next_chip(sigma_d: float) -> dict[str, Tensor]:
        weights, config = reference.device_weights(), RunConfig()
        if sigma_d == 0:
            return {name: quantised(weight, config.mapping) for name, weight in weights.items()} if quantise else {}
        return program(
            weights,
            device=config.device,
            mapping=config.mapping,
            sigma_d=sigma_d,
            rng=rng,
            sampler=sampler,
            quantise=quantise,
        )

    sigma_ds = (0.1, 0.15, 0.0, 0.2)
    ours = [forward(sigma_d=sigma_d) for sigma_d in sigma_ds]
    expected = [functional_call(reference, next_chip(sigma_d), (IMAGES,)) for sigma_d in sigma_ds]
    for outputs in (ours, expected):
        nn.functional.cross_entropy(torch.stack(outputs).sum(dim=0), LABELS).backward()

    assert all(torch.equal(one, other) for one, other in zip(ours, expected, strict=True))
    gradients = [[parameter.grad for parameter in one.parameters()] for one in (network, reference)]
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


def take_a_step_without_numbers(method: BaseMethod, device: BaseDevice, backbone: BaseBackbone) -> Network:
    """Tensors without numbers have none to read: an `.item()` or a branch on one would raise."""
    network = a_network(method, backbone).to("meta")
    teacher = a_network(Vanilla(), backbone).to("meta")
    config = RunConfig.make(device=device)
    chips = generator(0, "training_chips")
    forward = BatchForward(network, inputs_for(network, IMAGES).to("meta"), config, chips, teacher=teacher)

    loss, _ = method.loss(forward, LABELS.to("meta"), sigma_d=SIGMA_D)
    loss.backward()
    return network


def test_a_step_reads_nothing_back_to_the_host(method: BaseMethod, backbone: BaseBackbone) -> None:
    network = take_a_step_without_numbers(method, Rram1(), backbone)

    assert all(parameter.grad is not None for parameter in network.device_weights().values())


def test_no_device_reads_anything_back_to_the_host(device: BaseDevice) -> None:
    network = take_a_step_without_numbers(Ovf(), device, Vgg8(width=1 / 32))

    assert all(parameter.grad is not None for parameter in network.device_weights().values())


# ---------------------------------------------------------------- BatchNorm and heads
def running_statistics(network: Network) -> dict[str, Tensor]:
    return dict(network.named_buffers())


@pytest.mark.parametrize(("moves", "passes"), [(True, 4), (False, 1)])
def test_feedback_moves_batchnorm_only_if_it_is_to(moves: bool, passes: int) -> None:
    network, _, _ = recorded_loss(Ovf(feedback_moves_batchnorm=moves))

    counts = {int(b) for name, b in running_statistics(network).items() if name.endswith("num_batches_tracked")}
    assert counts == {passes}


def test_batchnorm_left_alone_stands_as_after_one_pass() -> None:
    feedback, _, _ = recorded_loss(Ovf(feedback_moves_batchnorm=False))
    single, _, _ = recorded_loss(NoiseInjection())

    ours, theirs = running_statistics(feedback), running_statistics(single)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("classifier_noise", [True, False])
def test_heads_are_noisy_only_if_they_are_to_be(classifier_noise: bool) -> None:
    network = a_network(Irs()).eval()
    weights = network.device_weights()
    heads = {name for name in weights if name.startswith(HEADS)}
    noisy = weights if classifier_noise else {name: weight for name, weight in weights.items() if name not in heads}
    chip = program(
        noisy,
        device=RunConfig().device,
        mapping=RunConfig().mapping,
        sigma_d=SIGMA_D,
        rng=generator(0, "training_chips"),
        sampler="one_factor",
        quantise=False,
    )
    expected_logits, expected = functional_call(network, chip, (IMAGES,), {"snapshots": True})

    logits, snapshots = a_forward(network).with_snapshots(sigma_d=SIGMA_D, classifier_noise=classifier_noise)

    assert torch.equal(logits, expected_logits)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(snapshots, expected, strict=True))


def test_noise_of_the_heads_leaves_the_backbones_chip_alone() -> None:
    network = a_network(Irs()).eval()

    quiet, noisy = (
        a_forward(network).with_snapshots(sigma_d=SIGMA_D, classifier_noise=noise) for noise in (False, True)
    )

    assert torch.equal(quiet[0], noisy[0])
    assert not torch.equal(quiet[1][0], noisy[1][0])


def test_vanilla_is_the_same_at_any_sigma_d() -> None:
    losses = [Vanilla().loss(a_forward(a_network(Vanilla())), LABELS, sigma_d=sigma_d)[0] for sigma_d in (0.0, 0.4)]

    assert torch.equal(*losses)


def test_training_may_see_quantised_weights() -> None:
    network = a_network(Vanilla(), Mlp(hidden_layers=1, hidden_units=4)).eval()

    plain, quantised = (a_forward(network, quantise=quantise)(sigma_d=0.0) for quantise in (False, True))

    assert not torch.equal(plain, quantised)
    torch.testing.assert_close(plain, quantised, rtol=0.05, atol=0.1)


# ---------------------------------------------------------------- variants
class Sharpened(NoiseInjection):
    """A method with settings of its own, which no other file knows."""

    rho: float = Field(default=0.05, ge=0, le=1, title="ρ")
    told_otherwise: bool = Field(default=False, title="x", json_schema_extra={"variant": ["x", "with x ="]})
    no_part: int = Field(default=1, title="y", json_schema_extra={"variant": None})


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({}, "", ""),
        ({"rho": 0.2}, "_rho0.2", ", ρ = 0.2"),
        ({"told_otherwise": True}, "_xTrue", ", with x = True"),
        ({"no_part": 3}, "", ""),
        ({"temperature": 4.0, "rho": 0.2}, "_t4_rho0.2", ", T = 4, ρ = 0.2"),
    ],
)
def test_a_methods_own_settings_make_variants_and_labels(settings: dict[str, Any], key: str, words: str) -> None:
    method = Sharpened(**settings)

    assert method.variant == f"noise_injection{key}"
    assert method.variant_label == f"Noise injection{words}"
