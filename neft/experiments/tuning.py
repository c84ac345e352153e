"""Every method tuned with the same number of trials, on validation data alone."""

from collections.abc import Sequence
from typing import Any

from neft.experiments.planning import PlannedRun, Scale, Standing, Stored
from neft.methods import METHODS, BaseMethod, Method
from neft.seeding import numpy_generator

NUM_TRIALS = 10
"""Of each method; the first is the published recipe."""
SEARCH_SEED = 1000
"""Of the trials' trainings: none of the seeds that the comparison is made with."""
TUNED = ("vanilla", "noise_injection", "ovf", "irs")
LEARNING_RATES = (3e-4, 1e-3, 3e-3, 1e-2)
TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
BETAS = (1e-1, 1e-2, 1e-3, 1e-4)
EPOCH_FACTORS = (1, 2)
"""Of the scale's epochs."""


def tuned(scale: Scale, stored: Stored) -> list[PlannedRun]:
    """The trials of every method; once those of a method are stored, its best one and its recipe from fresh seeds.

    A trial's merit is the validation accuracy of its selected epoch, under variation at the training sigma_d. Test
    chips are sampled for the winner and the recipe only, but for the single one that a stored run needs.
    """
    found: list[PlannedRun] = []
    sigma_d = scale.base.training.sigma_d
    for name in TUNED:
        trials = _trials(scale, METHODS[name])
        searches = [_search_run(scale, method, training) for method, training in trials]
        found += searches
        recipe_method, recipe_training = trials[0]
        best = best_trial([stored(run.run_id) for run in searches])
        chosen = [("published_recipe", 0, recipe_method, recipe_training)]
        if best is not None:
            chosen.append(("tuned", 1, *trials[best]))
        for setting, position, method, training in chosen:
            standing = Standing("tuned", recipe_method.variant, setting, float(position), sigma_d)
            found += [
                PlannedRun(
                    scale.run(method, seed, test_sigma_d=sigma_d, **training),
                    keep_weights=not method.uses_noise,  # fine-tuning may start from it
                    standings=(standing,),
                )
                for seed in scale.seeds
            ]
    return found


def _trials(scale: Scale, kind: type[BaseMethod]) -> list[tuple[Method, dict[str, Any]]]:
    """The published recipe and draws from the grid of learning rate x epochs x temperature x beta, none twice."""
    rng = numpy_generator(0, "tuning", kind.__name__)
    published = {"learning_rate": scale.base.training.learning_rate, "epochs": scale.base.training.epochs}
    recipe: tuple[Any, dict[str, Any]] = (kind(), published)
    found = {_numbers(*recipe): recipe}
    while len(found) < NUM_TRIALS:
        settings: dict[str, Any] = {"temperature": _pick(rng, TEMPERATURES)}
        if "beta" in kind.model_fields:
            settings["beta"] = _pick(rng, BETAS)
        factor = _pick(rng, EPOCH_FACTORS)
        training = {
            "learning_rate": _pick(rng, LEARNING_RATES),
            "epochs": factor * scale.base.training.epochs,
        }
        trial: tuple[Any, dict[str, Any]] = (kind.model_validate(settings), training)
        _ = found.setdefault(_numbers(*trial), trial)
    return list(found.values())


def _numbers(method: BaseMethod, training: dict[str, Any]) -> tuple[object, ...]:
    """What a trial tries: a temperature that is written out and one that follows from N are the same."""
    return (method.effective_temperature, getattr(method, "beta", None), *training.values())


def _search_run(scale: Scale, method: Method, training: dict[str, Any]) -> PlannedRun:
    config = scale.run(method, SEARCH_SEED, **training)
    # vanilla knows no sigma_d, and its trials are judged clean: it is trained for that
    evaluation = config.evaluation.model_copy(update={"sigma_ds": (scale.base.training.sigma_d,), "num_instances": 1})
    return PlannedRun(config.model_copy(update={"evaluation": evaluation}), keep_weights=False)


def best_trial(records: Sequence[Any]) -> int | None:
    """The index of the best trial by validation accuracy; None while some are missing."""
    if any(record is None for record in records):
        return None
    merits = [record.summary.validation_accuracy for record in records]
    return merits.index(max(merits))


def _pick(rng: Any, values: Sequence[Any]) -> Any:
    return values[int(rng.integers(len(values)))]
