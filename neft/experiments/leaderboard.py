"""Every training method with every weight constraint, tuned alike: what `neft leaderboard` ranks.

Each pair is an entry. All entries spend the same trials at one sigma_d, judged on validation chips; what is chosen is
trained again from fresh seeds at every sigma_d. Nothing is chosen on test data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neft.component import Component, build, default_name
from neft.config import RunConfig
from neft.constraints import CONSTRAINTS, BaseConstraint, Binary, Clip, NoConstraint
from neft.experiments.planning import PlannedRun, Scale, Standing, Stored
from neft.experiments.questions import entry_key, setting_key
from neft.experiments.tuning import SEARCH_SEED, best_trial
from neft.methods import METHODS, BaseMethod, Method, NoiseInjection, TaughtMethod, Vanilla

EXPERIMENT = "leaderboard"
TRIALS: tuple[tuple[float, float | None, int, int], ...] = (
    (1e-3, None, 0, 0),
    (3e-3, 4.0, 1, 1),
    (1e-2, 4.0, 2, 2),
    (1e-2, 16.0, 2, 0),
    (3e-3, 16.0, 1, 2),
    (1e-2, 64.0, 2, 1),
)
"""What every entry tries: learning rate, temperature (None: the method's default), and which of the values that its
constraint and its method want to see tuned (`searched`) are taken; the first is the published recipe."""


@dataclass(frozen=True)
class Entry:
    """A method with a constraint, settings to be tuned."""

    method: type[BaseMethod]
    constraint: BaseConstraint

    @property
    def key(self) -> str:
        """`sam+clip`."""
        return entry_key(default_name(self.method), self.constraint.kind)


def entries() -> list[Entry]:
    """All methods without constraint and clipped; noise injection with all other constraints, too."""
    found = [Entry(method, constraint) for constraint in (NoConstraint(), Clip()) for method in METHODS.values()]
    others = [Clip(per_channel=True), *(kind() for kind in CONSTRAINTS.values()), Binary(scale_per_channel=True)]
    found += [Entry(NoiseInjection, constraint) for constraint in others]
    return list({entry.key: entry for entry in found}.values())


def leaderboard(scale: Scale, stored: Stored) -> list[PlannedRun]:
    """The trials of every entry; once those of an entry are stored, its best one from fresh seeds at every sigma_d.

    Methods that learn from another network have that of the plain recipe without noise, of their own seed.
    """
    found: list[PlannedRun] = []
    for entry in entries():
        sigma_d = scale.base.training.sigma_d
        trials = [_judged(_trial(scale, entry, number, SEARCH_SEED, sigma_d)) for number in range(len(TRIALS))]
        found += [run for trial in trials for run in _with_teacher(scale, entry, SEARCH_SEED, trial)]
        best = best_trial([stored(trial.run_id) for trial in trials])
        if best is None:
            continue
        for seed in scale.seeds:
            for sigma_d in scale.sigma_ds:
                config = _trial(scale, entry, best, seed, sigma_d)
                place = Standing(EXPERIMENT, entry.key, setting_key("sigma_d", sigma_d), sigma_d, sigma_d)
                planned = PlannedRun(config, keep_weights=False, standings=(place,))
                found += _with_teacher(scale, entry, seed, planned)
    return found


def _trial(scale: Scale, entry: Entry, number: int, seed: int, sigma_d: float) -> RunConfig:
    """What an entry's trial trains, at some seed and sigma_d."""
    learning_rate, temperature, of_constraint, of_method = TRIALS[number]
    settings: dict[str, Any] = _taken(entry.method.searched, of_method)
    plain = entry.method()
    if temperature is not None and temperature != plain.effective_temperature:
        settings["temperature"] = temperature
    if issubclass(entry.method, TaughtMethod):
        settings["teacher_run"] = _teacher(scale, seed).run_id
    method: Any = build(entry.method, settings)
    constraint: Any = _with(entry.constraint, _taken(entry.constraint.searched, of_constraint))
    return scale.run(
        method,
        seed,
        sigma_d=sigma_d,
        test_sigma_d=sigma_d,
        constraint=constraint,
        learning_rate=learning_rate,
        # a training that knows no sigma_d is judged at it all the same
        validation_sigma_d=None if method.uses_noise else sigma_d,
    )


def _taken(searched: Mapping[str, Sequence[float]], number: int) -> dict[str, Any]:
    return {name: values[number % len(values)] for name, values in searched.items()}


def _with(component: Component, settings: Mapping[str, Any]) -> Component:
    return build(type(component), component.model_dump() | dict(settings))


def _teacher(scale: Scale, seed: int) -> RunConfig:
    method: Method = Vanilla()
    return scale.run(method, seed)


def _with_teacher(scale: Scale, entry: Entry, seed: int, run: PlannedRun) -> list[PlannedRun]:
    taught = issubclass(entry.method, TaughtMethod)
    return [*([PlannedRun(_teacher(scale, seed))] if taught else []), run]


def _judged(config: RunConfig) -> PlannedRun:
    """A trial: one test chip, which a stored run must have, at the sigma_d it is judged at; no worst case."""
    sigma_ds = (config.validation_sigma_d,)
    evaluation = config.evaluation.model_copy(update={"sigma_ds": sigma_ds, "num_instances": 1, "worst_case": ()})
    return PlannedRun(config.model_copy(update={"evaluation": evaluation}), keep_weights=False)
