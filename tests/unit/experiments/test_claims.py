"""Claims are decided from stored chips by one rule, and none is lost to a renamed setting."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import isfinite, isnan
from typing import Any

import pandas as pd
import pytest

from neft import columns as c
from neft.experiments.claim import Claim, between, combined, half_of_the_gain, lower, published_gain, versus
from neft.experiments.claim_list import CLAIMS, PLAIN
from neft.experiments.claim_words import claim_counts
from neft.experiments.claims import claim_settings, claims_table
from neft.experiments.presets import ABLATION_SCALE, PLANS, PRESETS, Standing
from neft.experiments.questions import CONTROL, EXPERIMENTS
from neft.runs.plans import PlanRecord
from neft.tables.arms import Arm as ArmKey
from tests.stored_experiments import Arm, Runs, a_record, an_experiment

NEARLY = 1e-4
"""How much seeds and chips differ where an effect is sure."""
BY_KEY = {claim.key: claim for claim in CLAIMS}


def sure(value: float, *, num_seeds: int = 3, step: float = NEARLY) -> Mapping[int, Sequence[float]]:
    """Two chips of each seed, all near one value; the first seed lies highest."""
    return {seed: [value - step * seed, value - step * seed + NEARLY] for seed in range(num_seeds)}


def unsure(value: float, *, num_seeds: int = 3) -> Mapping[int, Sequence[float]]:
    """Two chips of each seed; seeds lie far apart."""
    return {seed: [value + 0.2 * (seed - 1)] * 2 for seed in range(num_seeds)}


def comparison(values: Mapping[str, Mapping[int, Sequence[float]]], *, setting: str = "sigma_d_0.1", **place: Any):
    return [Arm(series, setting, chips, **place) for series, chips in values.items()]


def decided(key: str, *stored: tuple[PlanRecord, Runs]) -> dict[str, Any]:
    """The one row of a claim."""
    (row,) = rows_of(key, *stored)
    return row


def rows_of(key: str, *stored: tuple[PlanRecord, Runs]) -> list[dict[str, Any]]:
    runs: Runs = {}
    for _, more in stored:
        runs |= more
    table = claims_table([plan for plan, _ in stored], runs)
    return [
        {str(name): value for name, value in row.items()} for row in table.to_dict("records") if row["claim"] == key
    ]


# ---------------------------------------------------------------- the list
@cache
def standings_planned(preset: str) -> set[Standing]:
    """Where a preset's runs stand, once all of them are stored."""
    record = a_record("digits-any-00000000")
    return {standing for one in PRESETS[preset].plan(lambda _run_id: record) for standing in one.standings}


@cache
def arms_planned(preset: str, experiment: str) -> set[ArmKey]:
    """The arms that they make."""
    return {
        (standing.series, standing.setting)
        for standing in standings_planned(preset)
        if standing.experiment == experiment
    }


def arms_it_is_put_to(claim: Claim) -> set[ArmKey]:
    """Those of all experiments on digits together, or of its experiment alone, where that has a size of its own."""
    return arms_planned("paper_digits", claim.experiment) or arms_planned(claim.experiment, claim.experiment)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_claim_finds_its_arms_in_what_is_planned(claim: Claim) -> None:
    """A setting that was renamed would silently lose its claim."""
    known = arms_it_is_put_to(claim)

    if claim.failures:
        assert set(claim.failures) <= {series for series, _ in known}
    else:
        weights = claim.contrast(known)
        assert len(weights) >= 2
        assert set(weights) <= known


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS if claim.experiment == "accuracy"], ids=lambda one: one.key
)
def test_claim_of_the_comparison_is_put_to_fashion_mnist_too(claim: Claim) -> None:
    assert claim.contrast(arms_planned("paper_fashion", "accuracy"))


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if not claim.failures], ids=lambda claim: claim.key)
def test_weights_of_a_contrast_add_up_to_nothing(claim: Claim) -> None:
    weights = claim.contrast(arms_it_is_put_to(claim))

    assert sum(weights.values()) == pytest.approx(0)
    assert sum(weight for weight in weights.values() if weight > 0) == pytest.approx(
        2 if claim.key.endswith("terms_beyond_temperature") else 1
    )


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_claim_is_a_sentence_about_a_known_experiment(claim: Claim) -> None:
    assert claim.experiment in EXPERIMENTS
    assert claim.words.endswith(".")
    assert len(claim.short) <= 60
    assert claim.source
    assert claim.margin > 0
    assert bool(claim.failures) == (claim.experiment == "convergence")


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.published], ids=lambda claim: claim.key)
def test_published_effect_is_positive_as_the_paper_says(claim: Claim) -> None:
    assert claim.paper
    assert claim.published is not None
    effect, where = claim.published((0.1, 0.3)).effect, claim.published((0.1, 0.3)).where
    assert isfinite(effect)
    assert effect > 0
    assert "β = " in where or claim.unit != "points"


