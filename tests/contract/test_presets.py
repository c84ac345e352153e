"""What the named experiments plan."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.devices import PUBLISHED, Rram4
from neft.errors import ConfigError
from neft.evaluation.schemes import Scheme, usual_schemes
from neft.experiments.first_look import SEEDS, first_look
from neft.experiments.planning import PlannedRun, Scale, Standing, Stored, merge
from neft.experiments.presets import ABLATION_SCALE, PLANS, PRESETS, smoke
from neft.experiments.questions import EXPERIMENTS
from neft.experiments.schemes import SIGMA_DS
from neft.experiments.tuning import NUM_TRIALS, SEARCH_SEED, TUNED
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import FeedbackMethod, Irs, NoiseInjection, Ovf, Vanilla
from neft.networks.backbones import Mlp, Vgg8
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.sweeps.sweep import plan_record

NOTHING: Stored = lambda _run_id: None  # noqa: E731 - a value of a named type
ODD_SCALE = Scale(
    base=RunConfig(training=TrainingConfig(sigma_d=0.12345678)), sigma_ds=(0.07, 0.45, 1 / 3), num_seeds=2
)
"""Its sigma_d are none of those that curves are drawn at."""


@pytest.fixture(scope="session")
def everything(filled_store: RunStore) -> Stored:
    """A store that has every run that is asked for: all that a preset will ever plan is planned."""
    record = filled_store.record(filled_store.ids()[0])
    return lambda _run_id: record


@cache
def all_of(preset: str, stored: Stored) -> list[PlannedRun]:
    return PRESETS[preset].plan(stored)


@cache
def all_at(experiment: str, scale: Scale, stored: Stored) -> list[PlannedRun]:
    return merge(PLANS[experiment](scale, stored))


def standing_of(one: PlannedRun) -> Standing:
    (standing,) = one.standings
    return standing


# ---------------------------------------------------------------- every preset
def test_every_experiment_is_planned_and_has_a_preset() -> None:
    assert list(PLANS) == list(EXPERIMENTS)
    assert set(EXPERIMENTS) < set(PRESETS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_says_what_it_asks_and_what_to_look_for(name: str) -> None:
    experiment = EXPERIMENTS[name]

    assert experiment.name == name
    assert experiment.question.endswith("?")
    assert experiment.look_for.endswith(".")
    assert experiment.title
    assert experiment.axis
    assert experiment.source


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_no_run_is_planned_twice(name: str, everything: Stored) -> None:
    ids = [planned.run_id for planned in all_of(name, everything)]

    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_planned_config_is_valid_and_survives_json_text(name: str, everything: Stored) -> None:
    for planned in all_of(name, everything):
        assert RunConfig.from_json(planned.config.to_json()) == planned.config


@pytest.mark.parametrize("name", sorted(PLANS))
def test_places_are_in_the_experiment_that_was_planned(name: str, everything: Stored) -> None:
    places = [standing for planned in all_at(name, ABLATION_SCALE, everything) for standing in planned.standings]

    assert {standing.experiment for standing in places} == {name}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_position_has_one_setting_and_a_setting_one_position(name: str, everything: Stored) -> None:
    places = [standing for planned in all_of(name, everything) for standing in planned.standings]
    settings: dict[Any, set[str]] = defaultdict(set)
    positions: dict[Any, set[float]] = defaultdict(set)
    for standing in places:
        settings[standing.experiment, standing.series, standing.position].add(standing.setting)
        positions[standing.experiment, standing.series, standing.setting].add(standing.position)

    assert {standing.experiment for standing in places} <= set(EXPERIMENTS)
    assert all(len(values) == 1 for known in (settings, positions) for values in known.values())


@pytest.mark.parametrize("scale", [ABLATION_SCALE, ODD_SCALE], ids=["ablations", "odd"])
@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_arm_has_one_run_of_each_seed(name: str, scale: Scale, everything: Stored) -> None:
    planned = all_at(name, scale, everything)
    arms: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in planned:
        for standing in one.standings:
            arms[standing.series, standing.setting].append(one.config.training.seed)

    assert arms
    assert all(sorted(seeds) == list(scale.seeds) for seeds in arms.values())


@pytest.mark.parametrize("scale", [ABLATION_SCALE, ODD_SCALE], ids=["ablations", "odd"])
@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_run_is_tried_at_the_sigma_d_at_which_it_is_read(name: str, scale: Scale, everything: Stored) -> None:
    planned = all_at(name, scale, everything)
    tried = {one.run_id: one.config.evaluation.sigma_ds for one in planned}

    record = plan_record(planned, name=name, preset=name, command="", fixed_seeds=PRESETS[name].fixed_seeds)

    assert record is not None
    assert all(entry.sigma_d in tried[entry.run_id] for entry in record.entries)


def test_training_without_noise_knows_no_sigma_d(everything: Stored) -> None:
    quiet = [
        planned.config
        for name in PLANS
        for planned in all_at(name, ABLATION_SCALE, everything)
        if isinstance(planned.config.method, Vanilla)
    ]
    runs = {ABLATION_SCALE.run(Vanilla(), 0, sigma_d=sigma_d, whole_curve=True).run_id for sigma_d in (0.05, 0.1, 0.4)}

    assert {config.training.sigma_d for config in quiet} == {0.0}
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("accuracy", 3 + 7 * 4),  # vanilla once at three temperatures, seven lines at four sigma_d
        ("feedback_terms", 3 * 5),  # OVF, IRS and the control at N = 1 … 5
        ("decay_factors", 2 * 3 + 1),
        ("delta_sigma", 4 + 1),
        ("classifier_noise", 2 + 1),
        ("pretrained_start", 1 + 3 * 4),  # one source; the control, OVF and IRS from it three times and from scratch
        ("beta", 2 * 4 + 1),
        ("convergence", 4),
        ("devices", 5 * 4),
        ("temperature", 7 + 2 * 3),
        ("over_noise", 2 * 3),
        ("batchnorm", 5 * 2),
        ("released_code", 2 + 1),
        ("training_budget", 6 * 4 * 2),  # six series at four learning rates and two lengths
    ],
)
def test_number_of_runs_of_a_seed(name: str, count: int) -> None:
    assert len(merge(PLANS[name](replace(ABLATION_SCALE, num_seeds=1), NOTHING))) == count


# ---------------------------------------------------------------- scales
def test_scales_that_differ_have_keys_that_differ() -> None:
    scales = [
        ABLATION_SCALE,
        replace(ABLATION_SCALE, num_seeds=7),
        replace(ABLATION_SCALE, sigma_ds=(0.1,)),
        replace(ABLATION_SCALE, base=RunConfig()),
    ]

    assert len({scale.key for scale in scales}) == len(scales)
    assert replace(ABLATION_SCALE).key == ABLATION_SCALE.key


def test_preset_is_rescaled_in_all_its_parts() -> None:
    def smaller(scale: Scale) -> Scale:
        training = scale.base.training.model_copy(update={"epochs": 3})
        return replace(scale, base=scale.base.model_copy(update={"training": training}), num_seeds=1)

    planned = PRESETS["paper_digits"].plan(rescale=smaller)

    assert {one.config.training.seed for one in planned} == {0, SEARCH_SEED}
    assert {one.config.training.epochs for one in planned} <= {1, 2, 3, 6}  # quarters and halves, and twice as many


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("over_noise", {"training": {"sigma_d": 0.6}}, r"TrainingConfig.sigma_d .* must lie in \[0, 1\]; got 1.2"),
        ("accuracy", {"backbone": Mlp(hidden_layers=2)}, r"'irs' must be at most 2, .* 'mlp2x128'; got 3"),
        ("devices", {"mapping": BitSlicing(device_bits=4)}, r"device_bits \(K\) must be 2; got 4"),
    ],
)
def test_scale_that_does_not_fit_an_experiment_is_refused(name: str, changes: dict[str, Any], sentence: str) -> None:
    base = RunConfig.make(**ABLATION_SCALE.base.model_dump() | changes)

    with pytest.raises(ConfigError, match=sentence):
        PLANS[name](replace(ABLATION_SCALE, base=base), NOTHING)


def test_merged_run_stands_in_all_its_places_and_keeps_its_weights_if_any_asks() -> None:
    places = [Standing("beta", "ovf", key, 0.0, 0.1) for key in ("beta_0.1", "beta_0.01")]
    config = RunConfig()
    merged = merge(
        [
            PlannedRun(config, keep_weights=False, standings=(places[0],)),
            PlannedRun(config.model_copy(update={"method": Ovf()})),
            PlannedRun(config, keep_weights=True, standings=(places[0], places[1])),
        ]
    )

    assert [one.config.method.name for one in merged] == ["noise_injection", "ovf"]
    assert merged[0] == PlannedRun(config, keep_weights=True, standings=tuple(places))


# ---------------------------------------------------------------- runs that wait for others
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_run_that_others_wait_for_is_planned_and_keeps_its_weights(name: str, everything: Stored) -> None:
    planned = {one.run_id: one for one in all_of(name, everything)}

    awaited = {run_id for one in planned.values() for run_id in one.waits_for}
    assert all(planned[run_id].keep_weights for run_id in awaited)
    assert awaited or name != "pretrained_start"


def test_run_that_fine_tuning_starts_from_keeps_its_weights_whoever_plans_it(everything: Stored) -> None:
    """A stored run is not run again: stored without its weights, it would leave nothing to start from."""
    sources = {one.config.training.pretrained_run for one in PLANS["pretrained_start"](ABLATION_SCALE, everything)}
    kept = [
        one.keep_weights for name in PLANS for one in PLANS[name](ABLATION_SCALE, everything) if one.run_id in sources
    ]

    assert len(kept) > len(sources)
    assert all(kept)


def test_fine_tuning_starts_from_the_seeds_own_network_without_noise() -> None:
    planned = {one.run_id: one.config for one in PLANS["pretrained_start"](ABLATION_SCALE, NOTHING)}
    tuned = [config for config in planned.values() if config.training.pretrained_run is not None]

    # three methods from every seed's network, for a quarter, half and all of 60 epochs
    assert Counter(config.training.epochs for config in tuned) == dict.fromkeys(
        (15, 30, 60), 3 * ABLATION_SCALE.num_seeds
    )
    for config in tuned:
        source = planned[str(config.training.pretrained_run)]
        assert (source.method, source.training.seed) == (Vanilla(), config.training.seed)


def test_renewed_statistics_are_those_of_a_planned_run_and_nothing_else_differs() -> None:
    planned = {one.run_id: one for one in PLANS["batchnorm"](ABLATION_SCALE, NOTHING)}
    renewed = [one for one in planned.values() if one.config.evaluation.recalibrate_batchnorm]

    assert len(renewed) == len(planned) / 2
    for one in renewed:
        source = planned[str(one.weights_of)]
        evaluation = source.config.evaluation.model_copy(update={"recalibrate_batchnorm": True})
        assert one.config == source.config.model_copy(update={"evaluation": evaluation})
        assert standing_of(one).series == standing_of(source).series


# ---------------------------------------------------------------- single experiments
def test_control_of_n_terms_is_noise_injection_at_n_plus_1() -> None:
    controls = {
        standing_of(one).position: one.config.method
        for one in PLANS["feedback_terms"](ABLATION_SCALE, NOTHING)
        if standing_of(one).series == "noise_injection_t"
    }

    assert controls == {n: NoiseInjection(temperature=n + 1) for n in range(1, 6)}


def test_backbone_with_fewer_places_takes_fewer_snapshots() -> None:
    base = ABLATION_SCALE.base.model_copy(update={"backbone": Mlp(hidden_layers=2)})
    planned = PLANS["feedback_terms"](replace(ABLATION_SCALE, base=base), NOTHING)

    assert {one.config.method.num_feedback for one in planned if isinstance(one.config.method, Irs)} == {1, 2}


def test_temperature_of_the_paper_is_the_papers_run() -> None:
    methods = [
        one.config.method
        for one in PLANS["temperature"](ABLATION_SCALE, NOTHING)
        if standing_of(one).setting == "t_4" and standing_of(one).series != "noise_injection"
    ]

    assert all(method in (Ovf(), Irs()) for method in methods)
    assert {method.name for method in methods} == {"ovf", "irs"}


def test_over_noise_is_tested_where_the_plain_training_was() -> None:
    planned = PLANS["over_noise"](ABLATION_SCALE, NOTHING)

    assert {(standing_of(one).position, one.config.training.sigma_d) for one in planned} == {
        (1.0, 0.1),
        (1.5, 0.15),
        (2.0, 0.2),
    }
    assert {standing_of(one).sigma_d for one in planned} == {0.1}


def test_every_published_device_is_trained_and_tested_on() -> None:
    planned = PLANS["devices"](ABLATION_SCALE, NOTHING)

    assert {one.config.device.name for one in planned} == set(PUBLISHED)
    assert all(one.config.test_device == one.config.device for one in planned)
    assert {standing_of(one).setting for one in planned if one.config.device == Rram4()} == {"rram4"}


# ---------------------------------------------------------------- tuning
def searches(scale: Scale) -> dict[str, list[RunConfig]]:
    """The trials of each method."""
    found: dict[str, list[RunConfig]] = defaultdict(list)
    for one in PLANS["tuned"](scale, NOTHING):
        if one.config.training.seed == SEARCH_SEED:
            found[one.config.method.name].append(one.config)
    return found


def judged(record: RunRecord, run_id: str, *, validation: float, test: float) -> RunRecord:
    """A stored trial with these accuracies."""
    rows = tuple(
        row.model_copy(
            update={
                "metrics": {name: replace(metric, mean=test) for name, metric in row.metrics.items()},
            }
        )
        for row in record.summary.test
    )
    summary = record.summary.model_copy(update={"validation_accuracy": validation, "test": rows})
    return record.model_copy(update={"id": run_id, "summary": summary})


def chosen_settings(planned: list[PlannedRun]) -> dict[str, set[str]]:
    """By method, the settings that are trained from fresh seeds."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in planned:
        for standing in one.standings:
            found[standing.series].add(standing.setting)
    return found


