"""The field's training methods, each by the law that tells it from the others."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax
from typing_extensions import override

from neft.chips.laws import GAUSSIAN, Law, RightCensored
from neft.config import RunConfig
from neft.methods import (
    AdversarialWeights,
    Asam,
    ATrice,
    BaseMethod,
    Consistency,
    CorrectNet,
    Distillation,
    Moment,
    NoiseInjection,
    Orthogonality,
    Ramped,
    RandomSigma,
    RightCensoredNoise,
    Sam,
)
from neft.methods.correctnet import lipschitz_term
from neft.methods.orthogonality import distance_from_orthogonal, kernel_term
from neft.methods.perturbations import divergence, margin
from neft.networks.backbones import Vgg8
from neft.networks.network import InputShape, Network, build_network, initialise
from neft.seeding import generator
from neft.training.forward import BatchForward

SIGMA_D = 0.1
SHAPE = InputShape(num_channels=1, image_size=8, num_classes=10)
IMAGES = torch.randn(12, 1, 8, 8, generator=generator(0, "images"))
LABELS = torch.randint(10, (12,), generator=generator(0, "labels"))


def a_network(seed: int = 0) -> Network:
    network = build_network(Vgg8(width=1 / 32), SHAPE)
    initialise(network, generator(seed, "initial_weights"))
    return network.train()


class Pass:
    """What a pass was asked for and gave."""

    def __init__(self, asked: Mapping[str, Any], logits: Tensor) -> None:
        self.sigma_d = float(asked["sigma_d"])
        self.chip: Mapping[str, Tensor] | None = asked.get("chip")
        self.added: Mapping[str, Tensor] | None = asked.get("added")
        self.moves_batchnorm = bool(asked.get("moves_batchnorm", True))
        self.logits = logits.detach()


class Watched(BatchForward):
    """A forward that keeps its passes and the chips that were drawn."""

    def __init__(self, *, moment: Moment | None = None, seed: int = 0) -> None:
        self.network = a_network()
        chips = generator(seed, "training_chips")
        super().__init__(self.network, IMAGES, RunConfig(), chips, moment=moment, teacher=a_network(1).eval())
        self.passes: list[Pass] = []
        self.laws: list[Law] = []

    @override
    def draw(self, law: Law = GAUSSIAN) -> dict[str, Tensor]:
        self.laws.append(law)
        return super().draw(law)

    @override
    def __call__(self, **asked: Any) -> Tensor:
        logits = super().__call__(**asked)
        self.passes.append(Pass(asked, logits))
        return logits


def watched(method: BaseMethod, **made: Any) -> tuple[Watched, list[Tensor]]:
    """A batch's passes, and its losses."""
    forward = Watched(**made)
    return forward, [loss.detach() for loss, _ in method.losses(forward, LABELS, sigma_d=SIGMA_D)]


def relative(forward: Watched, added: Mapping[str, Tensor]) -> Tensor:
    """All of a perturbation's elements, each over its layer's largest weight."""
    parts = [(added[name] / weight.abs().amax()).flatten() for name, weight in forward.weights.items()]
    return torch.cat(parts).detach()


def same_chip(one: Pass, other: Pass) -> bool:
    return one.chip is not None and one.chip is other.chip


# ---------------------------------------------------------------- right-censored noise
@pytest.mark.parametrize(
    # the table of [Yan2023] as worked out: m(t) = t (1 - Phi(t)) - phi(t), and the std of min(z, t)
    ("limit", "mean", "std"),
    [(0.5, -0.1978, 0.744), (0.7, -0.1429, 0.799), (1.0, -0.0833, 0.867), (2.0, -0.0085, 0.980)],
)
def test_censored_training_noise_has_the_censored_laws_mean_and_std(limit: float, mean: float, std: float) -> None:
    method = RightCensoredNoise(limit=limit)
    drawn = torch.cat(
        [
            deviation.flatten()
            for seed in range(30)
            for deviation in (watched(method, seed=seed)[0].passes[0].chip or {}).values()
        ]
    ).double()

    assert float(drawn.max()) <= limit
    error = std / len(drawn) ** 0.5
    assert float(drawn.mean()) == pytest.approx(mean, abs=5 * error + 5e-5)
    # a standard deviation's own error is about std / sqrt(2 n); censored tails are lighter than the normal law's
    assert float(drawn.std()) == pytest.approx(std, abs=5 * error + 5e-4)