def test_claims_have_keys_of_their_own_and_the_papers_come_first() -> None:
    assert len(BY_KEY) == len(CLAIMS)
    assert [claim.paper for claim in CLAIMS] == sorted((claim.paper for claim in CLAIMS), reverse=True)
    assert all(claim.published for claim in CLAIMS if claim.paper)


def test_claims_survive_another_size_of_their_experiment() -> None:
    """Neither the sigma_d of the ablations nor the number of seeds is part of an arm's name where claims look."""
    training = ABLATION_SCALE.base.training.model_copy(update={"sigma_d": 0.23, "epochs": 7})
    base = ABLATION_SCALE.base.model_copy(update={"training": training})
    scale = replace(ABLATION_SCALE, base=base, sigma_ds=(0.02, 0.3), num_seeds=1)
    record = a_record("digits-any-00000000")

    for claim in CLAIMS:
        planned = PLANS[claim.experiment](scale, lambda _run_id: record)
        known = {(standing.series, standing.setting) for one in planned for standing in one.standings}
        if claim.failures:
            assert set(claim.failures) <= {series for series, _ in known}
        else:
            assert claim.contrast(known)


# ---------------------------------------------------------------- contrasts
KNOWN: set[ArmKey] = {("ovf", "a"), ("ovf", "b"), ("ovf", "c"), ("irs", "a"), ("irs", "b"), ("irs", "d")}


def test_versus_averages_over_the_settings_that_both_have() -> None:
    assert versus("ovf", "irs")(KNOWN) == {("ovf", "a"): 0.5, ("irs", "a"): -0.5, ("ovf", "b"): 0.5, ("irs", "b"): -0.5}
    assert versus("ovf", "nobody")(KNOWN) == {}
    assert versus("ovf", "irs")(set()) == {}


def test_lower_is_versus_turned_round() -> None:
    assert lower("ovf", "irs")(KNOWN) == {arm: -weight for arm, weight in versus("ovf", "irs")(KNOWN).items()}


def test_fixed_contrast_needs_all_its_arms() -> None:
    assert between(("ovf", "a"), ("irs", "d"))(KNOWN) == {("ovf", "a"): 1.0, ("irs", "d"): -1.0}
    assert between(("ovf", "a"), ("irs", "c"))(KNOWN) == {}
    assert combined({("ovf", "a"): 2.0})(KNOWN) == {("ovf", "a"): 2.0}


def test_half_of_the_gain_by_hand() -> None:
    # (control - plain) - (ovf - plain)/2 = control - plain/2 - ovf/2
    known = {(CONTROL, "a"), (PLAIN, "a"), ("ovf", "a")}

    assert half_of_the_gain("ovf")(known) == {(CONTROL, "a"): 1.0, (PLAIN, "a"): -0.5, ("ovf", "a"): -0.5}
    for missing in known:
        assert half_of_the_gain("ovf")(known - {missing}) == {}


