"""Differences over the same chips: by hand, and by simulation where they promise a coverage."""

from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from neft import columns as c
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.devices import Fefet2, Rram1
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import Irs
from neft.metrics import METRICS
from neft.networks.backbones import Mlp, Vgg8
from neft.other_images import ONLY_ITS_OWN
from neft.runs.facts import run_facts
from neft.runs.records import RunRecord
from neft.tables import (
    COMPARISON_COLUMNS,
    compare_runs,
    difference_over_independent_chips,
    difference_over_pairs,
    other_chips,
    other_images,
    settings_in_a_sentence,
)
from tests.stored_experiments import a_record

REPETITIONS = 4000
TOLERANCE = 5 * sqrt(0.95 * 0.05 / REPETITIONS)
"""Five standard errors of a share of 95 % among so many repetitions: 1.7 %."""
TRUTH = 0.02


# ---------------------------------------------------------------- by hand
def test_three_pairs_by_hand() -> None:
    # A = 0.9, 0.6, 0.3: var 0.09; B = 0.7, 0.5, 0.3: var 0.04; A - B = 0.2, 0.1, 0: mean 0.1, var 0.01.
    # t(2) = 4.302653: paired 4.302653 sqrt(0.01/3) = 0.248414.
    # Welch: (0.13/3)^2/((0.09/3)^2/2 + (0.04/3)^2/2) = 3.484536 degrees of freedom.
    # 3 pairs do the work of 3 (0.09 + 0.04)/0.01 = 39 chips.
    found = difference_over_pairs(np.array([0.9, 0.6, 0.3]), np.array([0.7, 0.5, 0.3]))

    assert found.mean == pytest.approx(0.1)
    assert found.ci95 == pytest.approx(0.248414, abs=1e-6)
    assert found.independent_ci95 == pytest.approx(stats.t.ppf(0.975, 3.484536) * sqrt(0.13 / 3), abs=1e-6)
    assert found.num_pairs == 3
    assert found.num_independent == pytest.approx(39)


def test_paired_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.9, 0.03, 20), rng.normal(0.8, 0.05, 20)

    found = difference_over_pairs(ours, theirs)

    low, high = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (found.mean - found.ci95, found.mean + found.ci95) == (pytest.approx(low), pytest.approx(high))


def test_independent_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.9, 0.03, 20), rng.normal(0.8, 0.1, 35)

    found = difference_over_independent_chips(ours, theirs)

    low, high = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert (found.mean - found.ci95, found.mean + found.ci95) == (pytest.approx(low), pytest.approx(high))
    assert found.independent_ci95 == found.ci95
    assert found.num_pairs == 0
    assert np.isnan(found.num_independent)


# ---------------------------------------------------------------- by simulation
def correlated(rng: np.random.Generator, count: int, *, shared: float) -> tuple[np.ndarray, np.ndarray]:
    """Chips of two runs, stds 1.0 and 0.8 around means that lie TRUTH apart; `shared` of it is common to both."""
    common, first, second = rng.standard_normal((3, count))
    ours, theirs = (sqrt(shared) * common + sqrt(1 - shared) * own for own in (first, second))
    return 0.8 + TRUTH + ours, 0.8 + 0.8 * theirs


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.95])
def test_paired_interval_covers_the_difference_as_often_as_it_says(shared: float) -> None:
    rng = np.random.default_rng(1)
    found = [difference_over_pairs(*correlated(rng, 30, shared=shared)) for _ in range(REPETITIONS)]

    covered = np.mean([abs(one.mean - TRUTH) <= one.ci95 for one in found])

    assert abs(covered - 0.95) < TOLERANCE


@pytest.mark.parametrize(("num_ours", "num_theirs"), [(30, 30), (15, 60)])
def test_independent_interval_covers_the_difference_as_often_as_it_says(num_ours: int, num_theirs: int) -> None:
    rng = np.random.default_rng(2)
    found = [
        difference_over_independent_chips(
            correlated(rng, num_ours, shared=0.0)[0], correlated(rng, num_theirs, shared=0.0)[1]
        )
        for _ in range(REPETITIONS)
    ]

    covered = np.mean([abs(one.mean - TRUTH) <= one.ci95 for one in found])

    assert abs(covered - 0.95) < TOLERANCE