def test_a_limit_that_no_deviation_meets_is_noise_injection() -> None:
    (_, (censored,)), (_, (plain,)) = watched(RightCensoredNoise(limit=10)), watched(NoiseInjection())

    assert torch.equal(censored, plain)


def test_search_begins_at_the_quarter_points_and_keeps_the_winners_half() -> None:
    method = RightCensoredNoise(largest_sigma_d=0.8)

    assert method.candidates(0.1, []) == pytest.approx((0.2, 0.4, 0.6))
    # the lowest won: [0, 0.4]; the middle one: [0.2, 0.6]; the highest: [0.4, 0.8]
    assert method.candidates(0.1, [0.2]) == pytest.approx((0.1, 0.2, 0.3))
    assert method.candidates(0.1, [0.4]) == pytest.approx((0.3, 0.4, 0.5))
    assert method.candidates(0.1, [0.6]) == pytest.approx((0.5, 0.6, 0.7))
    assert method.candidates(0.1, [0.6, 0.7]) == pytest.approx((0.65, 0.7, 0.75))


def test_search_ends_with_one_sigma_d_that_stays() -> None:
    method = RightCensoredNoise(largest_sigma_d=0.8)
    chosen: list[float] = []
    while len(candidates := method.candidates(0.1, chosen)) > 1:
        chosen.append(candidates[0])

    # 0.8 / 2^13 is the first width below 1e-4
    assert len(chosen) == 13
    assert method.candidates(0.1, [*chosen, *candidates, *candidates]) == candidates
    assert 0 < candidates[0] < 1e-4


@pytest.mark.parametrize("method", [NoiseInjection(), RightCensoredNoise()])
def test_nothing_is_searched_unless_asked_for(method: BaseMethod) -> None:
    assert method.candidates(0.3, [0.3]) == (0.3,)
    assert not method.searches_sigma_d


# ---------------------------------------------------------------- A-TRICE
def test_a_trice_steps_under_attack_from_the_mean_and_then_under_censored_noise() -> None:
    forward, losses = watched(ATrice(limit=0.7, strength=2.0))

    assert len(losses) == 2
    attack, attacked, noisy = forward.passes
    mean = RightCensored(0.7).mean
    assert all(bool((deviation == mean).all()) for deviation in (attack.chip or {}).values())
    assert same_chip(attack, attacked)
    assert float(losses[0]) == pytest.approx(2 * float(cross_entropy(attacked.logits, LABELS)))
    assert noisy.added is None
    assert float(losses[1]) == pytest.approx(float(cross_entropy(noisy.logits, LABELS)))
    assert [one.moves_batchnorm for one in forward.passes] == [False, False, True]


def test_a_trices_attack_makes_right_answers_less_right() -> None:
    """Every element moves by the whole step, and the margin falls."""
    forward, _ = watched(ATrice(attack=0.01))
    attack, attacked, _ = forward.passes

    moved = relative(forward, attacked.added or {}).abs()
    assert bool(((moved - 0.01).abs() < 1e-6)[moved > 0].all())
    assert float((moved > 0).double().mean()) > 0.5
    assert float(margin(attacked.logits, LABELS)) < float(margin(attack.logits, LABELS))


def test_a_trice_deploys_weights_at_the_mean_of_its_noise() -> None:
    weights = {"layer": torch.zeros(2, 3)}

    deployed = ATrice(limit=1.0).deployed(weights, stds={"layer": torch.tensor(0.5)})

    # m(1) = 1 - Phi(1) - phi(1) = 0.158655 - 0.241971 = -0.083315
    torch.testing.assert_close(deployed["layer"], torch.full((2, 3), -0.0416577))


# ---------------------------------------------------------------- orthogonality
MATRICES = [(3, 5), (5, 3), (4, 4)]


@pytest.mark.parametrize("shape", MATRICES)
def test_distance_from_orthogonal_is_the_one_written_out(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=generator(0, "matrix"), dtype=torch.float64)

    written = (matrix.mT @ matrix - 0.49 * torch.eye(shape[1], dtype=torch.float64)).square().sum()
    torch.testing.assert_close(distance_from_orthogonal(matrix, scale=0.7), written)