def test_over_noise_compares_the_second_training_with_the_first_by_number() -> None:
    known = {(CONTROL, f"train_sigma_d_{value}") for value in ("0.2", "0.05", "0.1")} | {(PLAIN, "train_sigma_d_0.01")}

    assert BY_KEY["over_noise_helps"].contrast(known) == {
        (CONTROL, "train_sigma_d_0.1"): 1.0,
        (CONTROL, "train_sigma_d_0.05"): -1.0,
    }
    assert BY_KEY["over_noise_helps"].contrast({(CONTROL, "train_sigma_d_0.1")}) == {}


# ---------------------------------------------------------------- verdicts
def test_claim_without_runs_says_so() -> None:
    table = claims_table([], {})

    assert list(table["claim"]) == [claim.key for claim in CLAIMS]
    assert set(table["verdict"]) == {"no runs"}
    assert table["estimate"].isna().all()
    assert set(table[c.NUM_SEEDS]) == {0}


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (sure(0.53), "supported"),
        (sure(0.47), "opposite"),
        (sure(0.501, step=0.0005), "no effect"),  # 0.1, 0.06 and 0.02 points: surely less than half a point
        (unsure(0.53), "undecided"),
        ({0: [0.53, 0.531]}, "undecided"),
        ({7: [0.53, 0.531], 8: [0.53, 0.53]}, "no runs"),
    ],
    ids=["surely better", "surely worse", "too little", "unsure", "one seed", "no seed in common"],
)
def test_every_verdict_is_reached(ours: Mapping[int, Sequence[float]], verdict: str) -> None:
    stored = an_experiment("accuracy", *comparison({"ovf": ours, PLAIN: sure(0.5)}))

    assert decided("ovf_beats_noise_injection", *[stored])["verdict"] == verdict


def test_estimate_is_in_points_with_its_paired_interval() -> None:
    # ovf - plain is 0.01, 0.02 on seed 0 and 0.03, 0.04 on seed 1: mean 2.5 points. As in test_experiment_tables.py,
    # a tenth of it: MS_seeds = 2 * 0.0002, MS_chips = 2 * 0.00005, half-width 12.7062 * sqrt(0.0005/4) = 0.142060
    row = decided(
        "ovf_beats_noise_injection",
        an_experiment(
            "accuracy", *comparison({"ovf": {0: [0.51, 0.72], 1: [0.53, 0.14]}, PLAIN: {0: [0.5, 0.7], 1: [0.5, 0.1]}})
        ),
    )

    assert row["estimate"] == pytest.approx(2.5)
    assert (row[c.LOWER], row[c.UPPER]) == pytest.approx((2.5 - 14.2060, 2.5 + 14.2060), abs=1e-3)
    assert (row["unit"], row["margin"], row[c.NUM_SEEDS], row[c.NUM_INSTANCES]) == ("points", pytest.approx(0.5), 2, 2)
    assert (row["plan"], row["data"]) == ("a_plan", "Digits 8×8, MLP, 4 × 128")
    assert row["ours_at"] == "σ_d = 0.1, β = 0.001"
    assert row["published"] == pytest.approx(100 * published_gain("ovf", PLAIN)([0.1]).effect)


def test_missing_runs_leave_the_claim_without_a_number() -> None:
    plan, runs = an_experiment("accuracy", *comparison({"ovf": sure(0.53), PLAIN: sure(0.5)}))
    kept = {
        run_id: run for run_id, run in runs.items() if run_id in {e.run_id for e in plan.entries if e.series == "ovf"}
    }

    assert decided("ovf_beats_noise_injection", (plan, kept))["verdict"] == "no runs"


def test_effect_is_averaged_over_all_sigma_d() -> None:
    # 2 points at one sigma_d, -4 at the other
    stored = an_experiment(
        "accuracy",
        *comparison({"ovf": sure(0.52), PLAIN: sure(0.5)}, sigma_d=0.1),
        *comparison({"ovf": sure(0.46), PLAIN: sure(0.5)}, setting="sigma_d_0.2", position=1.0, sigma_d=0.2),
        Arm("ovf", "sigma_d_0.3", sure(0.9), position=2.0, sigma_d=0.3),
    )

    assert decided("ovf_beats_noise_injection", stored)["estimate"] == pytest.approx(-1)
    settings = claim_settings("ovf_beats_noise_injection", *stored)
    assert list(settings["estimate"]) == pytest.approx([2, -4])
    assert settings[[c.SETTING, "verdict"]].to_numpy().tolist() == [
        ["sigma_d_0.1", "supported"],
        ["sigma_d_0.2", "opposite"],
    ]


