"""Methods that are more than a loss: small ones made here, trained like any other."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
from pydantic import SerializeAsAny
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax
from typing_extensions import override

from neft import columns
from neft.chips.laws import RightCensored, Shift
from neft.config import RunConfig
from neft.constraints import BaseConstraint, Binary, Clip, Saturating
from neft.datasets.base import ImageData
from neft.datasets.digits import Digits
from neft.errors import ConfigError
from neft.experiments.planning import PlannedRun
from neft.methods import BaseMethod, Irs, Moment, NoiseInjection, NoisyForward, RightCensoredNoise, TaughtMethod
from neft.networks.backbones import Mlp
from neft.pipeline import Settings, restore_network, run
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.training.loop import Hooks, Trained, TrainingState, train

SMALL = Mlp(hidden_layers=2, hidden_units=16)
CENSORED = RightCensored(0.7)
MOMENTS: list[Moment] = []


class Made(BaseMethod):
    """Cross entropy on a chip; the others here differ from it in one thing each."""

    name: Literal["made"] = "made"
    label: ClassVar[str] = "Made"
    source: ClassVar[str] = "this test"
    order: ClassVar[int] = 100

    @property
    @override
    def effective_temperature(self) -> float:
        return 1.0

    @override
    def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
        logits = forward(sigma_d=sigma_d)
        return cross_entropy(logits, labels), logits


class SharpnessAware(Made):
    """The gradient at W + rho g / |g|, on the same chip (SAM)."""

    @override
    def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
        chip = forward.draw()
        logits = forward(sigma_d=sigma_d, chip=chip)
        gradients = torch.autograd.grad(cross_entropy(logits, labels), list(forward.weights.values()))
        length = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
        uphill = {name: 0.05 * g / length for name, g in zip(forward.weights, gradients, strict=True)}
        return cross_entropy(forward(sigma_d=sigma_d, chip=chip, added=uphill), labels), logits


class TwoSteps(Made):
    """A step at the shifted weights, then one under censored noise, deployed shifted (A-TRICE without its attack)."""

    @override
    def losses(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> Iterator[tuple[Tensor, Tensor]]:
        shifted = forward(sigma_d=sigma_d, chip=forward.draw(Shift(CENSORED.mean)))
        yield cross_entropy(shifted, labels), shifted
        yield self.loss(forward, labels, sigma_d=sigma_d)

    @override
    def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
        logits = forward(sigma_d=sigma_d, chip=forward.draw(CENSORED))
        return cross_entropy(logits, labels), logits

    @override
    def deployed(self, weights: Mapping[str, Tensor], *, stds: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: weight + CENSORED.mean * stds[name] for name, weight in weights.items()}


class Ramped(Made):
    """Noise that grows, drawn around its mean, and a penalty on the weights."""

    @override
    def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
        MOMENTS.append(forward.moment)
        spread = abs(1 + 0.1 * float(torch.randn((), generator=forward.rng)))
        logits = forward(sigma_d=sigma_d * forward.moment.progress * spread)
        penalty = torch.stack([weight.square().sum() for weight in forward.weights.values()]).sum()
        return cross_entropy(logits, labels) + 1e-4 * penalty, logits


class Distilled(Made, TaughtMethod):
    """The teacher's answers alone."""

    name: Literal["distilled"] = "distilled"  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
        logits = forward(sigma_d=sigma_d)
        return kl_div(log_softmax(logits, 1), softmax(forward.teacher(), 1), reduction="batchmean"), logits


class MadeConfig(RunConfig):
    """A config that takes the methods made here."""

    method: SerializeAsAny[BaseMethod] = Made()  # pyright: ignore[reportIncompatibleVariableOverride]


WIDE: list[BaseMethod] = [Made(), SharpnessAware(), TwoSteps(), Ramped()]


def a_config(method: BaseMethod, **training: object) -> MadeConfig:
    settings = {"epochs": 3, "batch_size": 64, "validation_instances": 2, "sigma_d": 0.2} | training
    config = MadeConfig.model_validate({"backbone": SMALL, "dataset": Digits(max_train=200), "training": settings})
    evaluation = config.evaluation.model_copy(update={"sigma_ds": (0.0, 0.1), "num_instances": 2})
    return config.model_copy(update={"method": method, "evaluation": evaluation})