def test_what_pairs_would_have_given_unpaired_is_what_independent_chips_give() -> None:
    """The interval that is shown beside the paired one covers where the chips really are independent."""
    rng = np.random.default_rng(3)
    found = [difference_over_pairs(*correlated(rng, 30, shared=0.0)) for _ in range(REPETITIONS)]

    covered = np.mean([abs(one.mean - TRUTH) <= one.independent_ci95 for one in found])

    assert abs(covered - 0.95) < TOLERANCE


def test_as_many_independent_chips_as_said_know_the_difference_as_well() -> None:
    """Pairs that share 0.75 of their spread: var A + var B = 1.64, var(A - B) = 1.64 - 2 * 0.75 * 0.8 = 0.44.

    25 pairs do the work of 25 * 1.64/0.44 = 93.2 chips. The ratio of two stds over 4,000 repetitions has a standard
    error of 1/sqrt(4000) = 1.6 %; five of them are 8 %.
    """
    rng = np.random.default_rng(4)
    said = difference_over_pairs(*correlated(rng, 100_000, shared=0.75)).num_independent * 25 / 100_000
    assert said == pytest.approx(93.2, rel=0.02)

    paired = [difference_over_pairs(*correlated(rng, 25, shared=0.75)).mean for _ in range(REPETITIONS)]
    apart = [
        correlated(rng, 93, shared=0.0)[0].mean() - correlated(rng, 93, shared=0.0)[1].mean()
        for _ in range(REPETITIONS)
    ]

    assert np.std(paired) / np.std(apart) == pytest.approx(1, abs=0.08)


# ---------------------------------------------------------------- no spread, no values
def test_run_differs_from_itself_by_nothing() -> None:
    values = np.array([0.9, 0.8, 0.95])

    found = difference_over_pairs(values, values)

    assert (found.mean, found.ci95, found.num_pairs, found.num_independent) == (0, 0, 3, inf)
    assert found.independent_ci95 > 0


def test_difference_that_is_the_same_on_every_chip_has_no_spread() -> None:
    # fractions of 397 images, rounded to single precision as metrics are
    right = np.array([380, 350, 391, 366])
    ours, theirs = (((right - lost) / 397).astype(np.float32).astype(float) for lost in (0, 3))

    found = difference_over_pairs(ours, theirs)

    assert found.mean == pytest.approx(3 / 397, abs=1e-7)
    assert (found.ci95, found.num_independent) == (0, inf)


def test_chips_that_are_all_alike_save_nothing() -> None:
    found = difference_over_pairs(np.full(5, 0.7), np.full(5, 0.6))

    assert found.mean == pytest.approx(0.1)
    assert (found.ci95, found.independent_ci95, found.num_pairs) == (0, 0, 5)
    assert np.isnan(found.num_independent)


def test_one_run_without_spread_gains_nothing_by_pairs() -> None:
    # var(A - B) = var A: 4 pairs do the work of 4 chips
    assert difference_over_pairs(np.array([0.1, 0.2, 0.4, 0.8]), np.full(4, 0.5)).num_independent == pytest.approx(4)


def test_one_pair_says_nothing_of_spread() -> None:
    found = difference_over_pairs(np.array([0.9]), np.array([0.8]))

    assert found.mean == pytest.approx(0.1)
    assert np.isnan([found.ci95, found.independent_ci95, found.num_independent]).all()


@pytest.mark.parametrize("values", [np.empty(0), np.full(3, nan)])
def test_no_values_have_no_difference(values: np.ndarray) -> None:
    for found in (difference_over_pairs(values, values), difference_over_independent_chips(values, values)):
        assert np.isnan(found.mean)
        assert np.isnan(found.ci95)
        assert found.num_pairs == 0


def test_chips_without_both_values_are_left_out() -> None:
    ours, theirs = np.array([0.9, 0.6, 0.3, nan, 0.1]), np.array([0.7, 0.5, 0.3, 0.9, nan])

    assert difference_over_pairs(ours, theirs) == difference_over_pairs(ours[:3], theirs[:3])