def test_only_averages_over_settings_are_shown_setting_by_setting() -> None:
    beta = an_experiment(
        "temperature",
        *comparison({PLAIN: sure(0.5)}, setting="t_16"),
        *comparison({PLAIN: sure(0.4)}, setting="t_4"),
    )
    single = an_experiment("accuracy", *comparison({"ovf": sure(0.53), PLAIN: sure(0.5)}))
    failing = an_experiment("convergence", *comparison({"ovf": sure(0.53), PLAIN: sure(0.5)}, setting="x"))

    assert decided("higher_temperature_helps", beta)["estimate"] == pytest.approx(10)
    for key, stored in (
        ("higher_temperature_helps", beta),
        ("ovf_beats_noise_injection", single),
        ("ovf_converges", failing),
        ("ovf_beats_noise_injection", failing),
    ):
        assert claim_settings(key, *stored).empty


def test_temperature_brings_more_than_half_of_the_gain() -> None:
    # plain 50, control 56, OVF 60 %: 6 points less half of 10
    row = decided(
        "temperature_explains_ovf",
        an_experiment("accuracy", *comparison({PLAIN: sure(0.5), CONTROL: sure(0.56), "ovf": sure(0.6)})),
    )

    assert (row["estimate"], row["verdict"]) == (pytest.approx(1), "supported")


def test_uncertainty_is_compared_as_a_ratio() -> None:
    # noise injection's EKL is twice OVF's; a tenth is the margin
    row = decided(
        "ovf_lowers_ekl", an_experiment("accuracy", *comparison({"ovf": sure(0.1, step=0), PLAIN: sure(0.2, step=0)}))
    )

    assert (row["unit"], row["margin"]) == ("ratio", pytest.approx(1.1))
    assert row["estimate"] == pytest.approx(2, rel=1e-2)
    assert row["verdict"] == "supported"


def test_calibrated_uncertainty_is_read_from_its_own_column() -> None:
    plan, runs = an_experiment("accuracy", *comparison({"ovf": sure(0.1), PLAIN: sure(0.2)}))
    for _, chips in runs.values():
        chips[c.CALIBRATED_EKL] = 0.3

    row = decided("ovf_calibrated_ekl", (plan, runs))

    assert (row["estimate"], row["verdict"]) == (pytest.approx(1), "no effect")


def test_runs_stored_before_calibration_leave_its_claim_without_a_number() -> None:
    plan, runs = an_experiment("accuracy", *comparison({"ovf": sure(0.1), PLAIN: sure(0.2)}))
    for _, chips in runs.values():
        chips[c.CALIBRATED_EKL] = float("nan")

    assert decided("ovf_calibrated_ekl", (plan, runs))["verdict"] == "no runs"


def test_failing_trainings_are_counted_seed_by_seed() -> None:
    # six of ten trainings fail with noise injection, none with OVF: as in test_verdicts.py, 13.5 to 86.5 of a hundred
    failing = {seed: [0.2 if seed < 6 else 0.9] * 2 for seed in range(10)}
    stored = an_experiment(
        "convergence", Arm("ovf", "ovf", sure(0.9, num_seeds=10)), Arm(PLAIN, PLAIN, failing, position=1.0)
    )

    row = decided("ovf_converges", stored)

    assert (row["unit"], row["verdict"], row[c.NUM_SEEDS], row[c.NUM_INSTANCES]) == ("share", "supported", 10, 2)
    assert (row["estimate"], row[c.LOWER], row[c.UPPER]) == pytest.approx((60, 13.4782, 86.5218), abs=1e-3)
    assert row["published"] == pytest.approx(60)


