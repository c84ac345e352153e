"""What a method may ask of its forward, beside a pass on a fresh chip."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neft.chips.laws import RightCensored, Shift, Truncated
from neft.config import RunConfig, TrainingConfig
from neft.errors import ConfigError
from neft.methods import Moment, NoisyForward
from neft.networks.backbones import BaseBackbone, Mlp
from neft.networks.network import HEADS, InputShape, Network, build_network, initialise
from neft.seeding import generator
from neft.training.forward import BatchForward
from tests.input_shapes import inputs_for, shape_for

SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
IMAGES = torch.randn(12, 1, 8, 8, generator=generator(0, "images"))
LABELS = torch.randint(10, (12,), generator=generator(0, "labels"))
SMALL = Mlp(hidden_layers=3, hidden_units=16)
SIGMA_D = 0.1


def a_network(backbone: BaseBackbone = SMALL, *, num_snapshots: int = 0) -> Network:
    network = build_network(backbone, shape_for(backbone), num_snapshots=num_snapshots)
    initialise(network, generator(0, "initial_weights"))
    return network.train()


def a_forward(network: Network, *, teacher: nn.Module | None = None, **training: Any) -> BatchForward:
    config = RunConfig(training=TrainingConfig(**training))
    return BatchForward(network, inputs_for(network, IMAGES), config, generator(0, "training_chips"), teacher=teacher)


def held(network: Network, run: Callable[[], object]) -> dict[str, Tensor]:
    """What every layer's devices hold in a pass, by the weight's name."""
    seen: dict[str, Tensor] = {}
    layers = [
        (f"{n}.weight", m) for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d)
    ]

    def keep(name: str) -> Callable[[Any, object, object], None]:
        def hook(layer: Any, _inputs: object, _output: object) -> None:
            seen[name] = layer.weight.detach()

        return hook

    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers]
    _ = run()
    for hook in hooks:
        hook.remove()
    return seen


def deviations(network: Network, run: Callable[[], object]) -> dict[str, Tensor]:
    """How far they miss the trained weights."""
    return {name: weight - network.get_parameter(name).detach() for name, weight in held(network, run).items()}


def close(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    return set(ours) == set(theirs) and all(torch.allclose(ours[n], theirs[n], rtol=1e-3, atol=1e-6) for n in ours)


def test_it_is_what_methods_are_promised() -> None:
    assert isinstance(a_forward(a_network()), NoisyForward)


# ---------------------------------------------------------------- the same chip
def test_a_drawn_chip_is_the_one_that_a_pass_would_have_drawn(backbone: BaseBackbone) -> None:
    network = a_network(backbone).eval()
    drawing, plain = a_forward(network), a_forward(network)

    assert torch.equal(drawing(sigma_d=SIGMA_D, chip=drawing.draw()), plain(sigma_d=SIGMA_D))


def test_one_chip_is_the_same_in_every_pass_and_another_is_not(backbone: BaseBackbone) -> None:
    network = a_network(backbone).eval()
    forward = a_forward(network)
    one, other = forward.draw(), forward.draw()

    first = forward(sigma_d=SIGMA_D, chip=one)

    assert not torch.equal(forward(sigma_d=SIGMA_D, chip=other), first)
    assert torch.equal(forward(sigma_d=SIGMA_D, chip=one), first)


def test_a_chip_misses_in_proportion_to_sigma_d() -> None:
    network = a_network()
    forward = a_forward(network)
    chip = forward.draw()

    single, triple = (deviations(network, lambda s=s: forward(sigma_d=s, chip=chip)) for s in (0.1, 0.3))

    assert close(triple, {name: 3 * deviation for name, deviation in single.items()})


def test_a_chip_is_the_same_after_the_weights_moved() -> None:
    """Its devices miss by the same share of w_max: twice the weights, twice the deviation."""
    network = a_network()
    forward = a_forward(network)
    chip = forward.draw()
    before = deviations(network, lambda: forward(sigma_d=SIGMA_D, chip=chip))

    with torch.no_grad():
        for weight in network.device_weights().values():
            _ = weight.mul_(2)
    forward.weights_moved()

    after = deviations(network, lambda: forward(sigma_d=SIGMA_D, chip=chip))
    assert close(after, {name: 2 * deviation for name, deviation in before.items()})


def test_a_drawn_chip_covers_the_snapshot_heads() -> None:
    network = a_network(num_snapshots=2)
    forward = a_forward(network)
    chip = forward.draw()

    runs = [forward.with_snapshots(sigma_d=SIGMA_D, chip=chip) for _ in range(2)]

    assert any(name.startswith(HEADS) for name in chip)
    assert all(torch.equal(*pair) for pair in zip(runs[0][1], runs[1][1], strict=True))


# ---------------------------------------------------------------- another law
@pytest.mark.parametrize("quantise", [False, True])
def test_a_shift_alone_is_its_amount_of_every_weights_std(*, quantise: bool) -> None:
    network = a_network()
    forward = a_forward(network, quantise=quantise)
    half, whole = (held(network, lambda m=m: forward(sigma_d=SIGMA_D, chip=forward.draw(Shift(m)))) for m in (0.5, 1.0))
    aims = held(network, lambda: forward(sigma_d=0.0))

    assert close(
        {name: whole[name] - aims[name] for name in aims}, {name: 2 * (half[name] - aims[name]) for name in aims}
    )
    # RRAM1: every weight of a layer misses alike, by 0.7776 sigma_d w_max
    first, weight = next(iter(network.device_weights().items()))
    expected = torch.full_like(weight, 0.777628 * SIGMA_D * float(weight.detach().abs().amax()))
    torch.testing.assert_close(whole[first] - aims[first], expected, rtol=1e-3, atol=1e-6)


def test_laws_of_one_draw_are_made_of_the_same_normals() -> None:
    network = a_network()
    plain, censored, truncated = (
        a_forward(network).draw(*law) for law in ((), (RightCensored(0.5),), (Truncated(1.0),))
    )

    for name, normals in plain.items():
        assert torch.equal(censored[name], normals.clamp(max=0.5))
        assert float(truncated[name].abs().amax()) <= 1
        assert torch.equal(truncated[name].sign(), normals.sign())


# ---------------------------------------------------------------- an added perturbation
@pytest.mark.parametrize("sigma_d", [0.0, SIGMA_D])
@pytest.mark.parametrize("quantise", [False, True])
def test_what_is_added_lies_on_top_of_what_the_devices_hold(sigma_d: float, *, quantise: bool) -> None:
    network = a_network()
    forward = a_forward(network, quantise=quantise)
    chip = forward.draw() if sigma_d else None
    name = list(network.device_weights())[1]
    extra = torch.randn(network.get_parameter(name).shape, generator=generator(1))

    plain = held(network, lambda: forward(sigma_d=sigma_d, chip=chip))
    more = held(network, lambda: forward(sigma_d=sigma_d, chip=chip, added={name: extra}))

    assert close(more, plain | {name: plain[name] + extra})


def test_gradients_reach_what_is_added_as_they_reach_the_weights() -> None:
    forward = a_forward(a_network())
    extra = {name: torch.zeros_like(weight, requires_grad=True) for name, weight in forward.weights.items()}

    loss = nn.functional.cross_entropy(forward(sigma_d=SIGMA_D, added=extra), LABELS)
    of_extra = torch.autograd.grad(loss, list(extra.values()), retain_graph=True)
    of_weights = torch.autograd.grad(loss, list(forward.weights.values()))

    assert all(torch.equal(*pair) and bool(pair[0].any()) for pair in zip(of_extra, of_weights, strict=True))


def test_perturbing_what_is_no_layer_is_refused() -> None:
    forward = a_forward(a_network())

    with pytest.raises(ConfigError, match=r"Unknown layer 'backbone.norm'"):
        _ = forward(sigma_d=0.0, added={"backbone.norm": torch.zeros(1)})


# ---------------------------------------------------------------- the weights, sigma_d by layer
def test_weights_are_the_networks_own_from_input_to_output_and_heads_last() -> None:
    network = a_network(num_snapshots=2)
    weights = a_forward(network).weights
    heads = [name.startswith(HEADS) for name in weights]

    assert all(weight is network.get_parameter(name) for name, weight in weights.items())
    assert heads == sorted(heads)
    assert any(heads)
    assert not all(heads)


def test_every_layer_misses_by_its_own_sigma_d(backbone: BaseBackbone) -> None:
    network = a_network(backbone).eval()
    forward = a_forward(network)
    chip = forward.draw()
    by_layer = {name: 0.1 * place for place, name in enumerate(forward.weights)}

    unit = deviations(network, lambda: forward(sigma_d=0.1, chip=chip))
    ramped = deviations(network, lambda: forward(sigma_d=by_layer, chip=chip))

    assert close(ramped, {name: place * unit[name] for place, name in enumerate(forward.weights)})


def test_equal_sigma_d_in_every_layer_is_the_plain_pass() -> None:
    network = a_network()
    plain, by_layer = a_forward(network), a_forward(network)

    assert torch.equal(plain(sigma_d=0.2), by_layer(sigma_d=dict.fromkeys(by_layer.weights, 0.2)))


def test_sigma_d_of_too_few_layers_or_of_what_is_none_is_refused() -> None:
    forward = a_forward(a_network())
    first, *_ = forward.weights

    with pytest.raises(ConfigError, match=r"must name every layer; 'backbone.stages.1"):
        _ = forward(sigma_d={first: 0.1})
    with pytest.raises(ConfigError, match="Unknown layer 'last'"):
        _ = forward(sigma_d=dict.fromkeys(forward.weights, 0.1) | {"last": 0.2})


# ---------------------------------------------------------------- features, a teacher, draws of one's own
def test_features_are_every_stages_output_in_the_same_pass(backbone: BaseBackbone) -> None:
    network = a_network(backbone).eval()
    plain, rich = a_forward(network), a_forward(network)

    logits, features = rich.with_features(sigma_d=SIGMA_D)

    assert torch.equal(logits, plain(sigma_d=SIGMA_D))
    assert len(features) == len(network.backbone.stages)


def test_last_features_are_what_the_classifier_reads() -> None:
    network = a_network().eval()

    logits, features = a_forward(network).with_features(sigma_d=0.0)

    assert torch.equal(network.backbone.classifier(features[-1]), logits)


def test_teachers_logits_are_those_of_this_batch_without_gradients() -> None:
    teacher = a_network(Mlp(hidden_layers=1, hidden_units=8)).eval()
    logits = a_forward(a_network(), teacher=teacher).teacher()

    assert torch.equal(logits, teacher(IMAGES))
    assert not logits.requires_grad


def test_asking_for_a_teacher_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="'noise_injection' asks for a teacher's logits, but has no teacher"):
        _ = a_forward(a_network()).teacher()


def test_a_methods_own_draws_are_those_of_the_moment_and_the_seed() -> None:
    def drawn(moment: Moment, seed: int = 0) -> float:
        config = RunConfig(training=TrainingConfig(seed=seed))
        forward = BatchForward(a_network(), IMAGES, config, generator(0, "training_chips"), moment=moment)
        return float(torch.rand((), generator=forward.rng))

    first = drawn(Moment(epoch=2, step=3))

    others = [drawn(Moment(2, 4)), drawn(Moment(3, 3)), drawn(Moment(2, 3), seed=1)]
    assert drawn(Moment(epoch=2, step=3)) == first
    assert len({first, *others}) == 4


def test_a_methods_own_draws_leave_the_chips_alone() -> None:
    network = a_network()
    one, other = a_forward(network), a_forward(network)
    _ = torch.rand(5, generator=one.rng)

    assert torch.equal(one(sigma_d=SIGMA_D), other(sigma_d=SIGMA_D))