@pytest.mark.parametrize("epochs", [60, 7])
@pytest.mark.parametrize("learning_rate", [1e-3, 3e-3])
def test_every_method_gets_as_many_trials_none_of_them_twice(epochs: int, learning_rate: float) -> None:
    training = ABLATION_SCALE.base.training.model_copy(update={"epochs": epochs, "learning_rate": learning_rate})
    base = ABLATION_SCALE.base.model_copy(update={"training": training})

    found = searches(replace(ABLATION_SCALE, base=base))

    assert list(found) == list(TUNED)
    for trials in found.values():
        assert len(trials) == len({trial.run_id for trial in trials}) == NUM_TRIALS
        settings = {
            (
                trial.method.effective_temperature,
                getattr(trial.method, "beta", None),
                trial.training.epochs,
                trial.training.learning_rate,
            )
            for trial in trials
        }
        assert len(settings) == NUM_TRIALS


def test_first_trial_is_the_published_recipe() -> None:
    first = [trials[0] for trials in searches(ABLATION_SCALE).values()]

    assert [trial.method for trial in first] == [Vanilla(), NoiseInjection(), Ovf(), Irs()]
    for trial in first:
        assert trial.training.epochs == ABLATION_SCALE.base.training.epochs
        assert trial.training.learning_rate == ABLATION_SCALE.base.training.learning_rate


