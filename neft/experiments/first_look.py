"""All methods on digits: the first comparison, and the decay-factor ablation at every number of feedback terms."""

from itertools import product

from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.experiments.planning import PlannedRun
from neft.methods import Irs, Method, NoiseInjection, Ovf, Vanilla
from neft.methods.base import Decay
from neft.networks.backbones import Backbone, Mlp, Vgg8

SEEDS = (0, 1, 2)


def first_look() -> list[PlannedRun]:
    """All methods on digits: accuracy against sigma_d on an MLP and a narrow VGG-8, and the decay-factor ablation.

    Training without noise knows no sigma_d and is run once a seed. At N = 1 all decay schedules are the same run.
    """
    backbones: tuple[tuple[Backbone, tuple[float, ...]], ...] = (
        (Mlp(), (0.1, 0.2, 0.3)),
        (Vgg8(width=0.25), (0.05, 0.1, 0.2)),
    )
    methods: tuple[Method, ...] = (NoiseInjection(), NoiseInjection(temperature=4), Ovf(), Irs())
    planned: dict[str, PlannedRun] = {}
    for backbone, sigma_ds in backbones:
        for seed in SEEDS:
            _add(planned, _digits_run(backbone, Vanilla(), sigma_d=0.0, seed=seed))
        for sigma_d, method, seed in product(sigma_ds, methods, SEEDS):
            _add(planned, _digits_run(backbone, method, sigma_d=sigma_d, seed=seed))
    for (backbone, _), method, seed in product(backbones, _decay_variants(), SEEDS):
        main = _digits_run(backbone, method, sigma_d=0.1, seed=seed)
        if main.run_id not in planned:
            at_own = main.model_copy(update={"evaluation": EvaluationConfig(sigma_ds=(0.0, 0.1))})
            _add(planned, at_own, keep_weights=False)
    return list(planned.values())


def _digits_run(backbone: Backbone, method: Method, *, sigma_d: float, seed: int) -> RunConfig:
    training = TrainingConfig(sigma_d=sigma_d, seed=seed)
    return RunConfig(dataset=Digits(), backbone=backbone, method=method, training=training)


def _decay_variants() -> list[Method]:
    """OVF and IRS with N = 1 … 4 terms and each schedule."""
    decays: tuple[Decay, ...] = ("paper", "reversed", "constant")
    found: list[Method] = []
    for method in (Ovf, Irs):
        found.append(method(num_feedback=1))
        found += [method(num_feedback=n, decay=decay) for n, decay in product((2, 3, 4), decays)]
    return found


def _add(planned: dict[str, PlannedRun], config: RunConfig, *, keep_weights: bool = True) -> None:
    _ = planned.setdefault(config.run_id, PlannedRun(config, keep_weights))
