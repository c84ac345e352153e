"""The papers' experiments and the controls they lack, one function each; `questions` says what they ask."""

from collections.abc import Iterator
from itertools import product

from neft.constraints import Binary, Clip, Constraint, NoConstraint, Saturating
from neft.devices import PUBLISHED
from neft.experiments.planning import Plan, PlannedRun, Scale, Standing, Stored
from neft.experiments.questions import (
    CONTROL_BY_TERMS,
    NO_FEEDBACK,
    OVF_BESIDE_OTHERS,
    OVF_FIRST_ALONE,
    setting_key,
)
from neft.methods import FeedbackMethod, Irs, Method, NoiseInjection, Ovf, Vanilla
from neft.methods.base import Decay
from neft.sigma_d import rounded_sigma_d

NUM_FEEDBACK = 3
CONTROL_TEMPERATURE = NUM_FEEDBACK + 1
CONTROL = NoiseInjection(temperature=CONTROL_TEMPERATURE)
"""Noise injection at the temperature N+1, without feedback."""
METHODS: tuple[Method, ...] = (Vanilla(), NoiseInjection(), CONTROL, Ovf(), Irs())
NOISY: tuple[Method, ...] = METHODS[1:]
OVF_BY_FIRST_PASS = Ovf(feedback_moves_batchnorm=False)
BESIDE: tuple[tuple[Method, str | None], ...] = (
    (Vanilla(temperature=4), None),
    (Vanilla(temperature=64), None),
    (NoiseInjection(temperature=16), None),
    (NoiseInjection(temperature=64), None),
    (OVF_BY_FIRST_PASS, OVF_BESIDE_OTHERS),
)
"""Further lines of the comparison, with series of their own where the variant's is taken."""
FEEDBACK: tuple[type[Ovf] | type[Irs], ...] = (Ovf, Irs)
MAX_TERMS = 5
BETAS = (1e-1, 1e-2, 1e-3, 1e-4)
DELTA_SIGMAS = (-0.05, 0.0, 0.05, 0.1)
TEMPERATURES = (1, 2, 4, 8, 16, 32, 64)
FEEDBACK_TEMPERATURES = (1, 4, 16)
OVER_NOISE = (1.0, 1.5, 2.0)
FRACTIONS = (0.25, 0.5, 1.0)
"""Of the epochs, for fine-tuning."""
AT_WIDTH: tuple[tuple[Method, Constraint], ...] = (
    *((method, NoConstraint()) for method in NOISY),
    (CONTROL, Clip(alpha=1.2)),
)
"""What is tried at the paper's width, which takes long."""
CONSTRAINED: tuple[tuple[str, Constraint], ...] = (
    ("none", NoConstraint()),
    *((setting_key("alpha", alpha), Clip(alpha=alpha)) for alpha in (2.5, 1.5, 1.1)),
    ("saturating", Saturating(bound=0.5)),
    ("binary", Binary()),
)
CONSTRAINED_TEMPERATURES = (1, 4, 16)
DECAYS: tuple[Decay, ...] = ("paper", "reversed", "constant")


