"""How the leaderboard is planned: every method, all tuned alike, nothing chosen on test data."""

from collections import defaultdict
from dataclasses import replace

import pytest

from neft.constraints import CONSTRAINTS
from neft.experiments.leaderboard import TRIALS, entries, leaderboard
from neft.experiments.planning import PlannedRun, Scale
from neft.experiments.presets import PRESETS
from neft.experiments.questions import LEADERBOARD_TRIALS
from neft.experiments.tuning import SEARCH_SEED
from neft.methods import METHODS, TaughtMethod
from neft.runs.records import RunRecord
from tests.stored_experiments import a_record

SCALE = replace(PRESETS["leaderboard"].parts[0].scale, num_seeds=2, sigma_ds=(0.2, 0.4))
NUM_ENTRIES = len(entries())


def planned(merits: dict[str, float] | None = None, scale: Scale = SCALE) -> list[PlannedRun]:
    """What is planned where nothing is stored, or every trial, with these validation accuracies by id (0.5 else)."""

    def stored(run_id: str) -> RunRecord | None:
        return None if merits is None else a_record(run_id, validation=merits.get(run_id, 0.5))

    return leaderboard(scale, stored)


def trials(runs: list[PlannedRun]) -> list[PlannedRun]:
    return [one for one in runs if one.config.training.seed == SEARCH_SEED and one.config.evaluation.num_instances == 1]


def test_every_method_stands_alone_and_clipped_and_every_constraint_beside_noise_injection() -> None:
    keys = {entry.key for entry in entries()}

    assert {f"{name}+{kind}" for name in METHODS for kind in ("none", "clip")} <= keys
    assert {f"noise_injection+{name}" for name in CONSTRAINTS} <= keys
    assert len(keys) == NUM_ENTRIES


def test_every_entry_spends_the_same_trials_at_the_same_budget() -> None:
    found = trials(planned())

    assert len(TRIALS) == LEADERBOARD_TRIALS
    assert len(found) == NUM_ENTRIES * LEADERBOARD_TRIALS
    assert len({one.run_id for one in found}) == len(found)
    budgets = {(one.config.training.epochs, one.config.training.batch_size) for one in found}
    assert len(budgets) == 1
    rates: dict[str, list[float]] = defaultdict(list)
    for one in found:
        rates[f"{one.config.method.name}+{one.config.constraint.kind}"].append(one.config.training.learning_rate)
    assert set(map(tuple, rates.values())) == {tuple(trial[0] for trial in TRIALS)}


def test_trials_are_judged_on_validation_chips_at_the_sigma_d_and_see_a_single_test_chip() -> None:
    for one in trials(planned()):
        assert one.config.validation_sigma_d == 0.2
        assert one.config.evaluation.num_instances == 1
        assert one.config.evaluation.worst_case == ()
        assert one.standings == ()


def test_nothing_is_reported_before_its_trials_are_stored() -> None:
    assert all(one.standings == () for one in planned())


def test_an_entrys_best_trial_is_trained_again_from_fresh_seeds_at_every_sigma_d() -> None:
    of_one = [
        one for one in trials(planned()) if (one.config.method.name, one.config.constraint.kind) == ("sam", "clip")
    ]
    winner = of_one[3]

    runs = planned({winner.config.run_id: 0.9})

    reported = [one for one in runs if any(place.series == "sam+clip" for place in one.standings)]
    assert [(one.config.training.seed, one.standings[0].sigma_d) for one in reported] == [
        (0, 0.2),
        (0, 0.4),
        (1, 0.2),
        (1, 0.4),
    ]
    for one in reported:
        config = one.config
        assert (config.method, config.constraint) == (winner.config.method, winner.config.constraint)
        assert config.training.learning_rate == winner.config.training.learning_rate
        assert config.training.sigma_d == config.validation_sigma_d == one.standings[0].sigma_d
        assert config.evaluation.sigma_ds == (0.0, one.standings[0].sigma_d)
        assert config.evaluation.worst_case == (0.03,)
        assert config.evaluation.num_instances == 400


def test_seeds_that_are_reported_are_none_that_was_searched_with() -> None:
    reported = {one.config.training.seed for one in planned({}) if one.standings}

    assert reported == {0, 1}
    assert SEARCH_SEED not in reported


def test_a_taught_method_learns_from_the_plain_network_of_its_own_seed_which_keeps_its_weights() -> None:
    runs = {one.run_id: one for one in planned({})}
    taught = [one for one in runs.values() if isinstance(one.config.method, TaughtMethod)]

    assert taught
    for one in taught:
        (source,) = one.waits_for
        teacher = runs[source]
        assert teacher.keep_weights
        assert teacher.config.training.seed == one.config.training.seed
        assert not teacher.config.method.uses_noise
        assert not teacher.config.is_constrained


@pytest.mark.parametrize("name", ["leaderboard", "leaderboard_fashion"])
def test_shipped_leaderboards_bound_a_first_percentile(name: str) -> None:
    (part,) = PRESETS[name].parts

    assert part.scale.base.evaluation.num_instances >= 299
    assert part.scale.num_seeds >= 3


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_a_method_wants_tuned_it_has(method: type) -> None:
    for name, values in method.searched.items():
        field = method.model_fields[name]
        assert values[0] == field.default
        assert [method.model_validate({name: value}) for value in values]