def lipschitz(weight: Tensor) -> Tensor:
    return lipschitz_term([weight], scale=0.8)


def kernel(weight: Tensor) -> Tensor:
    return kernel_term([weight])


@pytest.mark.parametrize("term", [lipschitz, kernel])
def test_gradients_of_the_terms_are_finite_differences(term: Callable[[Tensor], Tensor]) -> None:
    weight = torch.randn(3, 2, 3, 3, generator=generator(0, "weight"), dtype=torch.float64, requires_grad=True)

    # central differences of step 1e-6 in double precision
    assert torch.autograd.gradcheck(term, (weight,))


def test_lipschitz_term_is_nothing_for_a_scaled_rotation() -> None:
    rotation, _ = torch.linalg.qr(torch.randn(6, 6, generator=generator(0, "rotation"), dtype=torch.float64))

    assert float(lipschitz_term([0.8 * rotation], scale=0.8)) < 1e-20


def test_correctnet_shrinks_layers_more_the_more_variation_there_is() -> None:
    """What is added to noise injection's loss is lambda times the term at k = 1 / (1 + 3 sigma_d)."""
    forward, (loss,) = watched(CorrectNet(strength=0.01))
    _, (plain,) = watched(NoiseInjection())

    expected = 0.01 * lipschitz_term([weight.detach() for weight in forward.weights.values()], scale=1 / 1.3)
    torch.testing.assert_close(loss.detach() - plain.detach(), expected, rtol=1e-4, atol=1e-5)


def test_orthogonal_kernels_are_those_of_the_last_two_dimensions() -> None:
    forward, (loss,) = watched(Orthogonality(strength=0.5))
    _, (plain,) = watched(NoiseInjection())

    written = sum(
        (weight.mT @ weight - torch.eye(weight.shape[-1])).square().sum() for weight in forward.weights.values()
    )
    torch.testing.assert_close(
        loss.detach() - plain.detach(), 0.5 * torch.as_tensor(written).detach(), rtol=1e-4, atol=1e-4
    )


# ---------------------------------------------------------------- noise of another size
@pytest.mark.parametrize("progress", [0.0, 0.25, 0.75])
def test_ramped_noise_rises_in_proportion_to_what_is_trained(progress: float) -> None:
    forward, _ = watched(Ramped(over=2.0), moment=Moment(progress=progress))

    assert [one.sigma_d for one in forward.passes] == pytest.approx([SIGMA_D * 2 * progress])


def test_random_sigma_is_drawn_around_sigma_d_for_every_step() -> None:
    method = RandomSigma(theta=0.02)
    drawn = torch.tensor(
        [
            watched(method, moment=Moment(epoch=epoch, step=step))[0].passes[0].sigma_d
            for epoch in (1, 2)
            for step in range(40)
        ],
        dtype=torch.float64,
    )

    assert len(set(drawn.tolist())) == 80
    # five standard errors of 80 draws: of the mean 0.02 / sqrt(80), of the std 0.02 / sqrt(160)
    assert float(drawn.mean()) == pytest.approx(SIGMA_D, abs=5 * 0.02 / 80**0.5)
    assert float(drawn.std()) == pytest.approx(0.02, abs=5 * 0.02 / 160**0.5)


def test_random_sigma_is_never_negative() -> None:
    method = RandomSigma(theta=1.0)

    assert all(watched(method, moment=Moment(step=step))[0].passes[0].sigma_d >= 0 for step in range(20))


# ---------------------------------------------------------------- two chips
def test_consistency_compares_two_chips() -> None:
    forward, (loss,) = watched(Consistency(strength=3.0, temperature=2.0))
    first, second = forward.passes

    assert first.chip is None  # each pass draws its own
    assert second.chip is None
    assert not torch.equal(first.logits, second.logits)
    ours, theirs = first.logits / 2, second.logits / 2
    disagreement = kl_div(log_softmax(theirs, 1), softmax(ours, 1), reduction="batchmean")
    expected = (cross_entropy(ours, LABELS) + cross_entropy(theirs, LABELS)) / 2 + 3 * disagreement
    torch.testing.assert_close(loss, expected)