metrics = st.integers(1, 8).flatmap(
    lambda count: st.tuples(*[arrays(float, count, elements=st.floats(0, 1) | st.just(nan))] * 2)
)


@given(both=metrics)
def test_no_chips_divide_by_zero(both: tuple[np.ndarray, np.ndarray]) -> None:
    for found in (difference_over_pairs(*both), difference_over_independent_chips(*both)):
        assert not found.ci95 < 0
        assert not found.num_independent < 0


# ---------------------------------------------------------------- runs
def a_run(config: RunConfig | None = None, *, run_id: str = "a") -> RunRecord:
    """A record of this config."""
    config = config or RunConfig()
    update = {"config": config.model_dump(mode="json"), "facts": run_facts(config, num_classes=10)}
    return a_record(run_id).model_copy(update=update)


def chips(values: dict[float, list[float]]) -> pd.DataFrame:
    """By sigma_d, every metric of the first chips."""
    frames = [
        pd.DataFrame({c.SIGMA_D: sigma_d, c.INSTANCE: range(len(read)), **dict.fromkeys(METRICS, read)})
        for sigma_d, read in values.items()
    ]
    return pd.concat(frames, ignore_index=True)


def differing(evaluation: dict[str, Any] | None = None, **parts: Any) -> RunConfig:
    return RunConfig(evaluation=EvaluationConfig(**(evaluation or {})), **parts)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (differing({"seed": 3}), "evaluation.seed is 3, not 0"),
        (differing({"sampler": "one_factor"}), "evaluation.sampler is one_factor, not exact"),
        (differing({"quantise": False}), "evaluation.quantise is False, not True"),
        (differing({"device": Fefet2()}), "test device is fefet2, not rram1"),
        (differing(device=Fefet2()), "test device is fefet2, not rram1"),
        (differing(backbone=Vgg8(width=0.5)), "backbone.width is 0.5, not 0.25"),
        (differing(backbone=Mlp()), "backbone.name is mlp, not vgg8"),
        (
            differing({"seed": 1}, mapping=BitSlicing(weight_bits=4)),
            "mapping.weight_bits is 4, not 8; evaluation.seed is 1, not 0",
        ),
    ],
)
def test_settings_that_make_other_chips_are_named(config: RunConfig, sentence: str) -> None:
    assert settings_in_a_sentence(other_chips(a_run(config), a_run())) == sentence
    assert not other_images(a_run(config), a_run())


@pytest.mark.parametrize(
    "config",
    [
        differing(training=TrainingConfig(seed=5, sigma_d=0.3, epochs=2, sampler="exact", quantise=True)),
        differing(method=Irs(num_feedback=1)),
        differing(dataset=Digits(max_train=100)),
        differing(device=Fefet2(), evaluation={"device": Rram1()}),
        differing({"sigma_ds": (0.1,), "num_instances": 7, "precision": 0.01, "min_instances": 5}),
        differing({"recalibrate_batchnorm": True}),
    ],
)
def test_other_settings_leave_chips_and_images_alone(config: RunConfig) -> None:
    assert not other_chips(a_run(config), a_run())
    assert not other_images(a_run(config), a_run())


def test_runs_from_before_a_setting_met_the_same_chips() -> None:
    record = a_run()
    evaluation = {k: v for k, v in record.config["evaluation"].items() if k not in ("precision", "max_test")}
    older = record.model_copy(update={"config": {**record.config, "evaluation": evaluation}})

    assert not other_chips(older, record)
    assert not other_images(record, older)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (differing(dataset=Digits(image_size=16)), f"dataset.image_size is 16, not 8 in b. {ONLY_ITS_OWN}"),
        (differing({"max_test": 100}), "evaluation.max_test is 100, not None in b."),
    ],
)
def test_runs_on_other_images_are_not_compared(config: RunConfig, sentence: str) -> None:
    values = chips({0.1: [0.9, 0.8]})

    with pytest.raises(ConfigError) as caught:
        compare_runs([(a_run(), values), (a_run(config, run_id="b"), values)])

    assert str(caught.value).endswith(sentence)