def same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> bool:
    return list(ours) == list(theirs) and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def states_of(config: RunConfig, data: ImageData) -> tuple[Trained, list[TrainingState]]:
    states: list[TrainingState] = []
    trained = train(config, data, hooks=Hooks(on_epoch=lambda state: states.append(copy.deepcopy(state))))
    return trained, states


# ---------------------------------------------------------------- any of them
@pytest.mark.parametrize("method", WIDE, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("constrained", [False, True])
def test_a_training_that_goes_on_ends_as_the_uninterrupted_one(
    method: BaseMethod, few_digits: ImageData, *, constrained: bool
) -> None:
    changes = {"constraint": Clip(alpha=1.1)} if constrained else {}
    config = a_config(method).model_copy(update=changes)
    whole, states = states_of(config, few_digits)

    for state in states:
        resumed = train(config, few_digits, state=state)
        assert same(resumed.network.state_dict(), whole.network.state_dict())
        assert [row[columns.LOSS] for row in resumed.history] == [row[columns.LOSS] for row in whole.history]


@pytest.mark.parametrize("method", WIDE[1:], ids=lambda method: type(method).__name__)
def test_what_a_method_asks_for_changes_what_is_trained(method: BaseMethod, few_digits: ImageData) -> None:
    plain, wide = (train(a_config(one, epochs=1), few_digits).network for one in (Made(), method))

    assert not same(plain.state_dict(), wide.state_dict())


# ---------------------------------------------------------------- one thing each
def test_sharpness_aware_gradient_is_that_of_the_same_chip_uphill(few_digits: ImageData) -> None:
    """A step uphill raises the loss on the very chip it was computed on."""
    seen: list[tuple[float, float]] = []

    class Watched(SharpnessAware):
        @override
        def loss(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> tuple[Tensor, Tensor]:
            loss, logits = super().loss(forward, labels, sigma_d=sigma_d)
            seen.append((float(loss.detach()), float(cross_entropy(logits.detach(), labels))))
            return loss, logits

    _ = train(a_config(Watched(), epochs=1), few_digits)

    assert seen
    assert all(uphill > there for uphill, there in seen)


def test_every_loss_of_a_batch_is_an_optimiser_step(few_digits: ImageData) -> None:
    _, once = states_of(a_config(Made(), epochs=1), few_digits)
    _, twice = states_of(a_config(TwoSteps(), epochs=1), few_digits)
    steps = [
        {int(moment) for name, moment in states[0].optimiser.items() if name.endswith("/step")}
        for states in (once, twice)
    ]

    # 150 images in batches of 64: 3 of them
    assert steps == [{3}, {6}]


def test_later_losses_of_a_batch_are_made_at_the_moved_weights(few_digits: ImageData) -> None:
    """Their mapping to devices too, which training here goes through: the same loss is lower the second time."""
    seen: list[float] = []

    class Twice(Made):
        @override
        def losses(self, forward: NoisyForward, labels: Tensor, *, sigma_d: float) -> Iterator[tuple[Tensor, Tensor]]:
            for _ in range(2):
                loss, logits = self.loss(forward, labels, sigma_d=0.0)
                seen.append(float(loss.detach()))
                yield loss, logits

    (row,) = train(a_config(Twice(), epochs=1, batch_size=150, quantise=True), few_digits).history

    assert seen[1] < seen[0]
    assert row[columns.LOSS] == pytest.approx(sum(seen) / 2)


def test_moments_of_a_training_rise_from_0_to_below_1(few_digits: ImageData) -> None:
    MOMENTS.clear()
    _ = train(a_config(Ramped(), epochs=2), few_digits)

    assert [(moment.epoch, moment.step) for moment in MOMENTS] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert [moment.progress for moment in MOMENTS] == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])


