"""What a preset is: which runs answer its question, and where each stands in which experiment."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from neft.component import build
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import Constraint
from neft.methods import Method
from neft.runs.records import RunRecord

Stored = Callable[[str], RunRecord | None]
"""The record of a run that is stored, by its id."""


@dataclass(frozen=True)
class Standing:
    """Where a run stands in an experiment."""

    experiment: str
    series: str
    """The line it belongs to; a variant's key, which chooses its colour."""
    setting: str
    """What was varied, by its key in the experiment."""
    position: float
    """Where it stands on the experiment's axis."""
    sigma_d: float
    """Device variation at which it is read."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a preset."""

    config: RunConfig
    keep_weights: bool = True
    """Whether its deployed codes are worth storing."""
    standings: tuple[Standing, ...] = ()
    weights_of: str | None = None
    """A run of the same training, whose stored weights are evaluated instead of training again."""

    @cached_property
    def run_id(self) -> str:
        """The run's id; made once, since a preset's runs are looked up by it again and again."""
        return self.config.run_id

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The runs that must be stored before this one can begin."""
        return self.config.source_runs if self.weights_of is None else (self.weights_of,)


@dataclass(frozen=True)
class Scale:
    """At which size an experiment is run."""

    base: RunConfig
    """Data, backbone, device and training; its `training.sigma_d` is that of the ablations."""
    sigma_ds: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2)
    """Device variations of the comparisons that train a network at each."""
    num_seeds: int = 3
    num_compared: int = 0
    """Of a count of failures: how many of its seeds the comparison against sigma_d has trained too, to share them."""
    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)
    """Of the experiment that varies them."""

    @property
    def key(self) -> str:
        """Eight hex digits of the whole scale."""
        text = f"{self.base.key} {self.sigma_ds} {self.num_seeds}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def seeds(self) -> range:
        """Seeds of the trainings."""
        return range(self.num_seeds)

    def run(
        self,
        method: Method,
        seed: int,
        *,
        sigma_d: float | None = None,
        test_sigma_d: float | None = None,
        whole_curve: bool = False,
        constraint: Constraint | None = None,
        **training: object,
    ) -> RunConfig:
        """One training at this scale.

        Args:
            method: the method.
            seed: the training's seed.
            sigma_d: of the training; the ablations' if not given.
            test_sigma_d: where the run is tried, beside 0; where it was trained if not given.
            whole_curve: try it at every test sigma_d of the base and of the comparisons instead.
            constraint: on the weights; the base's if not given.
            training: further training settings.

        Raises:
            ConfigError: the scale's parts do not fit this method.
        """
        trained = self.base.training.sigma_d if sigma_d is None else sigma_d
        read = trained if test_sigma_d is None else test_sigma_d
        evaluation = self.base.evaluation.model_dump()
        evaluation["sigma_ds"] = (*self.base.evaluation.sigma_ds, *self.sigma_ds) if whole_curve else (0.0, read)
        # a training without noise is one training, whatever the sigma_d it would have been given
        settings = {"sigma_d": trained if method.uses_noise else 0.0, "seed": seed, **training}
        parts = {name: getattr(self.base, name) for name in RunConfig.model_fields}
        parts["method"] = method
        parts["constraint"] = self.base.constraint if constraint is None else constraint
        parts["training"] = build(TrainingConfig, self.base.training.model_dump() | settings)
        parts["evaluation"] = build(EvaluationConfig, evaluation)
        return RunConfig.make(**parts)


Plan = Callable[[Scale, Stored], list[PlannedRun]]


def merge(planned: Iterable[PlannedRun]) -> list[PlannedRun]:
    """Every run once, with all its places; in the order in which they were first asked for."""
    found: dict[str, PlannedRun] = {}
    for one in planned:
        known = found.get(one.run_id)
        if known is None:
            found[one.run_id] = one
            continue
        further = tuple(standing for standing in one.standings if standing not in known.standings)
        found[one.run_id] = replace(
            known, keep_weights=known.keep_weights or one.keep_weights, standings=(*known.standings, *further)
        )
    return list(found.values())
