"""Training x mapping x programming: the same trainings, each evaluated under every usual scheme on the same chips.

What `neft leaderboard --schemes` ranks: a row per training and scheme.

A scheme's run is an evaluation of stored weights, as `neft evaluate RUN --programming …` makes it: numbers, no weights.
"""

from collections.abc import Iterable
from dataclasses import replace

from neft.component import build
from neft.config import EvaluationConfig, RunConfig
from neft.constraints import Clip, Constraint, NoConstraint
from neft.evaluation.schemes import Scheme, usual_schemes
from neft.experiments.leaderboard import EXPERIMENT
from neft.experiments.planning import PlannedRun, Scale, Standing, merge
from neft.experiments.questions import entry_key, setting_key
from neft.methods import ATrice, Method, NoiseInjection, Vanilla
from neft.runs.facts import chips_key

SIGMA_DS = (0.0, 0.1, 0.2, 0.4)
"""Where schemes are tried unless told otherwise."""
NUM_INSTANCES = 60
"""Chips, likewise: one more than sets the 5th percentile a lower limit."""
TUNED_RATE = 3e-3
TRAINED: tuple[tuple[Method, Constraint, float | None], ...] = (
    (Vanilla(), NoConstraint(), None),
    (NoiseInjection(), NoConstraint(), None),
    (NoiseInjection(temperature=16), Clip(), TUNED_RATE),
    (ATrice(temperature=16), Clip(), TUNED_RATE),
)
"""What is trained: without noise, with the published recipe, with the best settings of clipped noise injection, and the
leaderboard's first; with the learning rate where it is another than the scale's."""


def with_scheme(
    config: RunConfig, scheme: Scheme, *, sigma_ds: Iterable[float] = SIGMA_DS, num_instances: int = NUM_INSTANCES
) -> RunConfig:
    """The config of a stored network's evaluation under a scheme: as its own, on so many chips.

    Raises:
        ConfigError: the parts do not fit.
    """
    left_out = {"precision", "min_instances", "worst_case"}
    asked = config.evaluation.model_dump(exclude=left_out) | {
        "sigma_ds": tuple(sigma_ds),
        "num_instances": num_instances,
        "mapping": None if scheme.mapping == config.mapping else scheme.mapping.model_dump(),
        "programming": None if scheme.programming == config.programming else scheme.programming.model_dump(),
    }
    parts = {name: getattr(config, name) for name in RunConfig.model_fields}
    return RunConfig.make(**parts | {"evaluation": build(EvaluationConfig, asked)})


def scheme_runs(scale: Scale) -> list[PlannedRun]:
    """Every training at the scale's sigma_d and, on its weights, every usual scheme."""
    found: list[PlannedRun] = []
    for seed in scale.seeds:
        for method, constraint, rate in TRAINED:
            settings = {} if rate is None else {"learning_rate": rate}
            source = scale.run(method, seed, whole_curve=True, constraint=constraint, **settings)
            found.append(PlannedRun(source))
            for scheme in usual_schemes(source.test_mapping, source.test_programming):
                evaluation = source.evaluation
                config = with_scheme(
                    source, scheme, sigma_ds=evaluation.sigma_ds, num_instances=evaluation.num_instances
                )
                standings = _standings(config)
                found.append(PlannedRun(config, keep_weights=False, standings=standings, weights_of=source.run_id))
    return merge([replace(one, weights_of=None) if one.config.run_id == one.weights_of else one for one in found])


def _standings(config: RunConfig) -> tuple[Standing, ...]:
    """In a leaderboard of trainings and schemes, at every sigma_d of the test but 0."""
    series = entry_key(config.method.name, config.constraint.kind, chips_key(config))
    return tuple(
        Standing(EXPERIMENT, series, setting_key("sigma_d", sigma_d), sigma_d, sigma_d)
        for sigma_d in config.evaluation.sigma_ds
        if sigma_d
    )