def test_deployed_weights_are_shifted_and_the_training_goes_on_from_those_that_are_not(few_digits: ImageData) -> None:
    trained, states = states_of(a_config(TwoSteps(), keep_best=False), few_digits)
    last = states[-1].weights

    for name, weight in trained.network.device_weights().items():
        # RRAM1's std is 0.7776 of sigma_d w_max
        shift = CENSORED.mean * 0.777628 * 0.2 * float(last[name].abs().amax())
        torch.testing.assert_close(weight.detach(), last[name] + shift, rtol=1e-4, atol=1e-6)


def test_an_epoch_is_validated_on_the_weights_that_are_deployed(few_digits: ImageData) -> None:
    class Emptied(Made):
        @override
        def deployed(self, weights: Mapping[str, Tensor], *, stds: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            return {name: torch.zeros_like(weight) for name, weight in weights.items()}

    honest, emptied = (train(a_config(method), few_digits).history for method in (Made(), Emptied()))

    # a network of zeros says its largest bias for every image
    assert all(row[columns.VALIDATION_CLEAN_ACCURACY] < 0.3 for row in emptied)
    assert [row[columns.LOSS] for row in emptied] == [row[columns.LOSS] for row in honest]


# ---------------------------------------------------------------- a teacher
def test_a_method_with_a_teacher_needs_one(few_digits: ImageData) -> None:
    with pytest.raises(ConfigError, match=r"Distilled.teacher_run \(teacher\) is required: the id of a stored run"):
        _ = train(a_config(Distilled()), few_digits)


def test_a_teacher_is_named_by_the_id_of_a_run() -> None:
    with pytest.raises(ValueError, match="must be the id of a stored run"):
        _ = Distilled(teacher_run="../x")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    store = RunStore(tmp_path / "runs")
    stores = Stores(own=store, shipped=RunStore(tmp_path / "none", read_only=True))
    return Settings(store=store, pretrained_stores=stores, unfinished_root=tmp_path / "unfinished")


def a_teacher(settings: Settings, **parts: object) -> RunRecord:
    config = a_config(Made(), epochs=30)
    return run(RunConfig.make(**{**dict(config), "method": {"name": "vanilla"}, **parts}), settings)


def test_a_planned_run_waits_for_its_teacher_and_for_what_it_starts_from() -> None:
    start, teacher = (f"digits-mlp2x16-vanilla-s0.00-seed{seed}-1a2b3c4d" for seed in (0, 1))
    config = a_config(Distilled(teacher_run=teacher), pretrained_run=start)

    assert PlannedRun(config).waits_for == (start, teacher)


def test_a_run_learns_from_the_stored_run_it_names(settings: Settings, digits: ImageData) -> None:
    teacher = a_teacher(settings)

    taught = run(a_config(Distilled(teacher_run=teacher.id), epochs=30, sigma_d=0.0), settings)

    networks = [restore_network(a_config(Made()), digits, settings.store.weights(one)) for one in (taught, teacher)]
    images = digits.normalise(digits.test.images)
    ours, theirs = (network(images).argmax(dim=1) for network in networks)
    # no label was read. By chance they agree on a tenth of 397 images, and five standard errors of that are 0.08
    assert float((ours == theirs).double().mean()) > 0.5


def test_a_teacher_of_another_data_shape_is_refused(settings: Settings) -> None:
    teacher = a_teacher(settings, dataset=Digits(image_size=16, max_train=200))
    config = a_config(Distilled(teacher_run=teacher.id))

    # its weights are read into its own network, built for the images at hand
    with pytest.raises(ConfigError, match=r"Distilled.teacher_run: its weights do not fit this network"):
        _ = run(config, settings)


# ---------------------------------------------------------------- a sigma_d that is searched while training
SEARCHED = RightCensoredNoise(largest_sigma_d=0.4)


def test_searched_sigma_d_is_the_epochs_and_goes_the_way_of_the_best_percentile(few_digits: ImageData) -> None:
    trained, _ = states_of(a_config(SEARCHED, epochs=4), few_digits)

    chosen = [float(row[columns.SIGMA_D]) for row in trained.history]
    for epoch, sigma_d in enumerate(chosen):
        assert sigma_d in SEARCHED.candidates(0.2, chosen[:epoch])
    assert len({*chosen}) > 1


def test_searched_training_that_goes_on_ends_as_the_uninterrupted_one(few_digits: ImageData) -> None:
    config = a_config(SEARCHED)
    whole, states = states_of(config, few_digits)

    for state in states:
        resumed = train(config, few_digits, state=state)
        assert same(resumed.network.state_dict(), whole.network.state_dict())
        assert [row[columns.SIGMA_D] for row in resumed.history] == [row[columns.SIGMA_D] for row in whole.history]


def test_an_epoch_goes_on_from_the_candidate_with_the_best_percentile(few_digits: ImageData) -> None:
    """Trained at each candidate alone, from the same start on the same chips, none does better than the chosen one."""
    config = a_config(SEARCHED, epochs=1, keep_best=False)
    whole, _ = states_of(config, few_digits)
    alone: dict[float, float] = {}
    for sigma_d in SEARCHED.candidates(0.2, []):

        class One(RightCensoredNoise):
            only: ClassVar[float] = sigma_d

            @override
            def candidates(self, sigma_d: float, chosen: Sequence[float]) -> Sequence[float]:
                return (self.only,)

        single = train(config.model_copy(update={"method": One(largest_sigma_d=0.4)}), few_digits)
        assert [row[columns.SIGMA_D] for row in single.history] == [sigma_d]
        alone[sigma_d] = single.history[0][columns.VALIDATION_ACCURACY]
        if sigma_d == whole.history[0][columns.SIGMA_D]:
            assert same(single.network.state_dict(), whole.network.state_dict())

    assert whole.history[0][columns.SIGMA_D] in alone


def test_validation_chips_may_be_of_another_sigma_d_than_the_training(few_digits: ImageData) -> None:
    plain, other = (
        train(a_config(Made(), sigma_d=0.2, epochs=2, validation_sigma_d=sigma_d), few_digits).history
        for sigma_d in (None, 0.0)
    )

    assert [row[columns.LOSS] for row in plain] == [row[columns.LOSS] for row in other]
    clean = [row[columns.VALIDATION_CLEAN_ACCURACY] for row in other]
    assert [row[columns.VALIDATION_ACCURACY] for row in other] == clean
    assert [row[columns.VALIDATION_ACCURACY] for row in plain] != clean


# ---------------------------------------------------------------- weights that are made of what is trained
REPARAMETRISED: list[BaseConstraint] = [Saturating(bound=0.5), Binary()]


@pytest.mark.parametrize("constraint", REPARAMETRISED, ids=lambda constraint: constraint.variant)
def test_deployed_weights_obey_the_constraint(constraint: BaseConstraint, few_digits: ImageData) -> None:
    config = a_config(Made()).model_copy(update={"constraint": constraint})
    trained, states = states_of(config, few_digits)

    latent = {name: states[trained.selected_epoch - 1].weights[name] for name in trained.network.device_weights()}
    expected = constraint.effective(latent)
    assert same({name: weight.detach() for name, weight in trained.network.device_weights().items()}, dict(expected))


@pytest.mark.parametrize("constraint", REPARAMETRISED, ids=lambda constraint: constraint.variant)
@pytest.mark.parametrize("method", [Made(), SharpnessAware(), TwoSteps(), NoiseInjection(), Irs(num_feedback=1)])
def test_any_method_trains_under_a_constraint_and_goes_on(
    method: BaseMethod, constraint: BaseConstraint, few_digits: ImageData
) -> None:
    config = a_config(method, epochs=2).model_copy(update={"constraint": constraint})
    whole, states = states_of(config, few_digits)
    resumed = train(config, few_digits, state=states[0])

    assert same(resumed.network.state_dict(), whole.network.state_dict())
    assert whole.history[1][columns.LOSS] < whole.history[0][columns.LOSS]


def test_noise_free_passes_see_the_constrained_weights(few_digits: ImageData) -> None:
    """A layer is bounded at a thousandth: no answer can be told from another, at any sigma_d."""
    config = a_config(Made(), sigma_d=0.0, epochs=1).model_copy(update={"constraint": Saturating(bound=1e-3)})
    (row,) = train(config, few_digits).history

    # ln 10: the loss of ten classes that look alike
    assert row[columns.LOSS] == pytest.approx(2.302585, abs=1e-3)