def accuracy(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Figures 3 and 4: every method at every sigma_d, each network tried at all of them, and controls beside."""
    lines = [*((method, None, True) for method in METHODS), *((method, series, False) for method, series in BESIDE)]
    return [
        PlannedRun(
            scale.run(method, seed, sigma_d=sigma_d, whole_curve=True),
            keep_weights=keep_weights,
            standings=(
                _standing("accuracy", method, setting_key("sigma_d", sigma_d), sigma_d, sigma_d, series=series),
            ),
        )
        for seed, (method, series, keep_weights), sigma_d in product(scale.seeds, lines, scale.sigma_ds)
    ]


def feedback_terms(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Table 1: N = 1 … 5 (IRS: as many as the backbone has snapshot points), each beside temperature N+1 alone."""

    def at_every_n() -> Iterator[tuple[Method, int, str]]:
        for terms in range(1, MAX_TERMS + 1):
            yield Ovf(num_feedback=terms), terms, "ovf"
            if terms <= len(scale.base.backbone.points()):
                yield Irs(num_feedback=terms), terms, "irs"
            yield NoiseInjection(temperature=terms + 1), terms, CONTROL_BY_TERMS

    return [
        _ablation(scale, "feedback_terms", method, seed, series=series, setting=setting_key("n", n), position=n)
        for seed in scale.seeds
        for method, n, series in at_every_n()
    ]


def decay_factors(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Gamma as in the paper, reversed and constant."""
    return [
        *(
            _ablation(scale, "decay_factors", method(decay=decay), seed, of=method, setting=decay, position=index)
            for seed, method, (index, decay) in product(scale.seeds, FEEDBACK, enumerate(DECAYS))
        ),
        *_control(scale, "decay_factors", NO_FEEDBACK, len(DECAYS)),
    ]


def delta_sigma(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """A sweep of delta_sigma, the paper's reversed one among them."""
    return [
        *(
            _ablation(
                scale,
                "delta_sigma",
                Ovf(delta_sigma=step),
                seed,
                of=Ovf,
                setting=setting_key("delta_sigma", step),
                position=step,
            )
            for seed, step in product(scale.seeds, DELTA_SIGMAS)
        ),
        *_control(scale, "delta_sigma", NO_FEEDBACK, max(DELTA_SIGMAS) + 0.05),
    ]


def classifier_noise(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """IRS with noisy and with noise-free heads."""
    choices = ((True, "noisy"), (False, "noise_free"))
    return [
        *(
            _ablation(
                scale,
                "classifier_noise",
                Irs(classifier_noise=noisy),
                seed,
                of=Irs,
                setting=setting,
                position=index,
            )
            for seed, (index, (noisy, setting)) in product(scale.seeds, enumerate(choices))
        ),
        *_control(scale, "classifier_noise", NO_FEEDBACK, len(choices)),
    ]


def pretrained_start(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Table 2: fine-tuning a network trained without noise against training from scratch."""
    found: list[PlannedRun] = []
    sigma_d = scale.base.training.sigma_d
    for seed in scale.seeds:
        source = scale.run(Vanilla(), seed, test_sigma_d=sigma_d)
        for method in (CONTROL, Ovf(), Irs()):
            start = _standing("pretrained_start", method, "pretrained", 0, sigma_d)
            found.append(PlannedRun(source, standings=(start,)))
            for index, fraction in enumerate(FRACTIONS, start=1):
                epochs = max(1, round(fraction * scale.base.training.epochs))
                config = scale.run(method, seed, epochs=epochs, pretrained_run=source.run_id)
                standing = _standing("pretrained_start", method, setting_key("epochs", fraction), index, sigma_d)
                found.append(PlannedRun(config, keep_weights=False, standings=(standing,)))
            last = len(FRACTIONS) + 1
            found.append(_ablation(scale, "pretrained_start", method, seed, setting="from_scratch", position=last))
    return found


def beta(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """The paper's search set for beta; the validation split chooses."""
    return [
        *(
            _ablation(
                scale, "beta", method(beta=value), seed, of=method, setting=setting_key("beta", value), position=index
            )
            for seed, method, (index, value) in product(scale.seeds, FEEDBACK, enumerate(BETAS))
        ),
        *_control(scale, "beta", setting_key("beta", 0), len(BETAS)),
    ]


def convergence(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """As many trainings as there are seeds, to count those that fail; the first are the comparison's own."""
    sigma_d = scale.base.training.sigma_d
    found: list[PlannedRun] = []
    for seed, (index, method) in product(scale.seeds, enumerate(NOISY)):
        shared = seed < scale.num_compared
        standing = _standing("convergence", method, method.variant, index, sigma_d)
        found.append(
            PlannedRun(scale.run(method, seed, whole_curve=shared), keep_weights=shared, standings=(standing,))
        )
    return found


def devices(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Every published device technology, trained and tested on."""
    found: list[PlannedRun] = []
    for index, (name, device) in enumerate(PUBLISHED.items()):
        base = scale.base.model_copy(update={"device": device()})
        there = Scale(base=base, sigma_ds=scale.sigma_ds, num_seeds=scale.num_seeds)
        found += [
            _ablation(there, "devices", method, seed, setting=name, position=index)
            for seed, method in product(scale.seeds, METHODS)
        ]
    return found


def temperature(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Noise injection at temperatures 1 … 64, and feedback at 1, 4 and 16."""
    found: list[PlannedRun] = []
    for seed in scale.seeds:
        for value in TEMPERATURES:
            method = NoiseInjection(temperature=value)
            found.append(
                _ablation(
                    scale,
                    "temperature",
                    method,
                    seed,
                    of=NoiseInjection,
                    setting=setting_key("t", value),
                    position=value,
                )
            )
        for kind, value in product(FEEDBACK, FEEDBACK_TEMPERATURES):
            given = None if value == CONTROL_TEMPERATURE else value
            method = kind(temperature=given)
            found.append(
                _ablation(scale, "temperature", method, seed, of=kind, setting=setting_key("t", value), position=value)
            )
    return found


def over_noise(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Noise injection trained at more than the sigma_d at which it is tested."""
    tested = scale.base.training.sigma_d
    found: list[PlannedRun] = []
    for seed, method, factor in product(scale.seeds, (NoiseInjection(), CONTROL), OVER_NOISE):
        trained = rounded_sigma_d(factor * tested)
        config = scale.run(method, seed, sigma_d=trained, test_sigma_d=tested)
        standing = _standing("over_noise", method, setting_key("train_sigma_d", trained), factor, tested)
        found.append(PlannedRun(config, keep_weights=False, standings=(standing,)))
    return found


def batchnorm(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Statistics as training left them, and gathered anew without noise, for every method and for OVF's two ways."""
    sigma_d = scale.base.training.sigma_d
    found: list[PlannedRun] = []
    for seed, method in product(scale.seeds, (*NOISY, OVF_BY_FIRST_PASS)):
        kept = _leaves_batchnorm(method)
        series = OVF_FIRST_ALONE if kept else None
        as_trained = _ablation(
            scale,
            "batchnorm",
            method,
            seed,
            setting="of_training",
            position=0,
            keep_weights=True,
            series=series,
        )
        renewed = as_trained.config.evaluation.model_copy(update={"recalibrate_batchnorm": True})
        standing = _standing("batchnorm", method, "gathered_anew", 1, sigma_d, series=series)
        found += [
            as_trained,
            PlannedRun(
                as_trained.config.model_copy(update={"evaluation": renewed}),
                keep_weights=False,
                standings=(standing,),
                weights_of=as_trained.config.run_id,
            ),
        ]
    return found


def released_code(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """OVF that raises sigma in all layers, and in the first and the last alone."""
    choices: tuple[tuple[Method, str], ...] = (
        (Ovf(), "all"),
        (Ovf(raised_layers="first_and_last"), "first_and_last"),
    )
    return [
        *(
            _ablation(scale, "released_code", method, seed, of=Ovf, setting=setting, position=index)
            for seed, (index, (method, setting)) in product(scale.seeds, enumerate(choices))
        ),
        *_control(scale, "released_code", NO_FEEDBACK, len(choices)),
    ]


def flat_weights(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """Noise injection under every weight constraint, at three temperatures."""
    sigma_d = scale.base.training.sigma_d
    found: list[PlannedRun] = []
    for seed, value, (index, (setting, constraint)) in product(
        scale.seeds, CONSTRAINED_TEMPERATURES, enumerate(CONSTRAINED)
    ):
        method = NoiseInjection(temperature=value)
        config = scale.run(method, seed, test_sigma_d=sigma_d, constraint=constraint)
        standing = _standing("flat_weights", method, setting, index, sigma_d)
        found.append(PlannedRun(config, keep_weights=seed == 0, standings=(standing,)))
    return found


def paper_width(scale: Scale, _stored: Stored) -> list[PlannedRun]:
    """The methods with noise, and clipped weights, at the width and image size of the paper."""
    found: list[PlannedRun] = []
    for seed, sigma_d, (method, constraint) in product(scale.seeds, scale.sigma_ds, AT_WIDTH):
        config = scale.run(method, seed, sigma_d=sigma_d, constraint=constraint)
        place = Standing("paper_width", config.variant, setting_key("sigma_d", sigma_d), sigma_d, sigma_d)
        found.append(PlannedRun(config, keep_weights=False, standings=(place,)))
    return found


PLANS: dict[str, Plan] = {
    plan.__name__: plan
    for plan in (
        accuracy,
        feedback_terms,
        decay_factors,
        delta_sigma,
        classifier_noise,
        pretrained_start,
        beta,
        convergence,
        devices,
        temperature,
        over_noise,
        batchnorm,
        released_code,
        flat_weights,
        paper_width,
    )
}


def _standing(
    experiment: str,
    method: Method,
    setting: str,
    position: float | int,
    sigma_d: float,
    *,
    series: str | None = None,
) -> Standing:
    return Standing(
        experiment=experiment,
        series=series or method.variant,
        setting=setting,
        position=float(position),
        sigma_d=sigma_d,
    )


def _ablation(
    scale: Scale,
    experiment: str,
    method: Method,
    seed: int,
    *,
    setting: str,
    position: float | int,
    of: type[Method] | None = None,
    series: str | None = None,
    keep_weights: bool = False,
) -> PlannedRun:
    """A run at the ablations' sigma_d, tried there and at 0; `of` names the plain method whose line it belongs to.

    A run without noise keeps its weights: fine-tuning may start from it.
    """
    plain = of() if of is not None else method
    keep_weights = keep_weights or not method.uses_noise
    config = scale.run(method, seed, test_sigma_d=scale.base.training.sigma_d)
    standing = _standing(experiment, plain, setting, position, scale.base.training.sigma_d, series=series)
    return PlannedRun(config, keep_weights=keep_weights, standings=(standing,))


def _control(scale: Scale, experiment: str, setting: str, position: float | int) -> list[PlannedRun]:
    return [_ablation(scale, experiment, CONTROL, seed, setting=setting, position=position) for seed in scale.seeds]


def _leaves_batchnorm(method: Method) -> bool:
    return isinstance(method, FeedbackMethod) and not getattr(method, "feedback_moves_batchnorm", True)