def test_failing_trainings_are_paired_by_the_seeds_that_both_have() -> None:
    stored = an_experiment(
        "convergence",
        Arm("ovf", "ovf", {seed: [0.9] for seed in (0, 1, 2)}),
        Arm(PLAIN, PLAIN, {seed: [0.9] for seed in (2, 3)}, position=1.0),
    )

    assert decided("ovf_converges", stored)[c.NUM_SEEDS] == 1
    assert decided("irs_converges", stored)["verdict"] == "no runs"


def test_chips_of_failing_trainings_are_those_that_all_of_them_were_tried_on() -> None:
    # seed 1 has a chip less, as in a comparison of accuracies; seed 2, which is not paired, counts for nothing
    stored = an_experiment(
        "convergence",
        Arm("ovf", "ovf", {0: [0.9] * 4, 1: [0.9] * 3}),
        Arm(PLAIN, PLAIN, {0: [0.9] * 4, 1: [0.9] * 4, 2: [0.9]}, position=1.0),
    )
    accuracies = an_experiment(
        "accuracy", *comparison({"ovf": {0: [0.9] * 4, 1: [0.9] * 3}, PLAIN: {0: [0.8] * 4, 1: [0.8] * 4, 2: [0.8]}})
    )

    assert decided("ovf_converges", stored)[c.NUM_INSTANCES] == 3
    assert decided("ovf_beats_noise_injection", accuracies)[c.NUM_INSTANCES] == 3


def test_claim_has_a_row_for_every_plan_that_has_runs_for_it() -> None:
    plans = [
        an_experiment("accuracy", *comparison({"ovf": sure(value), PLAIN: sure(0.5)}), name=name)
        for name, value in (("digits", 0.53), ("fashion", 0.47))
    ]
    # their runs have ids of their own
    second = {f"{run_id[:-8]}{index:08x}": run for index, (run_id, run) in enumerate(plans[1][1].items(), start=100)}
    renamed = [
        entry.model_copy(update={"run_id": run_id}) for entry, run_id in zip(plans[1][0].entries, second, strict=True)
    ]
    other = plans[1][0].model_copy(update={"entries": tuple(renamed)})
    empty = PlanRecord(name="empty", preset="accuracy", command="", entries=())

    rows = rows_of("ovf_beats_noise_injection", plans[0], (other, second), (empty, {}))

    assert [(row["plan"], row["verdict"]) for row in rows] == [("digits", "supported"), ("fashion", "opposite")]


def test_seeds_that_would_decide_stand_beside_an_open_claim() -> None:
    row = decided(
        "ovf_beats_noise_injection",
        an_experiment("accuracy", *comparison({"ovf": unsure(0.6), PLAIN: sure(0.5)})),
    )
    sure_one = decided(
        "ovf_beats_noise_injection", an_experiment("accuracy", *comparison({"ovf": sure(0.6), PLAIN: sure(0.5)}))
    )

    # mean 0.1, variance over seeds 0.04: u(S)^2 * 0.04/S < 0.01 for the bound u that holds at any number of seeds, from
    # S = 55 on (u(54)^2/54 = 0.25131, u(55)^2/55 = 0.24669); three are there. Chips differ by too little to matter.
    assert (row["verdict"], row["more_seeds"]) == ("undecided", 52)
    assert (
        isnan(sure_one["more_seeds"]) if isinstance(sure_one["more_seeds"], float) else sure_one["more_seeds"] is None
    )


# ---------------------------------------------------------------- like with like
def test_published_gain_is_the_mean_over_our_sigma_d_the_largest_stands_beside() -> None:
    found = published_gain("ovf", PLAIN)((0.05, 0.1, 0.15, 0.2))

    # VGG-8 on MNIST in published_accuracy.csv: 99.57 - 99.52, 99.52 - 99.51, 99.52 - 99.45, 99.45 - 99.45 or so
    assert 100 * found.effect == pytest.approx(0.03, abs=0.02)
    assert found.where == (
        "mean over σ_d = 0.05, 0.1, 0.15, 0.2, as ours; VGG-8 on MNIST, β = 0.001; the largest, +46.7, at σ_d = 0.35"
    )