def test_more_seeds_search_no_other_trials() -> None:
    few, many = (searches(replace(ABLATION_SCALE, num_seeds=count)) for count in (1, 9))

    assert few == many


def test_comparison_is_made_from_seeds_that_were_not_searched_with(everything: Stored) -> None:
    compared = {one.config.training.seed for one in PLANS["tuned"](ABLATION_SCALE, everything) if one.standings}

    assert compared == set(ABLATION_SCALE.seeds)
    assert SEARCH_SEED not in replace(ABLATION_SCALE, num_seeds=1000).seeds  # the most that the command line takes


def test_winner_is_planned_once_all_trials_of_its_method_are_stored(everything: Stored) -> None:
    record = everything("")
    last = searches(ABLATION_SCALE)["ovf"][-1].run_id

    def all_but_one(run_id: str) -> RunRecord | None:
        return None if run_id == last else record

    assert set().union(*chosen_settings(PLANS["tuned"](ABLATION_SCALE, NOTHING)).values()) == {"published_recipe"}
    settings = chosen_settings(PLANS["tuned"](ABLATION_SCALE, all_but_one))
    assert settings.pop("ovf") == {"published_recipe"}
    assert set(settings) == {"vanilla", "noise_injection", "irs"}
    assert all(found == {"published_recipe", "tuned"} for found in settings.values())