def test_comparison_has_a_row_for_each_run_and_shared_sigma_d() -> None:
    first = chips({0.0: [1.0, 1.0], 0.1: [0.7, 0.5, 0.3], 0.2: [0.1, 0.1]})
    second = chips({0.1: [0.9, 0.6, 0.3], 0.2: [0.2, 0.2]})

    table = compare_runs([(a_run(), first), (a_run(run_id="b"), second)])

    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert table[[c.RUN_ID, c.SIGMA_D]].to_numpy().tolist() == [["a", 0.1], ["a", 0.2], ["b", 0.1], ["b", 0.2]]
    row = table.iloc[2]
    # the mean's own interval: t(2) 0.3/sqrt(3) = 0.745242
    assert (row[c.MEAN], row[c.CI95]) == (pytest.approx(0.6), pytest.approx(0.745242, abs=1e-6))
    assert (row[c.DIFFERENCE], row[c.DIFFERENCE_CI95]) == (pytest.approx(0.1), pytest.approx(0.248414, abs=1e-6))
    assert (row[c.NUM_PAIRS], row[c.NUM_INDEPENDENT]) == (3, pytest.approx(39))
    assert table.iloc[0][[c.DIFFERENCE, c.DIFFERENCE_CI95, c.NUM_PAIRS]].isna().all()


def test_pairs_are_the_chips_that_both_met() -> None:
    first, second = chips({0.1: [0.7, 0.5, 0.3]}), chips({0.1: [0.9, 0.6, 0.3, 0.1, 0.2]})

    row = compare_runs([(a_run(), first), (a_run(run_id="b"), second)]).iloc[1]

    assert (row[c.NUM_INSTANCES], row[c.NUM_PAIRS]) == (5, 3)
    assert row[c.MEAN] == pytest.approx(0.42)
    assert row[c.DIFFERENCE] == pytest.approx(0.1)


def test_pairs_are_found_in_any_order() -> None:
    first, second = chips({0.1: [0.7, 0.5, 0.3]}), chips({0.1: [0.9, 0.6, 0.3]})

    table = compare_runs([(a_run(), first), (a_run(run_id="b"), second.iloc[::-1])])

    assert table.iloc[1][c.DIFFERENCE_CI95] == pytest.approx(0.248414, abs=1e-6)


def test_runs_on_other_chips_are_compared_unpaired() -> None:
    first, second = chips({0.1: [0.7, 0.5, 0.3]}), chips({0.1: [0.9, 0.6, 0.3, 0.2]})
    other = a_run(differing({"seed": 3}), run_id="b")

    row = compare_runs([(a_run(), first), (other, second)], c.EKL).iloc[1]

    expected = difference_over_independent_chips(second[c.EKL].to_numpy(float), first[c.EKL].to_numpy(float))
    assert row[c.DIFFERENCE] == pytest.approx(0.0)
    assert row[c.DIFFERENCE_CI95] == row[c.INDEPENDENT_CI95] == expected.ci95
    assert row[c.NUM_PAIRS] == 0


def test_sigma_ds_can_be_chosen() -> None:
    values = chips({0.0: [1.0], 0.1: [0.7], 0.2: [0.1]})
    runs = [(a_run(), values), (a_run(run_id="b"), values)]

    assert list(compare_runs(runs, sigma_ds=(0.2, 0.1))[c.SIGMA_D]) == [0.1, 0.2, 0.1, 0.2]
    with pytest.raises(ConfigError, match=r"at σ_d 0.15, 0.3; all of them at 0, 0.1, 0.2\."):
        compare_runs(runs, sigma_ds=(0.3, 0.1, 0.15))


def test_no_sigma_d_in_common_is_said() -> None:
    runs = [(a_run(), chips({0.0: [1.0], 0.1: [0.7]})), (a_run(run_id="b"), chips({0.2: [0.7]}))]

    with pytest.raises(ConfigError, match=r"no σ_d in common: a was tested at 0, 0.1; b was tested at 0.2\."):
        compare_runs(runs)