def test_sigma_d_without_a_published_number_has_none() -> None:
    found = published_gain("irs", PLAIN)((0.1, 0.123))

    assert isnan(found.effect)
    assert found.where.startswith("none at our σ_d; VGG-8 on MNIST, β = 0.01; the largest, ")


def test_ablation_says_where_its_published_number_is_of_another_sigma_d() -> None:
    claim = BY_KEY["irs_terms_help"]
    assert claim.published is not None

    assert claim.published((0.1,)).where == "ResNet-18 on CIFAR-10 at σ_d = 0.3, not ours, β = 0.001"
    assert claim.published((0.3,)).where == "ResNet-18 on CIFAR-10 at σ_d = 0.3, β = 0.001"
    assert 100 * claim.published((0.3,)).effect == pytest.approx(65.43 + 0.38 - 55.93, abs=1e-6)


# ---------------------------------------------------------------- what keeps verdicts honest
def test_seeds_beyond_those_that_the_preset_fixes_are_judged_at_any_number() -> None:
    arms = comparison({"ovf": sure(0.53, step=0.004), PLAIN: sure(0.5, step=0)})
    fixed, grown = (
        decided("ovf_beats_noise_injection", an_experiment("accuracy", *arms, fixed_seeds=n)) for n in (3, 2)
    )

    assert (fixed["anytime"], fixed["verdict"]) == (False, "supported")
    assert (grown["anytime"], grown["verdict"]) == (True, "undecided")
    assert grown["estimate"] == fixed["estimate"]


def test_plan_that_fixes_no_number_of_seeds_is_judged_at_any() -> None:
    plan, runs = an_experiment("accuracy", *comparison({"ovf": sure(0.53), PLAIN: sure(0.5)}))

    assert decided("ovf_beats_noise_injection", (plan.model_copy(update={"fixed_seeds": {}}), runs))["anytime"]


def test_failed_trainings_are_counted_and_bring_the_median() -> None:
    # seed 4 of noise injection ends 80 points below the others
    theirs = {seed: [0.5 if seed < 4 else 0.1] * 2 for seed in range(5)}
    row = decided(
        "ovf_beats_noise_injection",
        an_experiment("accuracy", *comparison({"ovf": sure(0.53, num_seeds=5, step=0), PLAIN: theirs})),
    )

    assert row["num_failed"] == 1
    assert (row["median"], row["median_lower"], row["median_upper"]) == pytest.approx((3, 3, 43), abs=0.02)
    assert row["median_confidence"] == pytest.approx(0.9375)
    assert row["verdict"] == "undecided"  # the mean of 3, 3, 3, 3 and 43 has an interval that holds zero


def test_answers_are_corrected_for_how_many_they_are() -> None:
    # three seeds that spread by 0.1 points around gains of 1.6 and 0.3
    ours = {
        series: {seed: [0.5 + gain + 0.001 * (seed - 1)] for seed in range(3)}
        for series, gain in (("ovf", 0.016), ("irs", 0.003))
    }
    theirs = {seed: [0.5] for seed in range(3)}
    plan, runs = an_experiment("accuracy", *comparison({**ours, PLAIN: theirs}))
    table = claims_table([plan], runs).set_index("claim")
    told = table[table["p"] < 0.05]

    assert {"ovf_beats_noise_injection", "irs_beats_noise_injection"} <= set(told.index)
    assert told.loc["ovf_beats_noise_injection", "holm"]
    assert not told.loc["irs_beats_noise_injection", "holm"]


def test_claims_are_counted_once_however_many_data_they_are_put_to() -> None:
    rows = [
        ("a", "supported"),
        ("a", "supported"),
        ("b", "supported"),
        ("b", "opposite"),
        ("c", "undecided"),
        ("d", "no runs"),
    ]
    counts = claim_counts(pd.DataFrame(rows, columns=["claim", "verdict"]))

    assert counts.num_claims == 3
    assert {name: count for name, count in counts.verdicts.items() if count} == {
        "supported": 1,
        "undecided": 1,
        "differs by data": 1,
    }