def test_winner_is_the_best_trial_on_validation_whatever_its_test_accuracy(everything: Stored) -> None:
    record = everything("")
    assert record is not None
    trials = searches(ABLATION_SCALE)
    rng = np.random.default_rng(0)
    stored: dict[str, RunRecord] = {}
    best: dict[str, RunConfig] = {}
    for name, configs in trials.items():
        merits = rng.permutation(NUM_TRIALS) / NUM_TRIALS
        for config, merit in zip(configs, merits, strict=True):
            # the better a trial is on validation, the worse it is on test
            stored[config.run_id] = judged(record, config.run_id, validation=float(merit), test=1 - float(merit))
        best[name] = configs[int(merits.argmax())]

    planned = PLANS["tuned"](ABLATION_SCALE, stored.get)

    winners = [one for one in planned if one.standings and standing_of(one).setting == "tuned"]
    assert Counter(standing_of(one).series for one in winners) == dict.fromkeys(TUNED, ABLATION_SCALE.num_seeds)
    for one in winners:
        expected = best[standing_of(one).series]
        seedless = one.config.training.model_copy(update={"seed": SEARCH_SEED})
        assert (one.config.method, seedless) == (expected.method, expected.training)


def test_trials_meet_a_single_test_chip() -> None:
    """A stored run has at least one; more would only tempt."""
    evaluations = [trial.evaluation for trials in searches(ABLATION_SCALE).values() for trial in trials]

    assert {(evaluation.num_instances, evaluation.sigma_ds) for evaluation in evaluations} == {(1, (0.1,))}


