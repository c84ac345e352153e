"""Layers: whether sampled deviations are as wide as asked, and how large weights are, by hand."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.tables import layer_table, layers_over_methods, noise_audit, spread_over_methods, weight_sizes

SIGMA_D = 0.1


@pytest.fixture(scope="session")
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


def layers(realised: float, *, num_weights: int = 100, rms: float = 0.2) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.LAYER: ["classifier"],
            c.NUM_WEIGHTS: [num_weights],
            c.W_MAX: [1.0],
            c.RMS_WEIGHT: [rms],
            c.MIDDLE_SHARE: [0.25],
            c.REALISED_STD: [realised],
            c.CLOSED_FORM_STD: [0.5],
        }
    )


def law(centres: list[float], shares: list[float]) -> pd.DataFrame:
    """A density of narrow bins around these centres."""
    left, right = np.array(centres) - 0.005, np.array(centres) + 0.005
    density = np.array(shares) / 0.01
    return pd.DataFrame(
        {
            c.LAYER: "classifier",
            c.BIN_LEFT: left,
            c.BIN_RIGHT: right,
            c.DENSITY: density,
            c.CLOSED_FORM_DENSITY: density,
        }
    )


def gaussian() -> pd.DataFrame:
    centres = np.arange(-500, 501) / 100
    shares = np.exp(-(centres**2) / 2)
    return law(list(centres), list(shares / shares.sum()))


def test_a_gaussian_errs_by_one_over_the_root_of_twice_its_count(record: RunRecord) -> None:
    # 8 chips of 100 weights: 1.96/sqrt(1600) = 0.049
    row = noise_audit([(record, layers(0.52), gaussian())], sigma_d=SIGMA_D).iloc[0]

    assert row[c.CI95] == pytest.approx(1.959964 / sqrt(1600), rel=1e-3)
    assert row["ratio"] == pytest.approx(1.04)
    assert row["num_sampled"] == 800
    assert row["within"]
    assert row[c.CLOSED_FORM_STD] == pytest.approx(0.05)
    assert row[c.REALISED_STD] == pytest.approx(0.052)


def test_a_ratio_beyond_its_error_is_outside(record: RunRecord) -> None:
    assert not noise_audit([(record, layers(0.53), gaussian())], sigma_d=SIGMA_D)["within"].iloc[0]


def test_a_law_of_heavier_tails_errs_more(record: RunRecord) -> None:
    # -2, 0, 2 with 1/8, 3/4, 1/8: variance 1, fourth moment 4, so sqrt(3/(4 * 800)) * 1.96
    row = noise_audit([(record, layers(0.5), law([-2, 0, 2], [0.125, 0.75, 0.125]))], sigma_d=SIGMA_D).iloc[0]

    assert row[c.CI95] == pytest.approx(1.959964 * sqrt(3 / 3200), rel=1e-6)


def test_weight_sizes_are_means_over_trainings(record: RunRecord) -> None:
    found = layer_table([(record, layers(0.5, rms=0.2)), (record, layers(0.5, rms=0.4))], sigma_d=SIGMA_D)

    row = weight_sizes(found).iloc[0]

    # RMS over w_max 0.2 and 0.4: mean 0.3, t_1 * sqrt(0.02)/sqrt(2) = 1.27062; deviations 0.05/0.2 and 0.05/0.4
    assert row[c.MEAN] == pytest.approx(0.3)
    assert row[c.CI95] == pytest.approx(1.27062, rel=1e-4)
    assert row["deviation_to_weight"] == pytest.approx((0.25 + 0.125) / 2)
    assert row[c.NUM_SEEDS] == 2


def test_no_runs_give_no_audit() -> None:
    assert noise_audit([], sigma_d=SIGMA_D).empty


# ---------------------------------------------------------------- layers over methods
def sizes(**ratios: tuple[float, float]) -> pd.DataFrame:
    """A typical deviation over a typical weight of each method in two layers."""
    rows = [(name, layer, ratio) for name, each in ratios.items() for layer, ratio in zip("ab", each, strict=True)]
    return pd.DataFrame(rows, columns=["variant", "layer", "deviation_to_weight"])


def test_a_layer_is_the_mean_and_the_range_of_methods() -> None:
    found = layers_over_methods(sizes(one=(0.2, 0.6), other=(0.4, 0.6)))

    assert found["layer"].tolist() == ["a", "b"]
    np.testing.assert_allclose(found[["mean", "lowest", "highest"]], [[0.3, 0.2, 0.4], [0.6, 0.6, 0.6]])


def test_methods_spread_as_far_as_in_the_layer_in_which_they_differ_the_most() -> None:
    assert spread_over_methods(layers_over_methods(sizes(one=(0.2, 0.6), other=(0.4, 0.6)))) == pytest.approx(2 / 3)
    assert spread_over_methods(layers_over_methods(pd.DataFrame())) == 0