def test_divergence_is_nothing_where_both_agree_and_positive_elsewhere() -> None:
    logits = torch.randn(5, 4, generator=generator(0, "logits"))

    assert float(divergence(logits, logits + 7, temperature=1.0)) == pytest.approx(0, abs=1e-6)
    assert float(divergence(logits, logits.flip(1), temperature=1.0)) > 0.01


# ---------------------------------------------------------------- sharpness-aware minimisation
@pytest.mark.parametrize("method", [Sam(rho=0.1), Sam(rho=0.1, relative=True), Asam(rho=0.1)], ids=lambda m: m.variant)
def test_both_passes_are_on_one_chip_and_the_second_is_uphill(method: BaseMethod) -> None:
    forward, (loss,) = watched(method)
    here, there = forward.passes

    assert same_chip(here, there)
    assert here.added is None
    assert [here.moves_batchnorm, there.moves_batchnorm] == [True, False]
    assert torch.equal(loss, cross_entropy(there.logits, LABELS))
    assert bool(loss > cross_entropy(here.logits, LABELS))


def test_sam_steps_by_rho() -> None:
    forward, _ = watched(Sam(rho=0.1))
    added = forward.passes[1].added or {}

    assert float(torch.cat([step.flatten() for step in added.values()]).norm()) == pytest.approx(0.1, rel=1e-5)


def test_relative_sam_steps_by_rho_in_units_of_the_largest_weights() -> None:
    forward, _ = watched(Sam(rho=0.1, relative=True))

    assert float(relative(forward, forward.passes[1].added or {}).norm()) == pytest.approx(0.1, rel=1e-5)


def test_asam_steps_by_rho_in_units_of_each_weight() -> None:
    forward, _ = watched(Asam(rho=0.1))
    added = forward.passes[1].added or {}
    parts = [(added[name] / weight).flatten() for name, weight in forward.weights.items()]

    assert float(torch.cat(parts).detach().norm()) == pytest.approx(0.1, rel=1e-5)


# ---------------------------------------------------------------- a teacher
def test_distillation_of_no_share_is_noise_injection() -> None:
    (_, (alone,)), (_, (plain,)) = watched(Distillation(teacher_share=0.0)), watched(NoiseInjection())

    assert float(alone) == pytest.approx(float(plain))


def test_distillation_of_all_the_share_is_agreement_with_the_teacher() -> None:
    forward, (loss,) = watched(Distillation(teacher_share=1.0, softening=3.0))
    teacher = softmax(forward.teacher() / 3, 1)

    expected = 9 * kl_div(log_softmax(forward.passes[0].logits / 3, 1), teacher, reduction="batchmean")
    torch.testing.assert_close(loss, expected)


# ---------------------------------------------------------------- adversarial weights
def test_adversarial_weights_stay_in_their_box_and_on_the_chip() -> None:
    forward, _ = watched(AdversarialWeights(attack=0.05, attack_steps=3))
    here, *steps, there = forward.passes

    assert len(steps) == 3
    assert all(same_chip(here, one) for one in (*steps, there))
    assert all(float(relative(forward, one.added or {}).abs().max()) <= 0.05 * (1 + 1e-5) for one in (*steps, there))
    assert [one.moves_batchnorm for one in forward.passes] == [True, False, False, False, False]


def test_adversarial_weights_end_where_the_network_disagrees_more_with_itself() -> None:
    forward, _ = watched(AdversarialWeights(attack=0.01, attack_steps=3))
    here, start, *_, there = forward.passes

    before, after = (float(divergence(here.logits, one.logits, temperature=1.0)) for one in (start, there))
    assert after > before


# ---------------------------------------------------------------- the margin
def test_margin_counts_right_answers_alone() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 5.0], [1.0, 1.0, 0.0]])

    # the first is right by 2, the second wrong, the third tied
    assert float(margin(logits, torch.tensor([0, 1, 0]))) == 2.0


@pytest.mark.parametrize(
    "method",
    [Consistency(), Sam(), Asam(), AdversarialWeights(), ATrice(), CorrectNet(), Orthogonality(), Distillation()],
    ids=lambda method: method.name,
)
def test_every_method_takes_a_temperature(method: BaseMethod) -> None:
    tempered = method.model_copy(update={"temperature": 8.0})

    assert (method.effective_temperature, tempered.effective_temperature) == (1, 8)
    assert not torch.allclose(watched(method)[1][-1], watched(tempered)[1][-1])