# ---------------------------------------------------------------- the first look
def test_first_look_is_186_runs() -> None:
    # without noise: 2 backbones x 3 seeds = 6
    # against sigma_d: 2 backbones x 3 sigma_d x 4 methods x 3 seeds = 72
    # decay factors: 2 backbones x 2 methods x (1 + 3 N x 3 schedules) x 3 seeds = 120, less the 2 x 2 x 3 = 12 of the
    # papers' own N = 3, which are among the 72
    assert len(first_look()) == 6 + 72 + 120 - 12 == 186


def test_first_look_compares_all_methods_on_both_backbones() -> None:
    kept = [planned.config for planned in first_look() if planned.keep_weights]
    counts = Counter((config.backbone.short_name, config.method.variant, config.train_sigma_d) for config in kept)

    variants = ("noise_injection", "noise_injection_t4", "ovf", "irs")
    expected = {("mlp4x128", variant, sigma_d) for variant in variants for sigma_d in (0.1, 0.2, 0.3)}
    expected |= {("vgg8w4", variant, sigma_d) for variant in variants for sigma_d in (0.05, 0.1, 0.2)}
    expected |= {("mlp4x128", "vanilla", 0.0), ("vgg8w4", "vanilla", 0.0)}
    assert counts == dict.fromkeys(expected, len(SEEDS))


