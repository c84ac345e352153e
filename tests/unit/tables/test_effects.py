"""What a setting does to its trainings, by hand."""

from math import isnan
from typing import Any

import pandas as pd
import pytest

from neft import columns as c
from neft.runs.records import RunRecord
from neft.runs.store import RunTables
from neft.tables import crossed_interval, setting_effects, w_max_over_rms
from tests.stored_experiments import Arm, an_experiment

T1 = 12.7062
"""Student's t of one degree of freedom, two-sided 95 %."""
CHIPS = {0: (0.8, 0.9), 1: (0.7, 0.8)}


def layers(*ratios: float) -> pd.DataFrame:
    return pd.DataFrame({c.LAYER: range(len(ratios)), c.W_MAX: ratios, c.RMS_WEIGHT: 1.0})


def held(instances: pd.DataFrame, *, trained: float, loss: float, ratios: tuple[float, ...]) -> RunTables:
    """A run's tables: its training got better from epoch to epoch."""
    history = pd.DataFrame({c.EPOCH: [1, 2], c.TRAIN_ACCURACY: [0.1, trained], c.LOSS: [9.0, loss]})
    return RunTables(history=history, instances=instances, layers=layers(*ratios), deviations=pd.DataFrame())


def by_place(effects: pd.DataFrame) -> dict[tuple[str, float], Any]:
    """Its rows by quantity and position."""
    return {(row[c.QUANTITY], row[c.POSITION]): row for row in effects.to_dict("records")}


def test_every_quantity_is_a_mean_over_trainings_with_its_interval() -> None:
    plan, runs = an_experiment(
        "temperature",
        Arm("noise_injection", "t_1", CHIPS, position=1.0),
        Arm("noise_injection", "t_4", {0: (0.9, 0.95), 1: (0.92, 0.94)}, position=4.0),
    )
    values = [(0.98, 0.05, (3.0, 5.0)), (0.99, 0.03, (3.0, 4.0)), (1.0, 0.02, (4.0, 4.0)), (1.0, 0.01, (4.0, 4.0))]
    tables: dict[str, tuple[RunRecord, RunTables]] = {
        run_id: (record, held(instances, trained=trained, loss=loss, ratios=ratios))
        for (run_id, (record, instances)), (trained, loss, ratios) in zip(runs.items(), values, strict=True)
    }

    found = by_place(setting_effects(plan.entries, tables, "temperature"))

    assert len(found) == 4 * 2
    accuracy = found[c.ACCURACY, 1.0]
    expected = crossed_interval(pd.DataFrame(CHIPS).T.to_numpy())
    assert (accuracy[c.MEAN], accuracy[c.CI95]) == pytest.approx((expected.mean, expected.ci95))
    # two trainings: the std of a and b is |a - b| / sqrt(2), the mean's half-width T1 |a - b| / 2
    for quantity, mean, apart in (
        (c.TRAIN_ACCURACY, 0.985, 0.01),
        (c.LOSS, 0.04, 0.02),
        (c.W_MAX_OVER_RMS, 3.75, 0.5),
    ):
        row = found[quantity, 1.0]
        assert row[c.MEAN] == pytest.approx(mean)
        assert row[c.CI95] == pytest.approx(T1 * apart / 2, rel=1e-4)
        assert (row[c.LOWER], row[c.UPPER]) == pytest.approx((mean - row[c.CI95], mean + row[c.CI95]))
        assert (row[c.NUM_SEEDS], row[c.SETTING]) == (2, "t_1")
    flat = found[c.W_MAX_OVER_RMS, 4.0]
    assert (flat[c.MEAN], flat[c.CI95]) == pytest.approx((4.0, 0.0))


def test_single_training_has_no_interval_and_missing_runs_are_left_out() -> None:
    plan, runs = an_experiment("temperature", Arm("noise_injection", "t_1", CHIPS, position=1.0))
    run_id, (record, instances) = next(iter(runs.items()))
    tables = {run_id: (record, held(instances, trained=0.9, loss=0.1, ratios=(3.0,)))}

    row = by_place(setting_effects(plan.entries, tables, "temperature"))[c.TRAIN_ACCURACY, 1.0]

    assert row[c.MEAN] == row[c.LOWER] == row[c.UPPER] == pytest.approx(0.9)
    assert isnan(row[c.CI95])
    assert setting_effects(plan.entries, {}, "temperature").empty


def test_run_without_layers_has_no_ratio() -> None:
    assert w_max_over_rms(layers(2.0, 4.0)) == pytest.approx(3.0)
    assert isnan(w_max_over_rms(pd.DataFrame({c.LAYER: []})))