def test_first_look_has_every_number_of_terms_and_schedule_at_sigma_01() -> None:
    found = {
        (
            config.backbone.short_name,
            config.method.name,
            config.method.num_feedback,
            config.method.decay,
            config.training.seed,
        )
        for config in (planned.config for planned in first_look())
        if isinstance(config.method, FeedbackMethod) and config.train_sigma_d == 0.1
    }

    cells = [(1, "paper"), *((n, decay) for n in (2, 3, 4) for decay in ("paper", "reversed", "constant"))]
    assert found == {
        (backbone, method, *cell, seed)
        for backbone in ("mlp4x128", "vgg8w4")
        for method in ("ovf", "irs")
        for cell in cells
        for seed in SEEDS
    }


def test_first_look_meets_the_same_chips_everywhere() -> None:
    evaluations = [planned.config.evaluation for planned in first_look()]

    assert {(evaluation.seed, evaluation.num_instances) for evaluation in evaluations} == {(0, 200)}
    assert {evaluation.sigma_ds for evaluation in evaluations} == {EvaluationConfig().sigma_ds, (0.0, 0.1)}


def test_first_look_shows_the_papers_networks_narrowed() -> None:
    assert {planned.config.backbone.short_name for planned in first_look()} == {
        Mlp().short_name,
        Vgg8(width=0.25).short_name,
    }


def test_smoke_is_two_short_runs() -> None:
    assert [planned.config.training.epochs for planned in smoke()] == [2, 2]


# ---------------------------------------------------------------- schemes
SCHEME_PRESETS = [name for name in PRESETS if name.startswith("schemes_")]


@pytest.mark.parametrize("name", SCHEME_PRESETS)
def test_every_training_is_evaluated_under_every_usual_scheme(name: str) -> None:
    planned = all_of(name, NOTHING)
    by_id = {one.config.run_id: one for one in planned}
    trained = [one for one in planned if one.weights_of is None]

    for one in trained:
        wanted = {scheme.key for scheme in usual_schemes(one.config.test_mapping, one.config.test_programming)}
        evaluated = [other for other in planned if one.config.run_id in (other.weights_of, other.config.run_id)]
        assert {Scheme(other.config.test_mapping, other.config.test_programming).key for other in evaluated} == wanted
    assert len(by_id) == len(planned)


@pytest.mark.parametrize("name", SCHEME_PRESETS)
def test_a_schemes_run_keeps_no_weights_and_differs_from_its_training_in_the_evaluation_alone(name: str) -> None:
    planned = all_of(name, NOTHING)
    by_id = {one.config.run_id: one for one in planned}
    evaluated = [one for one in planned if one.weights_of is not None]
    assert evaluated
    for one in evaluated:
        source = by_id[one.weights_of or ""]
        assert (one.keep_weights, source.keep_weights) == (False, True)
        assert one.config.model_copy(update={"evaluation": source.config.evaluation}) == source.config


@pytest.mark.parametrize("name", SCHEME_PRESETS)
def test_schemes_are_tried_on_chips_that_bound_a_1st_percentile_where_the_page_looks_for_them(name: str) -> None:
    evaluations = [one.config.evaluation for one in all_of(name, NOTHING)]
    assert {one.num_instances for one in evaluations} == {300}
    assert {one.sigma_ds for one in evaluations} == {SIGMA_DS}
    assert SIGMA_DS[1:] == (0.1, 0.2, 0.4)
